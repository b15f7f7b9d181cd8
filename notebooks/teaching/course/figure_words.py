"""Text alternatives of the figures of the lessons: the shape, from what is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd


def describe_follow_up(patients: pd.DataFrame) -> str:
    """Say how many lines there are, how long, and how they end.

    Examples
    --------
    >>> describe_follow_up(pd.DataFrame({"time_months": [2.0, 9.0], "event": [True, False]}))
    '2 horizontal lines of 2 to 9 months; 1 ends in a filled mark (event), 1 in an open one (censored).'
    """
    seen = int(patients["event"].sum())
    longest, shortest = patients["time_months"].max(), patients["time_months"].min()
    return (
        f"{len(patients)} horizontal lines of {shortest:.3g} to {longest:.3g} months; {seen} "
        f"{'ends' if seen == 1 else 'end'} in a filled mark (event), {len(patients) - seen} in an open one (censored)."
    )


def describe_curves(curves: Mapping[str, pd.DataFrame], value: str = "survival") -> str:
    """Say where each curve ends, and when it passes one half.

    Examples
    --------
    >>> describe_curves({"all": pd.DataFrame({"time": [1.0, 2.0], "survival": [0.7, 0.4]})})
    'Step curve: all passes 50% at 2 months and ends at 40%.'
    """
    parts = []
    for name, curve in curves.items():
        passed = curve[(curve[value] <= 0.5) if value == "survival" else (curve[value] >= 0.5)]
        half = f"passes 50% at {passed['time'].iloc[0]:.3g} months" if len(passed) else "never passes 50%"
        end = curve[value].iloc[-1] if len(curve) else float(value == "survival")
        parts.append(f"{name} {half} and ends at {100 * end:.0f}%")
    return f"Step {'curve' if len(parts) == 1 else 'curves'}: {'; '.join(parts)}."


def describe_intervals(rows: pd.DataFrame, truth: float | None = None) -> str:
    """Say each estimate with its interval, and which intervals miss the truth.

    Examples
    --------
    >>> rows = pd.DataFrame({"label": ["naive"], "estimate": [0.4], "ci_lower": [0.3], "ci_upper": [0.6]})
    >>> describe_intervals(rows, 1.0)
    'naive 0.4 (0.3 to 0.6). The truth, 1, is outside the interval of naive.'
    """
    rows = rows.dropna(subset=["estimate"])
    said = [
        f"{row['label']} {row['estimate']:.2g} ({row['ci_lower']:.2g} to {row['ci_upper']:.2g})"
        for row in rows.to_dict("records")
    ]
    if truth is None:
        return "; ".join(said) + "."
    missed = rows[(rows["ci_lower"] > truth) | (rows["ci_upper"] < truth)]["label"].tolist()
    where = f"is outside the interval of {', '.join(missed)}" if missed else "is inside every interval"
    return f"{'; '.join(said)}. The truth, {truth:.3g}, {where}."


def describe_lines(lines: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> str:
    """Say from where to where each line goes.

    Examples
    --------
    >>> describe_lines({"power": ([1, 9], [0.1, 0.8])})
    'power goes from 0.1 at 1 to 0.8 at 9.'
    """
    parts = []
    for name, points in lines.items():
        x, y = (list(values) for values in points)
        parts.append(f"{name} goes from {y[0]:.2g} at {x[0]:.3g} to {y[-1]:.2g} at {x[-1]:.3g}")
    return "; ".join(parts) + "."


def describe_spread(values: Mapping[str, Sequence[float]], truth: float | None = None) -> str:
    """Say where the middle and the middle nine tenths of each set of values lie.

    Examples
    --------
    >>> describe_spread({"estimates": [1.0, 2.0, 3.0]}, truth=2.0)
    'Middle of estimates 2, nine in ten between 1.1 and 2.9. The truth is 2.'
    """
    parts = []
    for name, found in values.items():
        low, middle, high = np.quantile(np.asarray(found, dtype=float), [0.05, 0.5, 0.95])
        parts.append(f"Middle of {name} {middle:.2g}, nine in ten between {low:.2g} and {high:.2g}.")
    return " ".join(parts) + (f" The truth is {truth:.3g}." if truth is not None else "")


def describe_balance(balance: pd.DataFrame) -> str:
    """Say how far apart the groups are before and after weighting.

    Examples
    --------
    >>> describe_balance(pd.DataFrame({"label": ["age"], "before": [0.5], "after": [-0.02]}))
    'Largest absolute standardized difference 0.50 before weighting (age), 0.02 after.'
    """
    before, after = balance["before"].abs(), balance["after"].abs()
    worst = balance.loc[before.idxmax(), "label"]
    first = f"Largest absolute standardized difference {before.max():.2f} before weighting ({worst})"
    return f"{first}, {after.max():.2f} after."
