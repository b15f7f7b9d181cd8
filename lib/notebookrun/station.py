"""A worker process that a Dask worker owns: takes tasks on standard input, answers on standard output.

Notebooks do not run in the Dask worker itself: it has threads, and a crash of a notebook must not take it along.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from notebookrun.exchange import run_staged
from notebookrun.hostclient import ADDRESS_VARIABLE, CAN_FORK, KernelHost
from notebookrun.launch import KERNEL_ENVIRONMENT
from notebookrun.scratch import remove_abandoned, scratch_folder
from notebookrun.task import LOST, Outcome, Task

_stations: queue.LifoQueue[Station] = queue.LifoQueue()
_hosts: dict[tuple[str, ...], KernelHost] = {}
_lock = threading.Lock()


class Station:
    """One worker process, used by one thread at a time."""

    def __init__(self, address: str | None, folder: Path) -> None:
        environment = {**os.environ, **KERNEL_ENVIRONMENT}
        if address is not None:
            environment[ADDRESS_VARIABLE] = address
        command = [sys.executable, "-P", "-m", "notebookrun.station"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder, env=environment
        )

    def run(self, task: Task) -> Outcome:
        """Run one task; a station that dies over it says so and is not used again."""
        try:
            pickle.dump(task, self._process.stdin)  # type: ignore[arg-type]
            self._process.stdin.flush()  # type: ignore[union-attr]
            outcome: Outcome = pickle.load(self._process.stdout)  # type: ignore[arg-type]
        except (OSError, EOFError, pickle.UnpicklingError):
            self._process.kill()
            self._process.wait()
            return Outcome(task.node, LOST, "its worker process was killed")
        _stations.put(self)
        return outcome


def run_remote(task: Task, modules: Sequence[str], root: str) -> Outcome:
    """Run a task on a Dask worker: the function that is sent to the cluster.

    Parameters
    ----------
    task : Task
        What to run.
    modules : sequence of str
        What the parent of warm kernels imports beforehand.
    root : str
        The repository on the worker's machine; ``NOTEBOOKRUN_ROOT`` of the worker's environment goes before.
    """
    folder = Path(os.environ.get("NOTEBOOKRUN_ROOT", root))
    try:
        station = _stations.get_nowait()
    except queue.Empty:
        station = Station(_host_address(tuple(modules), folder) if task.is_warm else None, folder)
    return station.run(task)


def _host_address(modules: tuple[str, ...], folder: Path) -> str | None:
    if not CAN_FORK:
        return None
    with _lock:
        if modules not in _hosts:
            _hosts[modules] = KernelHost(modules, folder)
        _hosts[modules].tend()
        return _hosts[modules].address


def serve(source: BinaryIO, target: BinaryIO) -> None:
    """Take tasks until the owner closes the pipe, and end at once when it does, whatever is running."""
    from notebookrun.worker import run_task

    remove_abandoned()
    tasks: queue.Queue[Any] = queue.Queue()

    def read() -> None:
        with contextlib.suppress(EOFError, OSError, pickle.UnpicklingError):
            while True:
                tasks.put(pickle.load(source))
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        task: Task = tasks.get()
        if task.exchange:
            with scratch_folder() as scratch:
                outcome = run_staged(task, Path(scratch) / "run", Path.cwd(), run_task)
        else:
            outcome = run_task(task)
        pickle.dump(outcome, target)
        target.flush()


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else prints must not get between the answers
    serve(sys.stdin.buffer, answers)
