"""Cox proportional hazards regression: from a frame to a fitted model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from timetoevent.checks import BoolArray, FloatArray
from timetoevent.cox.data import CoxData, Model, make_model, read_data
from timetoevent.cox.design import Design
from timetoevent.cox.fitted import CoxFit, label_covariance, no_fit
from timetoevent.cox.newton import Maximum, maximize
from timetoevent.cox.risk_sets import make_risk_sets
from timetoevent.cox.sandwich import robust_covariance
from timetoevent.cox.table import coefficient_table, describe, monotone_note, redundancy_note
from timetoevent.results import NOT_ESTIMABLE, OK


def fit_cox(
    frame: pd.DataFrame,
    *,
    time: str,
    event: str,
    terms: Sequence[str],
    interactions: Sequence[tuple[str, str]] = (),
    entry: str | None = None,
    strata: str | Sequence[str] | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    robust: bool | None = None,
    ties: str = "efron",
    ci_level: float = 0.95,
    is_repeated: bool = False,
) -> CoxFit:
    """Fit a Cox proportional hazards model.

    Parameters
    ----------
    frame : DataFrame
        One row per subject, or per interval of a subject if `entry` is given. Not modified.
    time, event : str
        Columns of the time at the end of the row and of the event (0/1 or boolean).
    terms : sequence of str
        Columns of covariates: categorical and text columns give treatment contrasts against their first
        category, numeric and boolean ones a coefficient each.
    interactions : sequence of pairs of str, optional
        Pairs of `terms` whose products are added.
    entry : str, optional
        Column of the time at which the row comes under observation; it is at risk after that time.
    strata : str or sequence of str, optional
        Columns whose combinations have a baseline hazard each.
    weights, cluster : str, optional
        Columns of case weights, and of the units whose rows are correlated.
    robust : bool, optional
        Whether the covariance is the sandwich estimate; by default it is if there is a `cluster` or a
        weight that is not a whole number.
    ties : {"efron", "breslow"}
        Approximation for tied event times. Times equal up to rounding are tied.
    ci_level : float
        Level of the confidence intervals.
    is_repeated : bool
        Whether this is one of many fits, of a bootstrap or a simulation: the maximum is then searched for here, and
        not by lifelines, which takes ten times as long and finds the same.

    Returns
    -------
    CoxFit
        Data without a unique finite estimate (missing values, no event, a level without events, collinear
        columns) give a fit whose status and notes say so, not an exception.

    Raises
    ------
    KeyError
        If a column does not exist.
    ValueError
        If an argument or the coding of the event is wrong, or a time is negative or infinite.

    References
    ----------
    Cox D. R. (1972). Regression models and life-tables. J R Stat Soc B 34:187-220.
    Efron B. (1977). The efficiency of Cox's likelihood function for censored data. JASA 72:557-565.
    Lin D. Y., Wei L. J. (1989). The robust inference for the Cox proportional hazards model.
    JASA 84:1074-1078.

    Examples
    --------
    >>> frame = pd.DataFrame({"t": [1, 1, 6, 6, 8, 9], "d": [1, 0, 1, 1, 0, 1], "x": [1, 1, 1, 0, 0, 0]})
    >>> fit = fit_cox(frame, time="t", event="d", terms=["x"], ties="breslow")
    >>> round(float(fit.coefficients.hazard_ratio[0]), 6)
    4.372281
    """
    model = make_model(
        time=time,
        event=event,
        terms=terms,
        interactions=interactions,
        entry=entry,
        strata=strata,
        weights=weights,
        cluster=cluster,
        ties=ties,
        ci_level=ci_level,
    )
    return fit_data(read_data(frame, model), robust=robust, is_repeated=is_repeated)


def fit_data(data: CoxData, *, robust: bool | None = None, is_repeated: bool = False) -> CoxFit:
    """Fit the model to data that have been read (see `fit_cox`)."""
    sets = None if data.problem else make_risk_sets(data)
    if sets is None:
        reason = data.problem or ("no events" if data.n else "no rows")
        return no_fit(data, reason, method=_method_name(data.model, robust=False))
    maximum = maximize(sets, data.design.matrix, is_repeated=is_repeated)
    notes = _reasons(data, maximum)
    if robust is None:
        robust = data.cluster is not None or bool((data.weights % 1 != 0).any())
    covariance = _covariance(data, maximum, robust=robust)
    design = data.design
    beta, std_error = maximum.beta, np.sqrt(np.diag(covariance))
    reasons = [f"{describe(design.coefficients[j])}: {reason}" for j, reason in notes.items()]
    return CoxFit(
        coefficients=coefficient_table(design, beta, std_error, notes, ci_level=data.model.ci_level),
        covariance=label_covariance(covariance, design),
        log_likelihood=(maximum.null_log_likelihood, maximum.point.log_likelihood),
        n=data.n,
        n_events=data.n_events,
        status=NOT_ESTIMABLE if reasons else OK,
        note="; ".join([*reasons, *([data.note] if data.note else [])]),
        method=_method_name(data.model, robust=robust),
        ci_level=data.model.ci_level,
        beta=beta,
        df=int((~maximum.redundant).sum()),
        data=data,
        maximum=maximum,
    )


def find_coefficients(data: CoxData) -> tuple[FloatArray, BoolArray]:
    """Return coefficients, 0 where redundant, and which of them have a finite, unique estimate.

    For resampling, where the tables and the covariance of `fit_data` would be made and thrown away.
    """
    sets = None if data.problem else make_risk_sets(data)
    if sets is None:
        p = len(data.design.coefficients)
        return np.zeros(p), np.zeros(p, dtype=bool)
    maximum = maximize(sets, data.design.matrix, is_repeated=True)
    return maximum.beta, ~(maximum.redundant | maximum.infinite)


def _method_name(model: Model, *, robust: bool) -> str:
    """Name the method with its conventions."""
    parts = [f"Cox regression, {model.ties.capitalize()} ties"]
    if model.strata:
        parts.append(f"stratified by {', '.join(model.strata)}")
    if model.entry:
        parts.append("delayed entry")
    if model.weights:
        parts.append("weighted")
    if robust:
        parts.append("robust standard errors")
    return ", ".join(parts)


def _reasons(data: CoxData, maximum: Maximum) -> dict[int, str]:
    """Why coefficients are not estimable, by position."""
    notes = redundancy_notes(data.design, maximum.redundant, maximum.null_information, maximum.scale)
    columns = data.design.coefficients
    endless = {int(j): monotone_note(columns[j], data.design) for j in np.flatnonzero(maximum.infinite)}
    return dict(sorted({**notes, **endless}.items()))


def redundancy_notes(
    design: Design, redundant: BoolArray, information: FloatArray, scale: FloatArray
) -> dict[int, str]:
    """Return why redundant columns have no coefficient, by position."""
    columns = design.coefficients
    notes = {}
    for j in np.flatnonzero(redundant):
        earlier = np.flatnonzero(~redundant[:j])
        makers = []
        if scale[j] > 0 and information[j, j] > 1e-9 * np.diag(information).max():
            share = np.linalg.solve(information[np.ix_(earlier, earlier)], information[earlier, j])
            makers = [describe(columns[k]) for k, part in zip(earlier, share, strict=True) if abs(part) > 1e-6]
        notes[int(j)] = redundancy_note(columns[j], makers)
    return notes


def _covariance(data: CoxData, maximum: Maximum, *, robust: bool) -> FloatArray:
    """Covariance of the estimable coefficients, in the units of the covariates; NaN elsewhere."""
    p = len(maximum.beta)
    covariance = np.full((p, p), np.nan)
    free = np.flatnonzero(~(maximum.redundant | maximum.infinite))
    if len(free):
        scaled = np.linalg.inv(maximum.point.information()[np.ix_(free, free)])
        if robust:
            scaled = robust_covariance(maximum.point, scaled, free, data.cluster)
        covariance[np.ix_(free, free)] = scaled / np.outer(maximum.scale[free], maximum.scale[free])
    return covariance
