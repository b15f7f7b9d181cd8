"""Tables of counts: attrition, row accounting, and any small frame."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

import pandas as pd

from fhrmm.formats import DASH, SUPPRESSED, format_count, format_number, is_missing, name_endpoint, name_variable
from fhrmm.tables.table import ATTRITION, COUNTS, PUBLIC, Cells, Table

_ATTRITION = {
    "label": "Criterion",
    "n_before": "Patients before",
    "n_excluded": "Excluded",
    "n_remaining": "Remaining",
}
_ACCOUNTING = {
    "center": "Center",
    "file": "File",
    "rows_read": "Rows read",
    "rows_accepted": "Accepted",
    "rows_quarantined": "Quarantined",
    "rows_duplicate": "Exact duplicates",
}


def tabulate_attrition(attrition: pd.DataFrame) -> Table:
    """Lay out the attrition table: one row per criterion in order, criteria that exclude nobody kept.

    Parameters
    ----------
    attrition : DataFrame
        Columns criterion, label, n_before, n_excluded, n_remaining.
    """
    return Table(attrition, partial(_draw, labels=_ATTRITION, only=tuple(_ATTRITION)), ATTRITION)


def tabulate_row_accounting(row_accounting: pd.DataFrame) -> Table:
    """Lay out the row accounting: per file, rows read = accepted + quarantined + exact duplicates."""
    found = [name for name in _ACCOUNTING if name in row_accounting.columns]
    notes = ("Rows read = accepted + quarantined + exact duplicates, in each file.",)
    return Table(row_accounting, partial(_draw, labels=_ACCOUNTING, only=tuple(found), notes=notes), COUNTS)


def tabulate_frame(
    frame: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    group: str = "",
    notes: Collection[str] = (),
    public: bool = False,
) -> Table:
    """Lay out a small frame as it is: the first column heads its row.

    Parameters
    ----------
    frame : DataFrame
        Counts and words; whole numbers are taken for counts of patients or rows unless `public`.
    labels : mapping of str to str, optional
        Headings; without one, what the variable is called, or the column name in words.
    group : str
        Column whose values become row group headings instead of a column.
    notes : collection of str
        Footnotes.
    public : bool
        True for definitions and settings: nothing in it is a count, nothing is protected.
    """
    draw = partial(_draw, labels=labels or {}, group=group, notes=tuple(notes))
    return Table(frame, draw, PUBLIC if public else COUNTS)


def _draw(
    frame: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    only: tuple[str, ...] = (),
    group: str = "",
    notes: tuple[str, ...] = (),
) -> Cells:
    shown = [name for name in (only or frame.columns) if name != group]
    headings = {name: labels.get(str(name), name_variable(str(name))) for name in shown}
    numeric = [headings[name] for name in shown[1:] if _is_number(frame[name])]
    is_protected = bool(frame.attrs.get("protected"))
    text = pd.DataFrame({headings[name]: _write_column(_in_words(frame[name]), is_protected) for name in shown})
    groups = tuple(_write(value) for value in frame[group].tolist()) if group else ()
    return Cells(text.astype(object), groups, numeric=frozenset(numeric), notes=notes)


def _in_words(values: pd.Series) -> pd.Series:
    """Name endpoints, which frames hold by their codes."""
    return values.map(name_endpoint) if values.name == "endpoint" else values


def _write_column(values: pd.Series, is_protected: bool) -> list[str]:
    """A count that is missing in a protected frame is a suppressed one."""
    if is_protected and pd.api.types.is_integer_dtype(values.dtype):
        return [SUPPRESSED if is_missing(value) else _write(value) for value in values.tolist()]
    return [_write(value) for value in values.tolist()]


def _is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)


def _write(value: object) -> str:
    if is_missing(value) or value == "":
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return format_count(value)
    if isinstance(value, float):
        return format_count(value) if value.is_integer() else format_number(value)
    return str(value)
