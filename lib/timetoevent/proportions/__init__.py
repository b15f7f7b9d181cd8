"""Proportions and contingency tables of small samples: exact intervals and exact tests."""

from timetoevent.proportions.fisher import fisher_exact
from timetoevent.proportions.single import proportion

__all__ = ["fisher_exact", "proportion"]
