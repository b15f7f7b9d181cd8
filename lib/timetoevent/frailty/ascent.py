"""Newton-Raphson for a partial likelihood less a penalty that is a sum over coefficients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from timetoevent.checks import FloatArray
from timetoevent.cox.likelihood import Point, make_point
from timetoevent.cox.risk_sets import RiskSets

Penalty = Callable[[FloatArray], tuple[float, FloatArray, FloatArray]]
"""Penalty, its first and its (diagonal) second derivatives at given coefficients."""

MAX_ITERATIONS = 200
STEP_TOLERANCE = 1e-11


@dataclass(frozen=True, slots=True)
class PenalizedPeak:
    """Where the penalized likelihood is largest.

    Attributes
    ----------
    beta : float array of shape (p,)
    value : float
        Penalized log partial likelihood.
    log_likelihood : float
        Log partial likelihood without the penalty.
    information, curvature : float arrays of shape (p, p) and (p,)
        Information of the partial likelihood, second derivatives of the penalty.
    """

    beta: FloatArray
    value: float
    log_likelihood: float
    information: FloatArray
    curvature: FloatArray
    point: Point

    @property
    def hessian(self) -> FloatArray:
        """Minus the second derivative of the penalized likelihood."""
        return self.information + np.diag(self.curvature)


def maximize_penalized(sets: RiskSets, x: FloatArray, penalty: Penalty, start: FloatArray) -> PenalizedPeak:
    """Maximize from `start`; covariates `x` have shape (p, m), in the order of the sorted rows."""
    beta = start.copy()
    point, (cost, first, second) = make_point(sets, x, beta), penalty(beta)
    for _ in range(MAX_ITERATIONS if len(beta) else 0):
        hessian = point.information() + np.diag(second)
        step = np.linalg.solve(hessian, point.score() - first)
        if np.abs(step).max() < STEP_TOLERANCE:
            break
        ahead = _climb(sets, x, penalty, beta, step, point.log_likelihood - cost)
        if ahead is None:
            break
        beta, point, (cost, first, second) = ahead
    return PenalizedPeak(
        beta=beta,
        value=point.log_likelihood - cost,
        log_likelihood=point.log_likelihood,
        information=point.information(),
        curvature=second,
        point=point,
    )


def _climb(
    sets: RiskSets, x: FloatArray, penalty: Penalty, beta: FloatArray, step: FloatArray, floor: float
) -> tuple[FloatArray, Point, tuple[float, FloatArray, FloatArray]] | None:
    """Take the step, halved until the value does not fall; None where only rounding is left."""
    for halving in range(12):
        trial = beta + 0.5**halving * step
        ahead, found = make_point(sets, x, trial), penalty(trial)
        with np.errstate(all="ignore"):
            value = ahead.log_likelihood - found[0]
        if np.isfinite(value) and value >= floor - 1e-13 * (1 + abs(floor)):
            return trial, ahead, found
    return None
