"""Cox regression by Firth's penalized partial likelihood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from timetoevent.checks import FloatArray
from timetoevent.cox.data import CoxData, IntArray, make_model, read_data
from timetoevent.cox.fit import redundancy_notes
from timetoevent.cox.fitted import CoxFit, label_covariance, no_fit
from timetoevent.cox.likelihood import Point, make_point
from timetoevent.cox.newton import find_redundant, standardize
from timetoevent.cox.risk_sets import RiskSets, make_risk_sets
from timetoevent.cox.table import coefficient_table, describe
from timetoevent.firth.profile import Objective, Peak, climb, profile_limits, profile_root
from timetoevent.results import NOT_ESTIMABLE, OK


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
) -> CoxFit:
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
    CoxFit
        Its limits are of the profile penalized likelihood, NaN where not reached; ``statistic`` is the signed root of
        the profile penalized likelihood ratio, ``covariance`` the inverse information at the estimates. Columns that
        are redundant, and data without events, have a status and a reason.

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
    return _fit(read_data(frame, model), profile_terms)


def _fit(data: CoxData, profile_terms: Sequence[str] | None) -> CoxFit:
    """Maximize, follow the profiles of the terms asked for, and tabulate."""
    problem, ci_level = _problem(data), data.model.ci_level
    method = f"Firth-penalized Cox regression, {data.model.ties.capitalize()} ties, profile likelihood intervals"
    if problem.objective is None:
        reason = "; ".join(dict.fromkeys(problem.notes.values())) or "no terms"
        return no_fit(data, reason, method=method, notes=problem.notes)
    coefficients = data.design.coefficients
    start = np.zeros(len(problem.free))
    null, peak = Peak(start, *problem.objective(start)), climb(problem.objective, start)
    profiled = [k for k, j in enumerate(problem.free) if profile_terms is None or coefficients[j].term in profile_terms]
    columns, covariance = _in_units(problem, peak, profiled, ci_level)
    reasons = [f"{describe(coefficients[j])}: {reason}" for j, reason in problem.notes.items()]
    # the penalty is half a log determinant, so units add the logarithm of their scale
    units = float(np.log(problem.scale[problem.free]).sum())
    return CoxFit(
        coefficients=coefficient_table(
            data.design,
            columns[:, 0],
            np.sqrt(np.diag(covariance)),
            problem.notes,
            ci_level=ci_level,
            limits=columns[:, 1:3],
            statistic=columns[:, 3],
        ),
        covariance=label_covariance(covariance, data.design),
        log_likelihood=(null.value + units, peak.value + units),
        n=data.n,
        n_events=data.n_events,
        status=NOT_ESTIMABLE if reasons else OK,
        note="; ".join([*reasons, *([data.note] if data.note else [])]),
        method=method,
        ci_level=ci_level,
        beta=np.nan_to_num(columns[:, 0]),
        df=len(problem.free),
        is_penalized=True,
        data=data,
    )


@dataclass(frozen=True)
class _Problem:
    """A penalized likelihood of the coefficients `free`, in scaled units; no objective if there is nothing to maximize.

    ``scale`` are the divisors from scaled to reported coefficients, ``notes`` say why a position has none.
    """

    objective: Objective | None
    free: IntArray
    scale: FloatArray
    notes: Mapping[int, str]


def _in_units(problem: _Problem, peak: Peak, profiled: list[int], ci_level: float) -> tuple[FloatArray, FloatArray]:
    """Return coefficients, profile limits and signed roots as columns, and the covariance, in the units of the data."""
    p, places = len(problem.scale), problem.free
    columns, covariance = np.full((p, 4), np.nan), np.full((p, p), np.nan)
    covariance[np.ix_(places, places)] = np.linalg.inv(peak.information)
    columns[places, 0] = peak.beta
    for k in profiled:
        columns[places[k], 1:3] = profile_limits(problem.objective, peak, k, ci_level)
        columns[places[k], 3] = profile_root(problem.objective, peak, k)
    columns[:, :3] /= problem.scale[:, None]
    return columns, covariance / np.outer(problem.scale, problem.scale)


def penalized_coefficients(data: CoxData) -> FloatArray:
    """Return Firth's coefficients alone, 0 where redundant, NaN without events: for resampling."""
    problem = _problem(data)
    beta = np.zeros(len(problem.scale))
    if problem.objective is None:
        return np.full(len(beta), np.nan)
    beta[problem.free] = climb(problem.objective, np.zeros(len(problem.free))).beta
    return beta / problem.scale


def _problem(data: CoxData) -> _Problem:
    p = len(data.design.coefficients)
    sets = None if data.problem else make_risk_sets(data)
    if sets is None:
        notes = dict.fromkeys(range(p), data.problem or ("no events" if data.n else "no rows"))
        return _Problem(None, np.empty(0, dtype=np.int64), np.ones(p), notes)
    x, _, scale = standardize(data.design.matrix[:, sets.order])
    information = make_point(sets, x, np.zeros(p)).information()
    redundant = find_redundant(information) | (scale == 0)
    free = np.flatnonzero(~redundant)
    return _Problem(
        objective=_penalized_likelihood(sets, x[free]) if len(free) else None,
        free=free,
        scale=np.where(scale > 0, scale, 1.0),
        notes=redundancy_notes(data.design, redundant, information, scale),
    )


def _penalized_likelihood(sets: RiskSets, x: FloatArray) -> Objective:
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
