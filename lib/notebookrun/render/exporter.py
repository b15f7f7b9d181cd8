"""The nbconvert exporter of the report's pages."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from nbconvert.exporters.templateexporter import TemplateExporter
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from notebookrun.glossary import TermMarker
from notebookrun.render.markdown import Contents, render_markdown
from notebookrun.render.outputs import wrap_tables

TEMPLATES = Path(__file__).parents[1] / "templates"
LEAD_TAG = "key-findings"
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
def shared_exporter() -> TemplateExporter:
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
def asset(name: str) -> str:
    """Return one file of the page's looks."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def prepare_cells(
    cells: list[Any],
    pages: Mapping[str, str] | None = None,
    marker: TermMarker | None = None,
    *,
    is_code_open: bool = False,
) -> tuple[list[dict[str, Any]], Contents]:
    """Return what the page shows of each cell, and its headings.

    Parameters
    ----------
    cells : list
        Cells of an executed, cleaned notebook.
    pages : mapping, optional
        Where the pages of other notebooks are, by name.
    marker : TermMarker, optional
        Marks the terms of the glossary in text cells and in prose that code has made.
    is_code_open : bool
        Whether code is shown at once; cells tagged ``fold`` stay folded.

    Returns
    -------
    blocks : list of dict
        ``kind``, then ``html`` of text cells, or ``source``, ``outputs``, ``hide_input`` and ``is_open`` of code cells.
    contents : Contents
        Headings in order.
    """
    contents = Contents(pages=pages or {})
    marker = marker or TermMarker(())
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
    return _with_lead(blocks), contents


def _mark_headings_of_code(blocks: list[dict[str, Any]]) -> None:
    """Tag a heading that has nothing but code below it: on paper, where no code shows, it would stand alone."""
    for place, block in enumerate(blocks):
        below = itertools.takewhile(lambda other: other["kind"] == "code", blocks[place + 1 :])
        if block["kind"] == "text" and _HEADING.fullmatch(block["html"].strip()):
            found = list(below)
            if found and not any(other["outputs"] for other in found):
                block["tags"] = [*block["tags"], CODE_ONLY_TAG]


def _with_lead(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Repeat what cells tagged ``key-findings`` show below the title: a reader in a hurry reads no further."""
    outputs = [output for block in blocks if LEAD_TAG in block["tags"] for output in block.get("outputs", [])]
    if not outputs:
        return blocks
    return [*blocks[:1], {"kind": "lead", "outputs": outputs, "tags": []}, *blocks[1:]]


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
    return {"kind": "code", **shown, "outputs": outputs, "tags": tags}
