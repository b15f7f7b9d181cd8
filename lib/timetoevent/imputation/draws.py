"""Draws of missing values of one variable given the others, each from its own posterior."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_expit

from timetoevent.checks import BoolArray, FloatArray
from timetoevent.cox.data import IntArray
from timetoevent.cox.newton import find_redundant, standardize
from timetoevent.firth.profile import Objective, climb

N_DONORS = 5
RIDGE = 1e-5

_ENOUGH = 1e-6  # noise of the size of a standard error is added to the maximum


def draw_by_matching(
    observed: FloatArray, x: FloatArray, x_missing: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Draw numbers by predictive mean matching: an observed value of one of the nearest predictions.

    Predictions for the missing come from a draw of the regression coefficients, those for the observed from
    the estimates (type 1 matching).

    Parameters
    ----------
    observed : float array of shape (n,)
    x, x_missing : float arrays of shape (p, n) and (p, n_missing)
        Predictors, without an intercept.

    References
    ----------
    Little R. J. A. (1988). Missing-data adjustments in large surveys. J Bus Econ Stat 6:287-296.
    van Buuren S. (2018). Flexible Imputation of Missing Data, section 3.4. CRC Press.
    """
    x, x_missing = _prepare_predictors(x, x_missing)
    beta, drawn = _regression_draw(observed, x, rng)
    gaps = np.abs((drawn @ x_missing)[:, None] - beta @ x)
    # ties are broken at random, or a constant prediction would favor the first rows
    order = np.lexsort((rng.random(gaps.shape), gaps), axis=1)[:, :N_DONORS]
    picked = rng.integers(0, order.shape[1], len(order))
    return observed[order[np.arange(len(order)), picked]]


def draw_yes_no(observed: BoolArray, x: FloatArray, x_missing: FloatArray, rng: np.random.Generator) -> BoolArray:
    """Draw a yes or no from a logistic regression, its coefficients drawn around Firth's estimates.

    Firth's penalty keeps them finite where the predictors separate the two (the purpose of the data
    augmentation of other programs).

    References
    ----------
    White I. R., Daniel R., Royston P. (2010). Avoiding bias due to perfect prediction in multiple imputation
    of incomplete categorical variables. Comput Stat Data Anal 54:2267-2275.
    """
    if observed.all() or not observed.any():
        return np.full(x_missing.shape[1], observed[0])
    x, x_missing = _prepare_predictors(x, x_missing)
    peak = climb(_penalized_likelihood(observed, x), np.zeros(len(x)), tolerance=_ENOUGH)
    root = np.linalg.cholesky(np.linalg.inv(peak.information))
    drawn = peak.beta + root @ rng.standard_normal(len(x))
    return rng.random(x_missing.shape[1]) < expit(drawn @ x_missing)


def draw_level(
    observed: IntArray, x: FloatArray, x_missing: FloatArray, n_levels: int, rng: np.random.Generator
) -> IntArray:
    """Draw a level by a sequence of yes or no: the first level or a later one, then the second, and so on."""
    drawn = np.full(x_missing.shape[1], n_levels - 1)
    open_rows, open_missing = np.arange(len(observed)), np.arange(x_missing.shape[1])
    for level in range(n_levels - 1):
        if not len(open_missing) or not len(open_rows):
            break
        is_level = observed[open_rows] == level
        found = draw_yes_no(is_level, x[:, open_rows], x_missing[:, open_missing], rng)
        drawn[open_missing[found]] = level
        open_missing, open_rows = open_missing[~found], open_rows[~is_level]
    return drawn


def _prepare_predictors(x: FloatArray, x_missing: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Standardize by the observed rows, drop redundant predictors, and add a constant."""
    scaled, center, scale = standardize(x)
    keep = np.flatnonzero((scale > 0) & ~find_redundant(scaled @ scaled.T))
    other = (x_missing[keep] - center[keep, None]) / scale[keep, None]
    return (
        np.vstack([np.ones(x.shape[1]), scaled[keep]]),
        np.vstack([np.ones(x_missing.shape[1]), other]),
    )


def _regression_draw(y: FloatArray, x: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Least squares (slightly ridged) coefficients, and a draw from their posterior."""
    crossed = x @ x.T
    covariance = np.linalg.inv(crossed + np.diag(RIDGE * np.diag(crossed)))
    beta = covariance @ (x @ y)
    residual = y - beta @ x
    df = max(len(y) - len(x), 1)
    sigma = np.sqrt(residual @ residual / rng.chisquare(df))
    return beta, beta + sigma * (np.linalg.cholesky(covariance) @ rng.standard_normal(len(x)))


def _penalized_likelihood(y: BoolArray, x: FloatArray) -> Objective:
    """Return Firth's objective of a logistic regression for covariates `x` of shape (p, n)."""

    def objective(beta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        linear = beta @ x
        chance = expit(linear)
        weight = chance * expit(-linear)
        information = (x * weight) @ x.T
        sign, log_determinant = np.linalg.slogdet(information)
        if sign <= 0 or not np.isfinite(log_determinant):
            return -np.inf, np.zeros(len(beta)), information
        leverage = weight * np.einsum("in,ij,jn->n", x, np.linalg.inv(information), x)
        value = log_expit(np.where(y, linear, -linear)).sum() + log_determinant / 2
        return float(value), x @ (y - chance + leverage * (0.5 - chance)), information

    return objective
