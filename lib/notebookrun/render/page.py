"""One page of the report: an executed notebook as nbconvert exports it, and what surrounds its cells."""

from __future__ import annotations

import itertools
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from nbconvert.exporters.templateexporter import TemplateExporter
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from notebookrun.glossary import TermMarker
from notebookrun.launch import READER_MARK
from notebookrun.pagecontext import PageContext
from notebookrun.render.markdown import Contents, render_markdown
from notebookrun.render.outputs import wrap_tables

TEMPLATES = Path(__file__).parents[1] / "templates"
LEAD_TAG = "key-findings"
ABOUT_TAG = "about"
FOLD_TAG = "fold"
CODE_ONLY_TAG = "code-only"
_HEADING = re.compile(r"<h([2-6])\b(?:(?!<h[1-6]\b).)*</h\1>", re.DOTALL)
_HIGHLIGHTED = HtmlFormatter(nowrap=True)


# A notebook has the same code for every center.
@lru_cache(maxsize=2048)
def _python_code(source: str) -> str:
    """Return Python code with its parts marked for coloring."""
    return highlight(source, PythonLexer(), _HIGHLIGHTED)


@cache
def _exporter() -> TemplateExporter:
    """Return the one exporter of this process; its pages need nothing else."""
    return TemplateExporter(
        template_name="page",
        file_extension=".html",
        extra_template_basedirs=[str(TEMPLATES)],
        preprocessors=[],
        default_preprocessors=[],
        filters={"wrap_tables": wrap_tables, "python_code": _python_code},
    )


@cache
def _asset(name: str) -> str:
    """Return one file of the page's looks."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


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
    marker, contents = TermMarker(context.glossary), Contents(pages=context.pages)
    blocks = _prepare_cells(clean["cells"], contents, marker, is_code_open=context.is_code_open)
    resources = {
        "page": context,
        "blocks": blocks,
        "headings": [h for h in contents.headings if h.level in (2, 3)],
        "has_title": any(h.level == 1 for h in contents.headings),
        "notice": notice,
        "terms": sorted(marker.used, key=lambda term: term.name.casefold()),
        "style": _asset("style.css"),
        "script": _asset("page.js"),
        "reader_mark": READER_MARK,
    }
    page, _ = _exporter().from_notebook_node(nbformat.from_dict({**clean, "cells": []}), resources=resources)
    return page if page.endswith("\n") else page + "\n"


def _prepare_cells(
    cells: list[Any], contents: Contents, marker: TermMarker, *, is_code_open: bool
) -> list[dict[str, Any]]:
    """Return what the page shows of each cell; headings and terms that are met are registered.

    A block has a ``kind``, then the ``html`` of a text cell, or the ``source`` and ``outputs`` of a code cell.
    """
    blocks = []
    for cell in cells:
        tags = cell["metadata"].get("tags", [])
        if {"injected-parameters", "parameters"} & set(tags):
            continue
        if cell["cell_type"] == "markdown":
            text = render_markdown(cell["source"], contents, cell.get("attachments"))
            blocks.append({"kind": "text", "html": marker.mark(text), "tags": tags})
        elif cell["cell_type"] == "code":
            blocks.append(_code_block(cell, tags, is_code_open=is_code_open))
            _prepare_outputs(cell["outputs"], contents, marker)
    _mark_headings_of_code(blocks)
    return _with_lead(blocks)


def _mark_headings_of_code(blocks: list[dict[str, Any]]) -> None:
    """Tag a heading that has nothing but code below it: on paper, where no code shows, it would stand alone."""
    for place, block in enumerate(blocks):
        below = itertools.takewhile(lambda other: other["kind"] == "code", blocks[place + 1 :])
        if block["kind"] == "text" and _HEADING.fullmatch(block["html"].strip()):
            found = list(below)
            if found and not any(other["outputs"] for other in found):
                block["tags"] = [*block["tags"], CODE_ONLY_TAG]


def _with_lead(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put below the title what a reader in a hurry reads: the key findings, then what the page is about, folded."""
    outputs = []
    for block in blocks[1:]:
        if LEAD_TAG in block["tags"]:
            outputs += block.get("outputs", [])
            block["outputs"] = []
    about = [block for block in blocks[1:] if ABOUT_TAG in block["tags"]]
    found = [{"kind": "lead", "outputs": outputs, "tags": []}] if outputs else []
    found += [{"kind": "about", "blocks": about, "tags": []}] if about else []
    return [*blocks[:1], *found, *(block for block in blocks[1:] if block not in about)]


def _prepare_outputs(outputs: list[Any], contents: Contents, marker: TermMarker) -> None:
    """Make Markdown outputs HTML, so that their headings get anchors of their own, and mark terms in prose.

    Most outputs are pictures and tables, which have no prose to look through.
    """
    for data in (output["data"] for output in outputs if "data" in output):
        if "text/markdown" in data and "text/html" not in data:
            data["text/html"] = render_markdown(data["text/markdown"], contents)
        content = data.get("text/html", "")
        if "<p" in content or "<li" in content:
            data["text/html"] = marker.mark(content)


def _code_block(cell: Any, tags: list[str], *, is_code_open: bool) -> dict[str, Any]:
    outputs = [o for o in cell["outputs"] if not (o["output_type"] == "stream" and not o["text"].strip())]
    hide = "hide-input" in tags or not cell["source"].strip()
    shown = {"source": cell["source"], "hide_input": hide, "is_open": is_code_open and FOLD_TAG not in tags}
    failed = any(output["output_type"] == "error" for output in outputs)
    checks = 0 if failed else len(re.findall(r"^(?:    )?assert ", cell["source"], re.MULTILINE))
    return {"kind": "code", **shown, "outputs": outputs, "tags": tags, "checks": checks}
