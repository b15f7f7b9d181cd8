"""Fisher's exact test for tables of any size, and the conditional odds ratio of a 2 x 2 table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import gammaln

from timetoevent.event_table import FloatArray
from timetoevent.intervals import normal_quantile
from timetoevent.proportions.enumeration import MAXIMUM_STEPS, TooLargeError, table_p_value
from timetoevent.results import Estimate, not_estimable

RELATIVE_ERROR = 1e-7
LARGEST_LOG_ODDS = 700.0


def fisher_exact(table: ArrayLike, *, ci_level: float = 0.95, maximum_steps: int = MAXIMUM_STEPS) -> Estimate:
    """Test independence of rows and columns of a table, exactly.

    The two-sided p-value is the probability, given both margins, of all tables no more probable than the one
    observed (to a relative error of 1e-7, as in R). Tables of any size are enumerated, never simulated.

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
        ``p_value``; for a 2 x 2 table also the conditional odds ratio, as `odds_ratio`. ``not_estimable``
        if fewer than two rows or columns have subjects.

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
    counts = _check_table(table)
    n, method = int(counts.sum()), "Fisher's exact test"
    if counts.shape == (2, 2):
        ratio = odds_ratio(counts, ci_level=ci_level)
        return ratio if ratio.status != "ok" else _with_p(ratio, _two_by_two_p(counts), method)
    kept = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(kept.shape, default=0) < 2:
        return not_estimable("fewer than two rows or columns have subjects", n=n, method=method)
    try:
        p_value = table_p_value(kept, maximum_steps=maximum_steps)
    except TooLargeError as error:
        return not_estimable(str(error), n=n, method=method)
    return Estimate(p_value=p_value, n=n, method=method)


def odds_ratio(table: ArrayLike, *, ci_level: float = 0.95) -> Estimate:
    """Estimate the odds ratio of a 2 x 2 table by conditional maximum likelihood, with exact limits.

    This is the estimate ``fisher.test`` gives in R, but solved to machine precision (R stops at 1e-4).

    Parameters
    ----------
    table : array_like of int, shape (2, 2)
        Counts.
    ci_level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        The estimate may be 0 or infinite, where a cell is 0, with one finite limit. ``not_estimable`` if a
        margin is 0.

    Raises
    ------
    ValueError
        As in `fisher_exact`, or if the table is not 2 x 2.

    References
    ----------
    Cornfield J. A statistical problem arising from retrospective studies. Proc Third Berkeley Symp
    1956;4:135-48.

    Examples
    --------
    >>> round(odds_ratio([[3, 1], [1, 3]]).estimate, 4)
    6.4083
    """
    counts = _check_table(table)
    if counts.shape != (2, 2):
        raise ValueError(f"table: found shape {counts.shape}, expected 2 x 2")
    normal_quantile(ci_level)
    n, method = int(counts.sum()), "conditional odds ratio, exact interval"
    if 0 in counts.sum(axis=0) or 0 in counts.sum(axis=1):
        return not_estimable("fewer than two rows or columns have subjects", n=n, method=method)
    support, log_density = _hypergeometric(counts)
    observed, tail = int(counts[0, 0]), (1 - ci_level) / 2

    def density(log_odds: float) -> FloatArray:
        logs = log_density + log_odds * (support - observed)
        weights = np.exp(logs - logs.max())
        return weights / weights.sum()

    lowest, highest = observed == support[0], observed == support[-1]
    estimate = _solve(lambda odds: float(support @ density(odds)) - observed, lowest, highest)
    lower = 0.0 if lowest else _solve(lambda odds: float(density(odds)[support >= observed].sum()) - tail)
    upper = math.inf if highest else _solve(lambda odds: tail - float(density(odds)[support <= observed].sum()))
    return Estimate(estimate, lower, upper, ci_level=ci_level, n=n, method=method)


def _solve(function: Callable[[float], float], is_zero: bool = False, is_infinite: bool = False) -> float:
    """Return exp of the root of an increasing function of the log odds ratio."""
    if is_zero or is_infinite:
        return 0.0 if is_zero else math.inf
    return math.exp(brentq(function, -LARGEST_LOG_ODDS, LARGEST_LOG_ODDS, xtol=1e-13, rtol=8.9e-16, maxiter=500))


def _check_table(table: ArrayLike) -> NDArray[np.int64]:
    numbers = np.asarray(table, float)
    if numbers.ndim != 2:
        raise ValueError(f"table: found {numbers.ndim} dimensions, expected rows and columns")
    n_bad = int((~np.isfinite(numbers) | (numbers < 0) | (numbers != np.floor(numbers))).sum())
    if n_bad:
        raise ValueError(f"table: {n_bad} counts are missing, negative or no whole numbers")
    return numbers.astype(np.int64)


def _hypergeometric(counts: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """Return the possible values of the first cell and the log of their probability, up to a constant."""
    (first_row, second_row), first_column = counts.sum(axis=1), counts[:, 0].sum()
    support = np.arange(max(0, first_column - second_row), min(first_column, first_row) + 1, dtype=float)
    cells: Sequence[FloatArray] = (
        support,
        first_row - support,
        first_column - support,
        second_row - first_column + support,
    )
    return support, -sum(gammaln(cell + 1) for cell in cells)


def _two_by_two_p(counts: NDArray[np.int64]) -> float:
    support, log_density = _hypergeometric(counts)
    weights = np.exp(log_density - log_density.max())
    observed = weights[int(counts[0, 0] - support[0])]
    return min(1.0, float(weights[weights <= observed * (1 + RELATIVE_ERROR)].sum() / weights.sum()))


def _with_p(ratio: Estimate, p_value: float, method: str) -> Estimate:
    return Estimate(
        ratio.estimate,
        ratio.ci_lower,
        ratio.ci_upper,
        p_value=p_value,
        ci_level=ratio.ci_level,
        n=ratio.n,
        method=f"{method}, {ratio.method}",
    )
