"""A kernel of the engine, driven by papermill: what runs in it, and what comes back."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from notebookrun.execute import Execution, execute_notebook
from notebookrun.launch import KERNEL_ENVIRONMENT

pytestmark = pytest.mark.slow


def execute(folder: Path, *cells: str, is_warm: bool = True) -> Execution:
    """Run cells in a kernel of their own."""
    content = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": cell, "outputs": [], "execution_count": None}
        for n, cell in enumerate(cells)
    ]
    notebook: dict[str, Any] = {"cells": content, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    execution = Execution(is_warm, {**os.environ, **KERNEL_ENVIRONMENT}, folder, time.monotonic() + 60)
    execute_notebook(notebook, {}, execution)
    return execution


@pytest.mark.parametrize("is_warm", [True, False])
def test_requests_are_not_passed_through_a_thread_of_their_own(tmp_path: Path, is_warm: bool) -> None:
    look = "import threading\nprint(sorted(thread.name for thread in threading.enumerate()))"
    execution = execute(tmp_path, look, is_warm=is_warm)
    assert execution.error == ""
    names = execution.notebook.cells[0].outputs[0].text
    assert "MainThread" in names
    assert "Shell channel" not in names


def test_every_kind_of_output_comes_back(tmp_path: Path) -> None:
    execution = execute(
        tmp_path,
        "import sys\nprint('out')\nprint('err', file=sys.stderr)",
        "from IPython.display import HTML, display\nhandle = display(HTML('<b>first</b>'), display_id='x')\n40 + 2",
        "handle.update(HTML('<b>second</b>'))",
        "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('kept')",
        "1 / 0",
        "print('never')",
    )
    cells = [cell for cell in execution.notebook.cells if cell.cell_type == "code"]  # papermill points at the error
    kinds = [[output.output_type for output in cell.outputs] for cell in cells]
    assert kinds == [["stream", "stream"], ["display_data", "execute_result"], [], ["stream"], ["error"], []]
    assert cells[1].outputs[0].data["text/html"] == "<b>second</b>"
    assert cells[1].outputs[1].data["text/plain"] == "42"
    assert cells[3].outputs[0].text == "kept\n"
    assert execution.error == "cell 5: ZeroDivisionError: division by zero"


def test_output_that_no_notebook_can_hold_is_said(tmp_path: Path) -> None:
    execution = execute(tmp_path, "from IPython.display import display\ndisplay({'text/plain': 5}, raw=True)")
    assert execution.error.startswith("an output is not what a notebook can hold: ")
    assert execution.notebook.cells[0].outputs[0].data == {"text/plain": 5}
