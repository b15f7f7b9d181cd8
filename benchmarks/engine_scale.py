"""Many centers on a cluster started here: that it completes, and how much memory the runner takes as centers grow.

``python benchmarks/engine_scale.py --centers 100 300`` runs a light study (two notebooks and a step per center, one
comparison) for each number of centers; the embedded study itself would measure its own cells rather than the engine.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNNER = """
import resource, sys
from pathlib import Path
from notebookrun.cli import main
from notebookrun.project import Project

ROOT = Path(__file__).parent
PROJECT = Project(
    title="Scale", root=ROOT, notebooks=ROOT / "notebooks", packages={},
    list_scopes=lambda data: ["ALL", *sorted(p.name for p in data.iterdir())],
    input_files=lambda data, scope: sorted((data / scope).glob("*")) if scope != "ALL" else sorted(data.glob("*/*")),
)
if __name__ == "__main__":
    status = main(PROJECT)
    Path("peak").write_text(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024))
    sys.exit(status)
"""
PARAMETERS = """center: str = "ALL"  # scope
data_dir: str = "data"  # dataset
work_dir: str = "work"  # intermediates
reports_dir: str = "reports"  # reports
"""
READ = """from pathlib import Path
files = [p for p in sorted(Path(data_dir).rglob("*.csv")) if center in ("ALL", p.parent.name)]
ages = [int(age) for p in files for age in p.read_text().split()]
target = Path(work_dir) / center / "sum.txt"
target.parent.mkdir(parents=True, exist_ok=True)
target.write_text(str(sum(ages)))
"""
SHOW = """from pathlib import Path
total = (Path(work_dir) / center / "sum.txt").read_text()
target = Path(reports_dir) / center / "tables" / "sum.csv"
target.parent.mkdir(parents=True, exist_ok=True)
target.write_text(total)
"""
COMPARE = """from pathlib import Path
total = sum(int(p.read_text()) for p in Path(reports_dir).glob("*/tables/sum.csv"))
(Path(reports_dir) / center / "tables" / "total.csv").write_text(str(total))
"""


def notebook(code: str, **declared: object) -> str:
    """Return a notebook with a parameters cell and one more."""
    cells = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {"tags": tags}, "source": source, "outputs": [],
         "execution_count": None}
        for i, (source, tags) in enumerate([(PARAMETERS, ["parameters"]), (code, [])])
    ]  # fmt: skip
    return json.dumps({"cells": cells, "metadata": {"notebookrun": declared}, "nbformat": 4, "nbformat_minor": 5})


def make_study(root: Path, centers: int) -> None:
    """Write the light study."""
    total = {"reads": ["reports/*/tables/sum.csv"], "writes": ["reports/{scope}/tables/total.csv"], "scopes": "ALL"}
    files = {
        "run_all.py": RUNNER,
        "notebooks/01_read.ipynb": notebook(READ, reads=["data"], writes=["work/{scope}/sum.txt"]),
        "notebooks/02_show.ipynb": notebook(
            SHOW, reads=["work/{scope}/sum.txt"], writes=["reports/{scope}/tables/sum.csv"]
        ),
        "notebooks/07_compare.ipynb": notebook(COMPARE, **total),
    }
    files |= {f"data/C{i:04d}/a.csv": f"{i} {i + 1}\n" for i in range(centers)}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def run(root: Path, *options: str) -> tuple[float, int]:
    """Run the study; return seconds and the runner's own peak memory in MiB."""
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "run_all.py", "--quiet", *options], cwd=root, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return time.perf_counter() - begun, int((root / "peak").read_text())


def main() -> None:
    """Measure and print one row per number of centers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--centers", type=int, nargs="+", default=[100, 300])
    parser.add_argument("--scheduler", default="local")
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}")
    print("| centers | nodes | run, s | per node, s | runner's peak, MiB | unchanged, s |")
    for centers in options.centers:
        with tempfile.TemporaryDirectory() as name:
            make_study(Path(name), centers)
            seconds, peak = run(Path(name), "--scheduler", options.scheduler, "--jobs", "2")
            again, _ = run(Path(name))
            nodes = 2 * (centers + 1) + 1
            print(f"| {centers} | {nodes} | {seconds:.0f} | {seconds / nodes:.2f} | {peak} | {again:.1f} |", flush=True)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    main()
