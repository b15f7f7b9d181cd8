"""Restricted mean survival time: the area under the Kaplan-Meier curve up to a horizon, and its
comparison."""

from __future__ import annotations

import math
from collections.abc import Hashable

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from timetoevent.checks import check_groups, check_same_length, check_time, tie_times
from timetoevent.event_table import FloatArray, check_subjects
from timetoevent.intervals import normal_quantile
from timetoevent.kaplan_meier import Curve, fit_curve
from timetoevent.results import OK, Estimate, not_estimable


def rmst(
    time: ArrayLike,
    event: ArrayLike,
    *,
    horizon: float,
    ci_level: float = 0.95,
    entry: ArrayLike | None = None,
) -> Estimate:
    """Estimate the restricted mean survival time up to a horizon.

    The variance is the sum over event times of (area to the right)**2 * d / (n * (n - d)), the term of a
    time at which the curve reaches 0 being 0: that of ``print(survfit, rmean=)`` in R's survival and of
    survRM2.

    Parameters
    ----------
    time, event, entry
        As in `timetoevent.kaplan_meier.kaplan_meier`.
    horizon : float
        Upper limit of the area, > 0. Beyond the last observed time the area is known only if the curve has
        reached 0 (R would go on at the last level).
    ci_level : float, default 0.95
        Level of the symmetric normal interval.

    Returns
    -------
    Estimate
        ``not_estimable`` without subjects, or if nobody was followed up to the horizon.

    Raises
    ------
    ValueError
        As in `kaplan_meier`, and if the horizon is not a finite number above 0.

    References
    ----------
    Royston P, Parmar MKB. Restricted mean survival time: an alternative to the hazard ratio. BMC Med Res
    Methodol 2013;13:152.

    Examples
    --------
    >>> round(rmst([1, 2, 3], [1, 1, 0], horizon=2).estimate, 6)
    1.666667
    """
    if not (math.isfinite(horizon) and horizon > 0):
        raise ValueError(f"horizon: found {horizon}, expected a finite time above 0")
    subjects = check_subjects(time, event, entry=entry)
    n, n_events, method = len(subjects), int(subjects.event.sum()), f"restricted mean up to {horizon:g}"
    if not n:
        return not_estimable("no subjects", method=method)
    curve = fit_curve(subjects, ci_level=ci_level)
    known, (end,) = tie_times(curve.counts.time, check_time([horizon], name="horizon"))
    if end > known[-1] and curve.survival[-1] > 0:
        reason = f"the horizon is beyond the last observed time ({known[-1]:g})"
        return not_estimable(reason, n=n, n_events=n_events, method=method)
    mean, std_error = _area(curve, known, end)
    width = normal_quantile(ci_level) * std_error
    return Estimate(
        mean, mean - width, mean + width, std_error, ci_level=ci_level, n=n, n_events=n_events, method=method
    )


def rmst_difference(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    horizon: float,
    reference: Hashable | None = None,
    ci_level: float = 0.95,
    entry: ArrayLike | None = None,
) -> Estimate:
    """Estimate the difference of restricted mean survival times, second group minus reference.

    Parameters
    ----------
    time, event, horizon, ci_level, entry
        As in `rmst`.
    group : array_like, shape (n_subjects,)
        Two labels.
    reference : hashable, optional
        Label of the reference group; the first of the sorted labels (or categories) by default.

    Returns
    -------
    Estimate
        Difference with normal interval, ``statistic`` (z) and two-sided ``p_value``; ``not_estimable`` if
        either mean is, or with one group.

    Raises
    ------
    ValueError
        As in `rmst`; if there are more than two groups, or the reference is none of them.

    References
    ----------
    Uno H, et al. Moving beyond the hazard ratio in quantifying the between-group difference in survival
    analysis. J Clin Oncol 2014;32:2380-5.

    Examples
    --------
    >>> rmst_difference([1, 2, 3, 4], [1, 1, 1, 1], ["a", "a", "b", "b"], horizon=2).estimate
    0.5
    """
    means = _by_group(time, event, group, horizon=horizon, reference=reference, entry=entry, ci_level=ci_level)
    facts = {
        "n": sum(mean.n for mean in means),
        "n_events": sum(mean.n_events for mean in means),
        "method": f"difference of restricted means up to {horizon:g}",
    }
    problem = _problem(means)
    if problem:
        return not_estimable(problem, **facts)
    base, other = means
    difference, std_error = other.estimate - base.estimate, math.hypot(base.std_error, other.std_error)
    width, z = normal_quantile(ci_level) * std_error, difference / std_error
    return Estimate(
        difference,
        difference - width,
        difference + width,
        std_error,
        statistic=z,
        p_value=float(2 * stats.norm.sf(abs(z))),
        ci_level=ci_level,
        **facts,
    )


def _area(curve: Curve, known: FloatArray, end: float) -> tuple[float, float]:
    """Return the area under the curve up to `end`, and its standard error."""
    row = np.flatnonzero(known <= end)
    edges = np.concatenate([[0.0], known[row], [end]])
    areas = np.diff(edges) * np.concatenate([[1.0], curve.survival[row]])
    after = np.cumsum(areas[:0:-1])[::-1]
    at_risk, d = curve.counts.n_at_risk[row], curve.counts.n_events[row]
    left = at_risk - d
    hazard = np.divide(d, at_risk * left, out=np.zeros_like(d), where=left > 0)
    return float(areas.sum()), float(np.sqrt(np.sum(after**2 * hazard)))


def _by_group(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    reference: Hashable | None,
    horizon: float,
    entry: ArrayLike | None,
    ci_level: float,
) -> list[Estimate]:
    """Return the restricted mean of each group, the reference first."""
    codes, labels = check_groups(group)
    if len(labels) > 2:
        raise ValueError(f"group: found {len(labels)} groups, expected two")
    if reference is not None and reference not in labels:
        raise ValueError(f"reference: found {reference!r}, expected one of {labels}")
    columns = {"time": time, "event": event, "entry": entry}
    arrays = {name: np.asarray(values) for name, values in columns.items() if values is not None}
    check_same_length(**arrays, group=codes)
    order = sorted(range(len(labels)), key=lambda code: (labels[code] != reference, code))
    return [
        rmst(**{name: values[codes == code] for name, values in arrays.items()}, horizon=horizon, ci_level=ci_level)
        for code in order
    ]


def _problem(means: list[Estimate]) -> str:
    """Say why the means cannot be compared; empty if they can."""
    if len(means) < 2:
        return "only one group" if means else "no subjects"
    failed = [mean.note for mean in means if mean.status != OK]
    if failed:
        return failed[0]
    return "no events before the horizon" if max(mean.std_error for mean in means) == 0 else ""
