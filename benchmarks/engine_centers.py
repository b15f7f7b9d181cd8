"""The whole study for many centers on a cluster started here: that it completes, and that memory stays flat.

``python benchmarks/engine_centers.py --centers 300`` simulates patients from the truth of the embedded data, gives them
to so many centers, and runs every notebook of each center and of all together. Three hundred take about an hour.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
from engine import watch_memory

from generator import simulate_population

ROOT = Path(__file__).resolve().parents[1]
SEED = 20250409
DATASET = """# SYNTHETIC: no real patient. Written by benchmarks/engine_centers.py.
name = "Synthetic functional high-risk myeloma, {centers} centers"
synthetic = true
data_cutoff_date = 2025-03-31
"""


def write_centers(folder: Path, centers: int, patients: int) -> None:
    """Write a dataset of simulated patients, each center as canonical CSV."""
    population = simulate_population(centers * patients, np.random.default_rng(SEED))
    names = [f"H{number:03d}" for number in range(1, centers + 1)]
    ids = population.patients["patient_id"]
    center = dict(zip(ids, np.array(names)[np.arange(len(ids)) % centers], strict=True))
    for table in ("patients", "assessments"):
        rows = getattr(population, table)
        rows = rows.assign(center=rows["patient_id"].map(center))
        for name, part in rows.groupby("center", observed=True):
            (folder / str(name)).mkdir(parents=True, exist_ok=True)
            part.to_csv(folder / str(name) / f"{table}.csv", index=False, date_format="%Y-%m-%d")
    (folder / "dataset.toml").write_text(DATASET.format(centers=centers), encoding="utf-8")


def main() -> None:
    """Run once and print one row per quarter of the run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--centers", type=int, default=300)
    parser.add_argument("--patients", type=int, default=6, help="per center")
    parser.add_argument("--scheduler", default="local", help="'' runs without a cluster")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_centers(folder / "data", options.centers, options.patients)
        places = ["--data", str(folder / "data"), "--out", str(folder / "reports"), "--work", str(folder / "work")]
        cluster = ["--scheduler", options.scheduler] if options.scheduler else []
        command = [sys.executable, "run_all.py", *places, *cluster, "--jobs", "2", "--quiet"]
        process = subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        seen: list[tuple[float, int, int]] = []
        threading.Thread(target=watch_memory, args=(process, seen, 2.0), daemon=True).start()
        said, _ = process.communicate()
        print(said.strip(), f"(status {process.returncode}, load {os.getloadavg()[0]:.1f})")
        nodes = json.loads((folder / "reports" / "manifest.json").read_text(encoding="utf-8"))["nodes"]
        print(f"{len(nodes)} nodes, {sum(row['state'] == 'ok' for row in nodes.values())} ok")
    print("| quarter of the run | runner's peak, MiB | whole tree's peak, MiB |")
    for number, part in enumerate(np.array_split(np.array(seen), 4), start=1):
        print(f"| {number}, until {part[-1, 0]:.0f} s | {part[:, 1].max():.0f} | {part[:, 2].max():.0f} |")


if __name__ == "__main__":
    main()
