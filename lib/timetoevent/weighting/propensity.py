"""Propensity of treatment by logistic regression, with the failures of positivity said in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy.special import expit, log_expit

from timetoevent.checks import BoolArray, FloatArray, check_event
from timetoevent.cox.data import describe_missing
from timetoevent.cox.design import INTERCEPT, Column, Design, build_design
from timetoevent.cox.fit import redundancy_notes
from timetoevent.cox.newton import find_redundant, standardize
from timetoevent.cox.table import coefficient_table, describe
from timetoevent.results import NOT_ESTIMABLE, OK

METHOD = "Logistic regression, maximum likelihood"
MAX_ITERATIONS = 60
CERTAIN = 1e-8


@dataclass(frozen=True)
class PropensityFit:
    """Probability of treatment given covariates.

    Attributes
    ----------
    scores : Series
        Probability of treatment of each row of the frame, on its index; NaN without a fit.
    treated : Series of bool
        Treatment of each row.
    coefficients : DataFrame
        As of `timetoevent.cox.CoxFit`, with ``odds_ratio``; ``n_events`` counts the treated.
    status, note : str
        ``not_estimable`` with the reason: missing values, nobody treated, or covariates that tell the
        treatment with certainty. A redundant column is dropped and named in the note of an ``ok`` fit.
    """

    scores: pd.Series
    treated: pd.Series
    coefficients: pd.DataFrame
    n: int
    n_treated: int
    status: str
    note: str
    design: Design = field(repr=False)
    method: str = METHOD


def fit_propensity(
    frame: pd.DataFrame,
    *,
    treatment: str,
    terms: Sequence[str],
    interactions: Sequence[tuple[str, str]] = (),
    ci_level: float = 0.95,
) -> PropensityFit:
    """Estimate each subject's probability of treatment.

    Parameters
    ----------
    frame : DataFrame
        One row per subject, nothing missing in the columns used.
    treatment : str
        Column of the treatment, 0/1 or boolean.
    terms, interactions : sequence of str, of pairs of str
        Covariates, as for `timetoevent.cox.fit_cox`.

    Raises
    ------
    KeyError
        If a column does not exist.
    ValueError
        If the treatment is not coded 0/1.

    References
    ----------
    Rosenbaum P. R., Rubin D. B. (1983). The central role of the propensity score. Biometrika 70:41-55.

    Examples
    --------
    >>> frame = pd.DataFrame({"a": [0, 0, 0, 1, 0, 1, 1, 1], "x": [0, 0, 0, 0, 1, 1, 1, 1]})
    >>> fit_propensity(frame, treatment="a", terms=["x"]).scores.round(3).tolist()
    [0.25, 0.25, 0.25, 0.25, 0.75, 0.75, 0.75, 0.75]
    """
    columns = [treatment, *terms]
    problem = describe_missing(frame, columns)
    known = frame.dropna(subset=columns) if problem else frame
    treated = check_event(known[treatment], name=treatment)
    covariates = build_design(known, treated, terms, interactions)
    first = Column(INTERCEPT, "", "", len(treated), int(treated.sum()), 0)
    later = [replace(column, position=column.position + (column.position >= 0)) for column in covariates.columns]
    design = Design(np.vstack([np.ones(len(treated)), covariates.matrix]), (first, *later))
    if not problem and (treated.all() or not treated.any()):
        problem = "everyone is treated" if len(treated) and treated.all() else "nobody is treated"
    if problem:
        return _no_fit(frame, known, design, treated, problem, ci_level)
    return _fit(frame, design, treated, ci_level)


def _fit(frame: pd.DataFrame, design: Design, treated: BoolArray, ci_level: float) -> PropensityFit:
    x, center, scale = standardize(design.matrix)
    x[0], center[0], scale[0] = 1.0, 0.0, 1.0
    information = x @ x.T
    redundant = find_redundant(information) | (scale == 0)
    free = np.flatnonzero(~redundant)
    beta, covariance, is_finite = _maximize_logistic(treated, x[free])
    if not is_finite:
        # the scores of a diverging fit are 0 or 1 for those whom the covariates tell apart
        n_certain = int(((beta @ x[free] < -10) | (beta @ x[free] > 10)).sum())
        reason = f"the covariates tell the treatment of {n_certain} subjects with certainty (no overlap)"
        return _no_fit(frame, frame, design, treated, reason, ci_level)
    units = np.diag(1 / scale[free])
    units[0, 1:] = -(center / np.where(scale > 0, scale, 1))[free[1:]]
    full_beta, std_error = np.full((2, len(scale)), np.nan)
    full_beta[free] = units @ beta
    std_error[free] = np.sqrt(np.diag(units @ covariance @ units.T))
    notes = redundancy_notes(design, redundant, information, scale)
    table = coefficient_table(design, full_beta, std_error, notes, ci_level=ci_level, ratio="odds_ratio")
    names = [f"{describe(design.coefficients[j])}: {reason}" for j, reason in notes.items()]
    return PropensityFit(
        scores=pd.Series(expit(beta @ x[free]), index=frame.index, name="propensity"),
        treated=pd.Series(treated, index=frame.index, name="treated"),
        coefficients=table,
        n=len(frame),
        n_treated=int(treated.sum()),
        status=OK,
        note="; ".join(names),
        design=design,
    )


def _no_fit(
    frame: pd.DataFrame,
    known: pd.DataFrame,
    design: Design,
    treated: BoolArray,
    reason: str,
    ci_level: float,
) -> PropensityFit:
    p = len(design.coefficients)
    notes = dict.fromkeys(range(p), reason)
    empty = np.full(p, np.nan)
    table = coefficient_table(design, empty, empty, notes, ci_level=ci_level, ratio="odds_ratio")
    flags = pd.Series(treated, index=known.index).reindex(frame.index, fill_value=False)
    scores = pd.Series(np.nan, index=frame.index, name="propensity")
    n_treated = int(treated.sum())
    return PropensityFit(scores, flags.rename("treated"), table, len(frame), n_treated, NOT_ESTIMABLE, reason, design)


def _maximize_logistic(outcome: BoolArray, x: FloatArray) -> tuple[FloatArray, FloatArray, bool]:
    """Return coefficients, covariance and whether the maximum is finite, for covariates `x` of shape (p, n)."""
    beta = np.zeros(len(x))
    covariance = np.full((len(x), len(x)), np.nan)
    value = -np.inf
    for _ in range(MAX_ITERATIONS):
        linear = beta @ x
        chance = expit(linear)
        information = (x * (chance * expit(-linear))) @ x.T
        if np.linalg.cond(information) > 1 / CERTAIN**1.5:
            return beta, covariance, False
        covariance = np.linalg.inv(information)
        step = covariance @ (x @ (outcome - chance))
        if np.abs(step).max() < 1e-10:
            return beta + step, covariance, True
        beta, value = _climb(outcome, x, beta, step, value)
    return beta, covariance, False


def _climb(
    outcome: BoolArray, x: FloatArray, beta: FloatArray, step: FloatArray, value: float
) -> tuple[FloatArray, float]:
    """Take the step, halved until the likelihood does not fall."""
    for halving in range(30):
        trial = beta + step * 0.5**halving
        linear = trial @ x
        ahead = float(log_expit(np.where(outcome, linear, -linear)).sum())
        if ahead >= value - 1e-9 * (1 + abs(value)) or not np.isfinite(value):
            return trial, ahead
    return beta, value
