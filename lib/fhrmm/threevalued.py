"""Dates known in part, and what is open because of them.

A partial date (`2023-04`) is an interval of possible days. Comparing two intervals gives True, False or, where their
days overlap or one is missing, missing: pandas' nullable ``boolean``. Its ``&``, ``|`` and ``~`` are Kleene's logic:
False and open is False, True or open is True, everything else with something open is open.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, slots=True)
class Bounds:
    """Earliest and latest possible day of each date of a column, missing where the date is missing."""

    lower: pd.Series
    upper: pd.Series

    @property
    def known(self) -> pd.Series:
        """True where there is a date at all, however partial."""
        return self.lower.notna()

    @property
    def precision(self) -> pd.Series:
        """How exactly each date is known: day, month or year, ordered."""
        return name_precision(self.upper - self.lower)

    def where(self, keep: pd.Series, other: Bounds) -> Bounds:
        """Return these bounds where `keep`, else the other's."""
        return Bounds(self.lower.where(keep, other.lower), self.upper.where(keep, other.upper))

    def shift_days(self, days: int) -> Bounds:
        """Return the bounds that many days later."""
        return Bounds(self.lower + pd.Timedelta(days=days), self.upper + pd.Timedelta(days=days))

    def shift_months(self, months: int, *, days_per_month: float | None = None) -> Bounds:
        """Return the bounds that many months later.

        By the calendar: the same day of the month or, where that month is shorter, its last day. With
        `days_per_month`, that many days per month, rounded down in all.
        """
        if days_per_month is not None:
            return self.shift_days(int(months * days_per_month))
        return Bounds(self.lower + pd.DateOffset(months=months), self.upper + pd.DateOffset(months=months))

    def clip(self, earliest: pd.Series | None = None, latest: pd.Series | None = None) -> Bounds:
        """Narrow partial dates to a possible range; where the range would leave nothing, the date stays as it is."""
        lower = self.lower if earliest is None else self.lower.mask(earliest > self.lower, earliest)
        upper = self.upper if latest is None else self.upper.mask(latest < self.upper, latest)
        return Bounds(lower, upper).where(lower <= upper, self)

    def point(self, policy: str) -> pd.Series:
        """Return one day inside each interval: its lower end, upper end, or midpoint rounded down to the day."""
        if policy == "midpoint":
            return (self.lower + (self.upper - self.lower) / 2).dt.floor("D")
        return self.lower if policy == "lower" else self.upper


def date_bounds(frame: pd.DataFrame, column: str) -> Bounds:
    """Return the bounds of a date column; where the companions are missing the date itself is exact.

    Parameters
    ----------
    frame : DataFrame
        Has `column`, usually also `column_lower` and `column_upper`; an absent column is all missing.
    column : str
        Name of the date.

    Examples
    --------
    >>> bounds = date_bounds(pd.DataFrame({"x": pd.to_datetime(["2023-04-15"])}), "x")
    >>> str(bounds.lower[0].date()), str(bounds.upper[0].date())
    ('2023-04-15', '2023-04-15')
    """
    exact = frame.get(column, pd.Series(pd.NaT, index=frame.index, dtype="datetime64[ns]"))
    return Bounds(*(frame.get(f"{column}_{end}", exact).fillna(exact) for end in ("lower", "upper")))


def name_precision(width: pd.Series) -> pd.Series:
    """Name the width of possible intervals: day, month or year, ordered."""
    return pd.cut(width.dt.days, [-1, 0, 31, float("inf")], labels=["day", "month", "year"])


def compare(first: Bounds, second: Bounds, *, inclusive: bool = True) -> pd.Series:
    """Say whether `first` is on or before (inclusive) or strictly before `second`; open where a date is missing."""
    if inclusive:
        surely, never = first.upper <= second.lower, first.lower > second.upper
    else:
        surely, never = first.upper < second.lower, first.lower >= second.upper
    return surely.astype("boolean").where(surely | never)


def is_any(values: pd.Series, wanted: tuple[object, ...]) -> pd.Series:
    """Say whether a column has one of the wanted values, open where it is missing.

    Examples
    --------
    >>> is_any(pd.Series(["yes", "no", None]), ("yes",)).tolist()
    [True, False, <NA>]
    """
    return values.isin(wanted).astype("boolean").where(values.notna())


def to_levels(state: pd.Series, levels: tuple[str, str] = ("no", "yes")) -> pd.Series:
    """Return False and True as two levels of a categorical, in this order; open is missing.

    Examples
    --------
    >>> to_levels(pd.Series([False, None, True], dtype="boolean")).tolist()
    ['no', nan, 'yes']
    """
    codes = state.astype("Int8").fillna(-1).astype("int8")
    return pd.Series(pd.Categorical.from_codes(codes, categories=list(levels)), index=state.index)
