"""How one estimate is written in a table: heads, cells, notes."""

from __future__ import annotations

from collections.abc import Sequence

from fhrmm.formats import (
    DASH,
    ESTIMAND_NAMES,
    MONTHS,
    OK,
    P_VALUE,
    PERCENT,
    format_ci,
    format_count,
    format_level,
    format_value,
    humanize,
    is_missing,
    kind_of,
    name_endpoint,
    name_level,
    name_variable,
)
from fhrmm.study import Study
from fhrmm.tables.table import Footnotes

Row = dict[str, object]
OVERALL = "All patients"


def describe_group(row: Row, study: Study) -> tuple[str, str]:
    """Return (group heading, row heading) of an estimate: the variable, and the level or the population."""
    if row["variable"]:
        return name_variable(str(row["variable"]), study), name_level(str(row["level"]))
    population = str(row["population"])
    return "", OVERALL if population in ("", "cohort") else humanize(population)


def write_cell(row: Row, study: Study, notes: Footnotes, *, with_count: bool = False) -> str:
    """Write value and interval in one cell, or the status; `with_count` puts the number of events before."""
    estimand = str(row["estimand"])
    lower, upper = row["ci_lower"], row["ci_upper"]
    interval = format_ci(lower, upper, estimand, study.display, sign=False)  # type: ignore[arg-type]
    if row["status"] != OK:
        text = notes.status(row)
        return f"{text} ({interval})" if row["status"] == "not_reached" and interval != DASH else text
    value = format_value(row["estimate"], estimand, study.display, sign=False)  # type: ignore[arg-type]
    if with_count:
        value = f"{format_count(row['n_events'])}; {value}"  # type: ignore[arg-type]
    return value if interval == DASH else f"{value} ({interval})"


def head_estimate(row: Row, study: Study, *, with_count: bool = False) -> str:
    """Head a column of cells: what, when, in which unit."""
    estimand = str(row["estimand"])
    name = ESTIMAND_NAMES.get(estimand, humanize(estimand))
    if estimand == "proportion" and row["endpoint"] not in ("BEST_RESPONSE", "BASELINE", "COMPLETENESS"):
        name = name_endpoint(str(row["endpoint"]), study, short=True)
    elif estimand == "survival_probability":
        name = f"At {row['time_months']:g} months"
    elif not is_missing(row["time_months"]):
        name = f"{name} to {row['time_months']:g} months"
    unit = {PERCENT: "%", MONTHS: "months", P_VALUE: "p"}.get(kind_of(estimand), "")
    units = [part for part in ("number" if with_count else "", unit) if part]
    return f"{name}, {'; '.join(units)}" if units else name


def method_notes(rows: Sequence[Row]) -> tuple[str, ...]:
    """Name each method once."""
    names = dict.fromkeys(str(row["method"]) for row in rows if row["method"] and row["method"] != "count")
    return (f"Methods: {'; '.join(names)}.",) if names else ()


def interval_head(rows: Sequence[Row]) -> str:
    """Head of an interval, with the level if all agree."""
    levels = {row["ci_level"] for row in rows if not is_missing(row["ci_level"])}
    return f"{format_level(levels.pop())} CI" if len(levels) == 1 else "CI"  # type: ignore[arg-type]
