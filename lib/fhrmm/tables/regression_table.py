"""Regression models side by side: events and patients of each model and level, hazard ratio, p; reference rows."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from fhrmm.estimate_table import Estimates, Row
from fhrmm.formats import (
    DASH,
    OK,
    PER_UNIT,
    capitalize,
    format_count,
    format_events,
    format_p,
    name_level,
    name_variable,
    uncapitalize,
)
from fhrmm.study import Study
from fhrmm.tables.estimate_cells import interval_head, method_notes, read_rows, write_cell
from fhrmm.tables.layout import Cells, Footnotes, Line, tabulate
from fhrmm.wording import counted

_UNIVARIABLE = "univariable"
_REFERENCE = "1 (reference)"


def tabulate_model(
    estimates: Estimates,
    study: Study,
    *,
    models: Mapping[str, str] | None = None,
) -> Cells:
    """Lay out regression models of one endpoint side by side; row groups are variables.

    Reference rows have level equal to reference. `models` are the headings by name of the model, in order; by default
    every model found, univariable first.

    Raises
    ------
    ValueError
        If the rows are of more than one endpoint, or a level occurs twice in a model.
    """
    everything = read_rows(estimates)
    rows = [row for row in everything if row["estimand"] == "hazard_ratio" and row["variable"]]
    if len(endpoints := {row["endpoint"] for row in rows}) > 1:
        raise ValueError(f"models of several endpoints in one table: {sorted(endpoints)}")
    found = sorted(dict.fromkeys(row["model"] for row in rows), key=lambda name: name != _UNIVARIABLE)
    headings = models or {name: capitalize(name.replace("_", " ")) for name in found}
    rows = [row for row in rows if row["model"] in headings]
    footnotes = Footnotes()

    def cell(key: tuple[str, str], line: Line) -> str:
        what, model = key
        row = line.get(model)
        if row is None:
            return DASH
        if what == "counts":
            return format_events(row)
        is_reference = row["level"] and row["level"] == row["reference"]
        if what == "p":
            return DASH if is_reference else format_p(row["p_value"])
        return _REFERENCE if is_reference and row["status"] == OK else write_cell(row, study, footnotes)

    return tabulate(
        sorted(rows, key=lambda row: row["level"] != row["reference"]),
        lines=lambda row: (name_variable(row["variable"], study), name_level(row["level"]) or PER_UNIT),
        columns=lambda row: row["model"],
        heads=_heads(headings, interval_head(rows)),
        cell=cell,
        first="Variable",
        footnotes=footnotes,
        notes=[*_size_notes(everything, headings), *method_notes(rows)],
    )


def _heads(headings: Mapping[str, str], interval: str) -> dict[Hashable, str]:
    heads: dict[Hashable, str] = {}
    for model, heading in headings.items():
        heads["counts", model] = f"{heading}: events/patients"
        heads["ratio", model] = f"{heading} ({interval})"
        heads["p", model] = f"p, {uncapitalize(heading)}"
    return heads


def _size_notes(rows: list[Row], headings: Mapping[str, str]) -> list[str]:
    """Say how many patients and events each multivariable model rests on, and why fewer than all."""
    sizes = {row["model"]: row for row in reversed(rows) if row["estimand"] == "concordance" and row["n"] == row["n"]}
    lines = []
    for model, heading in headings.items():
        if model != _UNIVARIABLE and model in sizes:
            row = sizes[model]
            note = f"; {row['note']}" if row["note"] and row["status"] == OK else ""
            size = [counted(format_count(row[n]), what) for n, what in (("n_events", "event"), ("n", "patient"))]
            lines.append(f"{heading}: {' in '.join(size)}{note}.")
    return lines
