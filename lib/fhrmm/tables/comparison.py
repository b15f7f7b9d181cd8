"""Tables of comparisons: balance, effective size, effects within groups, E-values; a result over specifications."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

import pandas as pd

from fhrmm.formats import (
    DASH,
    Estimates,
    capitalize,
    clean_estimates,
    format_count,
    format_p,
    format_value,
    is_missing,
    name_level,
    name_result,
    name_variable,
)
from fhrmm.study import Study
from fhrmm.tables.table import PUBLIC, Cells, Footnotes, Table
from fhrmm.tables.write import Row, describe_group, interval_head, method_notes, write_cell

BEFORE, AFTER, WITHIN = ", before", ", after", "within "
_RATIO, _INTERACTION = "hazard_ratio", "interaction_p"
_Draw = Callable[[list[Row], Study, Footnotes], tuple[pd.DataFrame, tuple[str, ...]]]


def tabulate_balance(estimates: Estimates, study: Study) -> Table:
    """Lay out how alike two groups are: one row per covariate, one column before weighting, one per kind of weights.

    Parameters
    ----------
    estimates : DataFrame
        `standardized_mean_difference` rows of `fhrmm.estimates.treatment.compare_treatments`.
    study : Study
        The plan.

    Returns
    -------
    Table
    """
    return _table(estimates, study, _balance)


def tabulate_sample_size(estimates: Estimates, study: Study) -> Table:
    """Lay out effective sample sizes: one row per group, its patients, one column per kind of weights.

    Parameters
    ----------
    estimates : DataFrame
        `effective_sample_size` rows of `fhrmm.estimates.treatment.compare_treatments`.
    study : Study
        The plan.

    Returns
    -------
    Table
    """
    return _table(estimates, study, _sample_size)


def tabulate_within(estimates: Estimates, study: Study) -> Table:
    """Lay out one comparison within several groups: events and patients of both sides, ratio, and the interaction.

    Parameters
    ----------
    estimates : DataFrame
        Rows of `fhrmm.estimates.treatment.estimate_interaction`.
    study : Study
        The plan.

    Returns
    -------
    Table
    """
    return _table(estimates, study, _within)


def tabulate_e_values(estimates: Estimates, study: Study) -> Table:
    """Lay out E-values: one row per model, that of the estimate and that of the limit nearer to one.

    Parameters
    ----------
    estimates : DataFrame
        `e_value` rows of `fhrmm.estimates.treatment.compare_treatments`.
    study : Study
        The plan.

    Returns
    -------
    Table
    """
    return _table(estimates, study, _e_values)


def tabulate_range(spread: pd.DataFrame, study: Study) -> Table:
    """Lay out the spread of results over specifications: one row per result.

    Parameters
    ----------
    spread : DataFrame
        As `fhrmm.estimates.specification_curve.summarize_specifications` returns it.
    study : Study
        The plan.

    Returns
    -------
    Table
        Not protected: a smallest or largest estimate has no denominator of its own.
    """
    return Table(spread, partial(_draw_range, study=study), PUBLIC)


def _draw_range(spread: pd.DataFrame, *, study: Study) -> Cells:
    ends = ("smallest", "middle", "largest")
    content = [
        [
            name_result(row, study),
            *(format_value(row[end], str(row["estimand"]), study.display) for end in ends),
            f"{row['n_estimable']} of {row['n_specifications']}",
        ]
        for row in spread.to_dict("records")
    ]
    columns = ["Result", *(capitalize(end) for end in ends), "Specifications estimable"]
    return Cells(pd.DataFrame(content, columns=columns).astype(object), numeric=frozenset(columns[1:]))


def _table(estimates: Estimates, study: Study, draw: _Draw) -> Table:
    return Table(clean_estimates(estimates), partial(_draw, study=study, draw=draw))


def _draw(estimates: pd.DataFrame, *, study: Study, draw: _Draw) -> Cells:
    rows: list[Row] = clean_estimates(estimates).to_dict("records")
    notes = Footnotes()
    text, more = draw(rows, study, notes)
    numeric = frozenset(str(name) for name in text.columns[1:])
    return Cells(text.astype(object), numeric=numeric, notes=(*notes.lines(), *more, *method_notes(rows)))


def _balance(rows: list[Row], study: Study, notes: Footnotes) -> tuple[pd.DataFrame, tuple[str, ...]]:
    before = next((str(row["model"]) for row in rows if str(row["model"]).endswith(BEFORE)), "")
    after = [name for name in _models(rows) if name.endswith(AFTER)]
    heads = {before: "Before weighting"} | {name: capitalize(name.removesuffix(AFTER)) for name in after}
    lines = _by_row(rows, lambda row: ": ".join(filter(None, describe_group(row, study))))
    return _frame("Covariate", lines, heads, study, notes), ()


def _sample_size(rows: list[Row], study: Study, notes: Footnotes) -> tuple[pd.DataFrame, tuple[str, ...]]:
    lines = _by_row(rows, lambda row: name_level(str(row["level"])) or "Both")
    text = _frame("Group", lines, {name: capitalize(name) for name in _models(rows)}, study, notes)
    counts = [format_count(next(iter(cells.values()))["n"]) for cells in lines.values()]  # type: ignore[arg-type]
    text.insert(1, "Patients", counts)
    return text, ()


def _within(rows: list[Row], study: Study, notes: Footnotes) -> tuple[pd.DataFrame, tuple[str, ...]]:
    ratios = [row for row in rows if row["estimand"] == _RATIO]
    sides = list(dict.fromkeys(str(row["level"]) for row in ratios if row["level"]))
    sides.sort(key=lambda side: all(side != row["reference"] for row in ratios))
    content = [_within_line(model, ratios, sides, study, notes) for model in _models(ratios)]
    for row in rows:
        if row["estimand"] == _INTERACTION:
            p = notes.status(row) or format_p(row["estimate"])  # type: ignore[arg-type]
            content.append(["Interaction", *[DASH] * len(sides), DASH, p])
    heads = [f"{side}, events/patients" for side in sides]
    columns = [_question(study), *heads, f"Hazard ratio ({interval_head(ratios)})", "p"]
    return pd.DataFrame(content, columns=columns), ()


def _within_line(model: str, ratios: list[Row], sides: list[str], study: Study, notes: Footnotes) -> list[str]:
    found = {str(row["level"]): row for row in ratios if row["model"] == model}
    effect = next((row for row in found.values() if row["level"] != row["reference"] or not row["level"]), None)
    counts = [
        f"{format_count(found[side]['n_events'])}/{format_count(found[side]['n'])}" if side in found else DASH  # type: ignore[arg-type]
        for side in sides
    ]
    if effect is None:
        return [model.removeprefix(WITHIN), *counts, DASH, DASH]
    cell = write_cell(effect, study, notes)
    return [model.removeprefix(WITHIN), *counts, cell, format_p(effect["p_value"])]  # type: ignore[arg-type]


def _question(study: Study) -> str:
    return name_variable(study.comparison.interaction_with, study)


def _e_values(rows: list[Row], study: Study, notes: Footnotes) -> tuple[pd.DataFrame, tuple[str, ...]]:
    content = [
        [capitalize(str(row["model"])), write_cell(row | {"ci_lower": None, "ci_upper": None}, study, notes),
         _limit(row, study)]
        for row in rows
    ]  # fmt: skip
    return pd.DataFrame(content, columns=["Model", "E-value", "E-value of the limit"]), ()


def _limit(row: Row, study: Study) -> str:
    """The E-value of a limit stands where the interval of other estimates begins."""
    if row["status"] != "ok" or is_missing(row["ci_lower"]):
        return DASH
    return format_value(row["ci_lower"], str(row["estimand"]), study.display, sign=False)  # type: ignore[arg-type]


def _models(rows: Iterable[Row]) -> list[str]:
    return list(dict.fromkeys(str(row["model"]) for row in rows))


def _by_row(rows: list[Row], name: Callable[[Row], str]) -> dict[str, dict[str, Row]]:
    lines: dict[str, dict[str, Row]] = {}
    for row in rows:
        lines.setdefault(name(row), {})[str(row["model"])] = row
    return lines


def _frame(
    first: str, lines: Mapping[str, Mapping[str, Row]], heads: Mapping[str, str], study: Study, notes: Footnotes
) -> pd.DataFrame:
    content = [
        [name, *(write_cell(cells[model], study, notes) if model in cells else DASH for model in heads)]
        for name, cells in lines.items()
    ]
    return pd.DataFrame(content, columns=[first, *heads.values()])
