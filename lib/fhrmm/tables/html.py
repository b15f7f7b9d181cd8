"""Real HTML tables: caption, headings with scope, row groups, footnotes; no inline styles, colors or widths."""

from __future__ import annotations

import re
from html import escape

from fhrmm.tables.table import Cells

_PROSE = 40
_NUMERIC = ' class="numeric"'
_PAIR = re.compile(r"([^(\[]+) ([(\[].*)")


def render_table(cells: Cells, *, caption: str, table_id: str = "table", notes: tuple[str, ...] = ()) -> str:
    """Write a table as HTML inside a container that scrolls sideways on narrow screens.

    Parameters
    ----------
    cells : Cells
        The table as shown.
    caption : str
        What the table says, in whom; required.
    table_id : str
        Identifier unique on the page.
    notes : tuple of str
        Footnotes before those of the cells.

    Returns
    -------
    str
        A ``div.table-scroll`` that can be reached by keyboard, holding ``table.fhrmm``.

    Raises
    ------
    ValueError
        If the caption is empty: a table without one says nothing to a screen reader.
    """
    if not caption.strip():
        raise ValueError("a table needs a caption")
    label = f"{table_id}-caption"
    parts = [
        f'<div class="table-scroll" role="region" tabindex="0" aria-labelledby="{label}">',
        f'<table class="fhrmm" id="{table_id}">',
        f'<caption id="{label}"><span>{escape(caption)}</span></caption>',
        _head(cells),
        _body(cells),
        "</table></div>",
        _notes((*notes, *cells.notes)),
    ]
    return "\n".join(part for part in parts if part)


def _head(cells: Cells) -> str:
    headings = [_heading(str(name), cells) for name in cells.text.columns]
    rows = [f"<tr>{''.join(headings)}</tr>"]
    if cells.spanners:
        rows.insert(0, f"<tr>{''.join(_spanner(text, width) for text, width in cells.spanners)}</tr>")
    return f"<thead>{''.join(rows)}</thead>"


def _heading(name: str, cells: Cells) -> str:
    return f'<th scope="col"{_class(name, cells)}>{_keep_together(escape(name))}</th>'


def _keep_together(text: str) -> str:
    """Do not break a heading inside "n = 62" or "95% CI"."""
    return text.replace(" = ", "&nbsp;=&nbsp;").replace("% CI", "%&nbsp;CI")


def _spanner(text: str, width: int) -> str:
    span = f' colspan="{width}"' if width > 1 else ""
    return f'<th scope="colgroup" class="spanner"{span}>{escape(text)}</th>' if text else f"<td{span}></td>"


def _body(cells: Cells) -> str:
    if cells.text.empty:
        return f'<tbody><tr><td colspan="{max(len(cells.text.columns), 1)}">No rows</td></tr></tbody>'
    classes = [_class(str(name), cells) for name in cells.text.columns[1:]]
    if not cells.group:
        return "<tbody>" + "\n".join(_row(values, classes, "") for values in _values(cells)) + "</tbody>"
    rows, current = ["<tbody>"], None
    for heading, values in zip(cells.group, _values(cells), strict=True):
        if heading != current:
            rows += ["</tbody>\n<tbody>"] if current is not None else []
            rows += [_group_heading(heading, len(values))] if heading else []
            current = heading
        rows.append(_row(values, classes, ' class="indented"' if heading else ""))
    return "\n".join([*rows, "</tbody>"])


def _values(cells: Cells) -> list[list[str]]:
    return [[str(value) for value in row] for row in cells.text.to_numpy(dtype=object)]


def _group_heading(heading: str, width: int) -> str:
    return f'<tr class="group"><th scope="rowgroup" colspan="{width}">{escape(heading)}</th></tr>'


def _row(values: list[str], classes: list[str], attribute: str) -> str:
    first = f'<th scope="row">{_breakable(values[0])}</th>'
    rest = [_cell(value, css) for value, css in zip(values[1:], classes, strict=True)]
    return f"<tr{attribute}>{first}{''.join(rest)}</tr>"


def _cell(value: str, css: str) -> str:
    """Write a cell; a number may part from its interval, or words from their footnote, and nothing else breaks."""
    parts = _PAIR.fullmatch(value) if css == _NUMERIC else None
    if parts:
        estimate, rest = (escape(part) for part in parts.groups())
        return f'<td class="numeric pair"><span>{estimate}</span> <span>{rest}</span></td>'
    return f"<td{css}>{_breakable(value)}</td>"


def _breakable(value: str) -> str:
    """Let a long name of a rule or column break after an underscore, and nowhere else within a word."""
    return escape(value).replace("_", "_<wbr>")


def _class(name: str, cells: Cells) -> str:
    """Numbers align to the right and stay on one line; a column of sentences gets room to be read."""
    if name in cells.numeric:
        return _NUMERIC
    is_prose = (cells.text[name].astype(str).str.len() > _PROSE).any()
    return ' class="prose"' if is_prose else ""


def _notes(notes: tuple[str, ...]) -> str:
    lines = "".join(f"<li>{escape(note)}</li>" for note in dict.fromkeys(notes) if note)
    return f'<ul class="table-notes">{lines}</ul>' if lines else ""
