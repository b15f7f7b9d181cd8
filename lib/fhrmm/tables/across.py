"""Estimates side by side: one row per group or endpoint, one column per estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd

from fhrmm.formats import (
    DASH,
    P_VALUE,
    Estimates,
    clean_estimates,
    format_count,
    is_missing,
    kind_of,
    name_endpoint,
)
from fhrmm.study import Study
from fhrmm.tables.table import Cells, Footnotes, Table
from fhrmm.tables.write import Row, describe_group, head_estimate, interval_head, method_notes, write_cell

Column = tuple[str, str, float | None]
Line = tuple[str, ...]
_WHO = "Patients in"


def tabulate_across(estimates: Estimates, study: Study, *, columns: Sequence[Column] = ()) -> Table:
    """Lay out one row per group and one column per estimate, as value with interval.

    Parameters
    ----------
    estimates : DataFrame, or several
        Rows of the estimates table. A row of the table is a (population, model, variable, level); tests of a
        variable, which have no level, stand in its first row. Where endpoints have several estimates each, the
        endpoints are rows as well.
    study : Study
        The plan.
    columns : sequence of (endpoint, estimand, time_months or None)
        What to put side by side; by default everything found, in order of appearance.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        If two rows fall into one cell, when the table is drawn.
    """
    return Table(clean_estimates(estimates), partial(_draw, study=study, columns=tuple(columns)))


def tabulate_survival(estimates: Estimates, study: Study, *, endpoint: str = "") -> Table:
    """Lay out time-to-event results: per group patients, events, median, rates at the times of the plan, log-rank.

    Parameters
    ----------
    estimates : DataFrame, or several
        Rows of the estimates table.
    study : Study
        The plan.
    endpoint : str
        Which endpoint; by default every one found, as row groups.

    Returns
    -------
    Table
    """
    frame = clean_estimates(estimates)
    rates = [(endpoint, "survival_probability", float(at)) for at in study.time.rates_at_months]
    columns = ((endpoint, "median_months", None), *rates, (endpoint, "log_rank_p", None))
    return Table(frame, partial(_draw, study=study, columns=columns))


def _draw(estimates: pd.DataFrame, *, study: Study, columns: tuple[Column, ...]) -> Cells:
    rows: list[Row] = clean_estimates(estimates).to_dict("records")
    in_rows = not any(key[0] for key in columns) if columns else _has_endpoint_rows(rows)
    keys = list(columns) or list(dict.fromkeys(_key(row, in_rows) for row in rows))
    rows = [row for row in rows if _key(row, in_rows) in keys]
    keys = [key for key in keys if any(_key(row, in_rows) == key for row in rows)]
    lines = _lines(rows, in_rows)
    with_count = _differ_in_events(lines.values())
    notes = Footnotes()
    heads = {key: _head(key, rows, study, in_rows, with_count, len({part[0] for part in keys}) > 1) for key in keys}
    content = [
        [
            _row_heading(cells, study, in_rows),
            *_counts(cells, with_count),
            *_cells(cells, keys, study, notes, with_count),
        ]
        for cells in lines.values()
    ]
    counted = ["Patients"] if with_count else ["Patients", "Events"]
    text = pd.DataFrame(content, columns=[_WHO, *counted, *heads.values()]).astype(object)
    group = tuple(_group_heading(cells, study, in_rows) for cells in lines.values())
    text = text.rename(columns={_WHO: "Endpoint"}) if in_rows and not any(group) else text
    numeric = frozenset(str(name) for name in text.columns[1:])
    bracketed = any(not is_missing(row["ci_lower"]) or not is_missing(row["ci_upper"]) for row in rows)
    explained = (f"In brackets: {interval_head(rows)}.",) if bracketed else ()
    footnotes = (*notes.lines(), *explained, *method_notes(rows)) if rows else ()
    return Cells(text, group if any(group) else (), numeric=numeric, notes=footnotes)


def _has_endpoint_rows(rows: list[Row]) -> bool:
    """Whether endpoints go into rows: there are several, and one has several estimates for the same patients."""
    found: dict[object, set[tuple[object, object]]] = {}
    for row in rows:
        if kind_of(str(row["estimand"])) != P_VALUE:
            found.setdefault(row["endpoint"], set()).add((row["estimand"], str(row["time_months"])))
    return len(found) > 1 and any(len(estimates) > 1 for estimates in found.values())


def _key(row: Row, in_rows: bool) -> Column:
    time = row["time_months"]
    at = None if is_missing(time) else float(time)  # type: ignore[arg-type]
    return ("" if in_rows else str(row["endpoint"])), str(row["estimand"]), at


def _lines(rows: list[Row], in_rows: bool) -> dict[Line, dict[Column, Row]]:
    """Cells by line; a test of a variable goes to the first line of that variable."""
    lines: dict[Line, dict[Column, Row]] = {}
    tests = [row for row in rows if row["variable"] and not row["level"]]
    for row in rows:
        if row["variable"] and not row["level"]:
            continue
        _put(lines.setdefault(_place(row, in_rows), {}), _key(row, in_rows), row)
    for row in tests:
        place = next((place for place in lines if _is_of(place, row, in_rows)), _place(row, in_rows))
        _put(lines.setdefault(place, {}), _key(row, in_rows), row)
    order = list(dict.fromkeys((place[0], place[3]) for place in lines))
    return dict(sorted(lines.items(), key=lambda item: order.index((item[0][0], item[0][3]))))


def _place(row: Row, in_rows: bool) -> Line:
    endpoint = str(row["endpoint"]) if in_rows else ""
    return endpoint, *(str(row[name]) for name in ("population", "model", "variable", "level"))


def _is_of(place: Line, test: Row, in_rows: bool) -> bool:
    return place[:4] == _place(test, in_rows)[:4]


def _put(cells: dict[Column, Row], key: Column, row: Row) -> None:
    if key in cells:
        raise ValueError(f"two estimates for one cell: {key} of {row['variable']} {row['level']}".rstrip())
    cells[key] = row


def _differ_in_events(lines: Sequence[Mapping[Column, Row]]) -> bool:
    """Whether estimates in one line count different events, so that each cell must say its own."""
    for cells in lines:
        events = {row["n_events"] for row in cells.values() if row["level"] or not row["variable"]}
        if len({count for count in events if not is_missing(count)}) > 1:
            return True
    return False


def _head(key: Column, rows: list[Row], study: Study, in_rows: bool, with_count: bool, several: bool) -> str:
    row = next(row for row in rows if _key(row, in_rows) == key)
    is_share = row["estimand"] == "proportion"
    head = head_estimate(row, study, with_count=with_count and is_share)
    return f"{name_endpoint(key[0], study, short=True)}: {head}" if several and not is_share else head


def _row_heading(cells: Mapping[Column, Row], study: Study, in_rows: bool) -> str:
    row = next(iter(cells.values()))
    if in_rows and not row["variable"] and row["population"] in ("", "cohort"):
        return name_endpoint(str(row["endpoint"]), study)
    heading, level = describe_group(row, study)
    return level or heading


def _group_heading(cells: Mapping[Column, Row], study: Study, in_rows: bool) -> str:
    row = next(iter(cells.values()))
    heading = describe_group(row, study)[0]
    return f"{name_endpoint(str(row['endpoint']), study)}: {heading}" if in_rows and heading else heading


def _counts(cells: Mapping[Column, Row], with_count: bool) -> list[str]:
    """Patients, and events where every estimate of the line counts the same ones; a test counts other patients."""
    shown = [row for row in cells.values() if row["level"] or not row["variable"]] or list(cells.values())
    counts = []
    for name in ("n",) if with_count else ("n", "n_events"):
        found = {row[name] for row in shown if not is_missing(row[name])}
        counts.append(format_count(found.pop()) if len(found) == 1 else DASH)  # type: ignore[arg-type]
    return counts


def _cells(
    cells: Mapping[Column, Row], keys: Sequence[Column], study: Study, notes: Footnotes, with_count: bool
) -> list[str]:
    return [
        write_cell(cells[key], study, notes, with_count=with_count and cells[key]["estimand"] == "proportion")
        if key in cells
        else ("" if kind_of(key[1]) == P_VALUE else DASH)
        for key in keys
    ]
