"""Log-rank test and its weighted family: k groups, strata, delayed entry, trend; adjustment of p-values.

Without weights the statistic is that of ``survdiff`` in R's survival; ``fleming-harrington`` with gamma 0 is
``survdiff(rho=)``.
"""

from timetoevent.logrank.adjustment import adjust_p_values
from timetoevent.logrank.statistics import logrank, logrank_trend, observed_expected

__all__ = ["adjust_p_values", "logrank", "logrank_trend", "observed_expected"]
