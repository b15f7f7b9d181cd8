"""Worker processes on this machine, replaced when they die."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from notebookrun.graph import NodeId
from notebookrun.hostclient import ADDRESS_VARIABLE, CAN_FORK, KernelHost
from notebookrun.launch import KERNEL_ENVIRONMENT
from notebookrun.task import LOST, Executed, Outcome, Task

PRELOAD = ["notebookrun.workerhost"]


@dataclass
class _Worker:
    process: Any
    connection: Connection
    lifeline: Connection
    node: NodeId | None = None


Message = Outcome | Executed


class LocalPool:
    """Runs tasks in processes of this machine.

    Parameters
    ----------
    size : int
        Number of worker processes.
    modules : sequence of str or None
        What the parent of warm kernels imports beforehand; None starts every kernel afresh, as some systems must.
    folder : Path
        Working folder of that parent.
    """

    def __init__(self, size: int, modules: Sequence[str] | None, folder: Path) -> None:
        self._host = None
        os.environ.update(KERNEL_ENVIRONMENT)
        if modules is not None and CAN_FORK:
            self._host = KernelHost(modules, folder)
            os.environ[ADDRESS_VARIABLE] = self._host.address
        method = "forkserver" if hasattr(os, "fork") else "spawn"
        self._context = multiprocessing.get_context(method)
        if method == "forkserver":
            from multiprocessing import forkserver

            self._context.set_forkserver_preload(PRELOAD)
            forkserver.ensure_running()
        self._workers: list[_Worker] = []
        self._size = size

    @property
    def free(self) -> int:
        """How many tasks could be taken now."""
        return self._size - sum(worker.node is not None for worker in self._workers)

    def submit(self, task: Task) -> None:
        """Give a task to an idle worker; a new one is started if none is idle."""
        idle = [worker for worker in self._workers if worker.node is None]
        worker = idle[0] if idle else self._start()
        worker.node = task.node
        with contextlib.suppress(OSError):  # of a worker that has died, `wait` says that its task is lost
            worker.connection.send(task)

    def _start(self) -> _Worker:
        mine, theirs = self._context.Pipe()
        held, watched = self._context.Pipe(duplex=False)[::-1]
        process = self._context.Process(target=serve, args=(theirs, watched), daemon=True)
        process.start()
        theirs.close()
        watched.close()
        worker = _Worker(process, mine, held)
        self._workers.append(worker)
        return worker

    def wait(self, seconds: float) -> list[Message]:
        """Return what workers have said, waiting at most so long; a dead worker's task counts as lost."""
        if self._host is not None:
            self._host.tend()
        by_connection = {worker.connection: worker for worker in self._workers}
        if not by_connection:
            return []
        ready = wait(list(by_connection), timeout=seconds)
        return [message for c in ready if (message := self._receive(by_connection[c])) is not None]  # type: ignore[index]

    def _receive(self, worker: _Worker) -> Message | None:
        try:
            message: Message = worker.connection.recv()
        except (EOFError, OSError):
            node = worker.node
            self._drop(worker)
            return Outcome(node, LOST, "its worker process was killed") if node else None
        if isinstance(message, Outcome):
            worker.node = None
        return message

    def stop(self, node: NodeId) -> None:
        """Kill the worker of a node that does not answer."""
        for worker in self._workers:
            if worker.node == node:
                worker.process.kill()

    def process_ids(self) -> Sequence[int]:
        """Return the workers' process ids."""
        return [worker.process.pid for worker in self._workers]

    def _drop(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        for end in (worker.connection, worker.lifeline):
            with contextlib.suppress(OSError):
                end.close()
        worker.process.kill()
        worker.process.join(5)

    def close(self) -> None:
        """End all workers and what they run."""
        for worker in list(self._workers):
            self._drop(worker)
        if self._host is not None:
            self._host.close()


def serve(connection: Connection, lifeline: Connection) -> None:
    """Take tasks until the owner is gone: the main function of a worker process."""
    from notebookrun.processes import become_worker

    become_worker(lifeline)
    from notebookrun.worker import run_task

    while True:
        try:
            connection.send(run_task(connection.recv(), connection.send))
        except (EOFError, OSError):
            return
