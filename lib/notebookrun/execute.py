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
from nbclient.exceptions import CellTimeoutError
from papermill.exceptions import PapermillExecutionError

from notebookrun.kernels import kernel_for
from notebookrun.launch import READER_MARK

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
    is_text_hidden : bool
        Whether the error has a text that is not for pages.
    is_lost : bool
        Whether the kernel was killed from outside or outputs went astray, so that another try may help.
    kernel_seconds, cell_seconds : float
        Time until the kernel was ready, and in cells.
    """

    environment: dict[str, str]
    folder: Path
    deadline: float
    notebook: Any = None
    error: str = ""
    is_text_hidden: bool = False
    is_lost: bool = False
    kernel_seconds: float = 0.0
    cell_seconds: float = 0.0


logging.getLogger("papermill").setLevel(logging.CRITICAL)


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
    begun = time.monotonic()
    execution.notebook = nbformat.from_dict(content)

    def note_start(notebook: Any) -> None:
        execution.notebook, execution.kernel_seconds = notebook, time.monotonic() - begun

    with kernel_for(execution.folder, execution.environment) as kernel, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            papermill.execute_notebook(
                execution.notebook,
                None,
                parameters,
                kernel_name="python3",
                language="python",
                progress_bar=False,
                request_save_on_cell_execute=False,
                autosave_cell_every=0,
                km=kernel,
                on_notebook_start=note_start,
                timeout_func=lambda cell: max(0.01, execution.deadline - time.monotonic()),
                iopub_timeout=OUTPUT_SECONDS,
            )
            nbformat.validate(execution.notebook)
        except PapermillExecutionError as error:
            # any other text than that of an error meant for the reader may quote a patient
            execution.is_text_hidden = error.traceback[:1] != [READER_MARK]
            said = error.ename if execution.is_text_hidden else f"{error.ename}: {error.evalue}"
            execution.error = f"cell {error.exec_count}: {said}"
        except CellTimeoutError:
            execution.is_lost = time.monotonic() < execution.deadline
            execution.error = "outputs of a cell did not arrive" if execution.is_lost else TIME_IS_OVER
        except nbformat.ValidationError as error:
            execution.error = f"an output is not what a notebook can hold: {error.message}"
        except RuntimeError:  # of nbclient and of the kernel's client, for a kernel that is dead
            execution.error = kernel.describe_death()
            execution.is_lost = "signal 9" in execution.error
    execution.cell_seconds = time.monotonic() - begun - execution.kernel_seconds
