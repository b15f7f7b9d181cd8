"""Adjustment of p-values for their number."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from timetoevent.event_table import FloatArray

P_ADJUSTMENTS = ("holm", "hochberg", "bonferroni", "benjamini-hochberg", "none")


def adjust_p_values(p_values: ArrayLike, *, method: str = "holm") -> FloatArray:
    """Adjust p-values for multiplicity as R's ``p.adjust`` does; NaN stays NaN and does not count.

    Parameters
    ----------
    p_values : array_like of float
        Raw p-values.
    method : {"holm", "hochberg", "bonferroni", "benjamini-hochberg", "none"}
        Method of adjustment.

    Raises
    ------
    ValueError
        If `method` is unknown.

    References
    ----------
    Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65-70.

    Examples
    --------
    >>> adjust_p_values([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    if method not in P_ADJUSTMENTS:
        raise ValueError(f"adjustment: found {method!r}, expected one of {', '.join(P_ADJUSTMENTS)}")
    raw = np.asarray(p_values, float)
    adjusted = np.full(raw.shape, np.nan)
    known = np.flatnonzero(~np.isnan(raw))
    order = known[np.argsort(raw[known], kind="stable")]
    n = len(order)
    rank = np.arange(1, n + 1)
    factor = {
        "holm": n - rank + 1,
        "hochberg": n - rank + 1,
        "bonferroni": np.full(n, n),
        "benjamini-hochberg": n / rank,
        "none": np.ones(n),
    }[method]
    scaled = raw[order] * factor
    if method == "holm":
        scaled = np.maximum.accumulate(scaled)
    if method in ("hochberg", "benjamini-hochberg"):
        scaled = np.minimum.accumulate(scaled[::-1])[::-1]
    adjusted[order] = np.minimum(scaled, 1)
    return adjusted
