"""Kaplan-Meier, log-rank and Cox at a million patients, side by side with R's survival in one run.

Usage: python benchmarks/estimators.py [--patients 1000000] [--repeats 3]

Times are in whole days or continuous, with 8 covariates. Each operation runs in a process of its own, ours and R's in
turn; loading the data is not timed. Prints one JSON line per operation with the fastest of the repeats, the ratio of
the times, the memory above that of the loaded data, and the relative difference of the two answers.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
OPERATIONS = ("kaplan_meier", "logrank", "cox")
COVARIATES = [f"x{i}" for i in range(1, 9)]
EFFECTS = np.array([0.5, -0.3, 0.2, 0.0, 0.1, -0.1, 0.4, 0.05])


def write_data(folder: Path, n: int, *, in_days: bool) -> None:
    """Write the columns as raw doubles, so that both sides read the same numbers."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, len(COVARIATES)))
    x[:, 0] = rng.random(n) < 0.5
    latent = rng.exponential(size=n) / np.exp(x @ EFFECTS)
    censoring = rng.exponential(3, size=n)
    months = np.minimum(latent, censoring) * 1000
    columns = {"time": np.ceil(months) if in_days else months, "event": (latent <= censoring).astype(float)}
    columns |= dict(zip(COVARIATES, x.T, strict=True))
    for name, values in columns.items():
        values.astype(float).tofile(folder / name)


def run_here(folder: Path, operation: str) -> dict[str, float]:
    """Time one operation of this project in this process."""
    from timetoevent.cox import fit_cox
    from timetoevent.kaplan_meier import kaplan_meier
    from timetoevent.logrank import logrank

    frame = pd.DataFrame({name: np.fromfile(folder / name) for name in ("time", "event", *COVARIATES)})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, processor = time.perf_counter(), time.process_time()
    if operation == "kaplan_meier":
        answer = float(kaplan_meier(frame["time"], frame["event"])["survival"].sum())
    elif operation == "logrank":
        answer = logrank(frame["time"], frame["event"], frame["x1"]).statistic
    else:
        answer = float(fit_cox(frame, time="time", event="event", terms=COVARIATES).coefficients["coefficient"].sum())
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {
        "seconds": time.perf_counter() - wall,
        "processor_seconds": time.process_time() - processor,
        "peak_mib": peak,
        "answer": answer,
    }


def best_of(command: list[str], repeats: int) -> dict[str, float]:
    """Run a command several times and keep the fastest answer."""
    answers = []
    for _ in range(repeats):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        answers.append(json.loads(done.stdout.strip().splitlines()[-1]))
    return min(answers, key=lambda answer: answer["seconds"])


def compare(n: int, repeats: int) -> None:
    """Print one line per kind of times and operation."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for in_days in (True, False):
            write_data(folder, n, in_days=in_days)
            for operation in OPERATIONS:
                ours = best_of([sys.executable, __file__, "--one", operation, name], repeats)
                theirs = best_of(["Rscript", str(HERE / "estimators.R"), name, operation], repeats)
                line = {
                    "operation": operation,
                    "times": "days" if in_days else "continuous",
                    "patients": n,
                    "seconds": round(ours["seconds"], 2),
                    "r_seconds": round(theirs["seconds"], 2),
                    "ratio": round(ours["seconds"] / theirs["seconds"], 2),
                    "mib": round(ours["peak_mib"]),
                    "r_mib": round(theirs["peak_mib"]),
                    "difference": abs(ours["answer"] / theirs["answer"] - 1),
                }
                print(json.dumps(line), flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("OPERATION", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        operation, folder = arguments.one
        print(json.dumps(run_here(Path(folder), operation)))
    else:
        compare(arguments.patients, arguments.repeats)


if __name__ == "__main__":
    main()
