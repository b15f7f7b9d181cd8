"""One page of the report: what surrounds the cells, and the whole put together."""

from __future__ import annotations

from typing import Any, NamedTuple

import nbformat

from notebookrun.glossary import TermMarker
from notebookrun.launch import READER_MARK
from notebookrun.pagecontext import PageContext
from notebookrun.render.exporter import asset, prepare_cells, shared_exporter


class Notice(NamedTuple):
    """A message above the cells: why the notebook did not run through, or did not run at all."""

    title: str
    text: str


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
        "reader_mark": READER_MARK,
    }
    page, _ = shared_exporter().from_notebook_node(notebook, resources=resources)
    return page if page.endswith("\n") else page + "\n"
