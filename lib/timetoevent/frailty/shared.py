"""A shared unmeasured risk of each group: gamma and normal frailty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import brentq, minimize_scalar

from timetoevent.checks import FloatArray
from timetoevent.cox.data import CoxData, IntArray, make_model, read_data
from timetoevent.cox.fit import fit_data
from timetoevent.cox.fitted import CoxFit, label_covariance, no_fit
from timetoevent.cox.newton import standardize
from timetoevent.cox.risk_sets import RiskSets, make_risk_sets
from timetoevent.cox.table import coefficient_table
from timetoevent.frailty.ascent import PenalizedPeak, Penalty, maximize_penalized
from timetoevent.results import OK, Estimate, not_estimable

DISTRIBUTIONS = ("gamma", "normal")
LARGEST_DEVIATION = 10.0
LEAST_VARIANCE = 1e-6
# R takes the frailties as independent in the information of a model with more groups than this
DENSE_GROUPS = 5
# where standard errors are not R's
NOT_INDEPENDENT = "standard errors from the whole information: taken as independent, the frailties leave none"


@dataclass(frozen=True)
class _Task:
    """Everything that a value of the variance is tried on."""

    data: CoxData
    fit: CoxFit
    sets: RiskSets
    x: FloatArray
    n_fixed: int
    scale: FloatArray
    events: IntArray

    @property
    def n_groups(self) -> int:
        return len(self.events)


def fit_frailty_cox(
    frame: pd.DataFrame,
    *,
    time: str,
    event: str,
    terms: Sequence[str],
    group: str,
    distribution: str = "gamma",
    variance: float | None = None,
    interactions: Sequence[tuple[str, str]] = (),
    entry: str | None = None,
    strata: str | Sequence[str] | None = None,
    weights: str | None = None,
    ties: str = "efron",
    ci_level: float = 0.95,
) -> CoxFit:
    """Fit a Cox model with a shared frailty, as R's ``coxph`` with ``frailty(group)``.

    Parameters
    ----------
    frame, time, event, terms, interactions, entry, strata, weights, ties, ci_level
        As for `timetoevent.cox.fit_cox`.
    group : str
        Column of the groups whose members share a frailty.
    distribution : {"gamma", "normal"}
        Of the frailty (mean 1), or of its logarithm (mean 0).
    variance : float, optional
        A fixed variance. By default the maximum of the integrated likelihood (gamma), or the restricted
        maximum likelihood equation (normal).

    Returns
    -------
    CoxFit
        With ``frailties``, ``variance`` and ``integrated_log_likelihood``; coefficients are given the frailties.
        ``not_estimable`` with the reason if the model without frailty has an infinite coefficient, or there is
        a single group. Variance 0 means that the groups differ no more than chance makes them.

    Raises
    ------
    KeyError, ValueError
        As `timetoevent.cox.fit_cox`; an unknown distribution, a negative variance.

    Notes
    -----
    Standard errors take the frailties as independent in the information matrix if there are more than five
    groups, as R's default does (``sparse``); estimates are not touched by that. Where strong frailties leave that
    approximation without an inverse, R drops terms; here the whole matrix is taken, and `note` says so.

    References
    ----------
    Therneau T. M., Grambsch P. M., Pankratz V. S. (2003). Penalized survival models and frailty. J Comput
    Graph Stat 12:156-175.

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> frame = pd.DataFrame({"t": rng.exponential(size=40), "d": 1, "x": rng.normal(size=40)})
    >>> frame["center"] = np.repeat(list("abcdefgh"), 5)
    >>> fit = fit_frailty_cox(frame, time="t", event="d", terms=["x"], group="center")
    >>> fit.status, len(fit.frailties)
    ('ok', 8)
    """
    if distribution not in DISTRIBUTIONS:
        raise ValueError(f"distribution: {distribution!r} is not one of {DISTRIBUTIONS}")
    if variance is not None and not variance >= 0:
        raise ValueError(f"variance: {variance} is negative")
    model = make_model(
        time=time,
        event=event,
        terms=terms,
        interactions=interactions,
        entry=entry,
        strata=strata,
        weights=weights,
        cluster=group,
        ties=ties,
        ci_level=ci_level,
    )
    data = read_data(frame, model)
    fit = fit_data(data, robust=False)
    labels = frame[group].iloc[data.rows].drop_duplicates().tolist() if not data.problem else []
    has_fit = fit.maximum is not None and not fit.maximum.infinite.any()
    problem = "a single group" if has_fit and len(labels) < 2 else fit.note
    if not has_fit or len(labels) < 2:
        method = _method_name(fit, distribution)
        variance_missing = not_estimable(problem, n=fit.n, n_events=fit.n_events, method=method)
        return replace(no_fit(data, problem, method=method), variance=variance_missing)
    task = _make_task(data, fit, len(labels))
    theta = variance if variance is not None else _choose_variance(task, distribution)
    return _result(task, distribution, theta, labels, is_fixed=variance is not None)


def _make_task(data: CoxData, fit: CoxFit, n_groups: int) -> _Task:
    sets = make_risk_sets(data)
    keep = np.flatnonzero(~fit.maximum.redundant)
    x, _, scale = standardize(data.design.matrix[np.ix_(keep, sets.order)])
    members = data.cluster[sets.order] == np.arange(n_groups)[:, None]
    events = np.bincount(data.cluster, weights=data.event, minlength=n_groups).astype(np.int64)
    return _Task(data, fit, sets, np.vstack([x, members]), len(keep), scale, events)


def _solve(task: _Task, distribution: str, theta: float) -> PenalizedPeak:
    return maximize_penalized(task.sets, task.x, _penalty(task, distribution, theta), np.zeros(len(task.x)))


def _penalty(task: _Task, distribution: str, theta: float) -> Penalty:
    """Minus the log density of the log frailties, up to a constant."""
    p = task.n_fixed

    def gamma(beta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        excess = np.expm1(beta[p:])
        first, second = np.zeros((2, len(beta)))
        first[p:], second[p:] = excess / theta, (excess + 1) / theta
        return float((excess - beta[p:]).sum() / theta), first, second

    def normal(beta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        first, second = np.zeros((2, len(beta)))
        first[p:], second[p:] = beta[p:] / theta, 1 / theta
        return float((beta[p:] ** 2).sum() / (2 * theta)), first, second

    return gamma if distribution == "gamma" else normal


def _choose_variance(task: _Task, distribution: str) -> float:
    if distribution == "normal":
        return _restricted_maximum(task)
    best = minimize_scalar(
        lambda deviation: -_integrated(task, max(deviation**2, LEAST_VARIANCE)),
        bounds=(0.0, LARGEST_DEVIATION),
        method="bounded",
        options={"xatol": 1e-9, "maxiter": 200},
    )
    gain = -best.fun - task.fit.log_likelihood[1]
    return float(best.x**2) if gain > 1e-7 else 0.0


def _integrated(task: _Task, theta: float) -> float:
    """Gamma: log likelihood with the frailties integrated out (Therneau and Grambsch 2000, section 9.6)."""
    nu, d = 1 / theta, task.events
    group = np.repeat(np.arange(len(d)), d)
    earlier = np.arange(len(group)) - np.repeat(np.cumsum(d) - d, d)
    ladder = np.log1p((d[group] - earlier) / (nu + earlier)).sum()
    correction = float((d - nu * np.log1p(d / nu)).sum() - ladder)
    return _solve(task, "gamma", theta).value + correction


def _restricted_maximum(task: _Task) -> float:
    """Variance at which the squared frailties equal what they would be expected to be."""

    def excess(log_theta: float) -> float:
        theta = float(np.exp(log_theta))
        peak = _solve(task, "normal", theta)
        frailty = peak.beta[task.n_fixed :]
        trace = np.diag(_covariance(task, peak))[task.n_fixed :].sum()
        return float(frailty @ frailty / (task.n_groups - trace / theta) / theta - 1)

    grid = np.log(np.geomspace(LEAST_VARIANCE * 10, LARGEST_DEVIATION**2, 25))
    values = np.array([excess(point) for point in grid])
    falls = np.flatnonzero((values[:-1] > 0) & (values[1:] <= 0))
    if not len(falls):
        return 0.0
    return float(np.exp(brentq(excess, grid[falls[-1]], grid[falls[-1] + 1], xtol=1e-11)))


def _covariance(task: _Task, peak: PenalizedPeak) -> FloatArray:
    """Inverse of the penalized information, frailties independent in it where R takes them so.

    With strong frailties that approximation may be no information at all: R then drops terms, and here the whole
    matrix is taken, which always has an inverse.
    """
    return np.linalg.inv(peak.hessian if _is_whole(task, peak) else _sparse(task, peak))


def _is_whole(task: _Task, peak: PenalizedPeak) -> bool:
    """Whether the whole information is taken: there are few groups, or R's approximation is not positive definite."""
    return task.n_groups <= DENSE_GROUPS or np.linalg.eigvalsh(_sparse(task, peak))[0] <= 0


def _sparse(task: _Task, peak: PenalizedPeak) -> FloatArray:
    hessian = peak.hessian.copy()
    block = hessian[task.n_fixed :, task.n_fixed :]
    hessian[task.n_fixed :, task.n_fixed :] = np.diag(np.diag(block))
    return hessian


def _result(task: _Task, distribution: str, theta: float, labels: list[object], *, is_fixed: bool) -> CoxFit:
    data, fit, p = task.data, task.fit, task.n_fixed
    free = np.flatnonzero(~fit.maximum.redundant)
    if theta < LEAST_VARIANCE:
        log_frailty, spread, peak = np.zeros(task.n_groups), np.zeros(task.n_groups), None
        beta, covariance = fit.beta[free], fit.covariance.to_numpy()[np.ix_(free, free)]
        fitted = fit.log_likelihood[1]
    else:
        peak = _solve(task, distribution, theta)
        whole = _covariance(task, peak)
        beta, covariance = peak.beta[:p] / task.scale, whole[:p, :p] / np.outer(task.scale, task.scale)
        log_frailty, spread = peak.beta[p:], np.sqrt(np.diag(whole)[p:])
        fitted = peak.log_likelihood
    full_beta = np.zeros(len(fit.beta))
    full_beta[free] = beta
    full = np.full(fit.covariance.shape, np.nan)
    full[np.ix_(free, free)] = covariance
    integrated = np.nan
    if distribution == "gamma":
        integrated = float(_integrated(task, theta)) if peak else fit.log_likelihood[1]
    table = fit.coefficients[fit.coefficients["note"] != "reference"]
    reasons = table.loc[table["status"] != OK, "note"].tolist()
    is_whole = peak is not None and task.n_groups > DENSE_GROUPS and _is_whole(task, peak)
    notes = dict(zip(np.flatnonzero(fit.maximum.redundant).tolist(), reasons, strict=True))
    return replace(
        fit,
        coefficients=coefficient_table(
            data.design, full_beta, np.sqrt(np.diag(full)), notes, ci_level=data.model.ci_level
        ),
        covariance=label_covariance(full, data.design),
        log_likelihood=(fit.log_likelihood[1], fitted),
        note="; ".join([*filter(None, [fit.note]), *([NOT_INDEPENDENT] if is_whole else [])]),
        method=_method_name(fit, distribution),
        beta=full_beta,
        maximum=None,
        frailties=_frailty_table(task, labels, log_frailty, spread),
        variance=_variance_estimate(task, distribution, theta, integrated, is_fixed=is_fixed),
        integrated_log_likelihood=integrated,
        peak=peak,
    )


def _method_name(fit: CoxFit, distribution: str) -> str:
    how = "integrated likelihood" if distribution == "gamma" else "restricted maximum likelihood"
    return f"{fit.method}, {distribution} frailty ({how})"


def _frailty_table(task: _Task, labels: list[object], log_frailty: FloatArray, spread: FloatArray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "group": labels,
            "n": np.bincount(task.data.cluster, minlength=task.n_groups),
            "n_events": task.events,
            "log_frailty": log_frailty,
            "std_error": spread,
            "hazard_ratio": np.exp(log_frailty),
        }
    )


def _variance_estimate(task: _Task, distribution: str, theta: float, integrated: float, *, is_fixed: bool) -> Estimate:
    facts = {"n": task.data.n, "n_events": task.data.n_events, "method": _method_name(task.fit, distribution)}
    if is_fixed:
        return Estimate(estimate=theta, note="fixed", **facts)
    note = "0 at the boundary: groups differ no more than by chance" if theta < LEAST_VARIANCE else ""
    if distribution == "normal":
        return Estimate(estimate=theta, note=note, **facts)
    statistic = max(2 * (integrated - task.fit.log_likelihood[1]), 0.0)
    p_value = 1.0 if statistic == 0 else float(stats.chi2.sf(statistic, 1)) / 2
    return Estimate(estimate=theta, statistic=statistic, df=1.0, p_value=p_value, note=note, **facts)
