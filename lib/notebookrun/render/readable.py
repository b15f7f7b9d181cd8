"""An executed notebook for reading in Jupyter or on a code host, where no style of ours need arrive."""

from __future__ import annotations

import base64
import html
import re
from typing import Any

import nbformat

from notebookrun.pagecontext import PageContext

KINDS = ("text/html", "image/svg+xml", "image/png", "image/jpeg", "text/markdown", "text/plain")
_FIGURE = re.compile(r'<img src="data:image/svg\+xml;base64,([^"]*)" alt="([^"]*)">')
_LINK = re.compile(r"\]\((?P<name>[\w-]+)\.ipynb")
_HREF = re.compile(r'\bhref="(?=[\w.])(?!\w+:)')
# Without a style sheet every row head is as bold as the heading of its group.
_ROW_HEAD = re.compile(r'(<tr( class="indented")?>)<th scope="row">(.*?)</th>', re.DOTALL)
# Viewers remove style sheets and align every cell to the right, or center it: each is aligned by itself.
_CELLS = {
    "right": re.compile(r'<(td|th)\b([^>]*\bclass="[^"]*\bnumeric\b[^>]*)>'),
    "left": re.compile(r"<(td|th|caption)\b((?![^>]*\balign=)[^>]*)>"),
}


def readable_notebook(clean: dict[str, Any], context: PageContext) -> str:
    """Return an executed notebook as a file beside the pages, one folder below them.

    Parameters
    ----------
    clean : dict
        The executed notebook as `clean_notebook` returns it.
    context : PageContext
        What surrounds the cells of its page: where other notebooks are.

    Returns
    -------
    str
        JSON; equal bytes for equal inputs. A figure stands as SVG and, where the kernel has drawn one, as PNG, which
        viewers show that trust nobody; cells of tables are aligned one by one.
    """
    cells = []
    for cell in clean["cells"]:
        shown = {**cell, "metadata": dict(cell["metadata"])}
        if cell["cell_type"] == "code":
            shown["outputs"] = [part for output in cell["outputs"] for part in _parts(output)]
            if "hide-input" in cell["metadata"].get("tags", []):
                shown["metadata"]["jupyter"] = {"source_hidden": True}
        else:
            shown["source"] = _LINK.sub(lambda match: _link(match["name"], context), cell["source"])
        cells.append(shown)
    return str(nbformat.v4.writes(nbformat.from_dict({**clean, "cells": cells}))) + "\n"


def _link(name: str, context: PageContext) -> str:
    """Return the beginning of a link to another notebook: beside this one, or in the scope that has it."""
    page = context.pages.get(name, "")
    if not page.startswith("../"):
        return f"]({name}.ipynb"
    scope, _, file = page.removeprefix("../").partition("/")
    return f"](../../{scope}/notebooks/{name}.ipynb" if file else f"](../../{scope}"


def _parts(output: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what is shown of an output: a figure and its caption are two."""
    if "data" not in output:
        return [output]
    data = {kind: output["data"][kind] for kind in KINDS if kind in output["data"]}
    text = _HREF.sub('href="../', data.get("text/html", ""))
    figure = _FIGURE.search(text)
    if figure and "image/png" in data:
        pictures = {"image/svg+xml": base64.b64decode(figure[1]).decode(), "image/png": data.pop("image/png")}
        alone = {**output, "data": {**pictures, "text/plain": html.unescape(figure[2])}}
        return [alone, {**output, "data": {**data, "text/html": text.replace(figure[0], "")}}]
    text = _ROW_HEAD.sub(lambda row: f"{row[1]}<td>{'&emsp;' if row[2] else ''}{row[3]}</td>", text)
    for side, cells in _CELLS.items():
        text = cells.sub(rf'<\1\2 align="{side}" style="text-align: {side}">', text)
    return [{**output, "data": {**data, "text/html": text} if text else data}]
