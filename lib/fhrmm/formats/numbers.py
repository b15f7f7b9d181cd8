"""One formatter per kind of number, and words where there is none. Rounding happens here and nowhere else."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from fhrmm.study import Display

DASH = "\u2013"
_MINUS = "\u2212"
NOT_REACHED = "not reached"
NOT_ESTIMABLE = "not estimable"
OK = "ok"
SUPPRESSED = "suppressed"
PERCENT, MONTHS, RATIO, COUNT, P_VALUE, NUMBER = "percent", "months", "ratio", "count", "p_value", "number"
_DIFFERENCE = "difference"
_FEW = 10  # of so few patients a percentage has no decimal
_KINDS: Mapping[str, str] = {
    "proportion": PERCENT,
    "survival_probability": PERCENT,
    "cumulative_incidence": PERCENT,
    "state_probability": PERCENT,
    "i_squared": PERCENT,
    "count": COUNT,
    "pooled_proportion": PERCENT,
    "predicted_proportion": PERCENT,
    "median": NUMBER,
    "events_per_parameter": NUMBER,
    "effective_sample_size": NUMBER,
    "standardized_mean_difference": _DIFFERENCE,
    "coverage": PERCENT,
    "completeness": PERCENT,
    "power": PERCENT,
    "bias": _DIFFERENCE,
}


def kind_of(estimand: str) -> str:
    """Return the kind of number an estimand is: percent, months, ratio, difference, count, p_value or number.

    Examples
    --------
    >>> kind_of("rmst_difference_months"), kind_of("log_rank_p"), kind_of("hazard_ratio")
    ('months', 'p_value', 'ratio')
    """
    if estimand in _KINDS:
        return _KINDS[estimand]
    if estimand.endswith("_months"):
        return MONTHS
    return P_VALUE if estimand.endswith("_p") else RATIO


def format_pct(share: float | None, display: Display, *, sign: bool = True, n: float | None = None) -> str:
    """Write a share as a percentage; of `n` patients, if they are ten or fewer, without decimals.

    Examples
    --------
    >>> from fhrmm.study import load_study
    >>> format_pct(38 / 62, load_study().display)
    '61.3%'
    """
    is_few = not is_missing(n) and 0 < n <= _FEW
    text = _fixed(share, 0 if is_few else display.proportion_decimals, factor=100.0)
    return text + "%" if sign and text != DASH else text


def format_ratio(ratio: float | None, display: Display) -> str:
    """Write a ratio; one that no cohort can support is shown as beyond the scale, never as a long number.

    Examples
    --------
    >>> from fhrmm.study import load_study
    >>> [format_ratio(value, load_study().display) for value in (1.9, 123.4, 4.8e7, 1e-9)]
    ['1.90', '123', '>1000', '<0.01']
    """
    if is_missing(ratio):
        return DASH
    if math.isinf(ratio) or abs(ratio) > 1000:
        return ">1000" if ratio > 0 else f"<{_MINUS}1000"
    smallest = 10.0**-display.ratio_decimals
    if 0 < ratio < smallest / 2:
        return f"<{smallest:.{display.ratio_decimals}f}"
    most = 0 if abs(ratio) >= 100 else 1 if abs(ratio) >= 10 else display.ratio_decimals
    return _fixed(ratio, min(most, display.ratio_decimals))


def format_p(p_value: float | None) -> str:
    """Write a p-value: three decimals below 0.1, two above, never zero.

    Examples
    --------
    >>> [format_p(value) for value in (0.0, 0.0123, 0.5, 0.999)]
    ['<0.001', '0.012', '0.50', '>0.99']
    """
    if is_missing(p_value):
        return DASH
    if p_value < 0.001:
        return "<0.001"
    if p_value > 0.99:
        return ">0.99"
    return f"{p_value:.3f}" if round(p_value, 3) < 0.1 else f"{p_value:.2f}"


def format_count(count: float | None) -> str:
    """Write a number of patients or events.

    Examples
    --------
    >>> format_count(1234), format_count(None)
    ('1,234', '–')
    """
    return DASH if is_missing(count) else f"{round(count):,}".replace("-", _MINUS)


def format_number(number: float | None) -> str:
    """Write a measurement with one decimal, without one from 100 on.

    Examples
    --------
    >>> format_number(61.0), format_number(221.5)
    ('61.0', '222')
    """
    return _fixed(number, 0 if not is_missing(number) and abs(number) >= 100 else 1)


def format_value(
    value: float | None, estimand: str, display: Display, *, sign: bool = True, n: float | None = None
) -> str:
    """Write a number of any estimand with the formatter of its kind.

    Examples
    --------
    >>> from fhrmm.study import load_study
    >>> format_value(0.5444, "survival_probability", load_study().display)
    '54.4%'
    """
    kind = kind_of(estimand)
    if kind == PERCENT:
        return format_pct(value, display, sign=sign, n=n)
    if kind == MONTHS:
        return _fixed(value, display.months_decimals)
    if kind == RATIO:
        return format_ratio(value, display)
    if kind == _DIFFERENCE:
        return _fixed(value, display.ratio_decimals)
    return {COUNT: format_count, P_VALUE: format_p, NUMBER: format_number}[kind](value)


def format_ci(
    lower: float | None,
    upper: float | None,
    estimand: str,
    display: Display,
    *,
    sign: bool = True,
    n: float | None = None,
) -> str:
    """Write an interval with "to"; a missing limit of a time is a limit that is not reached.

    Examples
    --------
    >>> from fhrmm.study import load_study
    >>> format_ci(9.3, None, "median_months", load_study().display)
    '9.3 to not reached'
    """
    if is_missing(lower) and is_missing(upper):
        return DASH
    open_end = NOT_REACHED if kind_of(estimand) == MONTHS else NOT_ESTIMABLE
    limits = [
        open_end if is_missing(limit) else format_value(limit, estimand, display, sign=sign, n=n)
        for limit in (lower, upper)
    ]
    return " to ".join(limits)


def format_estimate(row: Mapping[str, Any], display: Display, *, instead: str = "") -> str:
    """Write value and interval of a row of the estimates table; `instead` stands for a value that it has not.

    Examples
    --------
    >>> from fhrmm.study import load_study
    >>> row = {"estimand": "proportion", "estimate": 0.5, "ci_lower": 0.25, "ci_upper": 0.75, "n": 40}
    >>> format_estimate(row, load_study().display)
    '50.0 (25.0 to 75.0)'
    """
    how = {"estimand": row["estimand"], "display": display, "sign": False, "n": row["n"]}
    value = instead or format_value(row["estimate"], **how)
    interval = format_ci(row["ci_lower"], row["ci_upper"], **how)
    return value if interval == DASH else f"{value} ({interval})"


def format_events(row: Mapping[str, Any]) -> str:
    """Write events and patients of a row.

    Examples
    --------
    >>> format_events({"n_events": 8, "n": 26})
    '8/26'
    """
    return f"{format_count(row['n_events'])}/{format_count(row['n'])}"


def format_level(level: float | None) -> str:
    """Write the level of an interval as a whole percentage where it is one.

    Examples
    --------
    >>> format_level(0.95), format_level(0.975)
    ('95%', '97.5%')
    """
    return DASH if is_missing(level) else f"{100 * level:g}%"


def is_missing(value: object) -> bool:
    """Return whether a scalar is missing (None, NaN, NA)."""
    return value is None or bool(pd.isna(value))


def status_text(row: Mapping[str, object]) -> str:
    """Word the status of a row that has no number; empty for one that has.

    Examples
    --------
    >>> status_text({"status": "not_estimable", "note": "no events"})
    'not estimable'
    """
    status = str(row["status"])
    if status == SUPPRESSED:
        return tidy_note(row.get("note")) or SUPPRESSED
    return {OK: "", "not_reached": NOT_REACHED, "not_estimable": NOT_ESTIMABLE}[status]


def tidy_note(note: object) -> str:
    """Return a reason fit for reading: long decimals cut to one place.

    Examples
    --------
    >>> tidy_note("beyond the last observed time (11.264887)")
    'beyond the last observed time (11.3)'
    """
    if is_missing(note):
        return ""
    return re.sub(r"\d+\.\d{2,}", lambda match: f"{float(match.group()):.1f}", str(note))


def _fixed(value: float | None, decimals: int, *, factor: float = 1.0) -> str:
    if is_missing(value):
        return DASH
    text = f"{value * factor:,.{decimals}f}"
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text.replace("-", _MINUS)
