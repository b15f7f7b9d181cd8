"""Rows of the estimates table as they are read: clean types, and words for a row without a number."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype, is_numeric_dtype

from fhrmm.formats.numbers import NOT_ESTIMABLE, NOT_REACHED, is_missing
from fhrmm.store import ESTIMATE_COLUMNS

OK = "ok"
SUPPRESSED = "suppressed"
Estimates = pd.DataFrame | Sequence[pd.DataFrame]
_TEXT_COLUMNS = tuple(
    name
    for name in ESTIMATE_COLUMNS
    if name not in ("time_months", "estimate", "ci_lower", "ci_upper", "ci_level", "p_value", "n", "n_events")
)


def clean_estimates(estimates: Estimates) -> pd.DataFrame:
    """Return estimates with empty text as "" and numbers as numbers, whether fresh or read back from CSV.

    Several frames are put below each other. A frame that is clean already is returned itself.

    Raises
    ------
    ValueError
        If a column of the estimates table is absent.

    Examples
    --------
    >>> clean_estimates(pd.DataFrame(columns=ESTIMATE_COLUMNS)).empty
    True
    """
    if not isinstance(estimates, pd.DataFrame):
        records = [row for part in estimates for row in part.to_dict("records")]
        estimates = pd.DataFrame(records, columns=list(ESTIMATE_COLUMNS))
    absent = [name for name in ESTIMATE_COLUMNS if name not in estimates.columns]
    if absent:
        raise ValueError(f"not an estimates table: columns absent: {', '.join(absent)}")
    if all(_is_clean(str(name), column) for name, column in estimates.items()):
        return estimates
    return pd.DataFrame({name: _clean(str(name), column) for name, column in estimates.items()})


def _is_clean(name: str, column: pd.Series) -> bool:
    if name in _TEXT_COLUMNS:
        return infer_dtype(column, skipna=False) == "string"
    return name not in ESTIMATE_COLUMNS or column.dtype == float


def _clean(name: str, column: pd.Series) -> np.ndarray | pd.api.extensions.ExtensionArray:
    """Return a column of the estimates table as texts or numbers, any other one as it is."""
    if _is_clean(name, column):
        return column.array
    if name in _TEXT_COLUMNS:
        texts = ["" if value is None or value is pd.NA or value != value else str(value) for value in column.tolist()]
        return np.array(texts, dtype=object)
    if is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=float, na_value=math.nan)
    return pd.to_numeric(column).astype("Float64").to_numpy(dtype=float, na_value=math.nan)


def status_text(row: Mapping[str, object], *, reason: bool = False) -> str:
    """Word the status of a row that has no number; empty for one that has.

    Examples
    --------
    >>> status_text({"status": "not_estimable", "note": "no events"}, reason=True)
    'not estimable: no events'
    """
    status = str(row["status"])
    if status == OK:
        return ""
    text = {"not_reached": NOT_REACHED, "not_estimable": NOT_ESTIMABLE, "suppressed": SUPPRESSED}[status]
    note = tidy_note(row.get("note"))
    return f"{text}: {note}" if reason and note and status == "not_estimable" else text


def name_undivided(statuses: Iterable[object]) -> str:
    """Name the row of a variable without levels: a number's ratio per unit, or one reason for all levels of a factor.

    Examples
    --------
    >>> name_undivided(["ok"]), name_undivided(["not_estimable"])
    ('per unit', 'all levels')
    """
    return "per unit" if OK in set(statuses) else "all levels"


def tidy_note(note: object) -> str:
    """Return a reason fit for reading: long decimals cut to one place.

    Examples
    --------
    >>> tidy_note("beyond the last observed time (11.264887)")
    'beyond the last observed time (11.3)'
    """
    if is_missing(note):
        return ""
    return re.sub(r"\d+\.\d{2,}", lambda match: f"{float(match.group()):.1f}", str(note))
