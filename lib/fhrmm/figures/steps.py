"""Step functions: where a curve stops, and how it is drawn."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

_SHORTEST_MONTHS = 0.25  # a shorter curve would be a speck on the axis


def cut_curve(curve: pd.DataFrame, minimum_at_risk: int, value: str = "survival") -> pd.DataFrame:
    """Return a curve from time 0 to the last time with enough subjects at risk; empty if there are none after a week.

    Parameters
    ----------
    curve : DataFrame
        `time`, the column named by `value`, and optionally `ci_lower`, `ci_upper`, `n_at_risk`, `n_censored`.
    minimum_at_risk : int
        Fewer at risk, and the curve stops.
    value : {"survival", "cumulative_incidence"}
        What the curve shows; decides where it starts.

    Examples
    --------
    >>> curve = pd.DataFrame({"time": [1.0, 2.0], "survival": [0.8, 0.4], "n_at_risk": [5.0, 2.0]})
    >>> cut_curve(curve, 5)["survival"].tolist()
    [1.0, 0.8]
    """
    rows = curve
    if "n_at_risk" in curve.columns:
        rows = curve[curve["n_at_risk"] >= minimum_at_risk]
        if not (rows["time"] > _SHORTEST_MONTHS).any():
            return rows.head(0)
    first = 1.0 if value == "survival" else 0.0
    start = {"time": 0.0, value: first, "ci_lower": first, "ci_upper": first, "n_censored": 0.0}
    columns = [name for name in start if name in rows.columns]
    if len(rows) and rows["time"].iloc[0] == 0:
        return rows[columns].reset_index(drop=True)
    return pd.DataFrame([start, *rows[columns].to_dict("records")], columns=columns)


def draw_steps(
    axes: Axes,
    curve: pd.DataFrame,
    value: str,
    color: str,
    line: str | tuple[int, tuple[float, ...]],
    name: str,
    *,
    band_alpha: float,
) -> None:
    """Draw a step curve with its pointwise band and a tick for each censoring."""
    if "ci_lower" in curve.columns:
        lower, upper = (curve[limit].fillna(curve[value]) for limit in ("ci_lower", "ci_upper"))
        axes.fill_between(curve["time"], lower, upper, step="post", color=color, alpha=band_alpha, linewidth=0)
    axes.step(curve["time"], curve[value], where="post", color=color, linestyle=line, label=name)
    if "n_censored" in curve.columns:
        ticks = curve[curve["n_censored"] > 0]
        axes.plot(ticks["time"], ticks[value], "|", color=color, markersize=6, markeredgewidth=1.0)
