"""Quantiles of a survival curve, the median among them, by R's rule; follow-up by reverse Kaplan-Meier."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from timetoevent.checks import check_event
from timetoevent.event_table import FloatArray, check_subjects
from timetoevent.kaplan_meier.curve import fit_curve
from timetoevent.results import NOT_REACHED, OK, Estimate, not_estimable

TOLERANCE = float(np.sqrt(np.finfo(float).eps))


def survival_quantile(
    time: ArrayLike,
    event: ArrayLike,
    *,
    probability: float = 0.5,
    ci_type: str = "log-log",
    ci_level: float = 0.95,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    flat_end: str = "midpoint",
) -> Estimate:
    """Estimate the time by which a fraction `probability` has had the event (0.5: the median).

    The rule is R's ``quantile.survfit``: the first time at which 1 - S(t) reaches `probability`; where the
    curve is flat exactly there (to a tolerance of 1.5e-8) the midpoint of the flat stretch. The limits are
    the same quantile of the confidence limits of the curve, NaN where these do not reach `probability`.

    Parameters
    ----------
    time, event, entry, weights, ci_type, ci_level
        As in `kaplan_meier`.
    probability : float, default 0.5
        Fraction with the event, in [0, 1].
    flat_end : {"midpoint", "first"}
        When the curve *ends* flat exactly at the quantile, ``quantile(fit)`` in R takes the midpoint
        between the last event and the last observed time, ``print(fit)`` the time of the last event: two
        answers of one package, both on offer.

    Returns
    -------
    Estimate
        Status ``not_reached`` if the curve never falls that far (a lower limit may still exist).

    Raises
    ------
    ValueError
        As in `kaplan_meier`, and if `probability` or `flat_end` is not allowed.

    References
    ----------
    Brookmeyer R, Crowley J. A confidence interval for the median survival time. Biometrics 1982;38:29-41.

    Examples
    --------
    >>> survival_quantile([1, 2, 3, 4], [1, 1, 1, 1]).estimate
    2.5
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"probability: found {probability}, expected a fraction between 0 and 1")
    if flat_end not in ("midpoint", "first"):
        raise ValueError(f"flat_end: found {flat_end!r}, expected 'midpoint' or 'first'")
    subjects = check_subjects(time, event, entry=entry, weights=weights)
    method = f"Kaplan-Meier, {ci_type} interval"
    if not len(subjects):
        return not_estimable("no subjects", method=method)
    curve = fit_curve(subjects, ci_type=ci_type, ci_level=ci_level)
    bounds = (curve.survival, curve.ci_lower, curve.ci_upper)
    value, lower, upper = (_quantile(curve.counts.time, bound, probability, flat_end) for bound in bounds)
    n_events = int(subjects.event.sum())
    reached = not np.isnan(value)
    reason = f"the curve ends at {curve.survival[-1]:.3f}, above {1 - probability:g}" if n_events else "no events"
    return Estimate(
        value,
        lower,
        upper,
        ci_level=ci_level,
        n=len(subjects),
        n_events=n_events,
        method=method,
        status=OK if reached else NOT_REACHED,
        note="" if reached else reason,
    )


def median_follow_up(
    time: ArrayLike,
    event: ArrayLike,
    *,
    probability: float = 0.5,
    ci_type: str = "log-log",
    ci_level: float = 0.95,
) -> Estimate:
    """Estimate the median (or another quantile) of potential follow-up by the reverse Kaplan-Meier method.

    Censoring is the event and the event is censoring. At tied times censorings therefore come first, as in
    ``survfit(Surv(time, 1 - event) ~ 1)``; other programs let events leave the risk set first.

    Parameters
    ----------
    time, event, ci_type, ci_level
        As in `kaplan_meier`.
    probability : float, default 0.5
        0.25 and 0.75 give the quartiles.

    Returns
    -------
    Estimate
        ``n_events`` counts the events of interest, not the censorings.

    Raises
    ------
    ValueError
        As in `survival_quantile`.

    References
    ----------
    Schemper M, Smith TL. A note on quantifying follow-up in studies of failure time. Control Clin Trials
    1996;17:343-6.

    Examples
    --------
    >>> median_follow_up([5, 10, 12], [1, 0, 0]).estimate
    11.0
    """
    events = check_event(event)
    result = survival_quantile(time, ~events, probability=probability, ci_type=ci_type, ci_level=ci_level)
    note = "nobody is censored: follow-up is not seen to end" if len(events) and events.all() else result.note
    method = f"reverse Kaplan-Meier, {ci_type} interval"
    return replace(result, n_events=int(events.sum()), note=note, method=method)


def _quantile(time: FloatArray, bound: FloatArray, probability: float, flat_end: str) -> float:
    """Return the quantile of one curve (the survival curve or a limit of it), NaN if it is not reached.

    The failure probability need not be monotone (a limit is not); NaN steps are passed over. Steps of equal
    height count once, at their first time, so that a flat stretch runs to the next different height.
    """
    if probability == 0:
        return 0.0
    height = np.concatenate([[0.0], 1 - bound])
    x = np.concatenate([[0.0], time])
    known = np.flatnonzero(~np.isnan(height))
    _, first = np.unique(height[known], return_index=True)
    steps = known[first]
    sorted_height = height[steps]
    early = int(np.searchsorted(sorted_height + TOLERANCE, probability))
    late = int(np.searchsorted(sorted_height - TOLERANCE, probability))
    if early == len(steps):
        return float("nan")
    undefined = np.flatnonzero(np.isnan(height))
    ends_with_last_step = not len(undefined) or undefined[0] < steps.max()
    if ends_with_last_step and abs(probability - height[steps.max()]) < TOLERANCE:
        return float(x[steps[early]] if flat_end == "first" else (x[steps[early]] + x[-1]) / 2)
    return float("nan") if late == len(steps) else float((x[steps[early]] + x[steps[late]]) / 2)
