"""Newton-Raphson for the partial likelihood, with the two ways in which there is no maximum made explicit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from timetoevent.checks import BoolArray, FloatArray
from timetoevent.cox.data import IntArray
from timetoevent.cox.likelihood import Point, make_point
from timetoevent.cox.risk_sets import RiskSets

MAX_ITERATIONS = 100
STEP_TOLERANCE = 1e-10
# Along a direction in which the likelihood rises for ever a Newton step always widens the linear
# predictor by 1, while near a maximum the steps vanish: half a unit tells them apart.
ENDLESS_SPREAD = 0.5
FLAT_CHANGE = 1e-11
ENDLESS_SHARE = 1e-3
PIVOT_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where the search ended, in the units of the covariates.

    Attributes
    ----------
    beta : float array of shape (p,)
        Coefficients; 0 where redundant, far out where infinite.
    redundant : bool array of shape (p,)
        Columns that earlier columns determine (or that do not vary among those at risk).
    infinite : bool array of shape (p,)
        Coefficients along which the likelihood rises without end.
    point : Point
        The likelihood at the end, of the covariates centered at ``center`` and divided by ``scale``.
    null_log_likelihood, null_score, null_information
        The likelihood at 0, of the same covariates.
    """

    beta: FloatArray
    redundant: BoolArray
    infinite: BoolArray
    point: Point
    null_log_likelihood: float
    null_score: FloatArray
    null_information: FloatArray
    center: FloatArray
    scale: FloatArray
    n_iterations: int
    converged: bool


def maximize(sets: RiskSets, matrix: FloatArray) -> Maximum:
    """Maximize the log partial likelihood of covariates `matrix` of shape (p, n)."""
    x, center, scale = standardize(matrix[:, sets.order])
    null = make_point(sets, x, np.zeros(len(x)))
    null_information = null.information()
    redundant = find_redundant(null_information) | (scale == 0)
    free = np.flatnonzero(~redundant)
    beta, step, count, converged = _search(sets, x, null, free)
    infinite = np.zeros(len(x), dtype=bool)
    if not converged and len(free):
        infinite[free] = _endless(x[free], step)
    return Maximum(
        beta=beta / np.where(scale > 0, scale, 1),
        redundant=redundant,
        infinite=infinite,
        # a new point, so that no array of the search stays in memory
        point=make_point(sets, x, beta),
        null_log_likelihood=null.log_likelihood,
        null_score=null.score(),
        null_information=null_information,
        center=center,
        scale=scale,
        n_iterations=count,
        converged=converged,
    )


def standardize(x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return `x` with rows centered and divided by their standard deviation, the centers and the scales.

    A row whose deviation is rounding error alone has scale 0 and becomes 0.
    """
    center = x.mean(axis=1)
    x = x - center[:, None]
    scale = np.sqrt(np.einsum("ij,ij->i", x, x) / max(x.shape[1], 1))
    constant = scale <= 1e-13 * np.abs(center)
    scale[constant] = 0
    x /= np.where(constant, np.inf, scale)[:, None]
    return x, center, scale


def find_redundant(information: FloatArray, tolerance: float = PIVOT_TOLERANCE) -> BoolArray:
    """Return which columns have no information left once the earlier ones are accounted for.

    Examples
    --------
    >>> find_redundant(np.array([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, 1.0]])).tolist()
    [False, True, False]
    """
    rest = information.astype(float).copy()
    own = np.diag(information).copy()
    redundant = np.zeros(len(own), dtype=bool)
    for j in range(len(own)):
        pivot = rest[j, j]
        if own[j] <= tolerance * max(own.max(), 1e-300) or pivot <= tolerance * own[j]:
            redundant[j] = True
            continue
        rest -= np.outer(rest[:, j], rest[j]) / pivot
    return redundant


def _search(sets: RiskSets, x: FloatArray, point: Point, free: IntArray) -> tuple[FloatArray, FloatArray, int, bool]:
    """Iterate over the free coefficients until the steps vanish, or are seen to go on for ever."""
    beta = np.zeros(len(x))
    step = np.ones(len(free))
    n_flat = 0
    for count in range(MAX_ITERATIONS if len(free) else 0):
        found = newton_step(point, free)
        if found is None:
            return beta, step, count, False
        step = found
        if np.abs(step).max() < STEP_TOLERANCE:
            beta[free] += step
            return beta, step, count + 1, True
        beta, ahead = _climb(sets, x, beta, step, free, point)
        change = abs(ahead.log_likelihood - point.log_likelihood)
        point = ahead
        if change <= FLAT_CHANGE * (1 + abs(point.log_likelihood)):
            n_flat += 1
            is_endless = bool(np.ptp(step @ x[free]) > ENDLESS_SPREAD)
            if n_flat >= 2 and (is_endless or n_flat > 8):
                return beta, step, count + 1, not is_endless
    return beta, step, MAX_ITERATIONS, not len(free)


def newton_step(point: Point, free: IntArray) -> FloatArray | None:
    """Return the Newton step of the free coefficients; None where the information is lost to rounding."""
    information = point.information()[np.ix_(free, free)]
    if not np.isfinite(information).all() or (np.diag(information) <= 0).any():
        return None
    try:
        np.linalg.cholesky(information)
        return np.linalg.solve(information, point.score()[free])
    except np.linalg.LinAlgError:
        return None


def _climb(
    sets: RiskSets, x: FloatArray, beta: FloatArray, step: FloatArray, free: IntArray, point: Point
) -> tuple[FloatArray, Point]:
    """Take the step, halved until the likelihood does not fall by more than rounding."""
    floor = point.log_likelihood - 1e-9 * (1 + abs(point.log_likelihood))
    for halving in range(30):
        trial = beta.copy()
        trial[free] += step * 0.5**halving
        ahead = make_point(sets, x, trial)
        with np.errstate(all="ignore"):
            value = ahead.log_likelihood
        if np.isfinite(value) and value >= floor:
            return trial, ahead
    return beta, point


def _endless(x: FloatArray, step: FloatArray) -> BoolArray:
    """Return which coefficients take part in the endless direction `step`."""
    spread = np.abs(step) * np.ptp(x, axis=1)
    return spread > ENDLESS_SHARE * spread.max()
