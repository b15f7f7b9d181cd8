"""Tables of counts as a release shows them: each count the midpoint of its band."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_float_dtype, is_integer_dtype

from fhrmm.rounding import is_few, midpoint, round_significant

# A frame that names one of these lists files or centers.
_LEFT_OUT = frozenset({"center", "file"})
# Frames whose lines are those of the plan, whether or not anybody is in them.
_OF_THE_PLAN = frozenset({"definition", "criterion"})
_TOTAL = "Total"


def round_counts(frame: pd.DataFrame, base: int) -> pd.DataFrame:
    """Return a table with every count rounded to its midpoint.

    Parameters
    ----------
    frame : DataFrame
        Whole-number columns are counts; other numbers keep two significant decimals, words stay.
    base : int
        Base of rounding.

    Returns
    -------
    DataFrame
        Lines and columns in which every count is few are left out where they are there only because somebody is in
        them: they cannot be told from those in which nobody is. ``attrs["few"]`` holds the lowest midpoint and its
        words. Without rows where the table lists centers or files.

    Examples
    --------
    >>> round_counts(pd.DataFrame({"level": ["a", "b", "Total"], "n": [4, 58, 62]}), 6).values.tolist()
    [['b', 57], ['Total', 63]]
    """
    if _LEFT_OUT & set(map(str, frame.columns)):
        return frame.iloc[:0]
    counts = [name for name in frame.columns if is_integer_dtype(frame[name].dtype)]
    kept = frame
    if counts and not _OF_THE_PLAN & set(map(str, frame.columns)):
        kept = kept[kept[counts].max(axis=1).fillna(base + 1) > base]
        is_cross = len(kept) > 0 and kept.iloc[-1, 0] == _TOTAL
        small = [name for name in counts if is_cross and is_few(kept[name].iloc[-1], base)]
        kept, counts = kept.drop(columns=small), [name for name in counts if name not in small]
    shown = kept.assign(
        **{name: [value if pd.isna(value) else midpoint(value, base) for value in kept[name]] for name in counts}
    )
    shown = shown.astype(dict.fromkeys(counts, "Int64"))
    numbers = [name for name in shown.columns if is_float_dtype(shown[name].dtype) and not is_bool_dtype(shown[name])]
    shown = shown.assign(**{name: [round_significant(value) for value in shown[name]] for name in numbers})
    shown.attrs = {**frame.attrs, "few": (midpoint(0, base), f"\u2264{base}")}
    return shown


def round_risk(risk_table: pd.DataFrame, base: int) -> pd.DataFrame:
    """Return numbers at risk that follow from rounded cumulative events and censored; none before the first.

    Examples
    --------
    >>> counts = {"n_at_risk": [63, 50], "n_events": [0, 8], "n_censored": [0, 5]}
    >>> table = pd.DataFrame({"group": "", "at": [0, 6]} | counts)
    >>> round_risk(table, 6)["n_at_risk"].tolist()
    [63, 51]
    """
    if risk_table.empty:
        return risk_table
    left = {
        name: np.array([midpoint(count, base) if count else 0 for count in risk_table[name]])
        for name in ("n_events", "n_censored")
    }
    first = risk_table.groupby("group", sort=False)["n_at_risk"].transform("first")
    whole = np.array([midpoint(count, base) for count in first])
    return risk_table.assign(n_at_risk=np.maximum(whole - left["n_events"] - left["n_censored"], 0), **left)


def take_curves(curves: pd.DataFrame | Mapping[str, pd.DataFrame]) -> pd.DataFrame | dict[str, pd.DataFrame]:
    """Return the curves that were made from rounded follow-up; the steps of others would be those of patients."""
    if isinstance(curves, pd.DataFrame):
        return curves if curves.attrs.get("rounding") else curves.iloc[:0]
    return {level: curve for level, curve in curves.items() if curve.attrs.get("rounding")}
