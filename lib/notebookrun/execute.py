"""Runs one notebook with papermill: its own kernel, a time limit for the whole, and what was done when it failed."""

from __future__ import annotations

import logging
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError

from notebookrun.kernels import KernelDiedError, kernel_manager, socket_folder

ENGINE = "notebookrun"


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
        Whether the kernel was killed from outside, so that another try may help.
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

    def start_new_kernel_client(self) -> Any:
        """Wait for the kernel."""
        client = super().start_new_kernel_client()
        self.execution.kernel_seconds = time.monotonic() - self._begun
        return client

    def execute(self, **options: Any) -> Any:
        """Run all cells."""
        self._begun = time.monotonic()
        return super().execute(**options)

    def papermill_execute_cells(self) -> None:
        """Run the cells one after the other."""
        begun = time.monotonic()
        try:
            super().papermill_execute_cells()
        finally:
            self.execution.cell_seconds = time.monotonic() - begun


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
            "iopub_timeout": 30,
            "log": logging.getLogger("notebookrun.client"),
        }
        with socket_folder() as folder:
            client = _Client(nb_man, execution, km=kernel_manager(execution.is_warm, folder), **options)
            client.owns_km = True
            client.execute(env=execution.environment, cwd=str(execution.folder))


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
    notebook = nbformat.from_dict(content)
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            papermill.execute_notebook(
                notebook,
                None,
                parameters=parameters,
                engine_name=ENGINE,
                kernel_name="python3",
                language="python",
                progress_bar=False,
                execution=execution,
            )
    except PapermillExecutionError as error:
        execution.error = f"cell {error.exec_count}: {error.ename}: {error.evalue}"
    except CellTimeoutError:
        execution.error = "the time limit for one notebook was reached"
    except (DeadKernelError, KernelDiedError) as error:
        execution.error, execution.is_lost = _death(error)
    if execution.notebook is None:
        execution.notebook = notebook


def _death(error: Exception) -> tuple[str, bool]:
    """Return how a kernel died, and whether it was killed from outside."""
    text = str(error) if isinstance(error, KernelDiedError) else "the kernel died"
    return text, "signal 9" in text
