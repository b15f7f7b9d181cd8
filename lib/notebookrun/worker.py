"""What a worker process does with one task: run, render, check what was read and written, tell."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

# To jsonschema, which nbformat brings, a grammar of web addresses is not installed: it takes longer to load than all
# the rest, and no notebook has anything that it checks.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
from notebookrun.execute import Execution, execute_notebook
from notebookrun.files import describe_problem, digest_names, write_page, write_whole
from notebookrun.launch import KERNEL_ENVIRONMENT, TRACE_VARIABLE
from notebookrun.places import Places, make_scrubber
from notebookrun.render import Notice, clean_notebook, readable_notebook, render_page
from notebookrun.render.outputs import INJECTED_TAG, clean_text
from notebookrun.sources import cell_source
from notebookrun.task import BLOCKED, DONE, FAILED, LOST, Outcome, Task
from notebookrun.trace import FileUse, check_use, read_trace

del sys.modules["rfc3987_syntax"]

_EMPTY: dict[str, Any] = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def run_task(task: Task) -> Outcome:
    """Run a task; whatever happens is in the outcome and on the page, a fault of the engine fails this node alone."""
    try:
        if task.blocked_by:
            _make_page(task, _EMPTY, Notice("This notebook was not run", f"Not run, because {task.blocked_by}."))
            return Outcome(task.node, BLOCKED, task.blocked_by)
        outcome, executed = _run_cells(task)
        begun = time.monotonic()
        notice = Notice("This notebook did not run through", outcome.reason) if outcome.reason else None
        page = _make_page(task, executed, notice)
        seconds = {**outcome.seconds, "page": time.monotonic() - begun}
        if "total" in seconds:
            seconds["total"] += seconds["page"]
        return replace(outcome, outputs={**outcome.outputs, **page}, seconds=seconds)
    except OSError as error:
        reason = f"could not write a file: {describe_problem(error)}"
    except Exception as error:
        reason = f"the engine itself failed: {type(error).__name__}: {error}"
    return Outcome(task.node, FAILED, clean_text(reason, _scrubber(task.places)))


def _scrubber(places: Places) -> Callable[[str], str]:
    """Return what replaces this machine's folders in shown text."""
    known = {places.root: "", places.data: places.data.name, places.work: "work", places.reports: "reports"}
    return make_scrubber({Path.home(): "~", Path(sys.prefix): "python", **known})


def _run_cells(task: Task) -> tuple[Outcome, dict[str, Any]]:
    """Execute the cells, or recall the last execution; check and keep the result."""
    begun = time.monotonic()
    kept = None if task.should_execute else _recall(task)
    execution, use = (kept, FileUse()) if kept else _execute(task)
    scrub = _scrubber(task.places)
    problems = [] if kept or execution.error else check_use(task, use)
    reason = clean_text(execution.error or "; ".join(problems), scrub)
    reason += f" (its text, which may quote data, is in {task.executed_name})" if execution.is_text_hidden else ""
    folders = [name for name, place in task.place_parameters.items() if place != "scope"]
    executed = clean_notebook(execution.notebook, scrub, folders)
    write_whole(task.executed_path, json.dumps(executed, ensure_ascii=False))
    state = DONE if not reason else LOST if execution.is_lost else FAILED
    outputs = digest_names(task.places, use.written)
    seconds = {"kernel": execution.kernel_seconds, "cells": execution.cell_seconds, "total": time.monotonic() - begun}
    outcome = Outcome(task.node, state, reason, outputs, tuple(use.read), tuple(use.warnings), {} if kept else seconds)
    return outcome, executed


def _make_page(task: Task, executed: dict[str, Any], notice: Notice | None) -> dict[str, str]:
    """Write the page, and the notebook for reading if all went well; return their digests. A step has none."""
    if task.page is None:
        return {}
    if task.page.notebook and not notice:
        write_page(task.places.absolute(task.node.notebook), readable_notebook(executed, task.page))
    write_page(task.places.absolute(task.node.page), render_page(executed, task.page, notice))
    offered = [task.node.notebook] if task.page.notebook and not notice else []
    return digest_names(task.places, [task.node.page, *offered])


def _execute(task: Task) -> tuple[Execution, FileUse]:
    trace = task.executed_path.with_suffix(".trace")
    trace.parent.mkdir(parents=True, exist_ok=True)
    trace.unlink(missing_ok=True)
    limit = task.time_limit or 10.0**9
    environment = {**os.environ, **KERNEL_ENVIRONMENT, TRACE_VARIABLE: str(trace)}
    execution = Execution(environment, task.places.root, time.monotonic() + limit)
    execute_notebook(task.content, task.parameters, execution)
    use = read_trace(trace, task.places)
    trace.unlink(missing_ok=True)
    return execution, use


def _recall(task: Task) -> Execution | None:
    """Return the kept execution with the present text cells; None if it is gone or damaged."""
    cells = [{**cell, "source": cell_source(cell)} for cell in task.content["cells"]]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    try:
        kept = json.loads(task.executed_path.read_text(encoding="utf-8"))["cells"]
        injected: list[Any] = []
        done: list[Any] = []
        for cell in (cell for cell in kept if cell["cell_type"] == "code"):
            (injected if INJECTED_TAG in cell["metadata"].get("tags", []) else done).append(cell)
        for cell, result in zip(code, done, strict=True):
            cell |= {"outputs": result["outputs"], "execution_count": result["execution_count"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    place = next((i + 1 for i, cell in enumerate(cells) if "parameters" in cell["metadata"].get("tags", [])), 0)
    cells[place:place] = injected
    execution = Execution({}, task.places.root, 0.0)
    execution.notebook = {**task.content, "cells": cells}
    return execution
