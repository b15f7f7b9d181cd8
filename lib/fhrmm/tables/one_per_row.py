"""Estimates one per row: what, in whom, how many, value, interval."""

from __future__ import annotations

import pandas as pd

from fhrmm.estimate_table import Estimates, Row
from fhrmm.formats import (
    DASH,
    P_VALUE,
    capitalize,
    format_ci,
    format_count,
    format_p,
    format_value,
    kind_of,
    name_endpoint,
    name_level,
    name_variable,
)
from fhrmm.study import Study
from fhrmm.tables.estimate_cells import (
    CATEGORIES,
    describe_group,
    head_estimate,
    interval_head,
    method_notes,
    read_rows,
)
from fhrmm.tables.layout import Cells, Footnotes

_WHO, _WHAT, _N, _EVENTS, _VALUE, _CI, _P = "Patients in", "What", "Patients", "Events", "Value", "CI", "p"


def tabulate_estimates(estimates: Estimates, study: Study) -> Cells:
    """Lay out estimates one per row: what, in whom, patients, events, value, interval.

    Row groups are the endpoints if there are several, else the models. Columns that would say the same in every row
    are left out and named in a heading instead. Methods and reasons are footnotes.
    """
    rows = read_rows(estimates)
    notes = Footnotes()
    columns = [_WHO, _WHAT, _N, _EVENTS, _VALUE, _CI, _P]
    text = pd.DataFrame([_line(row, study, notes) for row in rows], columns=columns).astype(object)
    # members of a level among all, rather than events among the members
    of_all = [row["variable"] and (row["endpoint"] in CATEGORIES or row["estimand"] == "count") for row in rows]
    text = _as_categories(text, rows) if rows and all(of_all) else text
    text = _name_columns(text, rows, study)
    numeric = frozenset(text.columns[1:]) - {_WHAT}
    return Cells(text, _groups(rows, study), numeric=numeric, notes=(*notes.lines(), *method_notes(rows)))


def _line(row: Row, study: Study, notes: Footnotes) -> list[str]:
    estimand = row["estimand"]
    heading, level = describe_group(row, study)
    if "difference" in estimand and level:
        level = f"{level} versus {name_level(row['reference'])}"
    is_p = kind_of(estimand) == P_VALUE
    value = format_value(row["estimate"], estimand, study.display, sign=False, n=row["n"])
    what = head_estimate(row, study)
    return [
        f"{heading}: {level}" if heading and level else heading or level,
        # a level of no variable is a version of the estimate: apparent, optimism, corrected
        f"{what}, {row['level']}" if row["level"] and not row["variable"] else what,
        format_count(row["n"]),
        DASH if estimand == "median" else format_count(row["n_events"]),  # of a measurement there are no events
        notes.status(row) or (DASH if is_p else value),
        format_ci(row["ci_lower"], row["ci_upper"], estimand, study.display, sign=False, n=row["n"]),
        format_p(row["estimate"] if is_p else row["p_value"]),
    ]


def _as_categories(text: pd.DataFrame, rows: list[Row]) -> pd.DataFrame:
    """Count first, then the whole it is a part of."""
    counts = [
        cell if row["estimand"] == "count" else members
        for row, cell, members in zip(rows, text[_VALUE], text[_EVENTS], strict=True)
    ]
    changed = text.assign(**{_EVENTS: counts}).rename(columns={_EVENTS: "Number", _N: "Of"})
    order = [_WHO, _WHAT, "Number", "Of", _VALUE, _CI, _P]
    if all(row["estimand"] == "count" for row in rows):
        order.remove(_VALUE)
    return changed[order]


def _name_columns(text: pd.DataFrame, rows: list[Row], study: Study) -> pd.DataFrame:
    """Leave out columns without content; name in the heading what every row would repeat."""
    empty = [
        name
        for name in (_N, _EVENTS, "Of", _VALUE, _CI, _P)
        if name in text and len(text) and (text[name] == DASH).all()
    ]
    shown = text.drop(columns=empty).rename(columns={_CI: interval_head(rows)})
    if rows and len(set(shown[_WHAT])) == 1:
        what = shown[_WHAT].iloc[0]
        shown = shown.drop(columns=_WHAT).rename(columns={_VALUE if _VALUE in shown else _P: what})
    variables = {row["variable"] for row in rows}
    if len(variables) == 1 and (variable := variables.pop()) and all(row["level"] for row in rows):
        heading = name_variable(variable, study)
        who = [cell.removeprefix(f"{heading}: ") for cell in shown[_WHO]]
        shown = shown.assign(**{_WHO: who}).rename(columns={_WHO: heading})
    elif rows and all(row["variable"] and not row["level"] for row in rows):
        shown = shown.rename(columns={_WHO: "Variable"})
    return shown


def _groups(rows: list[Row], study: Study) -> tuple[str, ...]:
    if len({row["endpoint"] for row in rows}) > 1:
        return tuple(name_endpoint(row["endpoint"], study) for row in rows)
    if len({row["model"] for row in rows}) > 1:
        return tuple(_model_heading(row["model"], study) for row in rows)
    return ()


def _model_heading(model: str, study: Study) -> str:
    if not model:
        return "All patients"
    variable, sign, level = model.partition("=")
    if sign and ";" not in model:
        return f"{name_variable(variable, study)}: {level}"
    return f"{capitalize(model)} model"
