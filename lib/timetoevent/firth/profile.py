"""Maximum, profile intervals and profile tests of a likelihood penalized by half the log determinant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from timetoevent.checks import FloatArray
from timetoevent.intervals import normal_quantile

Objective = Callable[[FloatArray], tuple[float, FloatArray, FloatArray]]
"""Penalized log likelihood, its gradient and the (unpenalized) information at given coefficients."""

MAX_ITERATIONS = 300
GRADIENT_TOLERANCE = 1e-11
LIMIT_TOLERANCE = 1e-9
# a profile needs only its value, whose error is the square of this
PROFILE_TOLERANCE = 1e-8
FARTHEST = 1e3


@dataclass(frozen=True, slots=True)
class Peak:
    """A maximum: coefficients, penalized log likelihood, gradient, information."""

    beta: FloatArray
    value: float
    gradient: FloatArray
    information: FloatArray


def climb(
    objective: Objective, start: FloatArray, fixed: int | None = None, tolerance: float = GRADIENT_TOLERANCE
) -> Peak:
    """Maximize from `start`, one coefficient held where it is if asked.

    Quasi-Newton (BFGS) from the inverse information: Newton's own step would need the derivatives of the
    penalty's gradient, and the information alone converges only linearly.
    """
    free = np.arange(len(start)) if fixed is None else np.delete(np.arange(len(start)), fixed)
    here = Peak(start, *objective(start))
    inverse = np.linalg.inv(here.information[np.ix_(free, free)])
    for _ in range(MAX_ITERATIONS if len(free) else 0):
        slope = here.gradient[free]
        step = inverse @ slope
        if abs(slope @ step) < tolerance**2 * (1 + abs(here.value)) ** 2:
            break
        ahead, taken = _ascend(objective, here, step, free)
        if ahead is None:
            break
        inverse = _updated(inverse, taken, slope - ahead.gradient[free])
        here = ahead
    return here


def profile_limits(objective: Objective, peak: Peak, position: int, ci_level: float) -> tuple[float, float]:
    """Return the limits of a coefficient: where its profile falls by half the chi-squared quantile.

    A limit that is not met within `FARTHEST` standard errors is NaN.
    """
    target = normal_quantile(ci_level)  # the root of the chi-squared quantile with one degree of freedom
    lower, upper = (_limit(objective, peak, position, sign * target) for sign in (-1, 1))
    return lower, upper


def profile_root(objective: Objective, peak: Peak, position: int, at: float = 0.0) -> float:
    """Return the signed root of twice the fall of the profile from its peak to `at` (normal under the null)."""
    start = _along(peak, position, at)
    fall = peak.value - climb(objective, start, position, PROFILE_TOLERANCE).value
    return float(np.sign(peak.beta[position] - at) * np.sqrt(max(2 * fall, 0.0)))


def _limit(objective: Objective, peak: Peak, position: int, target: float) -> float:
    """Newton's method on the signed root of the profile, which is nearly a straight line."""
    std_error = float(np.sqrt(np.linalg.inv(peak.information)[position, position]))
    center = peak.beta[position]
    at, start = center + target * std_error, _along(peak, position, center + target * std_error)
    inner, outer = center, np.nan
    for _ in range(60):
        here = climb(objective, start, position, PROFILE_TOLERANCE)
        root = float(np.sign(target) * np.sqrt(max(2 * (peak.value - here.value), 0.0)))
        if abs(root - target) < LIMIT_TOLERANCE:
            return at
        if abs(root) < abs(target):
            inner = at
        else:
            outer = at
        slope = -here.gradient[position] / root if root else np.inf
        step = _bracketed(at + (target - root) / slope, inner, outer, center, std_error)
        if abs(step - center) > FARTHEST * std_error:
            return np.nan
        start = here.beta.copy()
        start[position] = at = step
    return np.nan


def _bracketed(step: float, inner: float, outer: float, center: float, std_error: float) -> float:
    """Keep the step between what is known to lie inside and outside the interval."""
    if np.isnan(outer):
        farthest = 4 * (inner - center) if inner != center else np.inf
        return step if abs(step - center) <= abs(farthest) else center + farthest
    if min(inner, outer) < step < max(inner, outer):
        return step
    return (inner + outer) / 2


def _along(peak: Peak, position: int, at: float) -> FloatArray:
    """Coefficients expected to maximize the rest when one is moved: along the quadratic approximation."""
    covariance = np.linalg.inv(peak.information)
    moved = peak.beta + covariance[position] / covariance[position, position] * (at - peak.beta[position])
    moved[position] = at
    return moved


def _ascend(objective: Objective, here: Peak, step: FloatArray, free: FloatArray) -> tuple[Peak | None, FloatArray]:
    """Take the step, shortened until the value rises; None where only rounding is left."""
    gain = here.gradient[free] @ step
    size = min(1.0, 5.0 / max(np.abs(step).max(), 1e-300))
    for _ in range(40):
        beta = here.beta.copy()
        beta[free] += size * step
        with np.errstate(all="ignore"):
            ahead = Peak(beta, *objective(beta))
        if np.isfinite(ahead.value) and ahead.value >= here.value + 1e-4 * size * gain - 1e-13 * abs(here.value):
            return ahead, size * step
        size /= 2
    return None, step


def _updated(inverse: FloatArray, step: FloatArray, fall: FloatArray) -> FloatArray:
    """BFGS update of the inverse curvature from a step and the fall of the gradient along it."""
    curvature = float(step @ fall)
    if curvature <= 1e-300 or not np.isfinite(curvature):
        return inverse
    left = np.eye(len(step)) - np.outer(step, fall) / curvature
    return left @ inverse @ left.T + np.outer(step, step) / curvature
