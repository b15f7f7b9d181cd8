"""Cox's partial likelihood of one center from counts by day and pattern of covariates, and Newton's steps.

Every covariate is a level, so patients with equal levels are one pattern: a million patients are a few thousand counts.
Efron's ties, as in `timetoevent.cox`, which these numbers are held to; third moments are for Firth's penalty, moments
with time for the test of proportional hazards.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timetoevent.checks import FloatArray
from timetoevent.cox.newton import find_redundant

FARTHEST = 15.0  # beyond, a coefficient rises without end
LOCAL_STEPS = 25
LOCAL_TOLERANCE = 1e-6
IntArray = NDArray[np.int64]


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


@dataclass(frozen=True)
class Moments:
    """Log partial likelihood, score and information at one point; third moments and those with time where asked."""

    log_likelihood: float
    score: FloatArray
    information: FloatArray
    third: FloatArray | None = None
    drift: tuple[FloatArray, FloatArray, FloatArray] | None = None


def evaluate(table: DayTable, beta: FloatArray, *, third: bool = False, drift: bool = False) -> Moments:
    """Return the partial likelihood of a center at `beta` and its derivatives; zeros for a center without events."""
    x, risk = table.x, np.exp(table.x @ beta)
    n_tied = table.events.sum(axis=1).astype(int)
    day = np.repeat(np.arange(len(n_tied)), n_tied)
    fraction = (np.arange(len(day)) - np.repeat(np.cumsum(n_tied) - n_tied, n_tied)) / n_tied[day]
    share = (table.at_risk[day] - fraction[:, None] * table.events[day]) * risk
    total = share.sum(axis=1)
    share /= total[:, None]
    mean = share @ x

    def weighted(factor: FloatArray) -> tuple[FloatArray, FloatArray]:
        seen = (table.events * (np.bincount(day, factor, len(n_tied)) / n_tied)[:, None]).sum(axis=0)
        information = (x.T * (factor @ share)) @ x - (mean.T * factor) @ mean
        return seen @ x - factor @ mean, information

    score, information = weighted(np.ones(len(day)))
    log_likelihood = float(table.events.sum(axis=0) @ (x @ beta) - np.log(total).sum())
    with_time = None
    if drift:
        once, twice = weighted(table.days[day]), weighted(table.days[day] ** 2)
        with_time = (once[0], once[1], twice[1])
    return Moments(log_likelihood, score, information, _third(x, share, mean) if third else None, with_time)


def _third(x: FloatArray, share: FloatArray, mean: FloatArray) -> FloatArray:
    """Return the third central moments of the covariates among those at risk, summed over events."""
    p = x.shape[1]
    squares = (x[:, :, None] * x[:, None, :]).reshape(len(x), p * p)
    raw = ((squares * share.sum(axis=0)[:, None]).T @ x).reshape(p, p, p)
    mixed = ((share @ squares).T @ mean).reshape(p, p, p)
    cubes = ((mean[:, :, None] * mean[:, None, :]).reshape(len(mean), p * p).T @ mean).reshape(p, p, p)
    return raw - mixed - mixed.transpose(0, 2, 1) - mixed.transpose(2, 1, 0) + 2 * cubes


def pack(moments: Moments) -> FloatArray:
    """Return moments as one row of numbers."""
    parts = [np.array([moments.log_likelihood]), moments.score, moments.information]
    parts += [moments.third] if moments.third is not None else []
    return np.concatenate([part.ravel() for part in [*parts, *(moments.drift or ())]])


def packed_shapes(block: Mapping[str, Any]) -> list[tuple[int, ...]]:
    """Return the shapes of what `pack` writes for a block of a request, in its order."""
    p = len(block["at"])
    return [(1,), (p,), (p, p), *[(p, p, p)] * block["third"], *[(p,), (p, p), (p, p)] * block["drift"]]


def unpack(row: FloatArray, block: Mapping[str, Any]) -> Moments:
    """Return the moments that `pack` wrote for a block."""
    shapes = packed_shapes(block)
    ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
    parts = [part.reshape(shape) for part, shape in zip(np.split(row, ends), shapes, strict=True)]
    with_time = (parts[-3], parts[-2], parts[-1]) if block["drift"] else None
    return Moments(float(parts[0][0]), parts[1], parts[2], parts[3] if block["third"] else None, with_time)


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
    beta, p = np.zeros(table.x.shape[1]), table.x.shape[1]
    step, moments = beta, evaluate(table, beta)
    known = ~find_redundant(moments.information, 1e-9) & (np.diag(moments.information) > 1e-9)
    for _ in range(LOCAL_STEPS if known.any() else 0):
        free = np.flatnonzero(known & (np.abs(beta) < FARTHEST))
        step = np.zeros(p)
        step[free] = newton_step(moments.score[free], moments.information[np.ix_(free, free)])
        beta = np.clip(beta + np.clip(step, -2, 2), -FARTHEST, FARTHEST)
        moments = evaluate(table, beta)
        if np.abs(step).max() < LOCAL_TOLERANCE:
            break
    known &= (np.abs(step) < LOCAL_TOLERANCE) & (np.abs(beta) < FARTHEST - 1)
    variance, free = np.full(p, np.nan), np.flatnonzero(known)
    variance[free] = np.diag(np.linalg.inv(moments.information[np.ix_(free, free)])) if len(free) else []
    return np.where(known, beta, np.nan), variance
