"""Tasks on a Dask cluster: an existing one (``tcp://HOST:PORT``), or one started here (``local``)."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import queue
import threading
import time
from pathlib import Path
from typing import Any

from notebookrun.errors import MisuseError
from notebookrun.exchange import Exchange, describe_any, fetch_outputs, run_staged, send_inputs
from notebookrun.graph import NodeId
from notebookrun.hostclient import KernelHost, fork_from, start_host
from notebookrun.scratch import remove_abandoned, scratch_folder
from notebookrun.task import FAILED, LOST, Outcome, Task

PATIENCE_SECONDS = 120.0  # how long the scheduler may have no worker, or not answer
SCHEDULER_GONE, NO_WORKER = "the scheduler of the cluster is gone", "the cluster has no worker left"


class DaskPool:
    """Runs tasks on the workers of a Dask cluster.

    Parameters
    ----------
    address : str
        Address of the scheduler, or ``local`` to start scheduler and workers on this machine.
    jobs : int
        Number of workers to start, where they are started here.
    modules : tuple of str or None
        What the parents of warm kernels import beforehand; None starts every kernel afresh.
    root : Path
        The repository.
    exchange_url : str
        Where files are exchanged with workers that do not see this machine's folders; empty for shared folders.

    Raises
    ------
    MisuseError
        If Dask is not installed, no scheduler or no worker answers, or the place of exchange is none.
    """

    def __init__(
        self, address: str, jobs: int, modules: tuple[str, ...] | None, root: Path, exchange_url: str = ""
    ) -> None:
        self._exchange = Exchange(exchange_url) if exchange_url else None
        if self._exchange:
            self._exchange.check()
        self._client = _connect(address, jobs)
        from distributed.client import ClosedClientError

        self._unreachable = (OSError, RuntimeError, ClosedClientError)
        self._slots = max(jobs if address == "local" else sum(self._client.nthreads().values()), 1)
        self._modules, self._root = modules, str(root)
        self._running: dict[NodeId, tuple[Any, Task]] = {}
        self._done: queue.Queue[Any] = queue.Queue()
        self._answers: list[Outcome] = []
        self._problem = ""
        self._last_seen = time.monotonic()

    @property
    def free(self) -> int:
        """How many tasks could be taken now; a few more than workers, so that none waits for the next."""
        return self._slots + 2 - len(self._running)

    def submit(self, task: Task) -> None:
        """Send a task to the cluster, where the scheduler chooses the worker; without a cluster it is lost at once."""
        if self._problem:
            self._answers.append(Outcome(task.node, LOST, self._problem))
            return
        try:
            sent = send_inputs(self._exchange, task) if self._exchange else task
        except Exception as error:  # whatever the driver of the place raises
            self._answers.append(Outcome(task.node, FAILED, f"its inputs could not be sent: {describe_any(error)}"))
            return
        # new for each try; the scheduler keeps statistics by its first part
        key = (task.node.name, task.node.scope, next(_count))
        try:
            future = self._client.submit(run_remote, sent, self._modules, self._root, pure=False, key=key)
        except self._unreachable:
            self._give_up(SCHEDULER_GONE)
            self._answers.append(Outcome(task.node, LOST, self._problem))
            return
        self._running[task.node] = (future, task)
        future.add_done_callback(self._done.put)

    def wait(self, seconds: float) -> list[Outcome]:
        """Return what has ended, waiting at most so long; all is lost with the scheduler, or with all workers."""
        found: list[Outcome] = []
        with contextlib.suppress(queue.Empty):
            found += self._take(self._done.get(timeout=0 if self._answers else seconds))
            while True:
                found += self._take(self._done.get_nowait())
        if any(outcome.state != LOST for outcome in found):
            self._last_seen = time.monotonic()
        elif not self._problem:
            self._look()
        answers, self._answers = self._answers, []
        return [*found, *answers]

    def _look(self) -> None:
        """See whether the cluster is still there, if nothing has been heard of it."""
        if self._client.status in ("closing", "closed"):
            self._give_up(SCHEDULER_GONE)
            return
        with contextlib.suppress(*self._unreachable):
            if self._client.status == "running" and self._client.nthreads():
                self._last_seen = time.monotonic()
        if time.monotonic() - self._last_seen > PATIENCE_SECONDS:
            self._give_up(NO_WORKER if self._client.status == "running" else SCHEDULER_GONE)

    def _give_up(self, problem: str) -> None:
        self._problem = problem
        self._answers += [Outcome(node, LOST, problem) for node in self._running]
        self._running.clear()

    def _take(self, future: Any) -> list[Outcome]:
        """Return what became of a task, unless it was given up before."""
        node = next((node for node, (other, _) in self._running.items() if other.key == future.key), None)
        if node is None:
            return []
        _, task = self._running.pop(node)
        if future.status != "finished":
            said = "it was cancelled" if future.status == "cancelled" else type(future.exception()).__name__
            return [Outcome(node, LOST, f"the cluster lost it: {said}")]
        outcome: Outcome = future.result()
        try:
            return [fetch_outputs(self._exchange, task, outcome) if self._exchange else outcome]
        except Exception as error:  # as above
            return [Outcome(node, FAILED, f"its results could not be fetched: {describe_any(error)}")]

    def stop(self, node: NodeId) -> None:
        """Give up a task that does not answer."""
        future, _ = self._running[node]
        with contextlib.suppress(*self._unreachable):
            future.cancel(force=True)

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        for node in list(self._running):
            self.stop(node)
        cluster = getattr(self._client, "cluster", None)
        self._client.close()
        if cluster is not None:
            cluster.close()


_count = iter(range(10**12))
# By default a client, and a scheduler in the same process, keep their last thousand messages: whole notebooks.
_SHORT_LOGS = {"distributed.admin.low-level-log-length": 10}
# They tell of a lost scheduler with tracebacks; a run says it in words.
_LOGGERS = ("distributed", "distributed.client", "tornado.application", "asyncio")


_lock = threading.Lock()


def run_remote(task: Task, modules: tuple[str, ...] | None, root: str) -> Outcome:
    """Run a task on a Dask worker: the function that is sent to the cluster. Kernels are processes that end with it.

    Parameters
    ----------
    task : Task
        What to run.
    modules : tuple of str or None
        What the parent of warm kernels imports beforehand; None starts every kernel afresh.
    root : str
        The repository on the worker's machine; ``NOTEBOOKRUN_ROOT`` of the worker's environment goes before.
    """
    from notebookrun.worker import run_task  # and with it all that a worker needs

    folder = Path(os.environ.get("NOTEBOOKRUN_ROOT", root))
    with _lock:
        fork_from(_host(modules, folder))
    if not task.exchange:
        return run_task(task)
    with scratch_folder() as scratch:
        return run_staged(task, Path(scratch), folder, run_task)


@functools.cache
def _host(modules: tuple[str, ...] | None, folder: Path) -> KernelHost | None:
    remove_abandoned()
    return start_host(modules, folder)


def _connect(address: str, jobs: int) -> Any:
    """Return a client of the cluster."""
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        raise MisuseError(["--scheduler needs Dask: pip install 'fhrmm-compendium[cluster]'"]) from None
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with dask.config.set(_SHORT_LOGS):
        if address == "local":
            # any free port: the usual one may belong to another cluster on this machine
            pages = {"dashboard_address": "127.0.0.1:0", "scheduler_kwargs": {"dashboard": False}}
            return Client(LocalCluster(n_workers=jobs, threads_per_worker=1, **pages))
        try:
            client = Client(address, timeout=10)
        except (OSError, ValueError) as error:
            raise MisuseError([f"--scheduler {address}: no scheduler answers ({type(error).__name__})"]) from None
    if not client.nthreads():
        client.close()
        raise MisuseError([f"--scheduler {address}: the scheduler has no worker"])
    return client
