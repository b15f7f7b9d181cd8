"""Log-rank tests of every pair of groups, and adjustment of p-values for their number."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from timetoevent.checks import check_same_length
from timetoevent.event_table import FloatArray
from timetoevent.groups import check_groups
from timetoevent.logrank.statistics import logrank
from timetoevent.results import Estimate

P_ADJUSTMENTS = ("holm", "hochberg", "bonferroni", "benjamini-hochberg", "none")
_RESULT = ["n", "n_events", "statistic", "df", "p_value", "p_adjusted", "status", "note"]
PAIR_COLUMNS = ["group_1", "group_2", *_RESULT]


def logrank_pairwise(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    adjustment: str = "holm",
    strata: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    weighting: str = "logrank",
    rho: float = 0.0,
    gamma: float = 0.0,
) -> pd.DataFrame:
    """Test every pair of groups, each on its own subjects alone, with p-values adjusted for their number.

    Parameters
    ----------
    time, event, group, strata, entry, weighting, rho, gamma
        As in `logrank`.
    adjustment : {"holm", "hochberg", "bonferroni", "benjamini-hochberg", "none"}
        As ``p.adjust`` in R; pairs without a p-value do not count.

    Returns
    -------
    DataFrame
        One row per pair: ``group_1, group_2, n, n_events, statistic, df, p_value, p_adjusted, status, note``.

    Raises
    ------
    ValueError
        As in `logrank`, and if `adjustment` is unknown.

    Examples
    --------
    >>> pairs = logrank_pairwise([1, 2, 3, 4, 5, 6], [1] * 6, list("aabbcc"))
    >>> pairs[["group_1", "group_2"]].to_numpy().tolist()
    [['a', 'b'], ['a', 'c'], ['b', 'c']]
    """
    codes, labels = check_groups(group)
    columns = {"time": time, "event": event, "group": codes, "strata": strata, "entry": entry}
    arrays = {name: np.asarray(values) for name, values in columns.items() if values is not None}
    check_same_length(**arrays)
    rows = []
    for first, second in combinations(range(len(labels)), 2):
        keep = (codes == first) | (codes == second)
        pair = {name: values[keep] for name, values in arrays.items()}
        result = logrank(**pair, weighting=weighting, rho=rho, gamma=gamma)
        rows.append({"group_1": labels[first], "group_2": labels[second]} | _row(result))
    pairs = pd.DataFrame(rows, columns=PAIR_COLUMNS)
    adjusted = adjust_p_values(pairs["p_value"].to_numpy(float), method=adjustment)
    return pairs.assign(p_adjusted=adjusted)


def adjust_p_values(p_values: ArrayLike, *, method: str = "holm") -> FloatArray:
    """Adjust p-values for multiplicity as R's ``p.adjust`` does; NaN stays NaN and does not count.

    Parameters
    ----------
    p_values : array_like of float
        Raw p-values.
    method : {"holm", "hochberg", "bonferroni", "benjamini-hochberg", "none"}
        Method of adjustment.

    Returns
    -------
    ndarray of float
        Adjusted p-values, in the order given.

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


def _row(result: Estimate) -> dict[str, object]:
    return {name: getattr(result, name) for name in _RESULT if name != "p_adjusted"}
