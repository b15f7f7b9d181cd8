"""Tables of comparisons: balance, effective size, effects within groups, E-values; a result over specifications."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

import pandas as pd

from fhrmm.estimate_table import Estimates, Row
from fhrmm.estimates.specification_curve import summarize_specifications
from fhrmm.formats import (
    DASH,
    capitalize,
    format_count,
    format_events,
    format_p,
    format_value,
    name_level,
    name_result,
)
from fhrmm.study import Study
from fhrmm.tables.estimate_cells import describe_group, interval_head, method_notes, read_rows, write_cell
from fhrmm.tables.layout import Cells, Footnotes, Line, list_lines, tabulate

BEFORE, AFTER, WITHIN = ", before", ", after", "within "


def tabulate_balance(estimates: Estimates, study: Study) -> Cells:
    """Lay out how alike two groups are: one row per covariate, one column before weighting, one per kind of weights.

    Rows are the `standardized_mean_difference` of `fhrmm.estimates.treatment.compare_treatments`.
    """
    rows = read_rows(estimates, "standardized_mean_difference")
    models = _models(rows)
    before = next((name for name in models if name.endswith(BEFORE)), "")
    after = {name: capitalize(name.removesuffix(AFTER)) for name in models if name.endswith(AFTER)}
    heads = ({before: "Before weighting"} if before else {}) | after
    shown = [row for row in rows if row["model"] in heads]
    return _by_model(shown, heads, study, "Covariate", lambda row: ": ".join(filter(None, describe_group(row, study))))


def tabulate_sample_size(estimates: Estimates, study: Study) -> Cells:
    """Lay out effective sample sizes: one row per group, its patients, one column per kind of weights.

    Rows are the `effective_sample_size` of `fhrmm.estimates.treatment.compare_treatments`.
    """
    rows = read_rows(estimates, "effective_sample_size")
    heads = {"n": "Patients"} | {name: capitalize(name) for name in _models(rows)}
    return _by_model(rows, heads, study, "Group", lambda row: name_level(row["level"]) or "Both")


def tabulate_limits(estimates: Estimates, study: Study, *, heads: Sequence[str]) -> Cells:
    """Lay out estimates whose limits are no interval but values of their own, each in a column.

    Rows are the `e_value` of `fhrmm.estimates.treatment.compare_treatments`, a line per model, or the `influence` of
    `fhrmm.estimates.robustness.leave_one_patient_out`, a line per coefficient. `heads` are of the lines, of the values,
    and of one or both limits.
    """
    rows, footnotes, content = read_rows(estimates), Footnotes(), []
    several = len(_models(rows)) > 1
    for row in rows:
        name = capitalize(row["model"]) if several else ": ".join(filter(None, describe_group(row, study)))
        value = write_cell(row | {"ci_lower": None, "ci_upper": None}, study, footnotes)
        limits = [format_value(row[end], row["estimand"], study.display) for end in ("ci_lower", "ci_upper")]
        content.append([name, value, *limits[: len(heads) - 2]])
    return list_lines(content, heads, notes=[*footnotes.lines(), *method_notes(rows)])


def tabulate_by_grade(estimates: Estimates, study: Study) -> Cells:
    """Lay out adverse events: one row per term, its patients, one column per least grade.

    Rows are the `proportion` of `fhrmm.estimates.safety.estimate_adverse_events`.
    """
    rows = read_rows(estimates, "proportion")
    heads = {"n": "Patients"} | {name: f"{capitalize(name)}, number; %" for name in _models(rows)}
    return _by_model(rows, heads, study, "Adverse event", lambda row: row["level"] or "Any")


def tabulate_within(estimates: Estimates, study: Study, *, first: str = "Model") -> Cells:
    """Lay out one comparison by several models or within several groups: events and patients of both sides, ratio, p.

    Rows are hazard ratios of one variable, and the `interaction_p` where there is one; `first` heads the lines.
    """
    rows = read_rows(estimates, "hazard_ratio", "interaction_p")
    ratios = [row for row in rows if row["estimand"] == "hazard_ratio"]
    sides = list(dict.fromkeys(row["level"] for row in ratios))
    sides.sort(key=lambda side: all(side != row["reference"] for row in ratios))
    heads: dict[Hashable, str] = {("side", side): f"{side}, events/patients" for side in sides}
    heads |= {"ratio": f"Hazard ratio ({interval_head(ratios)})", "p": "p"}
    footnotes = Footnotes()

    def cell(key: Hashable, line: Line) -> str:
        if "interaction" in line:
            row = line["interaction"]
            return footnotes.status(row) or format_p(row["estimate"]) if key == "p" else DASH
        if isinstance(key, tuple):
            row = line.get(key[1])
            return format_events(row) if row else DASH
        effect = next((row for row in line.values() if row["level"] != row["reference"]), None)
        if effect is None:
            return DASH
        return write_cell(effect, study, footnotes) if key == "ratio" else format_p(effect["p_value"])

    return tabulate(
        rows,
        lines=lambda row: ("", capitalize(row["model"].removeprefix(WITHIN))),
        columns=lambda row: row["level"] if row in ratios else "interaction",
        heads=heads,
        cell=cell,
        first=first,
        footnotes=footnotes,
        notes=method_notes(rows),
    )


def tabulate_range(curve: pd.DataFrame, study: Study) -> Cells:
    """Lay out the spread of results over specifications, the rows of `estimate_specifications`: one row per result."""
    ends = ("smallest", "middle", "largest")
    content = [
        [
            name_result(row, study),
            *(
                f"{format_value(row.get(end), row['estimand'], study.display)} ({format_count(row.get(f'{end}_n'))})"
                for end in ends
            ),
            format_count(row["n_distinct"]),
            f"{row['n_estimable']} of {row['n_specifications']}",
        ]
        for row in summarize_specifications(curve, study).to_dict("records")
    ]
    least = study.display.minimum_patients
    notes = [f"In brackets: patients. Specifications with fewer than {least} patients are left out."]
    heads = ["Result", *map(capitalize, ends), "Distinct results", "Specifications"]
    return list_lines(content, heads, notes=notes)


def _models(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(row["model"] for row in rows))


def _by_model(
    rows: list[Row], heads: Mapping[Hashable, str], study: Study, first: str, name: Callable[[Row], str]
) -> Cells:
    footnotes = Footnotes()

    def cell(key: Hashable, line: Line) -> str:
        if key == "n":
            return format_count(next(iter(line.values()))["n"])
        with_count = key in line and line[key]["estimand"] == "proportion"
        return write_cell(line[key], study, footnotes, with_count=with_count) if key in line else DASH

    return tabulate(
        rows,
        lines=lambda row: ("", name(row)),
        columns=lambda row: row["model"],
        heads=heads,
        cell=cell,
        first=first,
        footnotes=footnotes,
        notes=method_notes(rows),
    )
