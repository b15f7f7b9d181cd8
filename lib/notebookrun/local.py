"""Worker processes on this machine, replaced when they die."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from notebookrun.graph import NodeId
from notebookrun.hostclient import fork_from, start_host
from notebookrun.processes import become_worker
from notebookrun.task import LOST, Outcome, Task


class LocalPool:
    """Runs tasks in processes of this machine.

    Parameters
    ----------
    size : int
        Number of worker processes.
    modules : sequence of str or None
        What the parent of warm kernels imports beforehand; None starts every kernel afresh.
    folder : Path
        Working folder of that parent.
    """

    def __init__(self, size: int, modules: Sequence[str] | None, folder: Path) -> None:
        self._host = start_host(modules, folder)
        fork_from(self._host)
        self._size = size
        method = "forkserver" if hasattr(os, "fork") else "spawn"
        self._context = multiprocessing.get_context(method)
        if method == "forkserver":
            from multiprocessing import forkserver

            self._context.set_forkserver_preload(["notebookrun.worker"])
            forkserver.ensure_running()
        self._pool = self._make_pool()
        self._running: dict[concurrent.futures.Future[Outcome], NodeId] = {}

    def _make_pool(self) -> concurrent.futures.ProcessPoolExecutor:
        return concurrent.futures.ProcessPoolExecutor(self._size, self._context, initializer=become_worker)

    @property
    def free(self) -> int:
        """How many tasks could be taken now."""
        return self._size - len(self._running)

    def submit(self, task: Task) -> None:
        """Give a task to an idle worker; all are started anew if one of them has died."""
        try:
            future = self._pool.submit(run_task, task)
        except BrokenProcessPool:
            self._pool = self._make_pool()
            future = self._pool.submit(run_task, task)
        self._running[future] = task.node

    def wait(self, seconds: float) -> list[Outcome]:
        """Return what has ended, waiting at most so long; the task of a dead worker, and those beside it, are lost."""
        if self._host is not None:
            self._host.tend()
        done, _ = concurrent.futures.wait(self._running, seconds, concurrent.futures.FIRST_COMPLETED)
        lost = {future for future in done if future.cancelled() or future.exception()}
        outcomes = {future: self._running.pop(future) for future in done}
        return [
            Outcome(node, LOST, "its worker process was killed") if future in lost else future.result()
            for future, node in outcomes.items()
        ]

    def stop(self, node: NodeId) -> None:
        """Kill the workers, since one of them does not answer: what the others run is lost with it, and runs again."""
        for process in multiprocessing.active_children():
            process.kill()

    def close(self) -> None:
        """End all workers and what they run."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.kill()
        if self._host is not None:
            self._host.close()


def run_task(task: Task) -> Outcome:
    """Run a task in a worker, which alone imports what that takes."""
    from notebookrun import worker

    return worker.run_task(task)
