"""The Kaplan-Meier curve, and its value at fixed times."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from timetoevent.checks import check_time, tie_times
from timetoevent.event_table import EventTable, FloatArray, Subjects, check_subjects, tabulate_events
from timetoevent.intervals import normal_quantile, probability_limits
from timetoevent.kaplan_meier.robust import robust_se_log
from timetoevent.lifelines_engine import product_limit
from timetoevent.results import Estimate, not_estimable


@dataclass(frozen=True, slots=True)
class Curve:
    """A Kaplan-Meier curve as arrays, one element per distinct time."""

    counts: EventTable
    survival: FloatArray
    std_error: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray


def kaplan_meier(
    time: ArrayLike,
    event: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    ci_type: str = "log-log",
    ci_level: float = 0.95,
) -> pd.DataFrame:
    """Estimate the survival curve by Kaplan-Meier with Greenwood's variance.

    Parameters
    ----------
    time : array_like of float, shape (n_subjects,)
        Time to event or censoring, finite and >= 0.
    event : array_like of bool, shape (n_subjects,)
        True (or 1) if the event was observed.
    entry : array_like of float, optional
        Start of observation (delayed entry); at risk at t are those with entry < t <= time.
    weights : array_like of float, optional
        Case weights. Whole numbers count as replicates (Greenwood); with fractions the variance is the robust
        infinitesimal jackknife, as in R.
    ci_type : {"log-log", "log", "plain", "logit", "arcsin"}
        Scale of the pointwise interval; R's default is "log", ours "log-log".
    ci_level : float, default 0.95
        Level of the interval.

    Returns
    -------
    DataFrame
        One row per distinct time: ``time, n_at_risk, n_events, n_censored, survival, std_error, ci_lower,
        ci_upper``. Standard error and limits are NaN where R gives NA (log-log limits before the first event;
        everything after the curve has reached 0).

    Raises
    ------
    ValueError
        If an input is missing, negative or of another coding, lengths differ, or an option is unknown.

    References
    ----------
    Kaplan EL, Meier P. Nonparametric estimation from incomplete observations. J Am Stat Assoc 1958;53:457-81.

    Examples
    --------
    >>> kaplan_meier([1, 2, 3], [True, False, True])["survival"].round(3).tolist()
    [0.667, 0.667, 0.0]
    """
    curve = fit_curve(check_subjects(time, event, entry=entry, weights=weights), ci_type=ci_type, ci_level=ci_level)
    return pd.DataFrame(
        {
            "time": curve.counts.time,
            "n_at_risk": curve.counts.n_at_risk,
            "n_events": curve.counts.n_events,
            "n_censored": curve.counts.n_censored,
            "survival": curve.survival,
            "std_error": curve.std_error,
            "ci_lower": curve.ci_lower,
            "ci_upper": curve.ci_upper,
        }
    )


def fit_curve(subjects: Subjects, *, ci_type: str = "log-log", ci_level: float = 0.95) -> Curve:
    """Return the Kaplan-Meier curve of checked subjects as arrays.

    Examples
    --------
    >>> fit_curve(check_subjects([1, 2], [1, 0])).survival.tolist()
    [0.5, 0.5]
    """
    counts = tabulate_events(subjects)
    at_risk, n_events = counts.n_at_risk, counts.n_events
    if subjects.is_weighted_by_fractions:
        survival = np.cumprod((at_risk - n_events) / at_risk)
        std_error = survival * robust_se_log(subjects, counts)
        se_log = np.divide(std_error, survival, out=np.zeros_like(survival), where=std_error > 0)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            se_log = np.sqrt(np.cumsum(n_events / (at_risk * (at_risk - n_events))))
        survival = _verified(subjects, counts, se_log, ci_level)
        if survival is None:
            survival = np.cumprod((at_risk - n_events) / at_risk)
        with np.errstate(invalid="ignore"):
            std_error = se_log * survival
    lower, upper = probability_limits(survival, se_log, ci_type=ci_type, ci_level=ci_level)
    return Curve(counts, survival, std_error, lower, upper)


def _verified(subjects: Subjects, counts: EventTable, se_log: FloatArray, ci_level: float) -> FloatArray | None:
    """Return the curve of lifelines if its counts are ours and its limits those of Greenwood's error, else None."""
    if subjects.entry is not None or not len(subjects):
        return None
    normal_quantile(ci_level)
    found = product_limit(subjects.time, subjects.event, subjects.weights, ci_level)
    rows = np.searchsorted(found.time, counts.time)
    # a sum of logarithms leaves 0.5625000000000001 where the product of fractions is 0.5625, and prints otherwise
    survival = _round_noise(found.survival[rows])
    same = np.array_equal(found.n_at_risk[rows], counts.n_at_risk) and np.array_equal(
        found.n_events[rows], counts.n_events
    )
    inner = (survival > 0) & (survival < 1)
    limits = probability_limits(survival[inner], se_log[inner], ci_type="log-log", ci_level=ci_level)
    theirs = found.ci_lower[rows][inner], found.ci_upper[rows][inner]
    return survival if same and np.allclose(theirs, limits, rtol=1e-9, atol=1e-12) else None


def _round_noise(survival: FloatArray) -> FloatArray:
    """Return probabilities to fourteen significant digits."""
    positive = survival > 0
    unit = 10.0 ** (14 - np.ceil(np.log10(np.where(positive, survival, 1.0))))
    return np.where(positive, np.rint(survival * unit) / unit, 0.0)


def survival_at(
    time: ArrayLike,
    event: ArrayLike,
    *,
    at: ArrayLike,
    ci_type: str = "log-log",
    ci_level: float = 0.95,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> list[Estimate]:
    """Estimate survival probabilities at fixed times by Kaplan-Meier.

    An event exactly at a requested time has happened (right-continuous curve); a requested time equal to an
    observed one up to rounding is that one. Before the first observed time the probability is 1 with limits
    1 and 1, as in R. Beyond the last observed time R's ``summary.survfit`` drops the row, or repeats the
    last value with ``extend=TRUE``; here the value exists only if the curve has reached 0.

    Parameters
    ----------
    time, event, entry, weights, ci_type, ci_level
        As in `kaplan_meier`.
    at : array_like of float
        Times at which to report, >= 0.

    Returns
    -------
    list of Estimate
        One per element of `at`, in its order; ``not_estimable`` where nobody was followed that long.

    Raises
    ------
    ValueError
        As in `kaplan_meier`, and if a requested time is missing or negative.

    Examples
    --------
    >>> [estimate.status for estimate in survival_at([1, 2, 3], [1, 0, 0], at=[2, 4])]
    ['ok', 'not_estimable']
    """
    subjects = check_subjects(time, event, entry=entry, weights=weights)
    curve = fit_curve(subjects, ci_type=ci_type, ci_level=ci_level)
    known, requested = tie_times(curve.counts.time, check_time(at, name="at"))
    rows = np.searchsorted(known, requested, side="right") - 1
    facts = {
        "ci_level": ci_level,
        "n": len(subjects),
        "n_events": int(subjects.event.sum()),
        "method": f"Kaplan-Meier, {ci_type} interval",
    }
    return [_probability(curve, int(row), float(value), facts) for row, value in zip(rows, requested, strict=True)]


def _probability(curve: Curve, row: int, at: float, facts: dict[str, object]) -> Estimate:
    """Return the estimate in force at a time, `row` being its row of the curve (-1 before the first)."""
    if not len(curve.survival):
        return not_estimable("no subjects", method=str(facts["method"]))
    if row < 0:
        return Estimate(1.0, 1.0, 1.0, 0.0, **facts)
    if at > curve.counts.time[-1] and curve.survival[-1] > 0:
        reason = f"beyond the last observed time ({curve.counts.time[-1]:g}); nobody is at risk"
        return replace(not_estimable(reason), **facts)
    return Estimate(
        float(curve.survival[row]),
        float(curve.ci_lower[row]),
        float(curve.ci_upper[row]),
        float(curve.std_error[row]),
        **facts,
    )
