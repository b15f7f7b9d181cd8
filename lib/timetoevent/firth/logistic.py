"""Logistic regression of a binary outcome by Firth's penalized likelihood."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import expit, log_expit

from timetoevent.checks import BoolArray, FloatArray, check_event
from timetoevent.cox.data import describe_missing
from timetoevent.cox.design import Design, build_design, with_intercept
from timetoevent.cox.fit import redundancy_notes
from timetoevent.cox.newton import find_redundant, standardize
from timetoevent.firth.fitted import FirthFit, Problem, solve
from timetoevent.firth.penalized import Objective

METHOD = "Firth-penalized logistic regression, profile likelihood intervals"


def fit_firth_logistic(
    frame: pd.DataFrame,
    *,
    outcome: str,
    terms: Sequence[str],
    interactions: Sequence[tuple[str, str]] = (),
    ci_level: float = 0.95,
) -> FirthFit:
    """Fit a logistic regression by Firth's penalized likelihood, finite under separation.

    Parameters
    ----------
    frame : DataFrame
        One row per subject.
    outcome : str
        Column of the binary outcome (0/1 or boolean); "events" are its ones.
    terms, interactions, ci_level
        As for `timetoevent.cox.fit_cox`. An intercept is added.

    Returns
    -------
    FirthFit
        With ``odds_ratio`` in the coefficient table, the intercept in its first row.

    Raises
    ------
    KeyError
        If a column does not exist.
    ValueError
        If the outcome is not coded 0/1.

    References
    ----------
    Heinze G., Schemper M. (2002). A solution to the problem of separation in logistic regression.
    Statistics in Medicine 21:2409-2419.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": [0, 0, 0, 1, 1], "x": [0, 0, 0, 1, 1]})
    >>> fit = fit_firth_logistic(frame, outcome="y", terms=["x"])
    >>> round(float(fit.coefficients.odds_ratio[1]), 6)  # (2.5 / 0.5) / (0.5 / 3.5)
    35.0
    """
    columns = [outcome, *terms]
    problem = describe_missing(frame, columns)
    used = frame.dropna(subset=columns) if problem else frame
    y = check_event(used[outcome], name=outcome)
    design = with_intercept(build_design(used, y, terms, interactions), y)
    if not problem and (y.all() or not y.any()):
        problem = f"{outcome} does not vary" if len(y) else "no rows"
    return solve(_problem(design, y, problem, ci_level))


def _problem(design: Design, y: BoolArray, problem: str, ci_level: float) -> Problem:
    p = len(design.coefficients)
    shared = {
        "design": design,
        "n": len(y),
        "n_events": int(y.sum()),
        "method": METHOD,
        "ci_level": ci_level,
        "ratio": "odds_ratio",
        "intercept": 1,
    }
    if problem:
        notes = dict.fromkeys(range(p), problem)
        nobody = np.empty(0, dtype=int)
        return Problem(objective=None, free=nobody, scale=np.ones(p), notes=notes, **shared)
    scale = standardize(design.matrix)[2]
    scale[0] = 1.0
    x = design.matrix / np.where(scale > 0, scale, 1.0)[:, None]
    # columns are redundant given the intercept: centered ones are, given each other
    centered = x - np.append(0.0, x[1:].mean(axis=1))[:, None]
    information = centered @ centered.T
    redundant = find_redundant(information) | (scale == 0)
    free = np.flatnonzero(~redundant)
    return Problem(
        objective=penalized_likelihood(y, x[free]),
        free=free,
        scale=np.where(scale > 0, scale, 1.0),
        notes=redundancy_notes(design, redundant, information, scale),
        **shared,
    )


def penalized_likelihood(y: BoolArray, x: FloatArray) -> Objective:
    """Return Firth's objective for covariates `x` of shape (p, n)."""

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
