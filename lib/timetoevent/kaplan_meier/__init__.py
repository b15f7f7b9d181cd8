"""Kaplan-Meier curve and what is read off it: probabilities at times, quantiles, numbers at risk, follow-up.

Events precede censorings at tied times, times equal up to rounding are tied, and every convention is that of
``survfit`` in R's survival unless a docstring says otherwise.
"""

from timetoevent.kaplan_meier.curve import Curve, fit_curve, kaplan_meier, survival_at
from timetoevent.kaplan_meier.quantiles import median_follow_up, survival_quantile
from timetoevent.kaplan_meier.risk import numbers_at_risk

__all__ = [
    "Curve",
    "fit_curve",
    "kaplan_meier",
    "median_follow_up",
    "numbers_at_risk",
    "survival_at",
    "survival_quantile",
]
