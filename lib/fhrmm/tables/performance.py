"""How estimators behave in repeated samples: truth, bias, coverage, power, exaggeration."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from fhrmm.estimate_table import Estimates, Row
from fhrmm.formats import DASH, capitalize, format_count, format_value
from fhrmm.study import Study
from fhrmm.tables.estimate_cells import method_notes, read_rows, write_cell
from fhrmm.tables.layout import Cells, Footnotes, Line, list_lines, tabulate

_HEADS: Mapping[str, str] = {
    "bias": "Bias",
    "coverage": "Coverage, %",
    "power": "Power, %",
    "exaggeration_ratio": "Exaggeration ratio",
}
_SAMPLES = ", samples of "


def tabulate_truth(truth: Mapping[str, float], study: Study) -> Cells:
    """Lay out the true value of each estimator, as `generator.simulation.known_performance` returns it."""
    content = [[capitalize(name), _with_unit(name, value, study)] for name, value in truth.items()]
    return list_lines(content, ["Estimator", "Value"])


def _with_unit(estimator: str, value: float, study: Study) -> str:
    if estimator.startswith("hazard ratio"):
        return format_value(value, "hazard_ratio", study.display)
    is_time = "mean" in estimator
    text = format_value(value, "rmst_months" if is_time else "survival_probability", study.display)
    return f"{text} months" if is_time else text


def tabulate_performance(estimates: Estimates, study: Study, *, only: Sequence[str] = tuple(_HEADS)) -> Cells:
    """Lay out how each estimator did in repeated samples, one row per estimator, grouped by size of the samples.

    Rows are those of `generator.simulation.estimate_performance`; intervals are those of the simulation. An estimator
    without any of the estimands of `only` has no row.
    """
    rows = read_rows(estimates, *only)
    several = len({row["model"].partition(_SAMPLES)[2] for row in rows}) > 1
    footnotes = Footnotes()

    def line_of(row: Row) -> tuple[str, ...]:
        name, _, size = row["model"].partition(_SAMPLES)
        return f"Samples of {format_count(float(size))} patients" if size and several else "", capitalize(name)

    def cell(key: Hashable, line: Line) -> str:
        if key == "samples":
            return format_count(
                max((row["n"] for what, row in line.items() if what != "exaggeration_ratio"), default=None)
            )
        return write_cell(line[key], study, footnotes) if key in line else DASH

    return tabulate(
        rows,
        lines=line_of,
        columns=lambda row: row["estimand"],
        heads={"samples": "Samples"}
        | {name: _HEADS[name] for name in only if any(row["estimand"] == name for row in rows)},
        cell=cell,
        first="Estimator",
        footnotes=footnotes,
        notes=method_notes(rows),
    )
