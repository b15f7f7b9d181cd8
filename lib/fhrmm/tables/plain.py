"""Tables of counts and words: attrition, row accounting, and any small frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from fhrmm.formats import DASH, format_count, format_number, is_missing, name_endpoint, name_variable
from fhrmm.study import Study
from fhrmm.tables.layout import Cells

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


def tabulate_attrition(attrition: pd.DataFrame, study: Study) -> Cells:
    """Lay out the attrition table: one row per criterion in order, criteria that exclude nobody kept."""
    return tabulate_frame(attrition[list(_ATTRITION)], study, labels=_ATTRITION)


def tabulate_row_accounting(row_accounting: pd.DataFrame, study: Study) -> Cells:
    """Lay out the row accounting: per file, rows read = accepted + quarantined + exact duplicates."""
    found = [name for name in _ACCOUNTING if name in row_accounting.columns]
    cells = tabulate_frame(row_accounting[found], study, labels=_ACCOUNTING)
    return replace(cells, notes=("Rows read = accepted + quarantined + exact duplicates, in each file.",))


def tabulate_frame(
    frame: pd.DataFrame, study: Study | None = None, *, labels: Mapping[str, str] | None = None
) -> Cells:
    """Lay out a small frame of counts and words as it is: the first column heads its row.

    ``attrs["few"]`` names the count of a release that may be of nobody, and its words. `labels` are headings; without
    one, what the variable is called, or the column name in words.
    """
    named = {name: (labels or {}).get(name, name_variable(str(name), study)) for name in frame.columns}
    if "endpoint" in named:
        frame = frame.assign(endpoint=[name_endpoint(code, study) for code in frame["endpoint"]])
    few = dict([frame.attrs["few"]] if "few" in frame.attrs else [])
    text = pd.DataFrame({head: _write_column(frame[name], few) for name, head in named.items()}, dtype=object)
    numbers = frame.select_dtypes("number").columns
    numeric = [head for name, head in list(named.items())[1:] if name in numbers]
    return Cells(text, numeric=frozenset(numeric))


def _write_column(values: pd.Series, few: Mapping[int, str]) -> list[str]:
    """Write values; in a release the lowest midpoint of a count says that it may be of nobody."""
    words = few if pd.api.types.is_integer_dtype(values.dtype) else {}
    return [_write(value) if is_missing(value) else words.get(value) or _write(value) for value in values.tolist()]


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
