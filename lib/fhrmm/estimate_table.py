"""The estimates table, the spine of the study: its columns, and how rows come into it.

A row is one number with its interval, denominator, events, method, status and reason. Overall rows leave ``variable``
and ``level`` empty; a subgroup is a row. ``n`` and ``n_events`` are the patients and events from which the number was
computed: those of its level among the rows that its model used, and of both levels for a difference.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype, is_numeric_dtype

from timetoevent.results import Estimate

TEXT, NUMBER, COUNT = "text", "number", "count"
ESTIMATE_COLUMNS: Mapping[str, str] = {
    "scope": TEXT,
    "notebook": TEXT,
    "population": TEXT,
    "endpoint": TEXT,
    "model": TEXT,
    "variable": TEXT,
    "level": TEXT,
    "reference": TEXT,
    "estimand": TEXT,
    "time_months": NUMBER,
    "estimate": NUMBER,
    "ci_lower": NUMBER,
    "ci_upper": NUMBER,
    "ci_level": NUMBER,
    "p_value": NUMBER,
    "n": COUNT,
    "n_events": COUNT,
    "method": TEXT,
    "status": TEXT,
    "note": TEXT,
}
# What a row answers: two rows of one scope that agree in it contradict or repeat each other.
QUESTION = ("population", "endpoint", "model", "variable", "level", "reference", "estimand", "time_months")
Estimates = pd.DataFrame | Sequence[pd.DataFrame]
Row = dict[str, Any]


def make_row(
    estimate: Estimate,
    *,
    endpoint: str,
    estimand: str,
    population: str = "cohort",
    model: str = "",
    variable: str = "",
    level: str = "",
    reference: str = "",
    time_months: float = math.nan,
) -> Row:
    """Return one row of the estimates table, without ``scope`` and ``notebook``, which `collect` fills.

    Parameters
    ----------
    estimate : Estimate
        The number with interval, counts, status and note.
    endpoint, estimand, population, model, variable, level, reference : str
        What was estimated, in whom; empty where it does not apply.
    time_months : float
        Time of a rate or horizon, in months; NaN where it does not apply.

    Examples
    --------
    >>> make_row(Estimate(0.5, n=4, n_events=2), endpoint="ORR", estimand="proportion")["n"]
    4
    """
    question = (population, endpoint, model, variable, level, reference, estimand, time_months)
    if estimate.ci_lower == estimate.ci_upper and estimand != "median":  # quartiles may be equal
        note = "no interval: the estimate does not vary"
        estimate = replace(estimate, ci_lower=math.nan, ci_upper=math.nan, note=estimate.note or note)
    has_interval = not (math.isnan(estimate.ci_lower) and math.isnan(estimate.ci_upper))
    found: Row = {name: getattr(estimate, name) for name in ESTIMATE_COLUMNS if hasattr(estimate, name)}
    found["ci_level"] = estimate.ci_level if has_interval else math.nan
    return dict(zip(QUESTION, question, strict=True)) | found


def to_frame(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Return rows as a frame with the estimates columns and their types, also for no rows.

    Examples
    --------
    >>> to_frame([]).columns.tolist() == list(ESTIMATE_COLUMNS)
    True
    """
    return clean_estimates(pd.DataFrame(list(rows), columns=list(ESTIMATE_COLUMNS)))


def clean_estimates(estimates: Estimates) -> pd.DataFrame:
    """Return estimates with empty text as "" and numbers and counts as floats, fresh or read back from CSV.

    Several frames are put below each other. A frame that is clean already is returned itself.

    Raises
    ------
    ValueError
        If a column of the estimates table is absent.

    Examples
    --------
    >>> clean_estimates([to_frame([]), to_frame([])]).empty
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
    if ESTIMATE_COLUMNS.get(name) == TEXT:
        return infer_dtype(column, skipna=False) == "string"
    return name not in ESTIMATE_COLUMNS or column.dtype == float


def _clean(name: str, column: pd.Series) -> np.ndarray | pd.api.extensions.ExtensionArray:
    """Return a column of the estimates table as texts or numbers, any other one as it is."""
    if _is_clean(name, column):
        return column.array
    if ESTIMATE_COLUMNS[name] == TEXT:
        texts = ["" if value is None or value is pd.NA or value != value else str(value) for value in column.tolist()]
        return np.array(texts, dtype=object)
    if is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=float, na_value=math.nan)
    return pd.to_numeric(column).astype("Float64").to_numpy(dtype=float, na_value=math.nan)


def to_publish(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the estimates columns alone, as they are written: counts as whole numbers."""
    counts = [name for name, kind in ESTIMATE_COLUMNS.items() if kind == COUNT]
    return estimates[list(ESTIMATE_COLUMNS)].astype(dict.fromkeys(counts, "Int64"))


def collect(scope: str, notebook: str, *parts: pd.DataFrame) -> pd.DataFrame:
    """Join parts into the estimates of one notebook and scope.

    Raises
    ------
    ValueError
        If two rows answer the same question: the table would be ambiguous.
    """
    joined = clean_estimates(parts).assign(scope=scope, notebook=notebook)
    twice = joined.duplicated(list(QUESTION))
    if twice.any():
        first = joined.loc[twice, list(QUESTION)].iloc[0].to_dict()
        raise ValueError(f"{int(twice.sum())} estimates are there twice, first: {first}")
    return joined


def select_rows(estimates: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    """Return the rows whose columns equal the wanted values; `variable`, `level`, `model` are empty unless asked for.

    None means any value.

    Examples
    --------
    >>> select_rows(to_frame([]), endpoint="ORR").empty
    True
    """
    keep = pd.Series(True, index=estimates.index)
    for column, value in ({"variable": "", "level": "", "model": ""} | wanted).items():
        if value is not None:
            keep &= estimates[column] == value
    return estimates[keep]
