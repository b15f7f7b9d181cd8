"""What single rows do to the coefficients, and the sandwich covariance made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from timetoevent.checks import FloatArray
from timetoevent.cox.data import IntArray
from timetoevent.cox.likelihood import Point

if TYPE_CHECKING:
    from timetoevent.cox.fitted import CoxFit


def robust_covariance(point: Point, covariance: FloatArray, free: IntArray, cluster: IntArray | None) -> FloatArray:
    """Return the sandwich covariance of the coefficients `free`; each row is a cluster if none is given."""
    influence = covariance @ (_score_contributions(point)[free] * point.sets.weight)
    if cluster is not None:
        codes = cluster[point.sets.order]
        influence = np.array([np.bincount(codes, weights=values) for values in influence])
    return influence @ influence.T


def dfbeta(fit: CoxFit) -> pd.DataFrame:
    """Return by how much each row moves each coefficient: nearly the estimate less that without the row.

    Parameters
    ----------
    fit : CoxFit
        A plain fit with at least one event.

    Returns
    -------
    DataFrame
        One row per row used: ``row`` (its position in the frame) and a column per coefficient, NaN where it is not
        estimable. With case weights the whole weight is taken away, as in R.

    Raises
    ------
    ValueError
        If there is no fit.

    References
    ----------
    Therneau T. M., Grambsch P. M. (2000). Modeling Survival Data, section 7.1. Springer.

    Examples
    --------
    >>> from timetoevent.cox import fit_cox
    >>> frame = pd.DataFrame({"t": [1, 2, 3, 4], "d": [1, 1, 0, 1], "x": [1, 0, 0, 1]})
    >>> dfbeta(fit_cox(frame, time="t", event="d", terms=["x"])).x.round(3).tolist()
    [0.0]
    """
    point, free = fit.point, np.flatnonzero(fit.estimable)
    values = np.zeros((len(fit.beta), len(fit.data.rows)))
    covariance = np.linalg.inv(point.information()[np.ix_(free, free)])
    influence = covariance @ (_score_contributions(point)[free] * point.sets.weight)
    values[np.ix_(free, point.sets.order)] = influence / fit.maximum.scale[free, None]
    return pd.DataFrame(values.T, columns=fit.covariance.columns).assign(row=fit.data.rows)


def _score_contributions(point: Point) -> FloatArray:
    """Return each sorted row's part of the score, unweighted, shape (p, m)."""
    sets = point.sets
    part = point.mean_hazard() - point.x * point.cumulative()
    part *= np.exp(point.linear_predictor)
    part[:, sets.death_row] += point.x[:, sets.death_row] - point.group_means()[:, sets.death_group]
    return part
