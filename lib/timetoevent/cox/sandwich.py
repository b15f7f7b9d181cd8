"""The sandwich covariance of a proportional hazards model: what rows or clusters do to the coefficients."""

from __future__ import annotations

import numpy as np

from timetoevent.checks import FloatArray
from timetoevent.cox.data import IntArray
from timetoevent.cox.likelihood import Point


def robust_covariance(point: Point, covariance: FloatArray, free: IntArray, cluster: IntArray | None) -> FloatArray:
    """Return the sandwich covariance of the coefficients `free`; each row is a cluster if none is given."""
    sets = point.sets
    score = point.mean_hazard() - point.x * point.cumulative()
    score *= np.exp(point.linear_predictor)
    score[:, sets.death_row] += point.x[:, sets.death_row] - point.group_means()[:, sets.death_group]
    influence = covariance @ (score[free] * sets.weight)
    if cluster is not None:
        codes = cluster[sets.order]
        influence = np.array([np.bincount(codes, weights=values) for values in influence])
    return influence @ influence.T
