"""The cover of a report: the question, key figures, and every scope and notebook with its state."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

TEMPLATES = Path(__file__).parent / "templates"
STATE_TEXT = {
    "ok": "ready",
    "failed": "failed",
    "blocked": "not run",
    "stale": "out of date",
    "interrupted": "interrupted",
    "absent": "none",
}
MEANING = {
    "ok": "the page shows the present data, parameters and code",
    "failed": "a step could not be completed; the page shows how far it came",
    "blocked": "something it needs failed",
    "stale": "data, parameters or code have changed since; run again",
    "interrupted": "the run was stopped before it",
    "absent": "not part of this run, or not made for this scope",
}


def matrix_rows(
    scopes: Sequence[str],
    notebooks: Sequence[str],
    states: Mapping[str, str],
    pages: Container[str],
    figures: Mapping[str, Sequence[str]],
) -> list[dict[str, Any]]:
    """Return the rows of the matrix scopes x notebooks; those without a page, for any reason, have no link.

    Examples
    --------
    >>> matrix_rows(["ALL"], ["00_a"], {"ALL/00_a": "ok"}, {"ALL/00_a"}, {})[0]["cells"][0]["href"]
    'ALL/00_a.html'
    """
    return [
        {
            "scope": scope,
            "figures": list(figures.get(scope, ())),
            "cells": [_cell(f"{scope}/{name}", states, pages) for name in notebooks],
        }
        for scope in scopes
    ]


def _cell(node: str, states: Mapping[str, str], pages: Container[str]) -> dict[str, str]:
    state = states.get(node, "absent")
    shown = node if node in pages and state not in ("absent", "interrupted") else ""
    return {"state": state, "text": STATE_TEXT[state], "href": f"{shown}.html" if shown else "", "node": shown}


def render_index(content: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return the cover page.

    Parameters
    ----------
    content : mapping
        ``title``, ``banner``, ``question``, ``paragraphs``, ``headline`` (label, value, range), ``figure_labels``,
        ``thumbnail``, ``links``, ``problems``, ``footer``; all but the title may be absent.
    rows : sequence of mapping
        As made by `matrix_rows`.
    columns : sequence of str
        Titles of the notebooks.

    Returns
    -------
    str
        HTML; times are not in it but in ``run_times.js`` beside it, so that equal runs give equal bytes.
    """
    used = {cell["state"] for row in rows for cell in row["cells"]}
    legend = [{"state": s, "text": STATE_TEXT[s], "meaning": MEANING[s]} for s in STATE_TEXT if s in used]
    return _render("index.html.j2", **content, rows=rows, columns=columns, legend=legend)


def render_comparison(
    title: str,
    banner: str,
    scope: str,
    names: Sequence[str],
    labels: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
) -> str:
    """Return the page that compares parameter sets.

    Parameters
    ----------
    title, banner, scope : str
        Title of the report, standing warning, and whose figures are shown.
    names, labels : sequence of str
        Parameters and key figures: the columns.
    rows : sequence of mapping
        ``href``, ``state``, ``values`` and ``figures`` of each set.
    """
    shown = {"title": title, "banner": banner, "scope": scope, "names": names, "labels": labels, "rows": rows}
    return _render("matrix.html.j2", **shown, states=STATE_TEXT)


def _render(template: str, **shown: Any) -> str:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, keep_trailing_newline=True)
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    return environment.get_template(template).render(shown, style=style)
