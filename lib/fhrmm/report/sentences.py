"""Sentences from estimates: one row in, one sentence out. Nothing is concluded that the interval does not carry."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from fhrmm.formats import (
    DASH,
    MONTHS,
    OK,
    PERCENT,
    clean_estimates,
    format_ci,
    format_count,
    format_counted,
    format_level,
    format_p,
    format_value,
    is_missing,
    kind_of,
    name_endpoint,
    name_level,
    name_variable,
    tidy_note,
)
from fhrmm.study import Study

Row = dict[str, object]
_RATES = {
    "VGPR_OR_BETTER": "Rate of very good partial response or better",
    "CR_OR_BETTER": "Rate of complete response or better",
}


def pick_row(estimates: pd.DataFrame, **wanted: object) -> Row:
    """Return the one row that answers a question.

    Parameters
    ----------
    estimates : DataFrame
        Rows of the estimates table.
    **wanted
        Column and value. ``variable``, ``level`` and ``model`` are empty and ``time_months`` is missing unless
        asked for; ``population`` is ``cohort`` unless asked for.

    Raises
    ------
    ValueError
        If no row or more than one answers; the message says which question.

    Examples
    --------
    >>> from fhrmm.estimate_table import to_frame
    >>> pick_row(to_frame([]), endpoint="ORR")
    Traceback (most recent call last):
    ...
    ValueError: no estimate for endpoint=ORR
    """
    question = {"variable": "", "level": "", "model": "", "population": "cohort", "time_months": None} | wanted
    frame = clean_estimates(estimates)
    keep = np.full(len(frame), True)
    for column, value in question.items():
        keep &= (frame[column].isna() if value is None else frame[column] == value).to_numpy(dtype=bool)
    rows = frame[keep].to_dict("records")
    if len(rows) == 1:
        return rows[0]
    asked = ", ".join(f"{column}={value}" for column, value in wanted.items() if value is not None)
    raise ValueError(f"{len(rows)} estimates for {asked}; one expected" if rows else f"no estimate for {asked}")


def word_proportion(row: Row, study: Study) -> str:
    """Say a proportion with its interval and denominator."""
    subject = _subject(row, study, _RATES.get(str(row["endpoint"]), name_endpoint(str(row["endpoint"]), study)))
    if row["status"] != OK:
        return _no_number(subject, row)
    counts = f"{format_count(row['n_events'])} of {format_counted(row['n'], 'patient')}"  # type: ignore[arg-type]
    return f"{subject} was {_value(row, study)} ({_interval(row, study)}{counts})."


def word_survival(row: Row, study: Study) -> str:
    """Say a survival probability at a time with its interval and events."""
    name = name_endpoint(str(row["endpoint"]), study)
    subject = _subject(row, study, f"{name} at {row['time_months']:g} months")
    if row["status"] != OK:
        return _no_number(subject, row)
    return f"{subject} was {_value(row, study)} ({_interval(row, study)}{_events(row)})."


def word_median(row: Row, study: Study) -> str:
    """Say a median time; one that is not reached, with the lower limit where there is one."""
    name = name_endpoint(str(row["endpoint"]), study)
    subject = _subject(row, study, f"Median {name[:1].lower() + name[1:]}")
    if row["status"] == "not_reached":
        interval = _interval(row, study) if not is_missing(row["ci_lower"]) else ""
        return f"{subject} was not reached ({interval}{_events(row)})."
    if row["status"] != OK:
        return _no_number(subject, row)
    return f"{subject} was {_value(row, study)} ({_interval(row, study)}{_events(row)})."


def word_follow_up(median: Row, shortest: Row | None, longest: Row | None, study: Study) -> str:
    """Say the median follow-up by reverse Kaplan-Meier, with the observed range where it may be shown."""
    subject = "Median follow-up (reverse Kaplan-Meier)"
    if median["status"] == "not_reached":
        text = f"{subject} was not reached"
    elif median["status"] != OK:
        return _no_number(subject, median)
    else:
        interval = _interval(median, study).removesuffix("; ")
        text = f"{subject} was {_value(median, study)}" + (f" ({interval})" if interval else "")
    ends = [row for row in (shortest, longest) if row is not None and row["status"] == OK]
    if len(ends) == 2:
        low, high = (format_value(row["estimate"], "maximum_months", study.display) for row in ends)  # type: ignore[arg-type]
        same = f"; every observed time was {low} months"
        text += same if low == high else f"; observed times ranged from {low} to {high} months"
    return text + "."


def word_hazard_ratio(row: Row, study: Study) -> str:
    """Say a hazard ratio; a direction only where the interval excludes 1."""
    endpoint = name_endpoint(str(row["endpoint"]), study, short=True)
    subject = f"{_pair(row, study)}: the hazard ratio for {endpoint}"
    if row["status"] != OK:
        return _no_number(subject, row)
    return f"{subject} was {_value(row, study)} ({_interval(row, study)}{_level_events(row)}); {_hazard_reading(row)}."


def word_difference(row: Row, study: Study) -> str:
    """Say a difference or ratio between two groups, in neutral words when the interval includes no difference."""
    if str(row["estimand"]) in ("hazard_ratio", "odds_ratio"):
        return word_hazard_ratio(row, study) if row["estimand"] == "hazard_ratio" else _word_odds(row, study)
    pair = _pair(row, study)
    subject = f"{pair}: the difference in {_measure(row, study)}"
    if row["status"] != OK:
        return _no_number(subject, row)
    size = format_value(abs(float(row["estimate"])), str(row["estimand"]), study.display)  # type: ignore[arg-type]
    unit = " months" if kind_of(str(row["estimand"])) == MONTHS else " points"
    if _includes(row, 0.0):
        reading = "the interval includes no difference, so either direction is compatible with the data"
        return f"{subject} was {_value(row, study)} ({_interval(row, study)}{_events(row)}); {reading}."
    direction = "higher" if kind_of(str(row["estimand"])) == PERCENT else "longer"
    opposite = "lower" if direction == "higher" else "shorter"
    word = direction if float(row["estimate"]) > 0 else opposite  # type: ignore[arg-type]
    number = size.removesuffix("%") + unit
    what = f"{pair}: {_measure(row, study)} was {number} {word} than in the reference"
    return f"{what} ({_interval(row, study)}{_events(row)})."


def word_test(row: Row, study: Study) -> str:
    """Say a p-value as what it is, without a verdict."""
    names = {
        "log_rank_p": "log-rank",
        "gray_p": "Gray",
        "fisher_p": "Fisher exact",
        "ph_test_p": "proportional hazards",
    }
    name = names.get(str(row["estimand"]), str(row["estimand"]).removesuffix("_p").replace("_", " "))
    variable = name_variable(str(row["variable"]), study) if row["variable"] else "All terms"
    endpoint = name_endpoint(str(row["endpoint"]), study, short=True)
    subject = f"{variable}, {endpoint}: the {name} test"
    if row["status"] != OK:
        return _no_number(subject, row)
    return f"{subject} gave p {_equals(format_p(row['p_value']))} (exploratory{_semicolon(_events(row))})."  # type: ignore[arg-type]


def _word_odds(row: Row, study: Study) -> str:
    subject = f"{_pair(row, study)}: the odds ratio"
    if row["status"] != OK:
        return _no_number(subject, row)
    reading = "the interval includes 1" if _includes(row, 1.0) else "the interval excludes 1"
    return f"{subject} was {_value(row, study)} ({_interval(row, study)}{_events(row)}); {reading}."


def _subject(row: Row, study: Study, quantity: str) -> str:
    if row["variable"]:
        label = name_variable(str(row["variable"]), study)
        return f"{label}, {name_level(str(row['level']))}: {quantity[:1].lower() + quantity[1:]}"
    if row["population"] not in ("cohort", ""):
        return f"{quantity} in {str(row['population']).replace('_', ' ')} patients"
    return quantity


def _pair(row: Row, study: Study) -> str:
    name = name_variable(str(row["variable"]), study)
    level, reference = (name_level(str(row[part])) for part in ("level", "reference"))
    return f"{name} ({level} against {reference})" if level else name


def _no_number(subject: str, row: Row) -> str:
    status, note = str(row["status"]), tidy_note(row["note"])
    if status == "suppressed":
        return f"{subject} is not shown: the numbers are too small to be released."
    if status == "not_reached":
        return f"{subject} was not reached."
    return f"{subject} could not be estimated" + (f": {note}." if note else ".")


def _value(row: Row, study: Study) -> str:
    text = format_value(row["estimate"], str(row["estimand"]), study.display)  # type: ignore[arg-type]
    return f"{text} months" if kind_of(str(row["estimand"])) == MONTHS and text != DASH else text


def _interval(row: Row, study: Study) -> str:
    """The interval as "95% CI a to b; ", or nothing where there is none."""
    text = format_ci(row["ci_lower"], row["ci_upper"], str(row["estimand"]), study.display)  # type: ignore[arg-type]
    if text == DASH:
        return ""
    level = row["ci_level"] if not is_missing(row["ci_level"]) else study.models.ci_level
    return f"{format_level(level)} CI {text}; "  # type: ignore[arg-type]


def _events(row: Row) -> str:
    events, patients = format_counted(row["n_events"], "event"), format_counted(row["n"], "patient")  # type: ignore[arg-type]
    return f"{events} in {patients}"


def _level_events(row: Row) -> str:
    """Counts of a model's row are those of its level, not of the model."""
    return f"{_events(row)} at this level" if row["level"] else _events(row)


def _semicolon(text: str) -> str:
    return f"; {text}" if text else ""


def _equals(p_text: str) -> str:
    return p_text if p_text[:1] in "<>" else f"= {p_text}"


def _includes(row: Row, null: float) -> bool:
    """Whether the interval includes the null, or does not exist."""
    lower, upper = float(row["ci_lower"]), float(row["ci_upper"])  # type: ignore[arg-type]
    if math.isnan(lower) or math.isnan(upper):
        return True
    return lower <= null <= upper


def _hazard_reading(row: Row) -> str:
    if _includes(row, 1.0):
        return "the interval includes 1"
    word = "higher" if float(row["estimate"]) > 1 else "lower"  # type: ignore[arg-type]
    return f"the hazard was {word} than in the reference"


def _measure(row: Row, study: Study) -> str:
    name = name_endpoint(str(row["endpoint"]), study, short=True)
    estimand = str(row["estimand"])
    if estimand.startswith("rmst"):
        return f"restricted mean {name} over {row['time_months']:g} months"
    return name if is_missing(row["time_months"]) else f"{name} at {row['time_months']:g} months"
