"""Cox regression by Firth's penalized partial likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from timetoevent.checks import FloatArray
from timetoevent.cox.concordance import concordance_index
from timetoevent.cox.data import CoxData, make_model, read_data
from timetoevent.cox.fit import redundancy_notes
from timetoevent.cox.likelihood import Point, make_point
from timetoevent.cox.newton import find_redundant, standardize
from timetoevent.cox.risk_sets import RiskSets, make_risk_sets
from timetoevent.firth.fitted import FirthFit, Problem, solve
from timetoevent.firth.penalized import Objective, climb


def fit_firth_cox(
    frame: pd.DataFrame,
    *,
    time: str,
    event: str,
    terms: Sequence[str],
    interactions: Sequence[tuple[str, str]] = (),
    entry: str | None = None,
    strata: str | Sequence[str] | None = None,
    weights: str | None = None,
    ties: str = "breslow",
    ci_level: float = 0.95,
    profile_terms: Sequence[str] | None = None,
) -> FirthFit:
    """Fit a Cox model by Firth's penalized likelihood, which is finite where a level has no events.

    The partial likelihood is multiplied by the root of the determinant of the information (Jeffreys'
    prior). Intervals and p-values are those of the profile penalized likelihood.

    Parameters
    ----------
    frame, time, event, terms, interactions, entry, strata, weights, ci_level
        As for `timetoevent.cox.fit_cox`.
    ties : {"breslow", "efron"}
        Breslow, by default, is what R's ``coxphf`` and SAS's PROC PHREG with the FIRTH option print.
    profile_terms : sequence of str, optional
        Terms whose profiles are followed; the others have estimates without interval and p-value. All of
        them by default. Profiles are nearly all of the work, so a simulation that looks at one term saves it.

    Returns
    -------
    FirthFit
        Columns that are redundant, and data without events, have a status and a reason.

    Raises
    ------
    KeyError, ValueError
        As `timetoevent.cox.fit_cox`.

    References
    ----------
    Firth D. (1993). Bias reduction of maximum likelihood estimates. Biometrika 80:27-38.
    Heinze G., Schemper M. (2001). A solution to the problem of monotone likelihood in Cox regression.
    Biometrics 57:114-119.

    Examples
    --------
    >>> frame = pd.DataFrame({"t": [1, 2, 3, 4, 5], "d": [1, 1, 1, 0, 0], "x": [1, 1, 1, 0, 0]})
    >>> fit = fit_firth_cox(frame, time="t", event="d", terms=["x"])
    >>> fit.status, bool(np.isfinite(fit.coefficients.hazard_ratio[0]))
    ('ok', True)
    """
    model = make_model(
        time=time,
        event=event,
        terms=terms,
        interactions=interactions,
        entry=entry,
        strata=strata,
        weights=weights,
        ties=ties,
        ci_level=ci_level,
    )
    data = read_data(frame, model)
    sets = None if data.problem else make_risk_sets(data)
    fit = solve(_problem(data, sets, profile_terms))
    if not np.isfinite(fit.log_likelihood[1]):
        return fit
    concordance = concordance_index(
        data.time,
        data.event,
        fit.beta @ data.design.matrix,
        entry=data.entry,
        weights=data.weights,
        strata=data.stratum,
        ci_level=ci_level,
    )
    return replace(fit, concordance=concordance)


def penalized_coefficients(data: CoxData) -> FloatArray:
    """Return Firth's coefficients alone, 0 where redundant, NaN without events: for resampling."""
    problem = _problem(data, None if data.problem else make_risk_sets(data))
    beta = np.zeros(len(problem.scale))
    if problem.objective is None:
        return np.full(len(beta), np.nan)
    peak = climb(problem.objective, np.zeros(len(problem.free)))
    beta[problem.free] = peak.beta
    return beta / problem.scale


def _problem(data: CoxData, sets: RiskSets | None, profile_terms: Sequence[str] | None = None) -> Problem:
    columns = data.design.coefficients
    p = len(columns)
    method = f"Firth-penalized Cox regression, {data.model.ties.capitalize()} ties, profile likelihood intervals"
    shared = {
        "design": data.design,
        "n": data.n if not data.problem else data.n_frame,
        "n_events": data.n_events,
        "method": method,
        "ci_level": data.model.ci_level,
        "remark": data.note,
        "profiled": None if profile_terms is None else np.array([c.term in profile_terms for c in columns], dtype=bool),
    }
    if sets is None:
        reason = data.problem or ("no events" if data.n else "no rows")
        notes = dict.fromkeys(range(p), reason)
        nobody = np.empty(0, dtype=int)
        return Problem(objective=None, free=nobody, scale=np.ones(p), notes=notes, **shared)
    x, _, scale = standardize(data.design.matrix[:, sets.order])
    information = make_point(sets, x, np.zeros(p)).information()
    redundant = find_redundant(information) | (scale == 0)
    free = np.flatnonzero(~redundant)
    return Problem(
        objective=penalized_likelihood(sets, x[free]) if len(free) else None,
        free=free,
        scale=np.where(scale > 0, scale, 1.0),
        notes=redundancy_notes(data.design, redundant, information, scale),
        **shared,
    )


def penalized_likelihood(sets: RiskSets, x: FloatArray) -> Objective:
    """Return Firth's objective for covariates `x` of shape (p, m), centered, of the sorted rows."""

    def objective(beta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        point = make_point(sets, x, beta)
        information = point.information()
        sign, log_determinant = np.linalg.slogdet(information)
        if sign <= 0 or not np.isfinite(log_determinant):
            return -np.inf, np.zeros(len(beta)), information
        gradient = point.score() + _penalty_gradient(point, np.linalg.inv(information))
        return point.log_likelihood + log_determinant / 2, gradient, information

    return objective


def _penalty_gradient(point: Point, covariance: FloatArray) -> FloatArray:
    r"""Gradient of half the log determinant: half of :math:`\mathrm{tr}(I^{-1} \partial I / \partial \beta)`.

    The trace of :math:`I^{-1} I` is a sum over events of the mean of :math:`q = x' I^{-1} x` among those at
    risk, less that form at the mean. Both are differentiated, and sums over events of means over those
    at risk are taken over rows, so that no third moment is ever formed.
    """
    x, mean_hazard, means = point.x, point.mean_hazard(), point.means()
    scaled = covariance @ x
    form = (scaled * x).sum(axis=0)
    of_mean_form = x @ (point.risk * point.cumulative() * form) - mean_hazard @ (point.risk * form)
    cross = (scaled * mean_hazard).sum(axis=0)
    weight = point.hazard / point.inverse
    at_means = means @ (weight * (covariance @ means * means).sum(axis=0))
    return (of_mean_form - 2 * (x @ (point.risk * cross) - at_means)) / 2
