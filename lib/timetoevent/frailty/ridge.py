"""Cox regression with shrunken coefficients: ridge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from timetoevent.checks import FloatArray
from timetoevent.cox.data import CoxData, make_model, read_data
from timetoevent.cox.likelihood import make_point
from timetoevent.cox.newton import standardize
from timetoevent.cox.risk_sets import make_risk_sets
from timetoevent.cox.table import coefficient_table
from timetoevent.frailty.penalized import PenalizedPeak, maximize_penalized
from timetoevent.results import NOT_ESTIMABLE, OK


@dataclass(frozen=True)
class RidgeFit:
    """A ridge regression.

    Attributes
    ----------
    coefficients : DataFrame
        As of `timetoevent.cox.CoxFit`. Intervals are those of the shrunken coefficients (no allowance for
        the bias that shrinkage brings), so they describe, and do not test.
    theta : float
        Penalty: half of it times the sum of squared standardized coefficients is taken off.
    effective_df : float
        Trace of the information times the inverse of the penalized information.
    log_likelihood : tuple of float
        Log partial likelihood (without penalty) at 0 and at the estimates.
    """

    coefficients: pd.DataFrame
    covariance: pd.DataFrame
    theta: float
    effective_df: float
    log_likelihood: tuple[float, float]
    n: int
    n_events: int
    status: str
    note: str
    method: str
    ci_level: float


def fit_ridge_cox(
    frame: pd.DataFrame,
    *,
    time: str,
    event: str,
    terms: Sequence[str],
    theta: float | None = None,
    effective_df: float | None = None,
    interactions: Sequence[tuple[str, str]] = (),
    entry: str | None = None,
    strata: str | Sequence[str] | None = None,
    weights: str | None = None,
    ties: str = "efron",
    ci_level: float = 0.95,
) -> RidgeFit:
    """Fit a Cox model with a quadratic penalty on every coefficient, as ``ridge(..., scale=TRUE)`` in R.

    Coefficients are finite where a level has no events, and where columns are redundant.

    Parameters
    ----------
    frame, time, event, terms, interactions, entry, strata, weights, ties, ci_level
        As for `timetoevent.cox.fit_cox`.
    theta : float, optional
        Penalty on coefficients per standard deviation.
    effective_df : float, optional
        Degrees of freedom that the penalty should leave (R stops within 0.1 of it, this solves for it).
        One of the two is needed.

    Raises
    ------
    KeyError, ValueError
        As `timetoevent.cox.fit_cox`; if not exactly one of `theta` and `effective_df` is given, or it is
        not positive.

    References
    ----------
    Verweij P. J. M., van Houwelingen H. C. (1994). Penalized likelihood in Cox regression. Statistics in
    Medicine 13:2427-2436.

    Examples
    --------
    >>> frame = pd.DataFrame({"t": [1, 2, 3, 4, 5], "d": [1, 1, 1, 0, 0], "x": [1, 1, 1, 0, 0]})
    >>> fit = fit_ridge_cox(frame, time="t", event="d", terms=["x"], theta=1)
    >>> fit.status, round(fit.effective_df, 3)
    ('ok', 0.581)
    """
    if (theta is None) == (effective_df is None):
        raise ValueError("theta and effective_df: give one of them")
    if not (theta if theta is not None else effective_df) > 0:
        raise ValueError("theta and effective_df: above 0")
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
    p = len(data.design.coefficients)
    if sets is None or not p:
        return _no_fit(data, data.problem or ("no events" if p else "no terms"))
    x, _, scale = standardize(data.design.matrix[:, sets.order])
    unit = data.design.matrix.std(axis=1, ddof=1) if data.n > 1 else np.zeros(p)
    # penalties are per standard deviation of all rows, columns per that of the rows at risk
    ratio = np.where(scale > 0, unit / np.where(scale > 0, scale, 1), 1.0) ** 2

    def solve(penalty: float) -> PenalizedPeak:
        def cost(beta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
            return float(penalty * (ratio * beta**2).sum() / 2), penalty * ratio * beta, penalty * ratio

        return maximize_penalized(sets, x, cost, np.zeros(p))

    if theta is None:
        theta = _theta_for(solve, effective_df)
        if theta is None:
            return _no_fit(data, f"the coefficients have no more than {effective_df:g} degrees of freedom")
    null = make_point(sets, x, np.zeros(p)).log_likelihood
    return _result(data, solve(theta), null, scale, theta)


def _theta_for(solve: Callable[[float], PenalizedPeak], target: float) -> float | None:
    """Penalty that leaves the degrees of freedom, None if they are more than there are."""

    def excess(log_theta: float) -> float:
        return _effective_df(solve(float(np.exp(log_theta)))) - target

    low, high = np.log(1e-8), np.log(1e8)
    if excess(low) <= 0:
        return None
    return float(np.exp(brentq(excess, low, high, xtol=1e-10)))


def _effective_df(peak: PenalizedPeak) -> float:
    return float(np.trace(np.linalg.solve(peak.hessian, peak.information)))


def _result(data: CoxData, peak: PenalizedPeak, null: float, scale: FloatArray, theta: float) -> RidgeFit:
    varies = scale > 0
    units = np.where(varies, scale, 1.0)
    covariance = np.linalg.inv(peak.hessian) / np.outer(units, units)
    constant = "does not vary among those at risk"
    notes = dict.fromkeys(np.flatnonzero(~varies).tolist(), constant)
    names = [column.term + column.level for column in data.design.coefficients]
    return RidgeFit(
        coefficients=coefficient_table(
            data.design, peak.beta / units, np.sqrt(np.diag(covariance)), notes, ci_level=data.model.ci_level
        ),
        covariance=pd.DataFrame(covariance, index=names, columns=names),
        theta=theta,
        effective_df=_effective_df(peak),
        log_likelihood=(null, peak.log_likelihood),
        n=data.n,
        n_events=data.n_events,
        status=NOT_ESTIMABLE if notes else OK,
        note=constant if notes else data.note,
        method=_method(data),
        ci_level=data.model.ci_level,
    )


def _method(data: CoxData) -> str:
    return f"Ridge Cox regression, {data.model.ties.capitalize()} ties"


def _no_fit(data: CoxData, problem: str) -> RidgeFit:
    p = len(data.design.coefficients)
    nothing = np.full(p, np.nan)
    notes = dict.fromkeys(range(p), problem)
    return RidgeFit(
        coefficients=coefficient_table(data.design, nothing, nothing, notes, ci_level=data.model.ci_level),
        covariance=pd.DataFrame(np.full((p, p), np.nan)),
        theta=np.nan,
        effective_df=np.nan,
        log_likelihood=(np.nan, np.nan),
        n=data.n_frame,
        n_events=data.n_events,
        status=NOT_ESTIMABLE,
        note=problem,
        method=_method(data),
        ci_level=data.model.ci_level,
    )
