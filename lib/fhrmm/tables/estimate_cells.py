"""How one estimate is written in a table: heads, cells, notes."""

from __future__ import annotations

from collections.abc import Sequence

from fhrmm.estimate_table import Estimates, Row, clean_estimates
from fhrmm.formats import (
    ESTIMAND_NAMES,
    MONTHS,
    OK,
    P_VALUE,
    PERCENT,
    format_count,
    format_estimate,
    format_level,
    humanize,
    is_missing,
    kind_of,
    name_endpoint,
    name_level,
    name_variable,
)
from fhrmm.study import Study
from fhrmm.tables.layout import Footnotes

_OVERALL = "All patients"
SHARES = frozenset({"proportion", "state_probability"})  # of patients who can be counted
CATEGORIES = frozenset({"BEST_RESPONSE", "BASELINE", "COMPLETENESS"})


def read_rows(estimates: Estimates, *estimands: str) -> list[Row]:
    """Return estimates as rows with clean types, of some estimands alone or of all."""
    rows = clean_estimates(estimates).to_dict("records")
    return [row for row in rows if not estimands or row["estimand"] in estimands]


def describe_group(row: Row, study: Study) -> tuple[str, str]:
    """Return (group heading, row heading) of an estimate: the variable, and the level or the population."""
    if row["variable"]:
        return name_variable(row["variable"], study), name_level(row["level"])
    population = row["population"]
    return "", _OVERALL if population in ("", "cohort") else humanize(population)


def write_cell(row: Row, study: Study, notes: Footnotes, *, with_count: bool = False) -> str:
    """Write value and interval in one cell, or the status; `with_count` puts the number of events before."""
    text = format_estimate(row, study.display, instead=notes.status(row))
    return f"{format_count(row['n_events'])}; {text}" if with_count and row["status"] == OK else text


def head_estimate(row: Row, study: Study, *, with_count: bool = False) -> str:
    """Head a column of cells: what, when, in which unit."""
    estimand = row["estimand"]
    name = ESTIMAND_NAMES.get(estimand, humanize(estimand))
    if estimand == "proportion" and row["endpoint"] not in CATEGORIES:
        name = name_endpoint(row["endpoint"], study, short=True)
    elif estimand == "survival_probability":
        name = f"At {row['time_months']:g} months"
    elif not is_missing(row["time_months"]):
        name = f"{name} to {row['time_months']:g} months"
    unit = {PERCENT: "%", MONTHS: "months", P_VALUE: "p"}.get(kind_of(estimand), "")
    units = [part for part in ("number" if with_count else "", unit) if part]
    return f"{name}, {'; '.join(units)}" if units else name


def method_notes(rows: Sequence[Row]) -> tuple[str, ...]:
    """Name each method once, of what has a number."""
    without = ("not_estimable", "suppressed")
    shown = [row["method"] for row in rows if row["status"] not in without and row["method"] != "count"]
    names = dict.fromkeys(filter(None, shown))
    return (f"Methods: {'; '.join(names)}.",) if names else ()


def interval_head(rows: Sequence[Row]) -> str:
    """Head of an interval, with the level if all agree."""
    levels = {row["ci_level"] for row in rows if not is_missing(row["ci_level"])}
    if levels == {0.5}:
        return "Quartiles"
    return f"{format_level(levels.pop())} CI" if len(levels) == 1 else "CI"
