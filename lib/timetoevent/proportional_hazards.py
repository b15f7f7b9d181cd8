"""Does a hazard ratio change with time: the score test of R's ``cox.zph``, and the residuals to look at."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from timetoevent.checks import FloatArray
from timetoevent.cox.fitted import CoxFit, correlation
from timetoevent.cox.newton import find_redundant
from timetoevent.results import NOT_ESTIMABLE, OK

TRANSFORMS = ("km", "identity", "rank", "log")
GLOBAL = "GLOBAL"


def check_proportional_hazards(fit: CoxFit, *, transform: str = "km") -> pd.DataFrame:
    r"""Test each term, and all together, for a coefficient that changes with a function of time.

    The score test of :math:`\theta = 0` in the hazard ratio :math:`\exp(x'(\beta + \theta g(t)))`: exact in the
    information matrix, with the several degrees of freedom of a factor, as in survival 3.0 and later (not
    the approximation of earlier versions).

    Parameters
    ----------
    fit : CoxFit
        A Cox model.
    transform : {"km", "identity", "rank", "log"}
        The function of time: one minus the Kaplan-Meier estimate just before, the time itself, its rank
        among all follow-up times, its logarithm.

    Returns
    -------
    DataFrame
        One row per term and one named ``GLOBAL``: ``term, statistic, df, p_value, n_events, transform,
        status, note``.

    Raises
    ------
    ValueError
        If `transform` is unknown.

    References
    ----------
    Grambsch P. M., Therneau T. M. (1994). Proportional hazards tests and diagnostics based on weighted
    residuals. Biometrika 81:515-526.
    Therneau T. survival: Survival Analysis. R package, ``cox.zph``.

    Examples
    --------
    >>> from timetoevent.cox import fit_cox
    >>> frame = pd.DataFrame({"t": [1, 2, 3, 4, 5, 6], "d": [1, 1, 0, 1, 1, 1], "x": [2, 1, 0, 3, 1, 2]})
    >>> fit = fit_cox(frame, time="t", event="d", terms=["x"])
    >>> check_proportional_hazards(fit).df.tolist()
    [1, 1]
    """
    _check_transform(transform)
    terms = fit.data.design.terms()
    problem = _problem(fit, transform)
    if problem:
        rows = [(term, np.nan, 0, np.nan, NOT_ESTIMABLE, problem) for term in [*terms, GLOBAL]]
    else:
        score, information = _extended_score(fit, _transformed_event_times(fit, transform))
        tested = {**terms, GLOBAL: list(range(len(fit.estimable)))}
        rows = [_test(fit, name, np.array(places), score, information) for name, places in tested.items()]
    table = pd.DataFrame(rows, columns=["term", "statistic", "df", "p_value", "status", "note"])
    table.insert(4, "n_events", fit.n_events)
    table.insert(5, "transform", transform)
    return table


def scaled_schoenfeld_residuals(fit: CoxFit, *, transform: str = "km", by_term: bool = True) -> pd.DataFrame:
    r"""Return the residuals whose smooth against time shows how a coefficient changes.

    Parameters
    ----------
    fit : CoxFit
        A Cox model.
    transform : {"km", "identity", "rank", "log"}
        Function of time for the axis ``transformed_time``.
    by_term : bool
        One column per term (a factor is projected on its own coefficients, so that 1 means no change),
        or one per coefficient.

    Returns
    -------
    DataFrame
        One row per event, by stratum and time: ``row, stratum, time, transformed_time`` and a column per
        term or coefficient that is estimable, if any; NaN in strata where the covariate does not vary.

    Raises
    ------
    ValueError
        If `transform` is unknown, or nothing could be fitted.

    References
    ----------
    Grambsch P. M., Therneau T. M. (1994). Biometrika 81:515-526.
    Winnett A., Sasieni P. (2001). A note on scaled Schoenfeld residuals. Biometrika 88:565-571.

    Examples
    --------
    >>> from timetoevent.cox import fit_cox
    >>> frame = pd.DataFrame({"t": [1, 2, 3, 4, 5, 6], "d": [1, 1, 0, 1, 1, 1], "x": [2, 1, 0, 3, 1, 2]})
    >>> fit = fit_cox(frame, time="t", event="d", terms=["x"])
    >>> len(scaled_schoenfeld_residuals(fit))
    5
    """
    _check_transform(transform)
    sets = fit.point.sets
    order = np.lexsort((sets.group_time[sets.death_group], sets.group_stratum[sets.death_group]))
    axis = _transformed_event_times(fit, transform)
    frame = pd.DataFrame(
        {
            "row": fit.data.rows[sets.order[sets.death_row]],
            "stratum": sets.group_stratum[sets.death_group],
            "time": sets.group_time[sets.death_group],
            "transformed_time": axis,
        }
    )
    return frame.join(_scaled(fit, by_term=by_term)).iloc[order].reset_index(drop=True)


def _transformed_event_times(fit: CoxFit, transform: str) -> FloatArray:
    """Return the transformed time of each event, in the order of the risk sets."""
    data, sets = fit.data, fit.point.sets
    times = sets.group_time[sets.death_group]
    if transform == "identity":
        return times
    if transform == "log":
        with np.errstate(divide="ignore"):
            return np.log(times)
    if transform == "rank":
        return stats.rankdata(data.time)[sets.order[sets.death_row]]
    distinct, events = np.unique(data.time[data.event], return_counts=True)
    leaving, entering = np.sort(data.time), np.sort(np.full(data.n, -np.inf) if data.entry is None else data.entry)
    at_risk = np.searchsorted(entering, distinct, "left") - np.searchsorted(leaving, distinct, "left")
    survival = np.cumprod(np.append(1.0, 1 - events / at_risk))
    return 1 - survival[np.searchsorted(distinct, times)]


def _check_transform(transform: str) -> None:
    if transform not in TRANSFORMS:
        raise ValueError(f"transform: {transform!r} is not one of {TRANSFORMS}")


def _problem(fit: CoxFit, transform: str) -> str:
    if fit.maximum is None:
        return fit.note
    if not fit.estimable.any():
        return fit.note or "no coefficient to test"
    if transform == "log" and fit.point.sets.group_time.min() <= 0:
        return "an event at time 0 has no logarithm"
    return ""


def _extended_score(fit: CoxFit, axis: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Score and information of (beta, theta) at theta = 0, time centered at its mean over the events."""
    point, sets = fit.point, fit.point.sets
    time = axis - axis.mean()
    weight = sets.weight[sets.death_row]
    drift = point.x[:, sets.death_row] @ (weight * time) - point.x @ (point.risk * point.cumulative(time))
    mixed = point.information(time)
    information = np.block([[point.information(), mixed], [mixed, point.information(time**2)]])
    return np.concatenate([np.zeros(len(drift)), drift]), information


def _test(
    fit: CoxFit, name: str, places: np.ndarray, score: FloatArray, information: FloatArray
) -> tuple[str, float, int, float, str, str]:
    free = np.flatnonzero(fit.estimable)
    tested = places[fit.estimable[places]]
    if not len(tested):
        return name, np.nan, 0, np.nan, NOT_ESTIMABLE, "no estimable coefficient"
    chosen = np.concatenate([free, tested + len(fit.estimable)])
    block = information[np.ix_(chosen, chosen)]
    if find_redundant(correlation(block)).any():
        return name, np.nan, len(tested), np.nan, NOT_ESTIMABLE, "too few events to test"
    statistic = float(score[chosen] @ np.linalg.solve(block, score[chosen]))
    note = "" if len(tested) == len(places) else "of the estimable coefficients"
    return name, statistic, len(tested), float(stats.chi2.sf(statistic, len(tested))), OK, note


def _scaled(fit: CoxFit, *, by_term: bool) -> pd.DataFrame:
    """Scaled residuals in the order of the risk sets."""
    point, sets = fit.point, fit.point.sets
    free = np.flatnonzero(fit.estimable)
    if not len(free):
        return pd.DataFrame(index=pd.RangeIndex(len(sets.death_row)))
    scale, beta = fit.maximum.scale[free], fit.beta[free]
    raw = (point.x[:, sets.death_row] - point.group_means()[:, sets.death_group])[free] * scale[:, None]
    n_used = _events_used(fit)[:, free]
    shared = np.minimum(n_used[:, :, None], n_used[:, None, :]).sum(axis=0)
    information = point.information()[np.ix_(free, free)] * np.outer(scale, scale)
    mean_variance = information / np.where(shared == 0, 1, shared)
    names, projection = _projection(fit, free, by_term=by_term)
    raw = projection @ raw
    mean_variance = projection @ mean_variance @ projection.T
    first = (projection != 0).argmax(axis=1)
    center = np.where((projection != 0).sum(axis=1) == 1, beta[first], 1.0)
    scaled = np.full(raw.shape, np.nan)
    for stratum in np.unique(sets.group_stratum):
        events = np.flatnonzero(sets.group_stratum[sets.death_group] == stratum)
        known = np.flatnonzero(n_used[stratum][first] > 0)
        part = np.linalg.solve(mean_variance[np.ix_(known, known)], raw[np.ix_(known, events)])
        scaled[np.ix_(known, events)] = part + center[known, None]
    return pd.DataFrame(scaled.T, columns=names)


def _events_used(fit: CoxFit) -> FloatArray:
    """Events of each stratum, 0 where the covariate is constant in it, shape (n_strata, p).

    A factor counts wherever any of its columns varies.
    """
    data = fit.data
    used = np.zeros((len(data.stratum_levels), len(fit.estimable)))
    for stratum in range(len(used)):
        rows = data.stratum == stratum
        varies = np.ptp(data.design.matrix[:, rows], axis=1) > 0
        used[stratum] = varies * (rows & data.event).sum()
    for places in data.design.terms().values():
        used[:, places] = used[:, places].max(axis=1, keepdims=True)
    return used


def _projection(fit: CoxFit, free: np.ndarray, *, by_term: bool) -> tuple[list[str], FloatArray]:
    """Names and rows of the matrix that takes coefficients to the columns shown."""
    if not by_term:
        return [str(fit.covariance.columns[j]) for j in free], np.eye(len(free))
    names, rows = [], []
    for term, places in fit.data.design.terms().items():
        mine = np.flatnonzero(np.isin(free, places))
        if len(mine):
            row = np.zeros(len(free))
            row[mine] = fit.beta[free[mine]] if len(mine) > 1 else 1.0
            names.append(term)
            rows.append(row)
    return names, np.array(rows)
