"""What a Dask worker does with one task; its kernels are processes of their own, and end with it."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Sequence
from pathlib import Path

from notebookrun.exchange import run_staged
from notebookrun.hostclient import ADDRESS_VARIABLE, CAN_FORK, KernelHost
from notebookrun.launch import KERNEL_ENVIRONMENT
from notebookrun.scratch import remove_abandoned, scratch_folder
from notebookrun.task import Outcome, Task
from notebookrun.worker import run_task

_lock = threading.Lock()


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
    os.environ.update(KERNEL_ENVIRONMENT)
    if task.is_warm and CAN_FORK:
        with _lock:
            host = _host(tuple(modules), folder)
            host.tend()
        os.environ[ADDRESS_VARIABLE] = host.address
    if not task.exchange:
        return run_task(task)
    with scratch_folder() as scratch:
        return run_staged(task, Path(scratch) / "run", folder, run_task)


@functools.cache
def _host(modules: tuple[str, ...], folder: Path) -> KernelHost:
    remove_abandoned()
    return KernelHost(modules, folder)
