"""One page of the report: what surrounds the cells, and the whole put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import nbformat

from notebookrun.glossary import TermMarker
from notebookrun.launch import READER_MARK
from notebookrun.pagecontext import PageContext
from notebookrun.render.exporter import asset, prepare_cells, shared_exporter


@dataclass(frozen=True)
class Notice:
    """A message above the cells: why the notebook did not run through, or did not run at all."""

    title: str
    lines: Sequence[str] = field(default_factory=tuple)
    detail: str = ""


def render_page(clean: dict[str, Any], context: PageContext, notice: Notice | None = None) -> str:
    """Return an executed notebook as a self-contained page.

    Parameters
    ----------
    clean : dict
        The executed notebook as `clean_notebook` returns it: what is in it is shown.
    context : PageContext
        What surrounds the cells.
    notice : Notice, optional
        A message above the cells.

    Returns
    -------
    str
        HTML that asks no other machine for anything; equal bytes for equal inputs.
    """
    marker = TermMarker(context.glossary)
    blocks, contents = prepare_cells(clean["cells"], context.pages, marker, is_code_open=context.is_code_open)
    notebook = nbformat.from_dict({**clean, "cells": []})
    resources = {
        "page": context,
        "blocks": blocks,
        "headings": [h for h in contents.headings if h.level in (2, 3)],
        "has_title": any(h.level == 1 for h in contents.headings),
        "notice": notice,
        "terms": sorted(marker.used, key=lambda term: term.name.casefold()),
        "style": asset("style.css"),
        "script": asset("page.js"),
        "is_error_for_reader": _is_error_for_reader,
    }
    page, _ = shared_exporter().from_notebook_node(notebook, resources=resources)
    return page if page.endswith("\n") else page + "\n"


def _is_error_for_reader(output: dict[str, Any]) -> bool:
    """Say whether an error is a message to the reader rather than a fault of the code.

    The kernel marks such an exception (attribute ``for_reader``) by a first traceback line of its own.
    """
    return bool(output["traceback"]) and output["traceback"][0] == READER_MARK


def blocked_page(context: PageContext, notice: Notice) -> str:
    """Return the page of a notebook that did not run."""
    title = {"cell_type": "markdown", "source": f"# {context.title}", "metadata": {}}
    empty = {"cells": [title], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return render_page(empty, context, notice)
