"""The cover of a report: the question, key figures, and every scope and notebook with its state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from notebookrun.files import write_page

TEMPLATES = Path(__file__).parent / "templates"


def write_index(
    reports: Path, scopes: Sequence[str], titles: Mapping[str, str], rows: Mapping[str, Any], content: Mapping[str, Any]
) -> None:
    """Write ``index.html``: every scope and notebook with its state.

    Times are not in it but in ``run_times.js`` beside it, so that equal runs give equal bytes.

    Parameters
    ----------
    reports : Path
        The report folder.
    scopes : sequence of str
        Rows of the matrix of pages.
    titles : mapping of str to str
        Notebooks: name and title.
    rows : mapping
        What is known of each node, by ``scope/name``: its ``state`` and ``reason``.
    content : mapping
        ``title``, ``banner``, ``question``, ``paragraphs``, ``headline`` (label, value, range), ``figure_labels``,
        ``figures`` (the cells of each scope), ``thumbnail``, ``links``, ``footer``, ``citation``; all but the title may
        be absent.
    """
    states = {name: row["state"] for name, row in rows.items()}
    pages = {name for name in rows if (reports / f"{name}.html").is_file()}
    offered = {name: "/notebooks/".join(name.split("/", 1)) + ".ipynb" for name in pages}
    notebooks = {name: file for name, file in offered.items() if (reports / file).is_file()}
    problems = [
        {"node": name, "reason": row["reason"] or row["state"], "href": f"{name}.html" if name in pages else ""}
        for name, row in rows.items()
        if row["state"] not in ("ok", "absent") and (row["state"] != "stale" or name in pages)
    ]
    opened = {node for node in pages if states[node] not in ("absent", "interrupted")}
    ready = {scope: [f"{scope}/{name}.html" for name in titles if f"{scope}/{name}" in opened] for scope in scopes}
    used = {states.get(f"{scope}/{name}", "absent") for scope in scopes for name in titles}
    shown = {"scopes": scopes, "titles": titles, "states": states, "opened": opened, "notebooks": notebooks}
    write_page(
        reports / "index.html", render("index.html.j2", **content, **shown, ready=ready, problems=problems, used=used)
    )


def render(template: str, **shown: Any) -> str:
    """Return a page that is no notebook, from its template."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, keep_trailing_newline=True)
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    return environment.get_template(template).render(shown, style=style)
