"""Newton-Raphson for the partial likelihood, with the two ways in which there is no maximum made explicit.

Columns can be redundant: then the information at 0 is singular. Or the likelihood can rise without end along
some direction: then the information vanishes along it while the search goes on. Directions with no more than
a share `DEAD` of the information at 0 are taken to be endless; the search stops moving along them and goes on
until the rest has converged, so that the remaining coefficients have their limits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from timetoevent.checks import BoolArray, FloatArray
from timetoevent.cox.data import IntArray
from timetoevent.cox.likelihood import Point, make_point
from timetoevent.cox.risk_sets import RiskSets
from timetoevent.lifelines_engine import cox_coefficients

MAX_ITERATIONS = 200
STEP_TOLERANCE = 1e-10
PIVOT_TOLERANCE = 1e-9
DEAD = 1e-11
# once a direction is endless, those that live on what little it left are too
DYING = 1e-8
FLAT_CHANGE = 1e-14
# linear predictors move by no more than this in one step, and lie no wider apart
WIDEST_STEP = 50.0
WIDEST = 300.0
LEAST_PART = 1e-3
# an answer of lifelines is a maximum if Newton's step from there is smaller, in standard deviations of the covariates
VERIFIED = 1e-7
# beyond, lifelines is slower than R on continuous times
MOST_ROWS = 20_000


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
        The likelihood at the end, of the covariates centered and divided by ``scale``.
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
    scale: FloatArray


def maximize(sets: RiskSets, matrix: FloatArray, *, is_repeated: bool = False) -> Maximum:
    """Maximize the log partial likelihood of covariates `matrix` of shape (p, n).

    lifelines finds the maximum where it fits such models and this is not one fit of many; one Newton step at its
    answer tells whether it has, and is added. Otherwise the search is here.
    """
    x, _, scale = standardize(matrix[:, sets.order])
    null = make_point(sets, x, np.zeros(len(x)))
    null_information = null.information()
    redundant = find_redundant(null_information) | (scale == 0)
    free = np.flatnonzero(~redundant)
    unit = np.diag(null_information)[free]
    beta = None if is_repeated else _verified(sets, x, free, unit)
    dead = np.zeros((len(free), 0))
    if beta is None:
        beta, dead = _search(sets, x, null, free, unit)
    infinite = np.zeros(len(x), dtype=bool)
    infinite[free] = (np.abs(dead) > LEAST_PART * np.abs(dead).max(axis=0, initial=0)).any(axis=1)
    return Maximum(
        beta=beta / np.where(scale > 0, scale, 1),
        redundant=redundant,
        infinite=infinite,
        # a new point, so that no array of the search stays in memory
        point=make_point(sets, x, beta),
        null_log_likelihood=null.log_likelihood,
        null_score=null.score(),
        null_information=null_information,
        scale=scale,
    )


def _verified(sets: RiskSets, x: FloatArray, free: IntArray, unit: FloatArray) -> FloatArray | None:
    """Return the coefficients of lifelines and one Newton step from there, or None if that step is not small."""
    is_efron = len(sets.tied) or len(sets.death_row) == sets.n_groups
    if not len(free) or len(sets.order) > MOST_ROWS or not is_efron or (sets.weight != 1).any():
        return None
    found = cox_coefficients(
        x[free],
        sets.n_groups - sets.first,
        np.isin(np.arange(len(sets.order)), sets.death_row),
        entry=sets.n_groups - sets.stop if len(sets.early) else None,
        stratum=sets.group_stratum[sets.first],
    )
    if found is None:
        return None
    beta = np.zeros(len(x))
    beta[free] = found
    point = make_point(sets, x, beta)
    with np.errstate(all="ignore"):
        if np.ptp(point.linear_predictor) > WIDEST or not np.isfinite(point.log_likelihood):
            return None
    step, dead = _newton_step(point, free, unit)
    if dead.shape[1] or np.abs(step).max() >= VERIFIED:
        return None
    beta[free] += step
    return beta


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


def _search(
    sets: RiskSets, x: FloatArray, point: Point, free: IntArray, unit: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Iterate over the free coefficients; `unit` is their information at 0.

    Returns the coefficients, and the endless directions as columns.
    """
    beta = np.zeros(len(x))
    step, dead = np.zeros(len(free)), np.zeros((len(free), 0))
    if not len(free):
        return beta, dead
    width, n_flat = np.ptp(x, axis=1), 0
    for _ in range(MAX_ITERATIONS):
        step, dead = _newton_step(point, free, unit)
        if np.abs(step).max() < STEP_TOLERANCE:
            beta[free] += step
            return beta, dead
        step *= min(1.0, WIDEST_STEP / (np.abs(step) @ width[free]))
        trial, ahead = _climb(sets, x, beta, step, free, point)
        change = abs(ahead.log_likelihood - point.log_likelihood)
        n_flat = n_flat + 1 if change <= FLAT_CHANGE * (1 + abs(point.log_likelihood)) else 0
        if n_flat == 3:
            return beta, dead
        if np.ptp(ahead.linear_predictor) > WIDEST:
            return beta, np.column_stack([dead, step])
        beta, point = trial, ahead
    return beta, np.column_stack([dead, step])


def _newton_step(point: Point, free: IntArray, unit: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the Newton step of the free coefficients, and the directions in which nothing is left to gain."""
    scale = np.sqrt(unit)
    information = point.information()[np.ix_(free, free)] / np.outer(scale, scale)
    share, directions = np.linalg.eigh(information)
    is_alive = share > (DEAD if share.min() > DEAD else DYING)
    living = directions[:, is_alive]
    step = living @ ((living.T @ (point.score()[free] / scale)) / share[is_alive]) / scale
    return step, directions[:, ~is_alive] / scale[:, None]


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
