"""Residuals of a proportional hazards model and the sandwich covariance made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from timetoevent.checks import FloatArray
from timetoevent.cox.data import IntArray
from timetoevent.cox.likelihood import Point

if TYPE_CHECKING:
    from timetoevent.cox.fitted import CoxFit

KINDS = ("martingale", "deviance", "score", "schoenfeld", "dfbeta")


def score_contributions(point: Point) -> FloatArray:
    """Return each sorted row's part of the score, unweighted, shape (p, m)."""
    sets = point.sets
    part = point.mean_hazard() - point.x * point.cumulative()
    part *= np.exp(point.linear_predictor)
    part[:, sets.death_row] += point.x[:, sets.death_row] - point.group_means()[:, sets.death_group]
    return part


def robust_covariance(point: Point, covariance: FloatArray, free: IntArray, cluster: IntArray | None) -> FloatArray:
    """Return the sandwich covariance of the coefficients `free`; each row is a cluster if none is given."""
    influence = covariance @ (score_contributions(point)[free] * point.sets.weight)
    if cluster is not None:
        codes = cluster[point.sets.order]
        influence = np.array([np.bincount(codes, weights=values) for values in influence])
    return influence @ influence.T


def residuals(fit: CoxFit, kind: str = "martingale") -> pd.DataFrame:
    """Return residuals of a fit.

    Parameters
    ----------
    fit : CoxFit
        A fit with at least one event.
    kind : {"martingale", "deviance", "score", "schoenfeld", "dfbeta"}
        Which. Dfbeta is multiplied by the case weight, the others are not (R's defaults).

    Returns
    -------
    DataFrame
        For ``schoenfeld``, one row per event in order of stratum and time, with the columns ``row``,
        ``stratum``, ``time`` and one per coefficient. Otherwise one row per row used, with ``row`` (its
        position in the frame) and either ``residual`` or one column per coefficient.

    Raises
    ------
    ValueError
        If `kind` is unknown or there is no fit.

    References
    ----------
    Therneau T. M., Grambsch P. M., Fleming T. R. (1990). Martingale-based residuals for survival models.
    Biometrika 77:147-160.

    Examples
    --------
    >>> from timetoevent.cox import fit_cox
    >>> frame = pd.DataFrame({"t": [1, 2, 3], "d": [1, 0, 1], "x": [1, 0, 0]})
    >>> fit = fit_cox(frame, time="t", event="d", terms=[])
    >>> residuals(fit).residual.round(6).tolist()
    [0.666667, -0.333333, -0.333333]
    """
    if kind not in KINDS:
        raise ValueError(f"kind: {kind!r} is not one of {KINDS}")
    if kind == "schoenfeld":
        return _schoenfeld(fit)
    sets = fit.point.sets
    frame = pd.DataFrame({"row": fit.data.rows})
    if kind in ("martingale", "deviance"):
        expected = sets.scatter(np.exp(fit.point.linear_predictor) * fit.point.cumulative())
        martingale = fit.data.event - expected
        return frame.assign(residual=martingale if kind == "martingale" else _deviance(martingale, fit))
    values = sets.scatter(score_contributions(fit.point)) * _scales(fit)
    if kind == "dfbeta":
        values = np.nan_to_num(_model_covariance(fit)) @ values * fit.data.weights
    return frame.join(pd.DataFrame(values.T, columns=fit.covariance.columns))


def _deviance(martingale: FloatArray, fit: CoxFit) -> FloatArray:
    event = fit.data.event
    expected = np.maximum(event - martingale, 0)
    with np.errstate(divide="ignore"):
        log_expected = np.where(event, np.log(expected), 0.0)
    return np.sign(martingale) * np.sqrt(np.maximum(-2 * (martingale + event * log_expected), 0))


def _scales(fit: CoxFit) -> FloatArray:
    return fit.maximum.scale[:, None]


def _model_covariance(fit: CoxFit) -> FloatArray:
    """Inverse information of the estimable coefficients in the units of the covariates, NaN elsewhere."""
    free = np.flatnonzero(fit.estimable)
    covariance = np.full(fit.covariance.shape, np.nan)
    if len(free):
        inverse = np.linalg.inv(fit.point.information()[np.ix_(free, free)])
        scale = fit.maximum.scale[free]
        covariance[np.ix_(free, free)] = inverse / np.outer(scale, scale)
    return covariance


def _schoenfeld(fit: CoxFit) -> pd.DataFrame:
    point, sets = fit.point, fit.point.sets
    values = point.x[:, sets.death_row] - point.group_means()[:, sets.death_group]
    frame = pd.DataFrame(
        {
            "row": fit.data.rows[sets.order[sets.death_row]],
            "stratum": sets.group_stratum[sets.death_group],
            "time": sets.group_time[sets.death_group],
        }
    )
    frame = frame.join(pd.DataFrame((values * _scales(fit)).T, columns=fit.covariance.columns))
    return frame.sort_values(["stratum", "time", "row"], ignore_index=True)
