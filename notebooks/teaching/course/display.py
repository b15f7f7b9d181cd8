"""What a lesson shows: everything is invented, nothing is written to a file."""

from __future__ import annotations

from importlib.resources import files

from IPython.display import HTML, display
from ipywidgets import DOMWidget

from fhrmm.disclosure import refuse_identifiers

_VIEW = "application/vnd.jupyter.widget-view+json"


def show_style() -> None:
    """Give the page the look of the report and of the lessons."""
    sheets = [files("fhrmm.report") / "fhrmm.css", files("course") / "lesson.css"]
    sheets = [sheet.read_text(encoding="utf-8") for sheet in sheets]
    display(HTML(f"<style>{''.join(sheets)}</style>"))


def show_lesson(html: str, where: str) -> None:
    """Display HTML of a lesson.

    Raises
    ------
    StudyError
        If it holds what looks like a patient identifier: even invented ones have no place here.
    """
    refuse_identifiers(html, where)
    display(HTML(html))


def show_live(widget: DOMWidget, html: str, where: str) -> None:
    """Display live controls, with HTML in their place wherever no kernel answers.

    Both are kinds of one output: JupyterLab takes the controls, a rendered page the HTML.

    Raises
    ------
    StudyError
        As `show_lesson`.
    """
    refuse_identifiers(html, where)
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    display({_VIEW: view, "text/html": html, "text/plain": "Figure with controls"}, raw=True)
