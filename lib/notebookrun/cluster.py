"""Tasks on a Dask cluster: an existing one (``tcp://HOST:PORT``), or one started here (``local``)."""

from __future__ import annotations

import queue
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from notebookrun.errors import MisuseError
from notebookrun.exchange import Exchange, fetch_outputs, send_inputs
from notebookrun.graph import NodeId
from notebookrun.station import run_remote
from notebookrun.task import FAILED, LOST, Executed, Outcome, Task


class DaskPool:
    """Runs tasks on the workers of a Dask cluster.

    Parameters
    ----------
    address : str
        Address of the scheduler, or ``local`` to start scheduler and workers on this machine.
    jobs : int
        Number of workers to start, where they are started here.
    modules : sequence of str
        What the parents of warm kernels import beforehand.
    root : Path
        The repository.
    exchange_url : str
        Where files are exchanged with workers that do not see this machine's folders; empty for shared folders.

    Raises
    ------
    MisuseError
        If Dask is not installed, or no scheduler or no worker answers.
    """

    def __init__(self, address: str, jobs: int, modules: Sequence[str], root: Path, exchange_url: str = "") -> None:
        self._client = connect(address, jobs)
        self._slots = max(jobs if address == "local" else sum(self._client.nthreads().values()), 1)
        self._modules = tuple(modules)
        self._root = str(root)
        self._exchange = Exchange(exchange_url) if exchange_url else None
        self._running: dict[NodeId, tuple[Any, Task]] = {}
        self._done: queue.Queue[Any] = queue.Queue()
        self._inputs: Mapping[str, str | None] = {}

    @property
    def free(self) -> int:
        """How many tasks could be taken now; a few more than workers, so that none waits for the next."""
        return self._slots + 2 - len(self._running)

    def submit(self, task: Task) -> None:
        """Send a task to the cluster, where the scheduler chooses the worker."""
        sent = send_inputs(self._exchange, task, task.digests) if self._exchange else task
        future = self._client.submit(run_remote, sent, self._modules, self._root, pure=False, key=_key(task))
        self._running[task.node] = (future, task)
        future.add_done_callback(self._done.put)

    def wait(self, seconds: float) -> list[Outcome | Executed]:
        """Return what has ended, waiting at most so long."""
        found: list[Outcome | Executed] = []
        try:
            found.append(self._take(self._done.get(timeout=seconds)))
            while True:
                found.append(self._take(self._done.get_nowait()))
        except queue.Empty:
            return found

    def _take(self, future: Any) -> Outcome:
        node = next(node for node, (other, _) in self._running.items() if other.key == future.key)
        _, task = self._running.pop(node)
        if future.status != "finished":
            return Outcome(node, LOST, f"the cluster lost it: {_short(future)}")
        outcome: Outcome = future.result()
        if self._exchange is None:
            return outcome
        try:
            return fetch_outputs(self._exchange, task.places, outcome)
        except OSError as error:
            return Outcome(node, FAILED, f"its results could not be fetched: {error}")

    def stop(self, node: NodeId) -> None:
        """Give up a task that does not answer."""
        future, _ = self._running[node]
        future.cancel(force=True)

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        for future, _ in self._running.values():
            future.cancel(force=True)
        cluster = getattr(self._client, "cluster", None)
        self._client.close()
        if cluster is not None:
            cluster.close()


_count = iter(range(10**12))
# By default a client, and a scheduler in the same process, keep their last thousand messages: whole notebooks.
_SHORT_LOGS = {"distributed.admin.low-level-log-length": 10}


def _key(task: Task) -> tuple[str, str, int]:
    """Return a key that is new for each try; the scheduler keeps statistics by its first part."""
    return task.node.name, task.node.scope, next(_count)


def _short(future: Any) -> str:
    if future.status == "cancelled":
        return "it was cancelled"
    return f"{type(future.exception()).__name__}"


def connect(address: str, jobs: int) -> Any:
    """Return a client of the cluster."""
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        raise MisuseError(["--scheduler needs Dask: pip install 'fhrmm-compendium[cluster]'"]) from None
    with dask.config.set(_SHORT_LOGS):
        if address == "local":
            return Client(LocalCluster(n_workers=jobs, threads_per_worker=1, dashboard_address=None))
        try:
            client = Client(address, timeout=10)
        except (OSError, ValueError) as error:
            raise MisuseError([f"--scheduler {address}: no scheduler answers ({type(error).__name__})"]) from None
    if not client.nthreads():
        client.close()
        raise MisuseError([f"--scheduler {address}: the scheduler has no worker"])
    return client
