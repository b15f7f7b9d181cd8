"""What a table is, and the one way in which rows of results become one: lines, columns, heads, cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from fhrmm.estimate_table import Row
from fhrmm.formats import status_text, tidy_note

Line = Mapping[Hashable, Row]


@dataclass(frozen=True, slots=True)
class Cells:
    """A table as shown.

    Attributes
    ----------
    text : DataFrame
        One column per shown column, named as its heading; every cell a string. The first column heads its row.
    group : tuple of str
        Heading of the row group each row belongs to, as many as rows; empty for a table without groups.
    numeric : frozenset of str
        Columns aligned to the right.
    notes : tuple of str
        Footnotes in order.
    """

    text: pd.DataFrame
    group: tuple[str, ...] = ()
    numeric: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


class Footnotes:
    """Collects reasons and gives each distinct one a letter in brackets.

    Examples
    --------
    >>> notes = Footnotes()
    >>> notes.mark("no events"), notes.mark("one level only"), notes.mark("no events")
    (' [a]', ' [b]', ' [a]')
    >>> notes.lines()
    ('[a] no events', '[b] one level only')
    """

    def __init__(self) -> None:
        self._reasons: list[str] = []

    def mark(self, reason: object) -> str:
        """Return the mark of a reason; "" for an empty one."""
        text = re.sub(r" \([\d., ]+\)", "", tidy_note(reason))
        if not text:
            return ""
        if text not in self._reasons:
            self._reasons.append(text)
        return f" [{_letter(self._reasons.index(text))}]"

    def status(self, row: Row) -> str:
        """Return the words of a row without number, marked with its reason."""
        text = status_text(row)
        return text + self.mark(row.get("note")) if text and row["status"] == "not_estimable" else text

    def lines(self) -> tuple[str, ...]:
        """Return the footnotes in order of first use."""
        return tuple(f"[{_letter(place)}] {reason}" for place, reason in enumerate(self._reasons))


def _letter(place: int) -> str:
    tens, ones = divmod(place, 26)
    return (chr(96 + tens) if tens else "") + chr(97 + ones)


def tabulate(
    rows: Iterable[Row],
    *,
    lines: Callable[[Row], tuple[str, ...]],
    columns: Callable[[Row], Hashable],
    heads: Mapping[Hashable, str],
    cell: Callable[[Hashable, Line], str],
    first: str,
    footnotes: Footnotes | None = None,
    notes: Iterable[str] = (),
) -> Cells:
    """Lay out rows of results.

    Parameters
    ----------
    rows : iterable of rows
        In the order they are to be read; lines with the same group heading are brought together.
    lines : callable
        The line a row belongs to: its group heading, its own heading, and what else tells it from other lines.
    columns : callable
        The column a row belongs to.
    heads : mapping
        Columns from left to right, with their headings; besides those of rows, any that `cell` can write from a line.
    cell : callable
        Writes the cell of a column from all rows of a line, which are found by their columns.
    first : str
        Heading of the column that heads the lines.
    footnotes : Footnotes, optional
        What `cell` marks; they come before `notes`.
    notes : iterable of str
        Further footnotes.

    Raises
    ------
    ValueError
        If two rows fall into one cell.
    """
    placed: dict[tuple[str, ...], dict[Hashable, Row]] = {}
    for row in rows:
        line, column = lines(row), columns(row)
        if column in placed.setdefault(line, {}):
            raise ValueError(f"two estimates for one cell: {column} of {' '.join(filter(None, line[:2]))}")
        placed[line][column] = row
    order = list(dict.fromkeys(line[0] for line in placed))
    ordered = sorted(placed, key=lambda line: order.index(line[0]))
    content = [[line[1], *(cell(column, placed[line]) for column in heads)] for line in ordered]
    text = pd.DataFrame(content, columns=[first, *heads.values()]).astype(object)
    group = tuple(line[0] for line in ordered)
    shown = (*(footnotes.lines() if footnotes else ()), *notes)
    return Cells(text, group if any(group) else (), frozenset(heads.values()), shown)


def list_lines(
    content: Iterable[Iterable[str]],
    columns: Sequence[str],
    *,
    group: Sequence[str] = (),
    notes: Iterable[str] = (),
) -> Cells:
    """Lay out lines whose cells are written already; all but the first column are numbers."""
    text = pd.DataFrame(list(content), columns=list(columns), dtype=object)
    return Cells(text, tuple(group), frozenset(columns[1:]), tuple(notes))
