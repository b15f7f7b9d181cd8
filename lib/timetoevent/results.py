"""The one shape in which a single number leaves this package: an estimate that carries its own status."""

from __future__ import annotations

import math
from dataclasses import dataclass

OK = "ok"
NOT_REACHED = "not_reached"
NOT_ESTIMABLE = "not_estimable"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval, its denominator and the reason if it does not exist.

    Attributes
    ----------
    estimate, ci_lower, ci_upper, std_error : float
        Point estimate, confidence limits and standard error; NaN where undefined. A limit that is
        not reached (an upper limit of a median, say) is NaN while ``status`` stays ``ok``.
    statistic, df, p_value : float
        Test statistic, its degrees of freedom and p-value, where the estimate is a test.
    ci_level : float
        Level of the interval, in (0, 1).
    n, n_events : int
        Subjects and observed events that went into the estimate.
    status : str
        ``ok``, ``not_reached`` or ``not_estimable``.
    note : str
        Why, where the status is not ``ok``; or a remark on the convention used.
    method : str
        Name of the method with its convention, in words fit for a table.

    Examples
    --------
    >>> not_estimable("no events", n=4).status
    'not_estimable'
    """

    estimate: float = math.nan
    ci_lower: float = math.nan
    ci_upper: float = math.nan
    std_error: float = math.nan
    statistic: float = math.nan
    df: float = math.nan
    p_value: float = math.nan
    ci_level: float = 0.95
    n: int = 0
    n_events: int = 0
    status: str = OK
    note: str = ""
    method: str = ""


def not_estimable(note: str, *, n: int = 0, n_events: int = 0, method: str = "") -> Estimate:
    """Return an `Estimate` that says why there is no number."""
    return Estimate(n=n, n_events=n_events, status=NOT_ESTIMABLE, note=note, method=method)
