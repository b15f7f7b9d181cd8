"""Runs one notebook with papermill: its own kernel, a time limit for the whole, and what was done when it failed.

`papermill.execute_notebook` reads a notebook from text and writes it to text, wherever it comes from and goes to; here
its steps are called one by one, and neither is done.
"""

from __future__ import annotations

import logging
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

from notebookrun import lean  # noqa: F401  before nbformat

# isort: split
import nbformat
from jupyter_client.utils import run_sync
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.execute import raise_for_execution_errors
from papermill.parameterize import parameterize_notebook

from notebookrun.kernels import KernelDiedError, describe_death, kernel_manager, socket_folder
from notebookrun.sources import cell_source

ENGINE, KERNEL = "notebookrun", "python3"
OUTPUT_SECONDS = 30  # how long the outputs of a cell that has ended may be under way
TIME_IS_OVER = "the time limit for one notebook was reached"


@dataclass
class Execution:
    """One notebook on its way through a kernel.

    Attributes
    ----------
    notebook : NotebookNode or None
        As far as it has come.
    error : str
        Why it stopped, in one sentence; empty if it ran through.
    is_lost : bool
        Whether the kernel was killed from outside or outputs went astray, so that another try may help.
    kernel_seconds, cell_seconds : float
        Time until the kernel was ready, and in cells.
    """

    is_warm: bool
    environment: dict[str, str]
    folder: Path
    deadline: float
    notebook: Any = None
    error: str = ""
    is_lost: bool = False
    kernel_seconds: float = 0.0
    cell_seconds: float = 0.0


class _Client(PapermillNotebookClient):
    """A papermill client that notes how long the kernel and the cells took."""

    def __init__(self, manager: Any, execution: Execution, **options: Any) -> None:
        super().__init__(manager, **options)
        self.execution = execution

    async def async_start_new_kernel_client(self) -> Any:
        """Connect to the kernel: no heartbeat, and no fixed pause to see whether messages have ended."""
        self.kc = self.km.client()
        self.kc.start_channels(stdin=False, hb=False)
        until = time.monotonic() + self.startup_timeout
        while not await self._answers():
            if not await self.km.is_alive() or time.monotonic() > until:
                raise KernelDiedError(describe_death(self.km))
        self.kc.allow_stdin = False
        self.execution.kernel_seconds = time.monotonic() - self._begun
        return self.kc

    async def _answers(self) -> bool:
        """Ask for the kernel's information; True once both the reply and its public echo have come."""
        request = self.kc.kernel_info()
        try:
            await self.kc.get_shell_msg(timeout=1)
            while True:
                message = await self.kc.get_iopub_msg(timeout=0.2)
                is_end = message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"
                if is_end and message["parent_header"].get("msg_id") == request:
                    return True
        except Empty:
            return False

    start_new_kernel_client = run_sync(async_start_new_kernel_client)

    def execute(self, **options: Any) -> Any:
        """Run all cells."""
        self._begun = time.monotonic()
        return super().execute(**options)

    def papermill_execute_cells(self) -> None:
        """Run the cells one after the other; nobody reads when each began and ended."""
        begun = time.monotonic()
        try:
            self._execute_cells()
        finally:
            self.execution.cell_seconds = time.monotonic() - begun

    async def _async_execute_cells(self) -> None:
        for index, cell in enumerate(self.nb.cells):
            try:
                await self.async_execute_cell(cell, index)
            except CellExecutionError as error:
                self.nb_man.cell_exception(cell, cell_index=index, exception=error)
                return

    _execute_cells = run_sync(_async_execute_cells)


class Engine(NBClientEngine):
    """The papermill engine of this package: no file is written between cells, one time limit for all."""

    @classmethod
    def execute_managed_notebook(  # type: ignore[override]
        cls, nb_man: Any, kernel_name: str, execution: Execution, start_timeout: int = 60, **_: Any
    ) -> None:
        """Run the managed notebook in a kernel of its own."""
        execution.notebook = nb_man.nb
        options = {
            "kernel_name": kernel_name,
            "startup_timeout": start_timeout,
            "shutdown_kernel": "immediate",
            "timeout_func": lambda cell: max(0.01, execution.deadline - time.monotonic()),
            "iopub_timeout": OUTPUT_SECONDS,
            "raise_on_iopub_timeout": True,
            "record_timing": False,  # no page shows the times of its cells
            "log": logging.getLogger("notebookrun.client"),
        }
        with socket_folder() as folder:
            manager = kernel_manager(execution.is_warm, folder)
            client = _Client(nb_man, execution, km=manager, **options)
            client.owns_km = True
            try:
                client.execute(env=execution.environment, cwd=str(execution.folder))
            except (DeadKernelError, RuntimeError) as error:
                raise KernelDiedError(describe_death(manager)) from error


papermill_engines.register(ENGINE, Engine)
logging.getLogger("papermill").setLevel(logging.ERROR)
logging.getLogger("notebookrun.client").setLevel(logging.CRITICAL)


def execute_notebook(content: dict[str, Any], parameters: dict[str, Any], execution: Execution) -> None:
    """Execute a notebook; the result, also a partial one, is left in `execution`.

    Parameters
    ----------
    content : dict
        The notebook as JSON.
    parameters : dict
        Values to inject.
    execution : Execution
        Where and how; receives the executed notebook and the reason of a failure.
    """
    notebook = _prepare(content, parameters)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            papermill_engines.execute_notebook_with_engine(
                ENGINE, notebook, kernel_name=KERNEL, progress_bar=False, autosave_cell_every=0, execution=execution
            )
        raise_for_execution_errors(notebook, None)
        nbformat.validate(notebook)
    except PapermillExecutionError as error:
        execution.error = f"cell {error.exec_count}: {error.ename}: {error.evalue}"
    except CellTimeoutError:
        execution.is_lost = time.monotonic() < execution.deadline
        execution.error = "outputs of a cell did not arrive" if execution.is_lost else TIME_IS_OVER
    except nbformat.ValidationError as error:
        execution.error = f"an output is not what a notebook can hold: {error.message}"
    except KernelDiedError as error:
        execution.error = str(error)
        execution.is_lost = "signal 9" in execution.error
    if execution.notebook is None:
        execution.notebook = notebook


def _prepare(content: dict[str, Any], parameters: dict[str, Any]) -> Any:
    """Return a notebook as papermill's engines expect it, with the parameters in a cell of their own."""
    cells = [{**cell, "source": cell_source(cell)} for cell in content["cells"]]
    notebook = nbformat.from_dict({**content, "cells": cells})
    notebook.metadata["papermill"] = {}
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])
        cell.metadata["papermill"] = {}
    if parameters:
        notebook = parameterize_notebook(
            notebook, parameters, kernel_name=KERNEL, language="python", engine_name=ENGINE
        )
    return notebook
