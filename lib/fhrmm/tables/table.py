"""What a table is: text cells with their headings, and the frame they were made from."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pandas as pd

from fhrmm.formats import status_text, tidy_note

ESTIMATES, COUNTS, ATTRITION, PUBLIC = "estimates", "counts", "attrition", "public"


@dataclass(frozen=True, slots=True)
class Cells:
    """A table as shown.

    Attributes
    ----------
    text : DataFrame
        One column per shown column, named as its heading; every cell a string. The first column heads its row.
    group : tuple of str
        Heading of the row group each row belongs to, as many as rows; empty for a table without groups.
    spanners : tuple of (str, int)
        Headings above the headings, with the number of columns each covers, from left to right; "" spans nothing.
    numeric : frozenset of str
        Columns aligned to the right.
    notes : tuple of str
        Footnotes in order.
    """

    text: pd.DataFrame
    group: tuple[str, ...] = ()
    spanners: tuple[tuple[str, int], ...] = ()
    numeric: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A table and how it is drawn from its frame.

    Attributes
    ----------
    source : DataFrame
        The tidy frame: estimates rows, attrition, or counts.
    draw : callable
        Makes the cells from the frame; called again with a protected frame before release.
    kind : str
        Which protection the frame needs: ``estimates``, ``counts``, ``attrition``, or ``public`` for a table about
        definitions, in which no number is a number of patients.
    """

    source: pd.DataFrame
    draw: Callable[[pd.DataFrame], Cells] = field(repr=False)
    kind: str = ESTIMATES

    @property
    def cells(self) -> Cells:
        """The cells as drawn from the source."""
        return self.draw(self.source)

    def over(self, source: pd.DataFrame) -> Table:
        """Return the same table drawn from another frame."""
        return replace(self, source=source)


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

    def status(self, row: dict[str, object]) -> str:
        """Return the words of a row without number, marked with its reason."""
        text = status_text(row)
        return text + self.mark(row.get("note")) if text and row["status"] == "not_estimable" else text

    def lines(self) -> tuple[str, ...]:
        """Return the footnotes in order of first use."""
        return tuple(f"[{_letter(place)}] {reason}" for place, reason in enumerate(self._reasons))


def _letter(place: int) -> str:
    tens, ones = divmod(place, 26)
    return (chr(96 + tens) if tens else "") + chr(97 + ones)
