"""Regression models side by side: patients and events per level, reference rows, one column per model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pandas as pd

from fhrmm.formats import (
    DASH,
    Estimates,
    capitalize,
    clean_estimates,
    format_count,
    format_counted,
    format_p,
    is_missing,
    name_level,
    name_undivided,
    name_variable,
)
from fhrmm.study import Study
from fhrmm.tables.table import Cells, Footnotes, Table
from fhrmm.tables.write import interval_head, method_notes, write_cell

UNIVARIABLE = "univariable"
REFERENCE = "1 (reference)"
Row = dict[str, object]


def tabulate_model(
    estimates: Estimates,
    study: Study,
    *,
    models: Mapping[str, str] | None = None,
    with_p: bool = False,
    estimand: str = "hazard_ratio",
) -> Table:
    """Lay out regression models side by side.

    Parameters
    ----------
    estimates : DataFrame
        Rows of one endpoint; reference rows have level equal to reference.
    study : Study
        The plan.
    models : mapping of str to str, optional
        Model name to heading, in order; by default every model found, univariable first.
    with_p : bool
        Add Wald p-values behind each interval.
    estimand : str
        hazard_ratio, odds_ratio, ...

    Returns
    -------
    Table
        Row groups are variables. Patients and events come from the first model that has the level.

    Raises
    ------
    ValueError
        If the rows are of more than one endpoint, or a level occurs twice in a model.
    """
    draw = partial(_draw, study=study, models=dict(models or {}), with_p=with_p, estimand=estimand)
    return Table(clean_estimates(estimates), draw)


def _draw(estimates: pd.DataFrame, *, study: Study, models: dict[str, str], with_p: bool, estimand: str) -> Cells:
    frame = clean_estimates(estimates)
    chosen = frame[(frame["estimand"] == estimand) & (frame["variable"] != "")]
    if len(set(chosen["endpoint"])) > 1:
        raise ValueError(f"models of several endpoints in one table: {sorted(chosen['endpoint'].unique())}")
    headings = models or {name: _heading(name) for name in _order(list(dict.fromkeys(chosen["model"])))}
    chosen = chosen[chosen["model"].isin(list(headings))]
    found = _index(chosen.to_dict("records"))
    notes = Footnotes()
    content, group = [], []
    for variable in dict.fromkeys(chosen["variable"]):
        undivided = name_undivided(chosen.loc[chosen["variable"] == variable, "status"])
        for level in _levels(chosen, variable):
            cells = _line(found, headings, variable, level, study, notes, with_p)
            content.append([name_level(level) or undivided, *cells])
            group.append(name_variable(variable, study))
    text = pd.DataFrame(content, columns=_columns(headings, chosen, with_p)).astype(object)
    numeric = frozenset(str(name) for name in text.columns[1:])
    used = chosen[chosen["status"] == "ok"].to_dict("records")
    lines = (*notes.lines(), *_size_notes(frame, headings), *method_notes(used))
    return Cells(text, tuple(group), numeric=numeric, notes=lines)


def _heading(model: str) -> str:
    return capitalize(model.replace("_", " "))


def _order(models: list[str]) -> list[str]:
    return [name for name in models if name == UNIVARIABLE] + [name for name in models if name != UNIVARIABLE]


def _index(rows: list[Row]) -> dict[tuple[str, str, str], Row]:
    found: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        place = (str(row["model"]), str(row["variable"]), str(row["level"]))
        if place in found:
            raise ValueError(f"two estimates for {place}")
        found[place] = row
    return found


def _levels(chosen: pd.DataFrame, variable: str) -> list[str]:
    """Levels with the reference first; a variable that could not be estimated in any model keeps its one row."""
    rows = chosen[chosen["variable"] == variable]
    levels = list(dict.fromkeys(rows["level"]))
    named = [level for level in levels if level]
    references = set(rows["reference"])
    return sorted(named, key=lambda level: level not in references) or levels


def _line(
    found: dict[tuple[str, str, str], Row],
    headings: Mapping[str, str],
    variable: str,
    level: str,
    study: Study,
    notes: Footnotes,
    with_p: bool,
) -> list[str]:
    rows = [found.get((model, variable, level)) or found.get((model, variable, "")) for model in headings]
    first = next((row for row in rows if row is not None and row["level"]), next(filter(None, rows)))
    cells = [format_count(first["n"]), format_count(first["n_events"])]  # type: ignore[arg-type]
    for row in rows:
        cells.append(DASH if row is None else _cell(row, study, notes))
        if with_p:
            cells.append(DASH if row is None or _is_reference(row) else format_p(row["p_value"]))  # type: ignore[arg-type]
    return cells


def _is_reference(row: Row) -> bool:
    return bool(row["level"]) and row["level"] == row["reference"]


def _cell(row: Row, study: Study, notes: Footnotes) -> str:
    return REFERENCE if _is_reference(row) and row["status"] == "ok" else write_cell(row, study, notes)


def _columns(headings: Mapping[str, str], chosen: pd.DataFrame, with_p: bool) -> list[str]:
    interval = interval_head(chosen.to_dict("records"))
    columns = ["Variable", "Patients", "Events"]
    for heading in headings.values():
        columns.append(f"{heading} ({interval})")
        if with_p:
            columns.append(f"p, {heading[:1].lower() + heading[1:]}")
    return columns


def _size_notes(frame: pd.DataFrame, headings: Mapping[str, str]) -> tuple[str, ...]:
    """Say how many patients and events each multivariable model rests on, and why fewer than all."""
    lines = []
    for model, heading in headings.items():
        rows = frame[(frame["model"] == model) & (frame["estimand"] == "concordance") & frame["n"].notna()]
        if model != UNIVARIABLE and len(rows):
            row = rows.iloc[0]
            note = f"; {row['note']}" if row["note"] and not is_missing(row["note"]) and row["status"] == "ok" else ""
            events, patients = format_counted(row["n_events"], "event"), format_counted(row["n"], "patient")
            lines.append(f"{heading}: {events} in {patients}{note}.")
    return tuple(lines)
