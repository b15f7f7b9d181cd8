"""In, out or undetermined: comparisons of partially known dates, on whole columns at once.

A partial date (`2023-04`) is an interval of possible days. A comparison of two intervals has three answers;
Kleene's logic then carries them through "and" (the minimum) and "or" (the maximum).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

OUT, UNDETERMINED, IN = np.int8(0), np.int8(1), np.int8(2)
NAMES = ("out", "undetermined", "in")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Earliest and latest possible day of each date of a column (datetime64[D]; NaT where the date is missing)."""

    lower: np.ndarray
    upper: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """True where there is a date at all, however partial."""
        return ~np.isnat(self.lower)

    def where(self, keep: np.ndarray, other: Bounds) -> Bounds:
        """Return these bounds where `keep`, else the other's."""
        return Bounds(np.where(keep, self.lower, other.lower), np.where(keep, self.upper, other.upper))

    def shift_days(self, days: int) -> Bounds:
        """Return the bounds that many days later."""
        return Bounds(self.lower + np.timedelta64(days, "D"), self.upper + np.timedelta64(days, "D"))

    def shift_months(self, months: int, *, days_per_month: float | None = None) -> Bounds:
        """Return the bounds that many calendar months later, or months of average length where that is given."""
        return Bounds(*(add_months(end, months, days_per_month=days_per_month) for end in (self.lower, self.upper)))

    def clip(self, earliest: np.ndarray, latest: np.ndarray) -> Bounds:
        """Narrow partial dates to a possible range; where the range would leave nothing, the date stays as it is."""
        lower = np.fmax(self.lower, earliest)
        upper = np.fmin(self.upper, latest)
        possible = self.known & (lower <= upper)
        return Bounds(np.where(possible, lower, self.lower), np.where(possible, upper, self.upper))

    def point(self, policy: str) -> np.ndarray:
        """Return one day inside each interval: its lower end, upper end, or midpoint rounded down to the day."""
        if policy == "midpoint":
            return self.lower + (self.upper - self.lower) // 2
        return self.lower if policy == "lower" else self.upper


def date_bounds(frame: pd.DataFrame, column: str) -> Bounds:
    """Return the bounds of a date column; where the companions are missing the date itself is exact.

    Parameters
    ----------
    frame : DataFrame
        Has `column`, usually also `column_lower` and `column_upper`; an absent column is all missing.
    column : str
        Name of the date.

    Returns
    -------
    Bounds
        Arrays of length ``len(frame)``.

    Examples
    --------
    >>> bounds = date_bounds(pd.DataFrame({"x": pd.to_datetime(["2023-04-15"])}), "x")
    >>> str(bounds.lower[0]), str(bounds.upper[0])
    ('2023-04-15', '2023-04-15')
    """
    exact = to_days(frame, column)
    lower, upper = (to_days(frame, f"{column}_{end}") for end in ("lower", "upper"))
    return Bounds(np.where(np.isnat(lower), exact, lower), np.where(np.isnat(upper), exact, upper))


def to_days(frame: pd.DataFrame, column: str) -> np.ndarray:
    """Return a date column as datetime64[D]; all NaT where the column is absent."""
    if column not in frame:
        return np.full(len(frame), np.datetime64("NaT", "D"))
    return frame[column].to_numpy(dtype="datetime64[ns]").astype("datetime64[D]")


def add_months(days: np.ndarray, months: int, *, days_per_month: float | None = None) -> np.ndarray:
    """Add calendar months to days: the same day of the month or, where that month is shorter, its last day.

    With `days_per_month` a month is that many days, whatever the calendar says.

    Examples
    --------
    >>> str(add_months(np.array(["2023-08-31"], "datetime64[D]"), 6)[0])
    '2024-02-29'
    >>> str(add_months(np.array(["2024-01-31"], "datetime64[D]"), 12, days_per_month=30.4375)[0])
    '2025-01-30'
    """
    if days_per_month is not None:
        return days + np.timedelta64(int(months * days_per_month), "D")
    month = days.astype("datetime64[M]")
    target = month + np.timedelta64(months, "M")
    last = (target + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
    return np.minimum(target.astype("datetime64[D]") + (days - month.astype("datetime64[D]")), last)


def compare(first: Bounds, second: Bounds, *, inclusive: bool = True) -> np.ndarray:
    """Say whether `first` is on or before (inclusive) or strictly before `second`; a missing date: undetermined."""
    if inclusive:
        surely, never = first.upper <= second.lower, first.lower > second.upper
    else:
        surely, never = first.upper < second.lower, first.lower >= second.upper
    return np.select([surely, never], [IN, OUT], UNDETERMINED)


def from_values(values: pd.Series, yes: object) -> np.ndarray:
    """Return IN where a column equals `yes`, OUT where it has another value, UNDETERMINED where it is missing.

    Examples
    --------
    >>> from_values(pd.Series(["yes", "no", None]), "yes").tolist()
    [2, 0, 1]
    """
    missing = values.isna().to_numpy(dtype=bool)
    equal = (values == yes).fillna(False).to_numpy(dtype=bool)
    return np.select([missing, equal], [UNDETERMINED, IN], OUT)


def from_mask(mask: np.ndarray) -> np.ndarray:
    """Return IN where True, OUT where False."""
    return np.where(mask, IN, OUT)


def negate(state: np.ndarray) -> np.ndarray:
    """Swap in and out; undetermined stays."""
    return (IN - state).astype(np.int8)


def all_of(*states: np.ndarray) -> np.ndarray:
    """Three-valued "and": out where any is out, in where all are in."""
    return np.minimum.reduce(states)


def any_of(*states: np.ndarray) -> np.ndarray:
    """Three-valued "or": in where any is in, out where all are out."""
    return np.maximum.reduce(states)


def to_category(state: np.ndarray, index: pd.Index | None = None) -> pd.Series:
    """Return the states as a categorical of `out`, `undetermined`, `in`."""
    return pd.Series(pd.Categorical.from_codes(state, categories=list(NAMES)), index=index)


def to_yes_no(
    state: np.ndarray, index: pd.Index | None = None, *, levels: tuple[str, str] = ("no", "yes")
) -> pd.Series:
    """Return OUT and IN as two levels, reference first; undetermined is missing.

    Examples
    --------
    >>> to_yes_no(np.array([0, 1, 2])).tolist()
    ['no', nan, 'yes']
    """
    codes = np.select([state == OUT, state == IN], [0, 1], -1)
    return pd.Series(pd.Categorical.from_codes(codes, categories=list(levels)), index=index)
