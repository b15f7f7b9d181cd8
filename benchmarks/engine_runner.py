"""The runner alone over the graph of many centers, on a cluster started here whose tasks only write small files.

``python benchmarks/engine_runner.py --centers 300`` shows in two minutes what the runner itself holds on to: planning,
sending, remembering, and the manifest at the end are those of a real run; notebooks are not executed.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from engine import proportional_mib
from engine_centers import write_centers

from notebookrun import cli, cluster
from notebookrun.files import digest_names, write_whole
from notebookrun.task import DONE, Outcome, Task

ROOT = Path(__file__).resolve().parents[1]
FILES_PER_NOTEBOOK = 25


def pretend(task: Task, modules: Sequence[str], root: str) -> Outcome:
    """Write what a task declares, and as many files as a notebook has figures and tables."""
    names = [name.rstrip("?") for name in task.writes if "*" not in name]
    if task.page is not None:
        scope, notebook = task.node.scope, task.node.name
        names += [f"reports/{scope}/figures/{notebook}_figure_{number}.svg" for number in range(FILES_PER_NOTEBOOK)]
        names.append(f"reports/{scope}/{notebook}.html")
    for name in names:
        write_whole(task.places.absolute(name), name)
    seconds = {"total": 1.0, "cells": 0.9}
    return Outcome(task.node, DONE, "", digest_names(task.places, names), tuple(task.digests), (), seconds)


def main() -> None:
    """Run once and print the runner's memory at each tenth of the nodes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--centers", type=int, default=300)
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from run_all import PROJECT

    seen: list[int] = []
    take = cluster.DaskPool._take

    def watched(pool: Any, future: Any) -> Outcome:
        seen.append(proportional_mib(os.getpid()))
        return take(pool, future)

    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_centers(folder / "data", options.centers, 2)
        places = ["--data", str(folder / "data"), "--out", str(folder / "reports"), "--work", str(folder / "work")]
        with mock.patch.object(cluster, "run_remote", pretend), mock.patch.object(cluster.DaskPool, "_take", watched):
            status = cli.main(PROJECT, [*places, "--scheduler", "local", "--quiet"])
    tenths = [seen[len(seen) * part // 10 - 1] for part in range(1, 11)]
    print(f"status {status}, {len(seen)} nodes, {time.monotonic() - begun:.0f} s")
    print("MiB at each tenth of the nodes:", ", ".join(map(str, tenths)))
    print(f"peak, with the manifest: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10:.0f} MiB")


if __name__ == "__main__":
    main()
