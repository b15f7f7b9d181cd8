"""Rows of the estimates table: how one `timetoevent.results.Estimate` becomes one row."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype

from fhrmm.store import ESTIMATE_COLUMNS
from timetoevent.results import Estimate

KEYS = ["center", "patient_id"]
MISSING = "missing"
_COUNTS = ("n", "n_events")
_TEXT = (
    "scope",
    "notebook",
    "population",
    "endpoint",
    "model",
    "variable",
    "level",
    "reference",
    "estimand",
    "method",
    "status",
    "note",
)


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
) -> dict[str, object]:
    """Return one row of the estimates table.

    Parameters
    ----------
    estimate : Estimate
        The number with interval, counts, status and note.
    endpoint, estimand, population, model, variable, level, reference : str
        What was estimated, in whom; empty where it does not apply.
    time_months : float
        Time of a rate or horizon, in months; NaN where it does not apply.

    Returns
    -------
    dict
        One value per estimates column except ``scope`` and ``notebook``, which `collect` fills.

    Examples
    --------
    >>> make_row(Estimate(0.5, n=4, n_events=2), endpoint="ORR", estimand="proportion")["n"]
    4
    """
    return {
        "population": population,
        "endpoint": endpoint,
        "model": model,
        "variable": variable,
        "level": level,
        "reference": reference,
        "estimand": estimand,
        "time_months": time_months,
        "estimate": estimate.estimate,
        "ci_lower": estimate.ci_lower,
        "ci_upper": estimate.ci_upper,
        "ci_level": estimate.ci_level if _has_interval(estimate) else math.nan,
        "p_value": estimate.p_value,
        "n": estimate.n,
        "n_events": estimate.n_events,
        "method": estimate.method,
        "status": estimate.status,
        "note": estimate.note,
    }


def to_frame(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Return rows as a frame with the estimates columns and stable types, also for no rows."""
    records = list(rows)
    return _frame({name: [record.get(name) for record in records] for name in ESTIMATE_COLUMNS})


def _frame(columns: Mapping[str, list[object]]) -> pd.DataFrame:
    return pd.DataFrame({name: _column(name, columns[name]) for name in ESTIMATE_COLUMNS})


def _column(name: str, values: list[object]) -> pd.api.extensions.ExtensionArray | np.ndarray:
    kind = infer_dtype(values, skipna=False)
    if (name in _TEXT and kind == "string") or (name not in (*_TEXT, *_COUNTS) and kind == "floating"):
        return np.array(values, dtype=object if kind == "string" else float)
    missing = [value is None or value is pd.NA or value != value for value in values]
    if name in _TEXT:
        text = ["" if gone else str(value) for value, gone in zip(values, missing, strict=True)]
        return np.array(text, dtype=object)
    if name in _COUNTS:
        counts = [0 if gone else int(value) for value, gone in zip(values, missing, strict=True)]  # type: ignore[call-overload]
        return pd.arrays.IntegerArray(np.array(counts, dtype="int64"), np.array(missing, dtype=bool))
    return np.array([math.nan if gone else float(value) for value, gone in zip(values, missing, strict=True)])  # type: ignore[arg-type]


def collect(scope: str, notebook: str, *parts: pd.DataFrame) -> pd.DataFrame:
    """Join parts into the estimates of one notebook and scope.

    Raises
    ------
    ValueError
        If two rows answer the same question: the table would be ambiguous.
    """
    columns = {name: [value for part in parts for value in _values(part, name)] for name in ESTIMATE_COLUMNS}
    joined = _frame(columns).assign(scope=scope, notebook=notebook)
    identity = [
        "population",
        "endpoint",
        "model",
        "variable",
        "level",
        "reference",
        "estimand",
        "time_months",
    ]
    twice = joined.duplicated(identity)
    if twice.any():
        raise ValueError(
            f"{int(twice.sum())} estimates are there twice, first: {joined.loc[twice, identity].iloc[0].to_dict()}"
        )
    return joined


def _values(rows: pd.DataFrame, name: str) -> list[object]:
    return rows[name].tolist() if name in rows.columns else [None] * len(rows)


def join_cohort(derived: pd.DataFrame, cohort: pd.DataFrame) -> pd.DataFrame:
    """Return derived rows with the cohort's columns that they lack, matched by center and patient."""
    extra = [column for column in cohort.columns if column not in derived.columns or column in KEYS]
    return derived.merge(cohort[extra], on=KEYS, how="left", validate="many_to_one")


def iterate_levels(frame: pd.DataFrame, variable: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield (level, its rows) in the declared order, levels without patients included, missing last if any."""
    values = frame[variable]
    levels: Sequence[object] = (
        list(values.cat.categories)
        if isinstance(values.dtype, pd.CategoricalDtype)
        else sorted(values.dropna().unique())
    )
    for level in levels:
        yield str(level), frame[(values == level).fillna(False).to_numpy(dtype=bool)]
    if values.isna().any():
        yield MISSING, frame[values.isna()]


def _has_interval(estimate: Estimate) -> bool:
    return not (math.isnan(estimate.ci_lower) and math.isnan(estimate.ci_upper))
