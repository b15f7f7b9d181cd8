"""Baseline hazard and predicted survival with intervals, as R's ``survfit`` of a Cox model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from timetoevent.checks import BoolArray, FloatArray
from timetoevent.cox.design import build_design
from timetoevent.intervals import normal_quantile

if TYPE_CHECKING:
    from timetoevent.cox.fitted import CoxFit

CI_TYPES = ("log", "log-log", "plain")


def baseline_hazard(fit: CoxFit) -> pd.DataFrame:
    """Return the cumulative baseline hazard at the center of the fit, by stratum and event time.

    The increments are Efron's where the fit is, Breslow's where it is. The center is the mean of a
    covariate, or 0 for an indicator (``fit.center``).

    Returns
    -------
    DataFrame
        One row per stratum and event time: the columns of the strata, ``stratum`` (its code), ``time``,
        ``hazard`` (the increment), ``cumulative_hazard`` and ``survival``.

    Raises
    ------
    ValueError
        If there is no fit.

    Examples
    --------
    >>> from timetoevent.cox import fit_cox
    >>> frame = pd.DataFrame({"t": [1, 2, 3], "d": [1, 0, 1]})
    >>> baseline_hazard(fit_cox(frame, time="t", event="d", terms=[])).hazard.round(6).tolist()
    [0.333333, 1.0]
    """
    point, sets = fit.point, fit.point.sets
    shift = np.exp(fit.beta @ (fit.center - fit.maximum.center))
    table = pd.DataFrame(
        {
            "stratum": sets.group_stratum,
            "time": sets.group_time,
            "hazard": shift * sets.sum_over_events(point.hazard),
        }
    ).sort_values(["stratum", "time"], ignore_index=True)
    table["cumulative_hazard"] = table.groupby("stratum")["hazard"].cumsum()
    table["survival"] = np.exp(-table["cumulative_hazard"])
    for place, name in enumerate(fit.data.model.strata):
        table.insert(place, name, [fit.data.stratum_levels[code][place] for code in table["stratum"]])
    return table


def predict_survival(
    fit: CoxFit,
    newdata: pd.DataFrame,
    times: ArrayLike,
    *,
    ci_level: float | None = None,
    ci_type: str = "log",
) -> pd.DataFrame:
    """Return predicted survival of each row of `newdata` at each of `times`.

    Parameters
    ----------
    fit : CoxFit
        A fit; one with an infinite coefficient or none at all predicts nothing, and says so in each row.
    newdata : DataFrame
        Columns of the terms (and strata) of the model.
    times : array-like of float
        Times, from the origin of the model.
    ci_level : float, optional
        Level of the pointwise interval; that of the fit by default.
    ci_type : {"log", "log-log", "plain"}
        Scale on which the interval is symmetric; R's default is "log".

    Returns
    -------
    DataFrame
        One row per row of `newdata` and time: ``row``, ``time``, ``survival``, ``std_error`` (of the
        cumulative hazard), ``ci_lower``, ``ci_upper``, ``status``, ``note``. A row whose covariates are
        missing or unknown to the fit, or a time beyond the follow-up of its stratum, is not estimable.

    References
    ----------
    Therneau T. M., Grambsch P. M. (2000). Modeling Survival Data, section 10.2. Springer.

    Examples
    --------
    >>> from timetoevent.cox import fit_cox
    >>> frame = pd.DataFrame({"t": [1, 2, 3, 4], "d": [1, 1, 0, 1], "x": [0, 1, 0, 1]})
    >>> fit = fit_cox(frame, time="t", event="d", terms=["x"])
    >>> predict_survival(fit, pd.DataFrame({"x": [0]}), [0, 1]).survival.round(4).tolist()
    [1.0, 0.7461]
    """
    if ci_type not in CI_TYPES:
        raise ValueError(f"ci_type: {ci_type!r} is not one of {CI_TYPES}")
    level = fit.ci_level if ci_level is None else ci_level
    grid = np.asarray(times, dtype=float).ravel()
    notes = _row_notes(fit, newdata)
    known = np.flatnonzero(notes == "")
    parts = [_predict_rows(fit, newdata.iloc[known], grid)] if len(known) else []
    table = pd.DataFrame({"row": np.repeat(np.arange(len(newdata)), len(grid)), "time": np.tile(grid, len(newdata))})
    cumulative, std_error = np.full((2, len(newdata), len(grid)), np.nan)
    certain = np.zeros((len(newdata), len(grid)), dtype=bool)
    for found in parts:
        cumulative[known], std_error[known], certain[known] = found
    table["survival"] = np.exp(-cumulative).ravel()
    table["std_error"] = std_error.ravel()
    lower, upper = _limits(cumulative.ravel(), std_error.ravel(), level, ci_type)
    table["ci_lower"] = np.where(certain.ravel(), 1.0, lower)
    table["ci_upper"] = np.where(certain.ravel(), 1.0, upper)
    note = np.repeat(notes, len(grid))
    beyond = (note == "") & np.isnan(table["survival"].to_numpy())
    table["note"] = np.where(beyond, "beyond the follow-up of the stratum", note)
    table.insert(len(table.columns) - 1, "status", np.where(table["note"] == "", "ok", "not_estimable"))
    return table


def _row_notes(fit: CoxFit, newdata: pd.DataFrame) -> np.ndarray:
    """Why a row of the new data cannot be predicted."""
    model, data = fit.data.model, fit.data
    if fit.maximum is None or fit.maximum.infinite.any():
        return np.full(len(newdata), fit.note, dtype=object)
    notes = np.full(len(newdata), "", dtype=object)
    for name in [*model.terms, *model.strata]:
        notes[newdata[name].isna().to_numpy()] = f"{name} is missing"
    for name, levels in data.levels.items():
        strange = ~newdata[name].isin(levels).to_numpy() & (notes == "")
        notes[strange] = f"{name} has a level that the model does not know"
    codes = _stratum_codes(fit, newdata)
    notes[(codes < 0) & (notes == "")] = "a stratum that the model does not know"
    return notes


def _stratum_codes(fit: CoxFit, newdata: pd.DataFrame) -> np.ndarray:
    strata = list(fit.data.model.strata)
    if not strata:
        return np.zeros(len(newdata), dtype=np.int64)
    code_of = {levels: code for code, levels in enumerate(fit.data.stratum_levels)}
    return np.array([code_of.get(key, -1) for key in newdata[strata].itertuples(index=False, name=None)])


def _predict_rows(fit: CoxFit, newdata: pd.DataFrame, grid: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Cumulative hazard, its standard error, and whether follow-up has not begun, shape (n_rows, n_times)."""
    data, maximum = fit.data, fit.maximum
    nobody = np.zeros(len(newdata), dtype=bool)
    design = build_design(newdata, nobody, data.model.terms, data.model.interactions, data.levels)
    scale = np.where(maximum.scale > 0, maximum.scale, 1.0)
    x = (design.matrix - maximum.center[:, None]) / scale[:, None]
    relative = np.exp((maximum.beta * scale) @ x)
    covariance = np.nan_to_num(fit.covariance.to_numpy()) * np.outer(scale, scale)
    codes = _stratum_codes(fit, newdata)
    hazard, std_error = np.full((2, len(newdata), len(grid)), np.nan)
    certain = np.zeros((len(newdata), len(grid)), dtype=bool)
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        certain[rows] = grid < data.time[data.stratum == code].min()
        total, variance, moment = _step_functions(fit, int(code), grid)
        drift = x[:, rows, None] * total - moment[:, None, :]
        spread = variance + np.einsum("irt,ij,jrt->rt", drift, covariance, drift)
        hazard[rows] = relative[rows, None] * total
        std_error[rows] = relative[rows, None] * np.sqrt(spread)
    return hazard, std_error, certain


def _step_functions(fit: CoxFit, code: int, grid: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Cumulative hazard, its variance at fixed coefficients, and hazard-weighted means, at times `grid`."""
    point, sets = fit.point, fit.point.sets
    groups = np.flatnonzero(sets.group_stratum == code)[::-1]
    columns = [
        sets.sum_over_events(point.hazard),
        sets.sum_over_events(point.hazard * point.inverse),
        *point.sum_events(point.means() * point.hazard),
    ]
    cumulative = np.array([np.cumsum(np.append(0.0, column[groups])) for column in columns])
    steps = cumulative[:, np.searchsorted(sets.group_time[groups], grid, "right")]
    in_stratum = fit.data.stratum == code
    steps[:, grid > fit.data.time[in_stratum].max()] = np.nan
    return steps[0], steps[1], steps[2:]


def _limits(cumulative: FloatArray, std_error: FloatArray, level: float, ci_type: str) -> tuple[FloatArray, FloatArray]:
    half = normal_quantile(level) * std_error
    if ci_type == "log":
        return np.exp(-(cumulative + half)), np.minimum(np.exp(-(cumulative - half)), 1.0)
    if ci_type == "plain":
        survival = np.exp(-cumulative)
        return np.maximum(survival * (1 - half), 0.0), np.minimum(survival * (1 + half), 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        wide = half / cumulative  # NaN at survival 1, where this scale has no interval
    return np.exp(-cumulative * np.exp(wide)), np.exp(-cumulative * np.exp(-wide))
