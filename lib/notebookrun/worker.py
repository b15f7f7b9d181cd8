"""What a worker process does with one task: run, render, check what was read and written, tell."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from notebookrun.execute import Execution, execute_notebook
from notebookrun.files import describe_problem, digest_names, write_page, write_whole
from notebookrun.hostclient import NoHostError, call_warm
from notebookrun.kernels import host_address
from notebookrun.launch import KERNEL_ENVIRONMENT, TRACE_VARIABLE, call
from notebookrun.places import Places, Scrubber
from notebookrun.render import Notice, blocked_page, clean_notebook, render_page
from notebookrun.render.outputs import clean_text
from notebookrun.sources import cell_source
from notebookrun.task import BLOCKED, DONE, FAILED, LOST, Outcome, Task
from notebookrun.trace import FileUse, check_use, read_trace


def _scrubber(places: Places) -> Scrubber:
    """Return what replaces this machine's folders in shown text."""
    known = {places.root: "", places.data: places.data.name, places.work: "work", places.reports: "reports"}
    return Scrubber({Path.home(): "~", Path(sys.prefix): "python", **known})


def _run_notebook(task: Task) -> Outcome:
    """Execute and render one notebook.

    Parameters
    ----------
    task : Task
        What to run.

    Returns
    -------
    Outcome
        Never an exception: whatever happened is in it and on the page.
    """
    try:
        outcome, executed = _run_cells(task)
        begun = time.monotonic()
        page = _make_page(task, executed, outcome.reason)
        seconds = {**outcome.seconds, "page": time.monotonic() - begun}
        if "total" in seconds:
            seconds["total"] += seconds["page"]
        return replace(outcome, outputs={**outcome.outputs, **page}, seconds=seconds)
    except OSError as error:
        problem = f"could not write a file: {describe_problem(error)}"
        return Outcome(task.node, FAILED, clean_text(problem, _scrubber(task.places)))


def _run_cells(task: Task) -> tuple[Outcome, dict[str, Any]]:
    """Execute the cells, or recall the last execution; check and keep the result."""
    begun = time.monotonic()
    kept = None if task.should_execute else _recall(task)
    execution, use = (kept, FileUse()) if kept else _execute(task)
    scrub = _scrubber(task.places)
    problems = [] if kept or execution.error else check_use(task, use)
    reason = clean_text(execution.error or "; ".join(problems), scrub)
    executed = clean_notebook(execution.notebook, scrub)
    if not reason:
        write_whole(task.executed_path, json.dumps(executed, ensure_ascii=False))
    state = DONE if not reason else LOST if execution.is_lost else FAILED
    outputs = digest_names(task.places, use.written)
    seconds = {"kernel": execution.kernel_seconds, "cells": execution.cell_seconds, "total": time.monotonic() - begun}
    outcome = Outcome(task.node, state, reason, outputs, tuple(use.read), tuple(use.warnings), {} if kept else seconds)
    return outcome, executed


def _make_page(task: Task, executed: dict[str, Any], reason: str) -> dict[str, str]:
    """Write the page and return its digest by name."""
    notice = Notice("This notebook did not run through", (reason,)) if reason else None
    page = render_page(executed, task.page, notice)
    write_page(task.page_path, page)
    return digest_names(task.places, [f"reports/{task.node.scope}/{task.node.name}.html"])


def _execute(task: Task) -> tuple[Execution, FileUse]:
    trace = task.executed_path.with_suffix(".trace")
    trace.parent.mkdir(parents=True, exist_ok=True)
    trace.unlink(missing_ok=True)
    limit = task.time_limit or 10.0**9
    environment = {**os.environ, **KERNEL_ENVIRONMENT, TRACE_VARIABLE: str(trace)}
    execution = Execution(task.is_warm, environment, task.places.root, time.monotonic() + limit)
    execute_notebook(task.content, task.parameters, execution)
    use = read_trace(trace, task.places)
    trace.unlink(missing_ok=True)
    return execution, use


def _recall(task: Task) -> Execution | None:
    """Return the kept execution with the present text cells; None if it is gone or damaged."""
    try:
        kept = json.loads(task.executed_path.read_text(encoding="utf-8"))
        done = [cell for cell in kept["cells"] if cell["cell_type"] == "code" and not _is_injected(cell)]
        results = iter([(cell["outputs"], cell["execution_count"]) for cell in done])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    cells = [{**cell, "source": cell_source(cell)} for cell in task.content["cells"]]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    if len(code) != len(done):
        return None
    for cell in code:
        cell["outputs"], cell["execution_count"] = next(results)
    execution = Execution(task.is_warm, {}, task.places.root, 0.0)
    execution.notebook = {**task.content, "cells": cells}
    return execution


def _is_injected(cell: dict[str, Any]) -> bool:
    return "injected-parameters" in cell.get("metadata", {}).get("tags", [])


def _run_step(task: Task) -> Outcome:
    """Call the function of a step, in a process forked from the host of warm kernels if there is one."""
    begun = time.monotonic()
    problem = _call(task)
    if problem:
        state = LOST if "signal 9" in problem else FAILED
        return Outcome(task.node, state, clean_text(problem, _scrubber(task.places)))
    written = task.places.find(task.writes)
    read = task.places.find(task.reads)
    seconds = {"total": time.monotonic() - begun}
    return Outcome(task.node, DONE, "", digest_names(task.places, written), tuple(read), (), seconds)


def _call(task: Task) -> str:
    """Call a step's function; return what went wrong, or an empty text."""
    address = host_address() if task.is_warm else None
    if address is not None:
        environment = {**os.environ, **KERNEL_ENVIRONMENT}
        with contextlib.suppress(NoHostError):
            return call_warm(address, task.call, task.arguments, task.places.root, environment)
    try:
        call(task.call, list(task.arguments))
    except Exception as error:  # the study's own code: whatever it raises becomes the reason of the failure
        return f"{type(error).__name__}: {error}"
    return ""


def run_task(task: Task) -> Outcome:
    """Run a task of whatever kind; a fault of the engine itself fails this node and no other."""
    try:
        if task.blocked_by:
            return _show_blocked(task)
        return _run_step(task) if task.call else _run_notebook(task)
    except Exception as error:
        reason = f"the engine itself failed: {type(error).__name__}: {error}"
        return Outcome(task.node, FAILED, clean_text(reason, _scrubber(task.places)))


def _show_blocked(task: Task) -> Outcome:
    """Write the page of a notebook that cannot run."""
    notice = Notice("This notebook was not run", (f"Not run, because {task.blocked_by}.",))
    write_page(task.page_path, blocked_page(task.page, notice))
    return Outcome(task.node, BLOCKED, task.blocked_by)
