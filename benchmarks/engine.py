"""The engine against the usual loop, on the embedded dataset: ratios measured in one run.

``python benchmarks/engine.py --scopes 2`` measures a part; without options all scopes. The usual loop is the shell one:
``papermill`` and then ``jupyter nbconvert``, one notebook after the other.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
THIRDS = 3


def timed(command: Sequence[str]) -> float:
    """Run a command and return its seconds; nothing else runs, not even a look at its memory."""
    begun = time.perf_counter()
    _check(command, subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait())
    return time.perf_counter() - begun


def peak_memory(command: Sequence[str]) -> int:
    """Run a command and return the peak memory of its process tree in MiB; looking at it takes time of its own."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seen: list[tuple[float, int, int]] = []
    watch_memory(process, seen)
    _check(command, process.wait())
    return max((tree for _, _, tree in seen), default=0)


def _check(command: Sequence[str], status: int) -> None:
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {status}")


def watch_memory(process: subprocess.Popen[Any], seen: list[tuple[float, int, int]], pause: float = 0.5) -> None:
    """Note seconds and the proportional set size (MiB) of a process alone and with its family, until it ends."""
    begun = time.perf_counter()
    while process.poll() is None:
        tree = sum(proportional_mib(pid) for pid in family(process.pid))
        seen.append((time.perf_counter() - begun, proportional_mib(process.pid), tree))
        time.sleep(pause)


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    found = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += family(int(child))
    except OSError:
        pass
    return found


def proportional_mib(pid: int) -> int:
    """Return the proportional set size of a process: shared pages count once among those who share them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) // 1024


def loop_commands(scopes: Sequence[str], folder: Path) -> list[str]:
    """Return the usual loop as shell commands, one or more per node, in an order that works."""
    from run_all import PROJECT

    from notebookrun.graph import build_graph
    from notebookrun.sources import read_notebooks

    notebooks = [*read_notebooks(PROJECT.notebooks), *PROJECT.steps]
    graph = build_graph(notebooks, PROJECT.list_scopes(ROOT / PROJECT.data))
    binaries = Path(sys.executable).parent
    commands = []
    for node in graph.nodes:
        if node.scope not in scopes:
            continue
        if graph.nodes[node].work.is_step:
            call = f"store.combine_estimates({str(folder / 'reports')!r}, {node.scope!r})"
            commands.append(f'{sys.executable} -c "from fhrmm import store; {call}"')
            continue
        page = folder / "reports" / node.scope / f"{node.name}.ipynb"
        commands += [
            f"mkdir -p {page.parent}",
            f"{binaries}/papermill notebooks/{node.name}.ipynb {page} -k python3 -p center {node.scope}"
            f" -p work_dir {folder / 'work'} -p reports_dir {folder / 'reports'}",
            f"{binaries}/jupyter nbconvert --to html {page}",
        ]
    return commands


def engine_command(scopes: Sequence[str], folder: Path, *options: str) -> list[str]:
    """Return the engine's command for the same nodes."""
    chosen = [word for scope in scopes for word in ("--center", scope)]
    places = ["--out", str(folder / "reports"), "--work", str(folder / "work")]
    return [sys.executable, "run_all.py", *places, *chosen, "--jobs", "2", *options]


def ideal_seconds(folder: Path) -> float:
    """Return the sum of the time in cells divided by the cores, as if nothing else took time."""
    nodes = json.loads((folder / "reports" / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    return sum(row["seconds"].get("cells", 0.0) for row in nodes.values()) / min(2, os.cpu_count() or 1)


class Runs:
    """First runs of the engine, each in a folder of its own: their seconds, and those of cells alone, by the cores."""

    def __init__(self, scopes: Sequence[str], folder: Path) -> None:
        self._scopes, self._folder = scopes, folder
        self.seconds: list[float] = []
        self.ideal: list[float] = []

    def once_more(self) -> Path:
        """Run the engine, and return the folder it ran in."""
        folder = self._folder / f"warm{len(self.seconds)}"
        self.seconds.append(timed(engine_command(self._scopes, folder)))
        self.ideal.append(ideal_seconds(folder))
        return folder

    @property
    def mean(self) -> float:
        """Mean seconds of a run."""
        return sum(self.seconds) / len(self.seconds)


def measure(scopes: Sequence[str], with_loop: bool) -> Iterator[tuple[str, str]]:
    """Yield the rows of the table as they are measured."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = Runs(scopes, folder)
        first = runs.once_more()
        yield "engine, first run, 2 jobs", f"{runs.mean:.1f} s"
        yield "engine, nothing changed", f"{timed(engine_command(scopes, first)):.2f} s"
        if with_loop:
            yield from beside_loop(scopes, folder, runs)
        ideal = sum(runs.ideal) / len(runs.ideal)
        yield "time in cells divided by the cores", f"{ideal:.1f} s; engine / ideal {runs.mean / ideal:.2f}"
        cold = timed(engine_command(scopes, folder / "cold", "--cold"))
        yield "engine, kernels started afresh", f"{cold:.1f} s; {cold / runs.mean:.1f} times the warm one"
        yield "peak memory of the process tree", f"{peak_memory(engine_command(scopes, folder / 'watched'))} MiB"


def beside_loop(scopes: Sequence[str], folder: Path, runs: Runs) -> Iterator[tuple[str, str]]:
    """Yield what the usual loop takes; after each third the engine runs again, since machines change their speed."""
    commands, loop = loop_commands(scopes, folder / "loop"), 0.0
    for number in range(THIRDS):
        part = commands[number * len(commands) // THIRDS : (number + 1) * len(commands) // THIRDS]
        loop += timed(["bash", "-c", "\n".join(["set -e", *part])])
        runs.once_more()
    each = ", ".join(f"{seconds:.1f}" for seconds in runs.seconds)
    yield "shell loop papermill + nbconvert", f"{loop:.1f} s; engine before, twice meanwhile and after: {each} s"
    yield "shell loop / mean of the engine's runs", f"{loop / runs.mean:.1f}"


def main() -> None:
    """Measure and print a table."""
    from run_all import PROJECT

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scopes", type=int, default=0, help="how many of the smallest scopes; 0 for all")
    parser.add_argument("--no-loop", action="store_true", help="leave out the usual loop, which takes long")
    options = parser.parse_args()
    scopes = PROJECT.list_scopes(ROOT / PROJECT.data)
    chosen = scopes[-options.scopes :] if options.scopes else scopes
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"{len(chosen)} scopes; {machine}", flush=True)
    for what, value in measure(chosen, not options.no_loop):
        print(f"| {what} | {value} |", flush=True)


if __name__ == "__main__":
    main()
