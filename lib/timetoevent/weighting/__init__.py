"""Comparison of two treatments weighted by the propensity of treatment."""

from timetoevent.weighting.balance import balance_table, effective_sample_size, make_weights
from timetoevent.weighting.comparison import WeightedComparison, compare_weighted
from timetoevent.weighting.propensity import PropensityFit, fit_propensity

__all__ = [
    "PropensityFit",
    "WeightedComparison",
    "balance_table",
    "compare_weighted",
    "effective_sample_size",
    "fit_propensity",
    "make_weights",
]
