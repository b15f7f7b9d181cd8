"""Cox's partial likelihood of one center from counts by day and pattern of covariates, and Newton's steps.

Every covariate is a level, so patients with equal levels are one pattern: a million patients are a few thousand counts.
Efron's ties, as in `timetoevent.cox`, which these numbers are held to and which has a row per patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from timetoevent.checks import FloatArray
from timetoevent.cox.newton import find_redundant

FARTHEST = 15.0  # beyond, a coefficient rises without end
LOCAL_STEPS = 25
LOCAL_TOLERANCE = 1e-6
LOCAL_INFORMATION = 1e-9
IntArray = NDArray[np.int64]
Sums = dict[str, FloatArray]


@dataclass(frozen=True)
class DayTable:
    """Patients at risk and events by event day (rows) and pattern (columns); `x` are the patterns' covariates."""

    x: FloatArray
    days: FloatArray
    at_risk: FloatArray
    events: FloatArray


def count_days(days: IntArray, event: NDArray[np.bool_], pattern: IntArray, x: FloatArray) -> DayTable:
    """Count patients at risk and events on each day with an event; `x` has one row per pattern."""
    shape = (int(days.max(initial=0)) + 1, len(x))
    place = days * len(x) + pattern
    leaving, events = (
        np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape) for cell in (place, place[event])
    )
    at_risk, used = leaving[::-1].cumsum(axis=0)[::-1], events.any(axis=1)
    return DayTable(x, np.flatnonzero(used).astype(float), at_risk[used].astype(float), events[used].astype(float))


def evaluate(
    table: DayTable, beta: FloatArray, *, third: bool = False, drift: bool = False, weight: Sequence[object] = ()
) -> Sums:
    """Return the partial likelihood of a center at `beta` and its derivatives; zeros for a center without events.

    Parameters
    ----------
    table : DayTable
        Of the center.
    beta : float array of shape (p,)
        Where to look.
    third : bool
        Firth's penalty needs the derivative of the information.
    drift : bool
        The test of proportional hazards needs score and information times days, and information times squared days.
    weight : array of shape (p, p), optional
        Newton's steps with Firth's penalty need the second derivative of the trace of this matrix times information.

    Returns
    -------
    dict of str to float array
        ``log_likelihood``, ``score``, ``information``; ``third``, ``bend``; ``drift``, ``mixed``, ``squared``.
    """
    x, risk = table.x, np.exp(table.x @ beta)
    n_tied = table.events.sum(axis=1).astype(int)
    day = np.repeat(np.arange(len(n_tied)), n_tied)
    fraction = (np.arange(len(day)) - np.repeat(np.cumsum(n_tied) - n_tied, n_tied)) / n_tied[day]
    share = (table.at_risk[day] - fraction[:, None] * table.events[day]) * risk
    total = share.sum(axis=1)
    share /= total[:, None]
    mean = share @ x

    def information(factor: FloatArray) -> FloatArray:
        return (x.T * (factor @ share)) @ x - (mean.T * factor) @ mean

    def score(factor: FloatArray) -> FloatArray:
        seen = table.events * (np.bincount(day, factor, len(n_tied)) / n_tied)[:, None]
        return seen.sum(axis=0) @ x - factor @ mean

    one, time = np.ones(len(day)), table.days[day]
    log_likelihood = table.events.sum(axis=0) @ (x @ beta) - np.log(total).sum()
    found = {"log_likelihood": np.array(log_likelihood), "score": score(one), "information": information(one)}
    if third:
        found["third"] = _third(x, share, mean)
    if len(weight):
        found["bend"] = _bend(x, share, mean, np.array(weight, dtype=float))
    if drift:
        found |= {"drift": score(time), "mixed": information(time), "squared": information(time**2)}
    return found


def _third(x: FloatArray, share: FloatArray, mean: FloatArray) -> FloatArray:
    """Return the third central moments of the covariates among those at risk, summed over events."""
    squares = x[:, :, None] * x[:, None, :]
    raw = np.tensordot(squares * share.sum(axis=0)[:, None, None], x, (0, 0))
    mixed = np.tensordot(np.tensordot(share, squares, 1), mean, (0, 0))
    cubes = np.tensordot(mean[:, :, None] * mean[:, None, :], mean, (0, 0))
    return raw - mixed - mixed.transpose(0, 2, 1) - mixed.transpose(2, 1, 0) + 2 * cubes


def _bend(x: FloatArray, share: FloatArray, mean: FloatArray, w: FloatArray) -> FloatArray:
    """Return the fourth cumulants of the covariates among those at risk, two of the four contracted with `w`."""
    form = (x @ w * x).sum(axis=1) - 2 * mean @ w @ x.T + (mean @ w * mean).sum(axis=1)[:, None]
    pull = share * form
    of_event, mixed = pull.sum(axis=1), (pull @ x).T @ mean
    raw = (x.T * (pull.sum(axis=0) - of_event @ share)) @ x + 2 * (mean.T * of_event) @ mean - mixed - mixed.T
    spread = np.tensordot(share, x[:, :, None] * x[:, None, :], 1) - mean[:, :, None] * mean[:, None, :]
    return raw - 2 * np.tensordot(spread @ w, spread, ((0, 2), (0, 1)))


def newton_step(score: FloatArray, information: FloatArray) -> FloatArray:
    """Return Newton's step, 0 for coefficients about which nothing is known besides what earlier ones say."""
    free = np.flatnonzero(~find_redundant(information, 1e-12) & (np.diag(information) > 1e-12))
    step = np.zeros(len(score))
    step[free] = np.linalg.solve(information[np.ix_(free, free)], score[free])
    return step


def fit_alone(table: DayTable) -> tuple[FloatArray, FloatArray]:
    """Fit one center by itself, as a meta-analysis would ask: coefficients and their variances.

    NaN where the center has no finite estimate of its own: no events, a level that nobody or everybody has, or one
    whose coefficient rises without end.
    """
    beta = np.zeros(table.x.shape[1])
    moments = evaluate(table, beta)
    information = moments["information"]
    known = ~find_redundant(information, LOCAL_INFORMATION) & (np.diag(information) > LOCAL_INFORMATION)
    for _ in range(LOCAL_STEPS):
        free = np.flatnonzero(known & (np.abs(beta) < FARTHEST))
        step = np.zeros(len(beta))
        step[free] = newton_step(moments["score"][free], information[np.ix_(free, free)])
        beta = np.clip(beta + np.clip(step, -2, 2), -FARTHEST, FARTHEST)
        moments = evaluate(table, beta)
        information = moments["information"]
        if np.abs(step).max() < LOCAL_TOLERANCE:
            break
    free = np.flatnonzero(known & (np.abs(step) < LOCAL_TOLERANCE) & (np.abs(beta) < FARTHEST - 1))
    found = np.full((2, len(beta)), np.nan)
    found[:, free] = beta[free], np.diag(np.linalg.inv(information[np.ix_(free, free)]))
    return found[0], found[1]
