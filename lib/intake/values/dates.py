"""Dates as centers write them: a value with its precision and bounds, never a guess about day and month."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from typing import Literal, NamedTuple

from intake.values.parsed import SIGNS, Parsed

DateOrder = Literal["dmy", "mdy", "ymd"] | None
# A date beyond is what a program writes for none: 31/12/2099, 9999-12-31, 1900-01-01.
EARLIEST_YEAR, LATEST_YEAR = 1950, 2049
MONTH_NAMES = (
    ("gennaio", "january"), ("febbraio", "february"), ("marzo", "march"), ("aprile", "april"), ("maggio", "may"),
    ("giugno", "june"), ("luglio", "july"), ("agosto", "august"), ("settembre", "september"), ("ottobre", "october"),
    ("novembre", "november"), ("dicembre", "december"),
)  # fmt: skip
MONTHS = {
    spelling: number
    for number, names in enumerate(MONTH_NAMES, start=1)
    for name in names
    for spelling in (name, name[:3], name[:4])
}
UNKNOWN_PART = r"00|0|-{1,2}|\?{1,2}|x{1,2}|_{1,2}|nd|un|unk|uk"
TIME = r"(?:[T ]+\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:\.\d+)?)?(?: ?[AP]M)?(?:Z|[+-]\d{2}:?\d{2})?)?"
# midnight in central Europe, written by a clock that shows universal time: the day is the next one
UTC_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ]2[23]:00(?::00(?:\.0+)?)?(?:Z|\+00:?00)", re.IGNORECASE)
YEAR_FIRST = re.compile(rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}}){TIME}", re.IGNORECASE)
YEAR_LAST = re.compile(rf"(\d{{1,2}})([-/. ])(\d{{1,2}})\2(\d{{4}}|\d{{2}}){TIME}", re.IGNORECASE)
UNKNOWN_FIRST = re.compile(rf"(\d{{4}})[-/.](\d{{1,2}}|{UNKNOWN_PART})[-/.](?:{UNKNOWN_PART})", re.IGNORECASE)
UNKNOWN_LAST = re.compile(rf"(?:{UNKNOWN_PART})[-/.](\d{{1,2}}|{UNKNOWN_PART})[-/.](\d{{4}})", re.IGNORECASE)
MONTH_YEAR = re.compile(r"(\d{1,2})[-/. ](\d{4})")
YEAR_MONTH = re.compile(r"(\d{4})[-/.](\d{1,2})")
YEAR = re.compile(r"\d{4}")
COMPACT = re.compile(r"\d{8}")
SERIAL = re.compile(r"(\d{5})(?:[.,]\d+)?")
NAMED_DAY = re.compile(r"(\d{1,2})[\u00b0\u00ba]?[-/. ]*([a-z]+)\.?[-/., ]*(\d{4}|\d{2})", re.IGNORECASE)
NAMED_DAY_US = re.compile(r"([a-z]+)\.?[-/. ]+(\d{1,2})(?:st|nd|rd|th)?,?[-/ ]+(\d{4})", re.IGNORECASE)
NAMED_MONTH = re.compile(r"([a-z]+)\.?[-/., ]*(\d{4})", re.IGNORECASE)
FULL_DATE_LIKE = re.compile(
    r"\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2,4}|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/ ][a-z]{3,9}[-/ ]\d{2,4}", re.IGNORECASE
)
SHORT = re.compile(r"\d{1,2}[-/.]\d{1,2}|[a-z]{3,9}[-/. ]+\d{2}", re.IGNORECASE)


class DateInterval(NamedTuple):
    """A date known to the day, the month or the year, with the first and last day that it can be."""

    lower: date
    upper: date
    precision: Literal["day", "month", "year"]

    @property
    def text(self) -> str:
        """The date in ISO notation, shortened to its precision."""
        return self.lower.isoformat()[: {"day": 10, "month": 7, "year": 4}[self.precision]]


def parse_date(text: str, order: DateOrder = None, epoch: int = 1900) -> Parsed:
    """Read one date strictly.

    Without a declared order of day and month, a date that reads in two ways is an error. `epoch` is day zero of
    spreadsheet serial numbers.

    Returns
    -------
    Parsed
        With a `DateInterval`, or with problem `date_unreadable`, `date_ambiguous`, `date_impossible` or
        `date_implausible` (a year outside 1950 to 2049).

    Examples
    --------
    >>> parse_date("13/04/2023").text, parse_date("03/04/2023").problem
    ('2023-04-13', 'date_ambiguous')
    >>> parse_date("2021-10-27T00:00:00+02:00").text, parse_date("2021-10-26T22:00:00Z").text
    ('2021-10-27', '2021-10-27')
    >>> parse_date("marzo 2023").value
    DateInterval(lower=datetime.date(2023, 3, 1), upper=datetime.date(2023, 3, 31), precision='month')
    """
    plain = text.translate(SIGNS)
    if found := UTC_MIDNIGHT.fullmatch(plain):
        parsed = _check(found[1], Parsed(_next_day(found[1])))
        return parsed if parsed.problem else parsed._replace(change="utc_midnight", problem="date_utc_midnight")
    for reader in (_read_year_first, _read_partial, _read_compact, _read_named):
        if parsed := reader(plain):
            return _check(text, parsed)
    if found := YEAR_LAST.fullmatch(plain):
        return _check(text, _read_ordered(found, order))
    if found := SERIAL.fullmatch(plain):
        # 1900 counts a 29 February 1900 that never was
        zero = date(1899, 12, 30) if epoch == 1900 else date(1904, 1, 1)
        value = zero + timedelta(days=int(found[1]))
        return _check(text, Parsed(DateInterval(value, value, "day"), change="excel_serial"))
    if SHORT.fullmatch(plain):
        return Parsed(None, problem="date_ambiguous", expected="a date with a four-digit year")
    return Parsed(None, problem="date_unreadable")


def day(year: int, month: int, of_month: int) -> DateInterval | None:
    """Return a date known to the day, or None where the calendar has no such day."""
    try:
        value = date(year, month, of_month)
    except ValueError:
        return None
    return DateInterval(value, value, "day")


def month(year: int, number: int) -> DateInterval | None:
    """Return a date known to the month, or None where there is no such month."""
    if not (1 <= number <= 12 and 1 <= year <= 9999):
        return None
    return DateInterval(date(year, number, 1), date(year, number, calendar.monthrange(year, number)[1]), "month")


def _next_day(iso: str) -> DateInterval | None:
    """Return the day after one in ISO notation, or None where the calendar has no such day."""
    found = day(*(int(part) for part in iso.split("-")))
    return found and DateInterval(found.lower + timedelta(days=1), found.upper + timedelta(days=1), "day")


def _whole_year(year: int) -> DateInterval | None:
    """Return a date known to the year."""
    return DateInterval(date(year, 1, 1), date(year, 12, 31), "year") if 1 <= year <= 9999 else None


def _check(text: str, parsed: Parsed) -> Parsed:
    """Finish a reading: impossible and implausible dates are problems; say whether the notation changed."""
    if parsed.problem:
        return parsed
    value = parsed.value
    if value is None:
        return Parsed(None, problem="date_impossible", expected="a day that the calendar has", advice=parsed.advice)
    if not EARLIEST_YEAR <= value.lower.year <= LATEST_YEAR:
        return Parsed(None, problem="date_implausible", expected=f"a year from {EARLIEST_YEAR} to {LATEST_YEAR}")
    change = parsed.change or ("" if value.text == text else "notation")
    return Parsed(value, value.text, change)


def _read_year_first(text: str) -> Parsed | None:
    found = YEAR_FIRST.fullmatch(text)
    if not found or int(found[4]) == 0:
        return None
    return Parsed(day(int(found[1]), int(found[3]), int(found[4])))


def _read_partial(text: str) -> Parsed | None:
    """Read dates without a day, or with a sign in the place of the day or the month."""
    if YEAR.fullmatch(text):
        return Parsed(_whole_year(int(text)))
    if found := MONTH_YEAR.fullmatch(text):
        return Parsed(month(int(found[2]), int(found[1])))
    if found := YEAR_MONTH.fullmatch(text):
        return Parsed(month(int(found[1]), int(found[2])))
    if found := UNKNOWN_FIRST.fullmatch(text):
        return _with_unknown(found[1], found[2])
    if found := UNKNOWN_LAST.fullmatch(text):
        return _with_unknown(found[2], found[1])
    return None


def _with_unknown(year: str, number: str) -> Parsed:
    known = number.isdigit() and int(number) > 0
    value = month(int(year), int(number)) if known else _whole_year(int(year))
    return Parsed(value, change="date_part_unknown")


def _read_compact(text: str) -> Parsed | None:
    """Read eight digits: year first or year last, whichever has a plausible year."""
    if not COMPACT.fullmatch(text):
        return None
    if EARLIEST_YEAR <= int(text[:4]) <= LATEST_YEAR:
        return Parsed(day(int(text[:4]), int(text[4:6]), int(text[6:])))
    return None


def _read_named(text: str) -> Parsed | None:
    """Read dates with the name of a month, Italian or English."""
    if (found := NAMED_DAY.fullmatch(text)) and found[2].lower() in MONTHS:
        year, change = _four_digits(found[3])
        return Parsed(day(year, MONTHS[found[2].lower()], int(found[1])), change=change)
    if (found := NAMED_DAY_US.fullmatch(text)) and found[1].lower() in MONTHS:
        return Parsed(day(int(found[3]), MONTHS[found[1].lower()], int(found[2])))
    if (found := NAMED_MONTH.fullmatch(text)) and found[1].lower() in MONTHS:
        return Parsed(month(int(found[2]), MONTHS[found[1].lower()]))
    return None


def _read_ordered(found: re.Match, order: DateOrder) -> Parsed:
    """Read three numbers in the declared order, or in the only order in which they are a date."""
    parts = {"first": found[1], "second": found[3], "third": found[4]}
    short = len(found[4]) == 2
    orders = (order,) if order and (short or order != "ymd") else ("dmy", "mdy", *(("ymd",) if short else ()))
    readings = {reading for name in orders if (reading := _in_order(parts, name))}
    if len(readings) > 1:
        return Parsed(None, problem="date_ambiguous", expected="a date that reads in one way only")
    advice = "" if not order else f"the file declares date_order {order!r}: correct the date or the declaration"
    return Parsed(readings.pop() if readings else None, change="two_digit_year" if short else "", advice=advice)


def _in_order(parts: dict[str, str], order: str) -> DateInterval | None:
    by_letter = dict(zip(order, parts.values(), strict=True))
    year, _ = _four_digits(by_letter["y"])
    return day(year, int(by_letter["m"]), int(by_letter["d"]))


def _four_digits(year: str) -> tuple[int, str]:
    """Return the year: of two digits, 50 to 99 lie in the 20th century."""
    if len(year) == 4:
        return int(year), ""
    return int(year) + (1900 if int(year) >= 50 else 2000), "two_digit_year"
