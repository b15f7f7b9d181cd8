"""Estimates side by side: one row per group or endpoint, one column per estimate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from functools import partial

from fhrmm.estimate_table import Estimates, Row
from fhrmm.formats import DASH, P_VALUE, capitalize, format_count, is_missing, kind_of, name_endpoint
from fhrmm.study import Study
from fhrmm.tables.estimate_cells import (
    SHARES,
    describe_group,
    head_estimate,
    interval_head,
    method_notes,
    read_rows,
    write_cell,
)
from fhrmm.tables.layout import Cells, Footnotes, Line, tabulate

Column = tuple[str, str, float | None]


def tabulate_across(estimates: Estimates, study: Study, *, columns: Sequence[Column] = ()) -> Cells:
    """Lay out one row per group and one column per estimate, as value with interval.

    A row of the table is a (population, model, variable, level); tests of a variable, which have no level, stand in its
    first row. Where endpoints have several estimates each, the endpoints are rows as well. `columns` are what to put
    side by side, as (endpoint, estimand, time_months or None); by default everything found, in order of appearance.

    Raises
    ------
    ValueError
        If two rows fall into one cell.
    """
    rows = read_rows(estimates)
    in_rows = not any(key[0] for key in columns) if columns else _has_endpoint_rows(rows)
    column_of = partial(_column, in_rows=in_rows)
    found = {column_of(row): row for row in reversed(rows)}
    keys = [key for key in columns or dict.fromkeys(map(column_of, rows)) if key in found]
    rows = [row for row in rows if column_of(row) in keys]
    homes = {_home(row, in_rows): row for row in reversed(rows) if not _is_test(row)}

    def line_of(row: Row) -> tuple[str, ...]:
        return _line(homes.get(_home(row, in_rows), row) if _is_test(row) else row, study, in_rows)

    with_count = _differ_in_events(rows, line_of)
    several = len({key[0] for key in keys}) > 1
    heads: dict[Hashable, str] = {"n": "Patients"} | ({} if with_count else {"n_events": "Events"})
    heads |= {key: _head(found[key], study, with_count, several and not in_rows) for key in keys}
    footnotes = Footnotes()

    def cell(key: Hashable, line: Line) -> str:
        if key in ("n", "n_events"):
            return _count(line, str(key))
        if key not in line:
            return "" if kind_of(key[1]) == P_VALUE else DASH
        return write_cell(line[key], study, footnotes, with_count=with_count and line[key]["estimand"] in SHARES)

    bracketed = any(not is_missing(row[limit]) for row in rows for limit in ("ci_lower", "ci_upper"))
    notes = [f"In brackets: {interval_head(rows)}."] if bracketed else []
    return tabulate(
        sorted(rows, key=_is_test),
        lines=line_of,
        columns=column_of,
        heads=heads,
        cell=cell,
        first="Endpoint" if in_rows and not any(line_of(row)[0] for row in rows) else "Patients in",
        footnotes=footnotes,
        notes=[*notes, *method_notes(rows)],
    )


def tabulate_survival(estimates: Estimates, study: Study, *, endpoint: str) -> Cells:
    """Lay out the survival of groups: patients, events, median, rates at the times of the plan, log-rank test."""
    rates = [(endpoint, "survival_probability", float(at)) for at in study.time.rates_at_months]
    columns = ((endpoint, "median_months", None), *rates, (endpoint, "log_rank_p", None))
    return tabulate_across(estimates, study, columns=columns)


def _has_endpoint_rows(rows: list[Row]) -> bool:
    """Whether endpoints go into rows: there are several, and one has several estimates for the same patients."""
    found: dict[object, set[tuple[object, object]]] = defaultdict(set)
    for row in rows:
        if kind_of(row["estimand"]) != P_VALUE:
            found[row["endpoint"]].add((row["estimand"], str(row["time_months"])))
    return len(found) > 1 and any(len(estimates) > 1 for estimates in found.values())


def _column(row: Row, in_rows: bool) -> Column:
    at = None if is_missing(row["time_months"]) else float(row["time_months"])
    return ("" if in_rows else row["endpoint"]), row["estimand"], at


def _is_test(row: Row) -> bool:
    """Whether a row is about a variable rather than one of its levels."""
    return bool(row["variable"]) and not row["level"]


def _home(row: Row, in_rows: bool) -> tuple[object, ...]:
    """What a test shares with the lines it may stand in."""
    return row["endpoint"] if in_rows else "", row["population"], row["model"], row["variable"]


def _line(row: Row, study: Study, in_rows: bool) -> tuple[str, ...]:
    heading, level = (
        describe_group(row, study) if row["variable"] or not row["level"] else ("", capitalize(row["level"]))
    )
    parts = tuple(row[name] for name in ("population", "model", "variable", "level"))
    if not in_rows:
        return heading, level or heading, *parts
    endpoint = name_endpoint(row["endpoint"], study)
    is_overall = not row["variable"] and row["population"] in ("", "cohort")
    return f"{endpoint}: {heading}" if heading else "", endpoint if is_overall else level or heading, endpoint, *parts


def _differ_in_events(rows: Sequence[Row], line_of: Callable[[Row], tuple[str, ...]]) -> bool:
    """Whether estimates in one line count different events, so that each cell must say its own."""
    events: dict[tuple[str, ...], set[object]] = defaultdict(set)
    for row in rows:
        if not _is_test(row) and not is_missing(row["n_events"]):
            events[line_of(row)].add(row["n_events"])
    return any(len(found) > 1 for found in events.values())


def _head(row: Row, study: Study, with_count: bool, named: bool) -> str:
    head = head_estimate(row, study, with_count=with_count and row["estimand"] in SHARES)
    is_named = named and row["estimand"] != "proportion"
    return f"{name_endpoint(str(row['endpoint']), study, short=True)}: {head}" if is_named else head


def _count(line: Line, name: str) -> str:
    """Patients or events where every estimate of the line counts the same ones; a test counts other patients."""
    shown = [row for row in line.values() if not _is_test(row)] or list(line.values())
    found = {row[name] for row in shown if not is_missing(row[name])}
    return format_count(found.pop()) if len(found) == 1 else DASH
