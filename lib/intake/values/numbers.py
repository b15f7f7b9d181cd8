"""Numbers as centers write them: decimal comma, thousands, bounds, footnotes, a unit behind."""

from __future__ import annotations

import re
from typing import Literal

from intake.values.parsed import SIGNS, Parsed
from intake.values.units import conversion_factor, convert, find_unit

Decimal = Literal[".", ","] | None
PLAIN = re.compile(r"[+-]?\d+")
ONE_MARK = re.compile(r"([+-]?\d*)([.,])(\d+)")
EXPONENT = re.compile(r"([+-]?\d+(?:[.,]\d+)?)[eE]([+-]?\d{1,2})")
BOUND = re.compile(r"(?:<=|>=|=<|=>|[<>\u2264\u2265])\s*(.+)")
FOOTNOTE = re.compile(r"(.*\d)\s*(?:\*+|\([a-z*]\)|[\u00b9\u00b2\u00b3#\u2020\u2021])")
WITH_UNIT = re.compile(r"([+-]?[\d.,']+)\s*([^\d\s.,'+-].*)")
RANGE = re.compile(r"\d[\d.,]*\s*(?:-|/|a|to)\s*\d[\d.,]*")
DATE_LIKE = re.compile(
    r"\d{1,2}[-/ ][a-z]{3,9}(?:[-/ ]\d{2,4})?|[a-z]{3}-\d{2}|\d{4}-\d\d-\d\d.*|\d{1,2}/\d{1,2}/\d{2,4}", re.IGNORECASE
)
SPREADSHEET_ERROR = re.compile(
    r"#(?:n/a|n/d|ref!|rif!|div/0!|value!|valore!|name\?|nome\?|num!|null!|nullo!)", re.IGNORECASE
)
WARNINGS = {"bound_as_value": "value_is_bound", "footnote_removed": "value_has_footnote"}


def _read_decimal(text: str, decimal: Decimal = None, thousands: str | None = None) -> tuple[float | None, str]:
    """Read the digits of a number.

    Undeclared marks are read where only one reading exists; else the problem is `number_unreadable` or
    `number_ambiguous`.

    Examples
    --------
    >>> _read_decimal("1.234,5")
    (1234.5, '')
    >>> _read_decimal("1,234")
    (None, 'number_ambiguous')
    >>> _read_decimal("1.234", decimal=",", thousands=".")
    (1234.0, '')
    """
    if PLAIN.fullmatch(text):
        return float(text), ""
    found = ONE_MARK.fullmatch(text)
    if found:
        return _read_one_mark(found, decimal, thousands)
    value = _read_grouped(text, decimal, thousands)
    return value, "" if value is not None else "number_unreadable"


def parse_number(
    text: str,
    column: str = "",
    *,
    decimal: Decimal = None,
    thousands: str | None = None,
    unit: str | None = None,
) -> Parsed:
    """Read one number and convert it to the canonical unit of its column.

    Marks and unit are those that the center declares; a unit in the cell comes before it.

    Returns
    -------
    Parsed
        With a float value. `change` names the last thing done to the text: `notation`, `unit_converted`,
        `bound_as_value` (``<0,1``) or `footnote_removed` (``3,5*``).

    Examples
    --------
    >>> parse_number("38,2", "albumin_g_dl", unit="g/L")[:3]
    (3.82, '3.82', 'unit_converted')
    >>> parse_number("<0,1").change
    'bound_as_value'
    """
    digits, change, own_unit, problem = _peel(text.translate(SIGNS), column)
    if problem:
        return Parsed(None, problem=problem)
    value, problem = _read_decimal(digits, decimal, thousands)
    if value is None:
        return Parsed(None, problem=_explain(text, digits, problem))
    warning = WARNINGS.get(change, "")
    value = convert(value, factor := conversion_factor(column, own_unit or unit))
    if factor != 1.0:
        change = "unit_converted"
    elif not change and not (re.fullmatch(r"-?\d+(\.\d+)?", text) and float(text) == value):
        change = "notation"
    return Parsed(value, write_number(value), change, warning)


def parse_integer(text: str) -> Parsed:
    """Read a whole number (``3`` or ``3.0``).

    Examples
    --------
    >>> parse_integer("2.0").value, parse_integer("2.5").problem
    (2, 'number_not_whole')
    """
    parsed = parse_number(text)
    if parsed.value is None:
        return parsed
    if not float(parsed.value).is_integer():
        return Parsed(None, problem="number_not_whole", expected="a whole number")
    whole = int(parsed.value)
    change = "" if text == str(whole) else parsed.change or "notation"
    return parsed._replace(value=whole, text=str(whole), change=change)


def write_number(value: float) -> str:
    """Return the shortest text of a number, whole numbers without a decimal mark.

    Examples
    --------
    >>> write_number(250.0), write_number(3.8)
    ('250', '3.8')
    """
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value)


def _read_one_mark(found: re.Match, decimal: Decimal, thousands: str | None) -> tuple[float | None, str]:
    """Read a number with a single mark: decimal, or thousands, or not certainly either."""
    whole, mark, digits = found.groups()
    as_thousands = len(digits) == 3 and whole.lstrip("+-") not in ("", "0") and len(whole.lstrip("+-")) <= 3
    if as_thousands and mark == thousands:
        return float(whole + digits), ""
    if as_thousands and mark != (decimal or "."):
        return None, "number_ambiguous"
    return float(f"{whole or '0'}.{digits}" if whole not in ("+", "-") else f"{whole}0.{digits}"), ""


def _read_grouped(text: str, decimal: Decimal, thousands: str | None) -> float | None:
    """Read a number in which thousands are grouped; only whole groups of three count."""
    for mark, group in ((".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'")):
        if decimal not in (None, mark) or (thousands not in (None, group)):
            continue
        if re.fullmatch(rf"[+-]?\d{{1,3}}(?:{re.escape(group)}\d{{3}})+(?:{re.escape(mark)}\d+)?", text):
            return float(text.replace(group, "").replace(mark, "."))
    return None


def _peel(text: str, column: str) -> tuple[str, str, str | None, str]:
    """Take bound, footnote, unit and exponent off a number: digits, change, unit, problem."""
    change, unit = "", None
    if found := BOUND.fullmatch(text):
        text, change = found[1], "bound_as_value"
    if found := FOOTNOTE.fullmatch(text):
        text, change = found[1], "footnote_removed"
    if found := EXPONENT.fullmatch(text):
        return write_number(float(f"{found[1].replace(',', '.')}e{found[2]}")), change or "notation", None, ""
    if found := WITH_UNIT.fullmatch(text):
        unit = find_unit(column, found[2])
        if unit is None:
            return text, change, None, _explain(text, text, "number_unreadable")
        text = found[1]
    return text, change, unit, ""


def _explain(text: str, digits: str, problem: str) -> str:
    """Name the usual reason why a text is no number."""
    if SPREADSHEET_ERROR.fullmatch(text):
        return "spreadsheet_error"
    if DATE_LIKE.fullmatch(text):
        return "number_looks_like_date"
    if RANGE.fullmatch(digits):
        return "number_is_range"
    return problem
