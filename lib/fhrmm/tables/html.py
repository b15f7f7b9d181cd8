"""Tables as HTML, by one template."""

from __future__ import annotations

import re
from functools import cache
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, Template
from markupsafe import Markup, escape

from fhrmm.tables.layout import Cells

_PROSE = 40
_PAIR = re.compile(r"([^(\[]+) ([(\[].*)")


def render_table(cells: Cells, *, caption: str, table_id: str = "table", notes: tuple[str, ...] = ()) -> str:
    """Write a table as HTML inside a container that can be reached by keyboard and scrolls on narrow screens.

    The caption says what the table says, in whom. The identifier is unique on the page. `notes` are footnotes before
    those of the cells; the same note stands once.

    Raises
    ------
    ValueError
        If the caption is empty: a table without one says nothing to a screen reader.
    """
    if not caption.strip():
        raise ValueError("a table needs a caption")
    heads = [(str(name), _align(str(name), cells)) for name in cells.text.columns]
    rows = [
        (str(first), [_fill(str(value), css) for value, (_, css) in zip(values, heads[1:], strict=True)])
        for first, *values in cells.text.to_numpy(dtype=object)
    ]
    grouped = groupby(zip(cells.group or [""] * len(rows), rows, strict=True), key=lambda pair: pair[0])
    groups = [(heading, [row for _, row in pairs]) for heading, pairs in grouped]
    shown = list(dict.fromkeys(note for note in (*notes, *cells.notes) if note))
    return _template().render(caption=caption, table_id=table_id, heads=heads, groups=groups, notes=shown).strip()


def _fill(value: str, css: str) -> dict[str, str]:
    """Cut a cell where it may break: a number may part from its interval, or words from their footnote."""
    parts = _PAIR.fullmatch(value) if css == "numeric" else None
    return {"text": value, "css": css} | ({"estimate": parts[1], "interval": parts[2]} if parts else {})


def _align(name: str, cells: Cells) -> str:
    """Numbers align to the right and stay on one line; a column of sentences gets room to be read."""
    if name in cells.numeric:
        return "numeric"
    return "prose" if (cells.text[name].astype(str).str.len() > _PROSE).any() else ""


@cache
def _template() -> Template:
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    # A long name of a rule or column may break after an underscore, and nowhere else within a word.
    environment.filters["breakable"] = lambda text: escape(text).replace("_", Markup("_<wbr>"))
    environment.filters["unbroken"] = lambda text: Markup(
        escape(text).replace(" = ", Markup("&nbsp;=&nbsp;")).replace("% CI", Markup("%&nbsp;CI"))
    )
    return environment.get_template("table.html.j2")
