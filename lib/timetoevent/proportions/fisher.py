"""Fisher's exact test for tables of any size; with the conditional odds ratio of a 2 x 2 table."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from timetoevent.intervals import normal_quantile
from timetoevent.proportions.enumeration import MAXIMUM_STEPS, TooLargeError, table_p_value
from timetoevent.results import Estimate, not_estimable

NO_MARGIN = "fewer than two rows or columns have subjects"


def fisher_exact(table: ArrayLike, *, ci_level: float = 0.95, maximum_steps: int = MAXIMUM_STEPS) -> Estimate:
    """Test independence of rows and columns of a table, exactly.

    The two-sided p-value is the probability, given both margins, of all tables no more probable than the one
    observed (to a relative error of 1e-7, as in R). 2 x 2 tables are scipy's; larger ones are enumerated, never
    simulated as scipy does.

    Parameters
    ----------
    table : array_like of int, shape (n_rows, n_columns)
        Counts. Rows and columns without a subject have no part.
    ci_level : float, default 0.95
        Level of the interval of the odds ratio (2 x 2 alone).
    maximum_steps : int
        Bound on the work; a table that needs more is ``not_estimable``, and says so.

    Returns
    -------
    Estimate
        ``p_value``; for a 2 x 2 table also the conditional maximum likelihood odds ratio with exact limits (0 or
        infinite where a cell is 0). ``not_estimable`` if fewer than two rows or columns have subjects.

    Raises
    ------
    ValueError
        If the table is not two-dimensional, or a count is missing, negative or no whole number.

    References
    ----------
    Mehta CR, Patel NR. A network algorithm for performing Fisher's exact test in r x c contingency tables.
    J Am Stat Assoc 1983;78:427-34.

    Examples
    --------
    >>> round(fisher_exact([[3, 1], [1, 3]]).p_value, 4)
    0.4857
    """
    normal_quantile(ci_level)
    counts = _check_table(table)
    n, method = int(counts.sum()), "Fisher's exact test"
    kept = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if counts.shape == (2, 2):
        method = f"{method}, conditional odds ratio, exact interval"
    if min(kept.shape, default=0) < 2:
        return not_estimable(NO_MARGIN, n=n, method=method)
    if counts.shape == (2, 2):
        ratio = stats.contingency.odds_ratio(counts, kind="conditional")
        limits = ratio.confidence_interval(ci_level)
        p_value = float(stats.fisher_exact(counts).pvalue)
        numbers = (float(ratio.statistic), float(limits.low), float(limits.high))
        return Estimate(*numbers, p_value=p_value, ci_level=ci_level, n=n, method=method)
    try:
        return Estimate(p_value=table_p_value(kept, maximum_steps=maximum_steps), n=n, method=method)
    except TooLargeError as error:
        return not_estimable(str(error), n=n, method=method)


def _check_table(table: ArrayLike) -> NDArray[np.int64]:
    numbers = np.asarray(table, float)
    if numbers.ndim != 2:
        raise ValueError(f"table: found {numbers.ndim} dimensions, expected rows and columns")
    n_bad = int((~np.isfinite(numbers) | (numbers < 0) | (numbers != np.floor(numbers))).sum())
    if n_bad:
        raise ValueError(f"table: {n_bad} counts are missing, negative or no whole numbers")
    return numbers.astype(np.int64)
