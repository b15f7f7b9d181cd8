"""Sentences from estimates: one row in, one sentence out. Nothing is concluded that the interval does not carry.

Number, interval, patients, events and the model are those of the row itself; its estimand chooses the words.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from fhrmm.estimate_table import Row, clean_estimates
from fhrmm.formats import (
    DASH,
    MONTHS,
    OK,
    P_VALUE,
    format_ci,
    format_count,
    format_level,
    format_p,
    format_value,
    is_missing,
    kind_of,
    name_endpoint,
    name_level,
    name_variable,
    tidy_note,
    uncapitalize,
)
from fhrmm.study import Study
from fhrmm.wording import counted

_RATES = {
    "VGPR_OR_BETTER": "Rate of very good partial response or better",
    "CR_OR_BETTER": "Rate of complete response or better",
    "BASELINE": "Share of patients with a known value",
}
_FOLLOWED = "The share of the time until death or data cut-off during which patients were followed (Clark's C)"
_TESTS = {
    "log_rank_p": "log-rank",
    "gray_p": "Gray",
    "fisher_p": "Fisher exact",
    "ph_test_p": "proportional hazards",
}


def pick_row(estimates: pd.DataFrame, **wanted: object) -> Row:
    """Return the one row that answers a question.

    ``variable`` and ``model`` are empty and ``time_months`` is missing unless asked for; ``population`` is ``cohort``.
    The level of a variable needs naming only where several are compared with the reference.

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
    question = {"variable": "", "model": "", "population": "cohort", "time_months": None} | wanted
    frame = clean_estimates(estimates)
    keep = np.full(len(frame), True)
    if "level" not in wanted:
        keep &= ((frame["level"] != frame["reference"]) | (frame["level"] == "")).to_numpy()
        question |= {} if question["variable"] else {"level": ""}
    for column, value in question.items():
        keep &= (frame[column].isna() if value is None else frame[column] == value).to_numpy(dtype=bool)
    rows = frame[keep].to_dict("records")
    if len(rows) == 1:
        return rows[0]
    asked = ", ".join(f"{column}={value}" for column, value in wanted.items() if value is not None)
    raise ValueError(f"{len(rows)} estimates for {asked}; one expected" if rows else f"no estimate for {asked}")


def word(
    row: Row, study: Study, *, reference: Row | None = None, shortest: Row | None = None, longest: Row | None = None
) -> str:
    """Say what a row of the estimates table says; one without number is said with its reason.

    `reference` is, for a hazard ratio, the row of the reference level in the same model; `shortest` and `longest` are,
    for follow-up, the rows of the range of observed times.
    """
    subject, kind = _subject(row, study), kind_of(row["estimand"])
    if row["endpoint"] == "FOLLOW_UP" and row["estimand"] == "median_months":
        return _follow_up(subject, row, (shortest, longest), study)
    if row["status"] == "not_reached" and row["estimand"] == "median_months":
        interval = _interval(row, study) if not is_missing(row["ci_lower"]) else ""
        return f"{subject} was not reached ({interval}{_counts(row)})."
    if row["status"] != OK:
        return _no_number(subject, row)
    if kind == P_VALUE:
        drifts = row["estimand"] == "ph_test_p" and row["p_value"] < 0.05
        drift = "; the hazard ratio changes with time, and one number is its average" if drifts else ""
        p = format_p(row["p_value"])
        p = p if p[:1] in "<>" else f"= {p}"
        return f"{subject} gave p {p} (exploratory; {_counts(row)}){drift}."
    if row["estimand"] == "events_per_parameter":
        return _budget(subject, row, study)
    counts = " versus ".join(dict.fromkeys(map(_counts, [row, reference] if reference else [row])))
    return f"{subject} was {_value(row, study)} ({_interval(row, study)}{counts}){_reading(row)}."


def _subject(row: Row, study: Study) -> str:
    """What was estimated, when, in whom."""
    estimand, endpoint = row["estimand"], name_endpoint(row["endpoint"], study)
    short = name_endpoint(row["endpoint"], study, short=True)
    if row["endpoint"] == "FOLLOW_UP" and estimand == "median_months":
        return "Median follow-up (reverse Kaplan-Meier)"
    if estimand == "events_per_parameter":
        return f"The {row['model']} model"
    if estimand == "hazard_ratio":
        return f"{_pair(row, study)}: the hazard ratio for {short}"
    if kind_of(estimand) == P_VALUE:
        variable = name_variable(row["variable"], study) if row["variable"] else "All terms"
        name = _TESTS.get(estimand, estimand.removesuffix("_p").replace("_", " "))
        return f"{variable}, {short}: the {name} test"
    quantity = {
        "proportion": _RATES.get(row["endpoint"], endpoint),
        "survival_probability": f"{endpoint} at {row['time_months']:g} months",
        "median": "Median",
        "completeness": _FOLLOWED,
        "median_months": f"Median {uncapitalize(endpoint)}",
        "i_squared": f"{endpoint}: the share of the variation between centers that is beyond chance (I-squared)",
    }[estimand]
    if row["variable"] and (row["level"] or row["estimand"] == "median"):
        label = name_variable(row["variable"], study)
        if not row["level"]:
            return f"{label}: median"
        return f"{label}, {name_level(row['level'])}: {uncapitalize(quantity)}"
    if row["endpoint"] == "ADVERSE_EVENT":
        return f"The share of patients with an adverse event of {row['model']}"
    is_part = row["population"] not in ("cohort", "")
    return f"{quantity} in {row['population'].replace('_', ' ')} patients" if is_part else quantity


def _pair(row: Row, study: Study) -> str:
    name = name_variable(row["variable"], study)
    levels = f"{name_level(row['level'])} versus {name_level(row['reference'])}" if row["level"] else ""
    asked = " or ".join(study.comparison.population_levels)
    among = f"{name_variable(study.comparison.population_variable, study)}: {asked}"
    parts = [levels, {"primary": "adjusted, primary model"}.get(row["model"], row["model"])]
    parts += [uncapitalize(among)] if row["population"] == "comparison" else []
    return f"{name} ({'; '.join(filter(None, parts))})" if any(parts) else name


def _no_number(subject: str, row: Row) -> str:
    note = tidy_note(row["note"])
    if row["status"] == "suppressed":
        verb = "is not shown" if "centers" in note else "is not part of the release"
        return f"{subject} {verb}: {note or 'small numbers'}."
    if row["status"] == "not_reached":
        return f"{subject} was not reached."
    if row["estimand"] == "events_per_parameter":
        return f"{subject} has no budget: {note}."
    return f"{subject} could not be estimated" + (f": {note}." if note else ".")


def _value(row: Row, study: Study) -> str:
    text = format_value(row["estimate"], row["estimand"], study.display, n=row["n"])
    return f"{text} months" if kind_of(row["estimand"]) == MONTHS and text != DASH else text


def _interval(row: Row, study: Study) -> str:
    """The interval as "95% CI a to b; ", or nothing where there is none."""
    text = format_ci(row["ci_lower"], row["ci_upper"], row["estimand"], study.display, n=row["n"])
    level = study.models.ci_level if is_missing(row["ci_level"]) else row["ci_level"]
    if level == 0.5:
        return f"quartiles {text}; "
    return "" if text == DASH else f"{format_level(level)} CI {text}; "


def _counts(row: Row) -> str:
    """Events and patients of the row; those of a hazard ratio are of its level and say so. Some are hidden."""
    if is_missing(row["n"]):
        return "numbers hidden"
    patients = counted(format_count(row["n"]), "patient")
    # in a release a rate says how far rounding may have moved it
    bound = f"; {row['note']}" if row["status"] == OK and str(row["note"]).startswith("within ") else ""
    if row["estimand"] == "proportion":
        return f"{format_count(row['n_events'])} of {patients}{bound}"
    if row["estimand"] == "median":
        return patients
    whose = f" with {name_level(row['level'])}" if row["estimand"] == "hazard_ratio" and row["level"] else ""
    return f"{counted(format_count(row['n_events']), 'event')} in {patients}{whose}{bound}"


def _reading(row: Row) -> str:
    """What the interval of a hazard ratio allows to be said: a direction only where it excludes one."""
    if row["estimand"] != "hazard_ratio":
        return ""
    if not (row["ci_lower"] > 1 or row["ci_upper"] < 1) or is_missing(row["ci_lower"] + row["ci_upper"]):
        return "; the interval includes 1"
    return f"; the hazard was {'higher' if row['estimate'] > 1 else 'lower'} than in the reference"


def _budget(subject: str, row: Row, study: Study) -> str:
    """Events per parameter of a model, beside the plan's yardstick."""
    yardstick = study.models.events_per_parameter
    verdict = "below" if row["estimate"] < yardstick else "at or above"
    events = f"{counted(format_count(row['n_events']), 'event')}, {row['note']}"
    return f"{subject} has {row['estimate']:.1f} events per parameter ({events}), {verdict} the usual {yardstick:g}."


def _follow_up(subject: str, row: Row, ends: tuple[Row | None, Row | None], study: Study) -> str:
    """The median follow-up with the range of observed times, where that may be shown."""
    observed = ""
    if all(end and end["status"] == OK for end in ends):
        low, high = (format_value(end["estimate"], "maximum_months", study.display) for end in ends if end)
        observed = f"; observed times ranged from {low} to {high} months"
        observed = f"; every observed time was {low} months" if low == high else observed
    if row["status"] == "not_reached":
        return f"{subject} was not reached{observed}."
    if row["status"] != OK:
        return _no_number(subject, row)
    interval = _interval(row, study).removesuffix("; ")
    return f"{subject} was {_value(row, study)}{f' ({interval})' if interval else ''}{observed}."
