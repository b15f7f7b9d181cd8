"""Estimates as tables: one row per estimate, or one row per group with estimates side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd

from fhrmm.formats import (
    DASH,
    ESTIMAND_NAMES,
    MONTHS,
    OK,
    P_VALUE,
    PERCENT,
    clean_estimates,
    format_ci,
    format_count,
    format_level,
    format_p,
    format_value,
    humanize,
    is_missing,
    kind_of,
    name_endpoint,
    name_level,
    name_variable,
)
from fhrmm.study import Study
from fhrmm.tables.table import Cells, Footnotes, Table

Row = dict[str, object]
OVERALL = "All patients"


def tabulate_estimates(estimates: pd.DataFrame, study: Study) -> Table:
    """Lay out estimates one per row: what, in whom, patients, events, value, interval.

    Parameters
    ----------
    estimates : DataFrame
        Rows of the estimates table, in the order they are to be read.
    study : Study
        The plan: labels and decimals.

    Returns
    -------
    Table
        Row groups are the endpoints if there are several. Methods and reasons are footnotes.
    """
    return Table(estimates, partial(_draw_long, study=study))


def tabulate_across(
    estimates: pd.DataFrame, study: Study, *, columns: Sequence[tuple[str, str, float | None]] = ()
) -> Table:
    """Lay out one row per group and one column per estimate, as value with interval.

    Parameters
    ----------
    estimates : DataFrame
        Rows of the estimates table. A row of the table is a (population, model, variable, level).
    study : Study
        The plan.
    columns : sequence of (endpoint, estimand, time_months or None)
        What to put side by side; by default everything found, in order of appearance.

    Raises
    ------
    ValueError
        If two rows fall into one cell.
    """
    return Table(estimates, partial(_draw_across, study=study, columns=tuple(columns)))


def tabulate_survival(estimates: pd.DataFrame, study: Study, *, endpoint: str) -> Table:
    """Lay out one time-to-event endpoint: per group patients, events, median, rates at the times of the plan."""
    wanted = (
        (endpoint, "median_months", None),
        *((endpoint, "survival_probability", float(at)) for at in study.time.rates_at_months),
    )
    return Table(estimates, partial(_draw_across, study=study, columns=wanted))


def describe_group(row: Row, study: Study) -> tuple[str, str]:
    """Return (group heading, row heading) of an estimate: the variable, and the level or the population."""
    variable, level = str(row["variable"]), str(row["level"])
    if variable:
        return name_variable(variable, study), name_level(level) or "all levels"
    population = str(row["population"])
    return "", OVERALL if population in ("", "cohort") else humanize(population)


def write_cell(row: Row, study: Study, notes: Footnotes) -> str:
    """Write value and interval in one cell, or the status."""
    estimand = str(row["estimand"])
    lower, upper = row["ci_lower"], row["ci_upper"]
    interval = format_ci(lower, upper, estimand, study.display, sign=False)
    if row["status"] != OK:
        text = notes.status(row)
        return f"{text} ({interval})" if row["status"] == "not_reached" and interval != DASH else text
    value = format_value(row["estimate"], estimand, study.display, sign=False)
    return value if interval == DASH else f"{value} ({interval})"


def head_estimate(row: Row, study: Study) -> str:
    """Head a column of cells: what, when, in which unit, with which interval."""
    estimand = str(row["estimand"])
    name = ESTIMAND_NAMES.get(estimand, humanize(estimand))
    if estimand == "proportion":
        name = name_endpoint(str(row["endpoint"]), study, short=True)
    elif estimand == "survival_probability":
        name = f"{row['time_months']:g} months"
    elif not is_missing(row["time_months"]):
        name = f"{name} to {row['time_months']:g} months"
    unit = {PERCENT: ", %", MONTHS: ", months"}.get(kind_of(estimand), "")
    return name + unit


def method_notes(rows: list[Row]) -> tuple[str, ...]:
    """Name each method once."""
    names = list(dict.fromkeys(str(row["method"]) for row in rows if row["method"] and row["method"] != "count"))
    return (f"Methods: {'; '.join(names)}.",) if names else ()


def interval_head(rows: list[Row]) -> str:
    """Head of an interval, with the level if all agree."""
    levels = {row["ci_level"] for row in rows if not is_missing(row["ci_level"])}
    return f"{format_level(levels.pop())} CI" if len(levels) == 1 else "CI"


def _draw_long(estimates: pd.DataFrame, *, study: Study) -> Cells:
    rows: list[Row] = clean_estimates(estimates).to_dict("records")
    notes = Footnotes()
    text = pd.DataFrame([_long_row(row, study, notes) for row in rows], columns=_LONG).astype(object)
    several = len({row["endpoint"] for row in rows}) > 1
    group = tuple(name_endpoint(str(row["endpoint"]), study) for row in rows) if several else ()
    text = text.rename(columns={"CI": interval_head(rows)})
    empty = [name for name in text.columns[3:] if len(text) and (text[name] == DASH).all()]
    text = text.drop(columns=empty)
    numeric = frozenset(str(name) for name in text.columns[2:])
    return Cells(text, group, numeric=numeric, notes=(*notes.lines(), *method_notes(rows)))


_LONG = ["Patients in", "What", "Patients", "Events", "Value", "CI", "p"]


def _long_row(row: Row, study: Study, notes: Footnotes) -> list[str]:
    estimand = str(row["estimand"])
    heading, level = describe_group(row, study)
    is_p = kind_of(estimand) == P_VALUE
    value = format_value(row["estimate"], estimand, study.display) if row["status"] == OK else notes.status(row)
    return [
        f"{heading}: {level}" if heading else level,
        head_estimate(row, study),
        format_count(row["n"]),
        format_count(row["n_events"]),
        value,
        format_ci(row["ci_lower"], row["ci_upper"], estimand, study.display),
        DASH if is_p else format_p(row["p_value"]),
    ]


def _draw_across(estimates: pd.DataFrame, *, study: Study, columns: tuple[tuple[str, str, float | None], ...]) -> Cells:
    rows: list[Row] = clean_estimates(estimates).to_dict("records")
    keys = list(columns) or list(dict.fromkeys(_column_key(row) for row in rows))
    rows = [row for row in rows if _column_key(row) in keys]
    notes, lines = Footnotes(), _by_group(rows)
    heads = _column_heads(keys, rows, study)
    content = []
    for cells in lines.values():
        first = next(iter(cells.values()))
        content.append(
            [
                describe_group(first, study)[1],
                *_counts(cells, keys),
                *(write_cell(cells[key], study, notes) if key in cells else DASH for key in keys),
            ]
        )
    text = pd.DataFrame(content, columns=["", "Patients", "Events", *heads]).astype(object)
    text = text.rename(columns={"": "Patients in"})
    group = tuple(describe_group(next(iter(cells.values())), study)[0] for cells in lines.values())
    notes_lines = (*notes.lines(), f"In brackets: {interval_head(rows)}.", *method_notes(rows))
    numeric = frozenset(str(name) for name in text.columns[1:])
    return Cells(text, group if any(group) else (), numeric=numeric, notes=notes_lines if rows else ())


def _column_key(row: Row) -> tuple[str, str, float | None]:
    time = row["time_months"]
    return str(row["endpoint"]), str(row["estimand"]), None if is_missing(time) else float(time)  # type: ignore[arg-type]


def _by_group(rows: list[Row]) -> dict[tuple[str, ...], dict[tuple[str, str, float | None], Row]]:
    lines: dict[tuple[str, ...], dict[tuple[str, str, float | None], Row]] = {}
    for row in rows:
        place = tuple(str(row[name]) for name in ("population", "model", "variable", "level"))
        cells = lines.setdefault(place, {})
        if _column_key(row) in cells:
            raise ValueError(f"two estimates for one cell: {_column_key(row)} in {place}")
        cells[_column_key(row)] = row
    return lines


def _column_heads(keys: list[tuple[str, str, float | None]], rows: list[Row], study: Study) -> list[str]:
    several = len({key[0] for key in keys}) > 1
    heads = []
    for key in keys:
        row = next((row for row in rows if _column_key(row) == key), _blank_row(key))
        head = head_estimate(row, study)
        is_named = str(row["estimand"]) == "proportion"
        heads.append(f"{name_endpoint(key[0], study, short=True)}: {head}" if several and not is_named else head)
    return heads


def _blank_row(key: tuple[str, str, float | None]) -> Row:
    return {"endpoint": key[0], "estimand": key[1], "time_months": key[2]}


def _counts(cells: dict[tuple[str, str, float | None], Row], keys: list[tuple[str, str, float | None]]) -> list[str]:
    """Patients, and events where every shown estimate counts the same ones."""
    shown = [cells[key] for key in keys if key in cells]
    counts = []
    for name in ("n", "n_events"):
        found = {row[name] for row in shown if not is_missing(row[name])}
        counts.append(format_count(found.pop()) if len(found) == 1 else DASH)  # type: ignore[arg-type]
    return counts
