"""Curves and their risk tables: coarser steps and rounded counts, so that no single event can be read off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
import pandas as pd

CurveSet = TypeVar("CurveSet", pd.DataFrame, Mapping[str, pd.DataFrame])
_VALUES = ("survival", "cumulative_incidence")


def _round_midpoint(count: float, threshold: int) -> int:
    """Round a count up to a multiple of the threshold, then down by half of it; zero stays zero.

    Every count of a band of `threshold` consecutive counts gives the same number, so that a difference of two
    rounded counts says nothing about fewer than `threshold` subjects.

    Examples
    --------
    >>> [_round_midpoint(count, 5) for count in (0, 1, 5, 6, 62)]
    [0, 3, 3, 8, 63]
    """
    if count == 0:
        return 0
    return int(np.ceil(count / threshold) * threshold - threshold // 2)


def coarsen_curves(curves: CurveSet, threshold: int) -> CurveSet:
    """Return curves whose every step stands for at least `threshold` events, and that stop before fewer are at risk.

    Parameters
    ----------
    curves : mapping of str to DataFrame, or DataFrame
        Kaplan-Meier curves by level, or the step functions of competing causes in one frame with column `cause`.
    threshold : int
        Least number of subjects.

    Returns
    -------
    Same type
        Steps at rounded months; counts dropped, heights rounded to whole percent. A curve of fewer subjects or
        events (but some) has no rows: a flat line would be a lie.
    """
    if isinstance(curves, pd.DataFrame):
        if curves.empty:
            return curves
        parts = [_coarsen(part, threshold) for _, part in curves.groupby("cause", sort=False, observed=True)]
        return pd.concat(parts, ignore_index=True)
    return {level: _coarsen(curve, threshold) for level, curve in curves.items()}


def suppress_risk(risk_table: pd.DataFrame, threshold: int) -> pd.DataFrame:
    """Return a risk table with every count rounded up to the middle of its band, so that differences tell nothing.

    Examples
    --------
    >>> table = pd.DataFrame({"group": [""], "at": [6.0], "n_at_risk": [4], "n_censored": [0], "n_events": [7]})
    >>> suppress_risk(table, 5)[["n_at_risk", "n_censored", "n_events"]].iloc[0].tolist()
    [3, 0, 8]
    """
    counts = [name for name in ("n_at_risk", "n_censored", "n_events") if name in risk_table.columns]
    rounded = {name: [_round_midpoint(count, threshold) for count in risk_table[name]] for name in counts}
    return risk_table.assign(**rounded)


def _coarsen(curve: pd.DataFrame, threshold: int) -> pd.DataFrame:
    value = next(name for name in _VALUES if name in curve.columns)
    rows = curve
    if "n_at_risk" in curve.columns:
        few = 0 < curve["n_events"].sum() < threshold
        rows = curve[:0] if few else curve[curve["n_at_risk"] >= threshold]
    if rows.empty:
        return rows
    kept = rows.iloc[_steps(rows, value, threshold)]
    changed = {name: kept[name].round(2) for name in (value, "ci_lower", "ci_upper") if name in kept.columns}
    shown = kept.assign(time=kept["time"].round(), **changed)
    drop = [name for name in ("n_events", "n_censored", "std_error") if name in shown.columns]
    return shown.drop(columns=drop).drop_duplicates("time", keep="last")


def _steps(rows: pd.DataFrame, value: str, threshold: int) -> list[int]:
    """Places at which at least `threshold` events have come together since the last one kept."""
    events = rows["n_events"].to_numpy(dtype=float) if "n_events" in rows.columns else None
    if events is None:
        return _steps_by_height(rows[value].to_numpy(dtype=float))
    places, gathered = [], 0.0
    for place, count in enumerate(events):
        gathered += count
        if gathered >= threshold:
            places.append(place)
            gathered = 0.0
    return places if places or not len(rows) else [len(rows) - 1]


def _steps_by_height(heights: np.ndarray, least: float = 0.1) -> list[int]:
    """Without event counts: places at which the curve has moved by at least a tenth."""
    places, last = [], heights[0] if len(heights) else 0.0
    for place, height in enumerate(heights):
        if abs(height - last) >= least:
            places.append(place)
            last = height
    return places
