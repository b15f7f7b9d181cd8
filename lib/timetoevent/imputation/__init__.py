"""Multiple imputation by chained equations for time-to-event data, and pooling by Rubin's rules."""

from timetoevent.imputation.chained import Imputation, cumulative_hazard_at, impute_chained
from timetoevent.imputation.pooling import pool_fits, pool_rubin

__all__ = [
    "Imputation",
    "cumulative_hazard_at",
    "impute_chained",
    "pool_fits",
    "pool_rubin",
]
