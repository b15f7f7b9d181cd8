"""Regression models side by side: patients and events per level, reference rows, one column per model."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from fhrmm.estimate_table import Estimates, Row
from fhrmm.formats import (
    DASH,
    OK,
    capitalize,
    format_count,
    format_counted,
    format_p,
    name_level,
    name_undivided,
    name_variable,
)
from fhrmm.study import Study
from fhrmm.tables.estimate_cells import interval_head, method_notes, read_rows, write_cell
from fhrmm.tables.layout import Cells, Footnotes, Line, tabulate

_UNIVARIABLE = "univariable"
_REFERENCE = "1 (reference)"


def tabulate_model(
    estimates: Estimates,
    study: Study,
    *,
    models: Mapping[str, str] | None = None,
    with_p: bool = False,
    estimand: str = "hazard_ratio",
) -> Cells:
    """Lay out regression models side by side; row groups are variables.

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

    Raises
    ------
    ValueError
        If the rows are of more than one endpoint, or a level occurs twice in a model.
    """
    everything = read_rows(estimates)
    rows = [row for row in everything if row["estimand"] == estimand and row["variable"]]
    if len(endpoints := {row["endpoint"] for row in rows}) > 1:
        raise ValueError(f"models of several endpoints in one table: {sorted(endpoints)}")
    found = sorted(dict.fromkeys(row["model"] for row in rows), key=lambda name: name != _UNIVARIABLE)
    headings = models or {name: capitalize(name.replace("_", " ")) for name in found}
    rows = [row for row in rows if row["model"] in headings]
    footnotes = Footnotes()

    def cell(key: Hashable, line: Line) -> str:
        if key in ("n", "n_events"):
            shown = [line[model] for model in headings if model in line]
            return format_count(next((row for row in shown if row["level"]), shown[0])[key])
        row = line.get(key[1] if isinstance(key, tuple) else key)
        if row is None:
            return DASH
        is_reference = row["level"] and row["level"] == row["reference"]
        if isinstance(key, tuple):
            return DASH if is_reference else format_p(row["p_value"])
        return _REFERENCE if is_reference and row["status"] == OK else write_cell(row, study, footnotes)

    return tabulate(
        _place(rows),
        lines=lambda row: (name_variable(row["variable"], study), row["place"], row["variable"]),
        columns=lambda row: row["model"],
        heads={"n": "Patients", "n_events": "Events"} | _heads(headings, interval_head(rows), with_p),
        cell=cell,
        first="Variable",
        footnotes=footnotes,
        notes=[*_size_notes(everything, headings), *method_notes([row for row in rows if row["status"] == OK])],
    )


def _heads(headings: Mapping[str, str], interval: str, with_p: bool) -> dict[Hashable, str]:
    heads: dict[Hashable, str] = {}
    for model, heading in headings.items():
        heads[model] = f"{heading} ({interval})"
        if with_p:
            heads["p", model] = f"p, {heading[:1].lower() + heading[1:]}"
    return heads


def _place(rows: list[Row]) -> list[Row]:
    """Name the line of each row, the reference first; one for all levels of a variable stands in each of them."""
    placed: list[Row] = []
    for variable in dict.fromkeys(row["variable"] for row in rows):
        own = [row for row in rows if row["variable"] == variable]
        references = {row["reference"] for row in own}
        levels = list(dict.fromkeys(row["level"] for row in own if row["level"]))
        levels.sort(key=lambda level: level not in references)
        for level in levels or [""]:
            at = [row for row in own if row["level"] == level]
            others = {row["model"] for row in at}
            at += [row for row in own if not row["level"] and row["model"] not in others]
            name = name_level(level) or name_undivided(row["status"] for row in own)
            placed += [row | {"place": name} for row in at]
    return placed


def _size_notes(rows: list[Row], headings: Mapping[str, str]) -> list[str]:
    """Say how many patients and events each multivariable model rests on, and why fewer than all."""
    sizes = {row["model"]: row for row in reversed(rows) if row["estimand"] == "concordance" and row["n"] == row["n"]}
    lines = []
    for model, heading in headings.items():
        if model != _UNIVARIABLE and model in sizes:
            row = sizes[model]
            note = f"; {row['note']}" if row["note"] and row["status"] == OK else ""
            events, patients = format_counted(row["n_events"], "event"), format_counted(row["n"], "patient")
            lines.append(f"{heading}: {events} in {patients}{note}.")
    return lines
