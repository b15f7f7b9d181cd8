"""How estimators behave in repeated samples: truth, bias, coverage, power, exaggeration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd

from fhrmm.formats import (
    DASH,
    Estimates,
    capitalize,
    clean_estimates,
    format_count,
    format_value,
)
from fhrmm.study import Study
from fhrmm.tables.table import PUBLIC, Cells, Footnotes, Table
from fhrmm.tables.write import Row, method_notes, write_cell

HEADS: Mapping[str, str] = {
    "bias": "Bias",
    "coverage": "Coverage, %",
    "power": "Power, %",
    "exaggeration_ratio": "Exaggeration ratio",
}
_SAMPLES = ", samples of "


def tabulate_truth(truth: Mapping[str, float], study: Study) -> Table:
    """Lay out the true value of each estimator in its own unit.

    Parameters
    ----------
    truth : mapping of str to float
        As `generator.simulation.population_truth` returns it.
    study : Study
        The plan: decimals.

    Returns
    -------
    Table
    """
    frame = pd.DataFrame({"estimator": list(truth), "value": list(truth.values())})
    return Table(frame, partial(_draw_truth, study=study), PUBLIC)


def _draw_truth(frame: pd.DataFrame, *, study: Study) -> Cells:
    text = pd.DataFrame(
        {
            "Estimator": [capitalize(name) for name in frame["estimator"]],
            "Value": [_with_unit(name, value, study) for name, value in zip(*frame.to_numpy().T, strict=True)],
        }
    )
    return Cells(text.astype(object), numeric=frozenset({"Value"}))


def _with_unit(estimator: str, value: float, study: Study) -> str:
    if estimator.startswith("hazard ratio"):
        return format_value(value, "hazard_ratio", study.display)
    is_time = "mean" in estimator
    text = format_value(value, "rmst_months" if is_time else "survival_probability", study.display)
    return f"{text} months" if is_time else text


def tabulate_performance(estimates: Estimates, study: Study, *, only: Sequence[str] = tuple(HEADS)) -> Table:
    """Lay out how each estimator did in repeated samples, one row per estimator, grouped by size of the samples.

    Parameters
    ----------
    estimates : DataFrame
        Rows of `generator.simulation.estimate_performance`.
    study : Study
        The plan: decimals.
    only : sequence of str
        Which of bias, coverage, power and exaggeration_ratio; an estimator without any of them has no row.

    Returns
    -------
    Table
        Intervals are those of the simulation.
    """
    return Table(clean_estimates(estimates), partial(_draw, study=study, only=tuple(only)))


def _draw(estimates: pd.DataFrame, *, study: Study, only: tuple[str, ...]) -> Cells:
    rows: list[Row] = [row for row in clean_estimates(estimates).to_dict("records") if row["estimand"] in only]
    notes = Footnotes()
    lines: dict[str, dict[str, Row]] = {}
    for row in rows:
        lines.setdefault(str(row["model"]), {})[str(row["estimand"])] = row
    shown = [name for name in only if any(name in cells for cells in lines.values())]
    content, group = [], []
    for model, cells in lines.items():
        name, _, size = model.partition(_SAMPLES)
        samples = max((row["n"] for row in cells.values() if row["estimand"] != "exaggeration_ratio"), default=None)  # type: ignore[type-var]
        written = [write_cell(cells[kind], study, notes) if kind in cells else DASH for kind in shown]
        content.append([capitalize(name), format_count(samples), *written])  # type: ignore[arg-type]
        group.append(f"Samples of {format_count(float(size))} patients" if size else "")
    text = pd.DataFrame(content, columns=["Estimator", "Samples", *(HEADS[name] for name in shown)]).astype(object)
    numeric = frozenset(str(name) for name in text.columns[1:])
    several = tuple(group) if len(set(group)) > 1 else ()
    return Cells(text, several, numeric=numeric, notes=(*notes.lines(), *method_notes(rows)))
