"""The tests themselves: k groups, and a trend over ordered groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from timetoevent.checks import check_groups
from timetoevent.event_table import FloatArray, check_subjects
from timetoevent.lifelines_engine import LOGRANK_NAMES, logrank_statistic
from timetoevent.logrank.scores import RankScores, Weighting, check_weighting, rank_scores
from timetoevent.results import OK, Estimate, not_estimable


def logrank(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    weighting: str = "logrank",
    rho: float = 0.0,
    gamma: float = 0.0,
    is_repeated: bool = False,
) -> Estimate:
    """Test whether groups share one survival curve.

    Parameters
    ----------
    time, event, entry
        As in `timetoevent.kaplan_meier.kaplan_meier`.
    group : array_like, shape (n_subjects,)
        Group labels, none missing.
    strata : array_like, optional
        Stratum labels; comparisons are made within strata and added up.
    weighting : {"logrank", "gehan", "tarone-ware", "peto", "fleming-harrington"}
        Weight of an event time, within its stratum: 1; number at risk n; its square root; the
        Peto-Peto-Prentice survival estimate (product of 1 - d / (n + 1), time t included); S(t-)**rho * (1
        - S(t-))**gamma with the pooled Kaplan-Meier just before t.
    rho, gamma : float
        Exponents, >= 0, for "fleming-harrington" alone.
    is_repeated : bool
        Whether this is one of many tests, of a simulation: the statistic is then computed here alone, and not by
        lifelines, too, which takes ten times as long and finds the same.

    Returns
    -------
    Estimate
        ``statistic`` (chi-squared), ``df`` (groups with an expected event, minus 1), ``p_value``. Status
        ``not_estimable`` with one group, no events, or groups that are never at risk together at an event.

    Raises
    ------
    ValueError
        If inputs are invalid, a label is missing, or an option is unknown.

    References
    ----------
    Fleming TR, Harrington DP. Counting Processes and Survival Analysis. Wiley, 1991.
    Tarone RE, Ware J. On distribution-free tests for equality of survival distributions. Biometrika
    1977;64:156-60.

    Examples
    --------
    >>> round(logrank([1, 2, 3, 4], [1, 1, 1, 1], ["a", "a", "b", "b"]).p_value, 4)
    0.0896
    """
    chosen = check_weighting(weighting, rho, gamma)
    scores = rank_scores(time, event, group, strata=strata, entry=entry, weighting=chosen)
    kept = scores.expected > 0
    difference = (scores.observed - scores.expected)[kept][1:]
    covariance = scores.covariance[np.ix_(kept, kept)][1:, 1:]
    result = _chi_squared(difference, covariance, scores, _describe(chosen, strata))
    if is_repeated or result.status != OK or strata is not None or entry is not None or weighting not in LOGRANK_NAMES:
        return result
    subjects = check_subjects(time, event)
    theirs = logrank_statistic(subjects.time, subjects.event, check_groups(group)[0], weighting)
    if not math.isclose(theirs, result.statistic, rel_tol=1e-9):
        return result
    return replace(result, statistic=theirs, p_value=float(stats.chi2.sf(theirs, result.df)))


def logrank_trend(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    scores: Sequence[float] | None = None,
    strata: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    weighting: str = "logrank",
    rho: float = 0.0,
    gamma: float = 0.0,
) -> Estimate:
    """Test for a trend over ordered groups, with one degree of freedom.

    Parameters
    ----------
    time, event, group, strata, entry, weighting, rho, gamma
        As in `logrank`; groups are ordered by sorting, or by the categories of a Categorical.
    scores : sequence of float, optional
        One score per group in that order; 1, 2, 3, ... by default.

    Returns
    -------
    Estimate
        As `logrank`; ``df`` is 1.

    Raises
    ------
    ValueError
        As in `logrank`, and if the number of scores is not the number of groups.

    References
    ----------
    Tarone RE. Tests for trend in life table analysis. Biometrika 1975;62:679-90.

    Examples
    --------
    >>> logrank_trend([1, 2, 3], [1, 1, 1], [3, 2, 1]).df
    1.0
    """
    chosen = check_weighting(weighting, rho, gamma)
    ranks = rank_scores(time, event, group, strata=strata, entry=entry, weighting=chosen)
    values = np.arange(1.0, len(ranks.labels) + 1) if scores is None else np.asarray(scores, float)
    if len(values) != len(ranks.labels):
        raise ValueError(f"scores: found {len(values)}, expected one for each of {len(ranks.labels)} groups")
    difference = np.array([values @ (ranks.observed - ranks.expected)])
    variance = np.array([[values @ ranks.covariance @ values]])
    return _chi_squared(difference, variance, ranks, f"{_describe(chosen, strata)} for trend")


def observed_expected(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    weighting: str = "logrank",
    rho: float = 0.0,
    gamma: float = 0.0,
) -> pd.DataFrame:
    """Return observed and expected (weighted) events of each group, the inside of the log-rank test.

    Parameters
    ----------
    time, event, group, strata, entry, weighting, rho, gamma
        As in `logrank`.

    Returns
    -------
    DataFrame
        One row per group: ``group, n, observed, expected, variance`` (of observed - expected).

    Raises
    ------
    ValueError
        As in `logrank`.

    Examples
    --------
    >>> observed_expected([1, 2], [1, 1], ["a", "b"])["expected"].tolist()
    [0.5, 1.5]
    """
    chosen = check_weighting(weighting, rho, gamma)
    scores = rank_scores(time, event, group, strata=strata, entry=entry, weighting=chosen)
    return pd.DataFrame(
        {
            "group": scores.labels,
            "n": scores.n,
            "observed": scores.observed,
            "expected": scores.expected,
            "variance": np.diag(scores.covariance),
        }
    )


def _describe(weighting: Weighting, strata: ArrayLike | None) -> str:
    return f"{'stratified ' if strata is not None else ''}{weighting.describe()} test"


def _chi_squared(difference: FloatArray, covariance: FloatArray, scores: RankScores, method: str) -> Estimate:
    n = int(scores.n.sum())
    problem = _problem(covariance, scores)
    if problem:
        return not_estimable(problem, n=n, n_events=scores.n_events, method=method)
    statistic = float(difference @ np.linalg.solve(covariance, difference))
    df = float(len(difference))
    p_value = float(stats.chi2.sf(statistic, df))
    return Estimate(statistic=statistic, df=df, p_value=p_value, n=n, n_events=scores.n_events, method=method)


def _problem(covariance: FloatArray, scores: RankScores) -> str:
    """Say why there is no test; empty if there is one."""
    if not scores.labels:
        return "no subjects"
    if len(scores.labels) < 2:
        return "only one group"
    if scores.n_events == 0:
        return "no events"
    scale = float(np.abs(scores.covariance).max())
    if not covariance.size or np.linalg.matrix_rank(covariance, tol=1e-10 * scale) < len(covariance):
        return "groups are not at risk together at any event"
    return ""
