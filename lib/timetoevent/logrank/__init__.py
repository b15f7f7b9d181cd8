"""Log-rank test and its weighted family: k groups, strata, delayed entry, pairs, trend.

Without weights the statistic is that of ``survdiff`` in R's survival; ``fleming-harrington`` with gamma 0 is
``survdiff(rho=)``.
"""

from timetoevent.logrank.pairwise import adjust_p_values, logrank_pairwise
from timetoevent.logrank.scores import WEIGHTINGS
from timetoevent.logrank.statistics import logrank, logrank_trend, observed_expected

__all__ = [
    "WEIGHTINGS",
    "adjust_p_values",
    "logrank",
    "logrank_pairwise",
    "logrank_trend",
    "observed_expected",
]
