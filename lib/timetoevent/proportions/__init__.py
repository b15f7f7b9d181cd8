"""Proportions and contingency tables of small samples: exact intervals, exact tests, trend, difference."""

from timetoevent.proportions.fisher import fisher_exact, odds_ratio
from timetoevent.proportions.single import cochran_armitage, proportion, proportion_difference

__all__ = ["cochran_armitage", "fisher_exact", "odds_ratio", "proportion", "proportion_difference"]
