"""Multiple imputation by chained equations for time-to-event data, and pooling by Rubin's rules."""

from timetoevent.imputation.chained import Imputation, cumulative_hazard_at, impute_chained
from timetoevent.imputation.pooling import Pooled, PooledFit, pool_fits, pool_rubin

__all__ = [
    "Imputation",
    "Pooled",
    "PooledFit",
    "cumulative_hazard_at",
    "impute_chained",
    "pool_fits",
    "pool_rubin",
]
