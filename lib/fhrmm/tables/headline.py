"""The headline table: what was published, what the synthetic data were made from, what this run gives."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from fhrmm.estimate_table import Estimates, Row, clean_estimates, select_rows
from fhrmm.formats import (
    DASH,
    OK,
    format_count,
    format_value,
    name_endpoint,
    name_level,
    status_text,
    uncapitalize,
)
from fhrmm.study import PublishedResult, Study
from fhrmm.tables.estimate_cells import write_cell
from fhrmm.tables.layout import Cells, Footnotes, list_lines

PUBLISHED, TRUTH, RUN = "Published", "Synthetic truth", "This run (95% CI)"


def tabulate_headline(
    estimates: Estimates,
    study: Study,
    *,
    truth: pd.DataFrame | None = None,
    comparison: pd.DataFrame | None = None,
) -> Cells:
    """Lay out published, synthetic truth and this run side by side; what was not computed in this run says so.

    `estimates` are of the scope: the published quantities, and univariable hazard ratios of the factors for PFS.
    `truth`, of `fhrmm.estimates.truth.list_truth`, is None for real data: the column is then absent. `comparison` are
    the estimates of the treatment comparison, for the published statement on it.
    """
    frame = clean_estimates(estimates)
    frame = frame[frame["population"].isin(["cohort", ""])]
    notes = Footnotes()
    size = _pick(frame, endpoint="ORR", estimand="proportion")
    content = [("Cohort", "Patients", format_count(study.published.n_patients), DASH, format_count(size.get("n")))]
    routes = frame[(frame["variable"] == "fhr_route") & (frame["estimand"] == "count")].to_dict("records")
    counted = "; ".join(f"{row['level']}: {status_text(row) or format_count(row['estimate'])}" for row in routes)
    content.append(("Cohort", "Eligible by either route", study.published.eligibility, DASH, counted or DASH))
    for result in study.published.results:
        key = {"endpoint": result.endpoint, "estimand": result.estimand, "time_months": result.time_months}
        published = status_text({"status": result.status}) or _published_number(result, study)
        ours = _run_text(_pick(frame, **key), study, notes)
        content.append(("Outcomes", _name(result, study), published, _truth_text(truth, key, study), ours))
    declared = {factor.variable: factor for factor in study.factors}
    for factor in (declared[name] for name in study.published.adverse_factors if name in declared):
        key = {"endpoint": "PFS", "estimand": "hazard_ratio", "variable": factor.variable, "level": factor.adverse}
        name = f"{factor.label}: {name_level(factor.adverse)} versus {name_level(factor.reference)}"
        ours = _run_text(_pick(frame, model="univariable", **key), study, notes)
        truly = _truth_text(truth, key, study)
        group = "Hazard ratio for PFS, adverse versus reference level"
        content.append((group, name, "adverse, size not stated", truly, ours))
    if comparison is not None:
        content.append(_krd_benefit(comparison, study, notes))
    columns = ["Quantity", PUBLISHED, TRUTH, RUN]
    shown = [place for place, name in enumerate(columns) if truth is not None or name != TRUTH]
    cells = list_lines(
        [[row[1 + place] for place in shown] for row in content],
        [columns[place] for place in shown],
        group=[row[0] for row in content],
        notes=[*notes.lines(), f"Published: {study.study.published_reference}"],
    )
    return replace(cells, numeric=frozenset({TRUTH}))  # published and own results are statements, too, and may break


def _krd_benefit(comparison: pd.DataFrame, study: Study, notes: Footnotes) -> tuple[str, ...]:
    """Return the line of the published statement on KRd, with how the weighted ratio of this run stands to it."""
    factor = study.factor(study.comparison.treatment)
    levels = f"{name_level(factor.adverse)} versus {name_level(factor.reference)}"
    population = ", ".join(study.comparison.population_levels)
    key = {"endpoint": "PFS", "estimand": "hazard_ratio", "variable": factor.variable, "level": factor.adverse}
    row = _pick(clean_estimates(comparison), model="overlap weights", **key)
    text = _run_text(row, study, notes)
    if row and row["status"] == OK:
        is_harm = (row["estimate"] > 1) == (factor.reference == "KRd")
        is_open = row["ci_lower"] <= 1 <= row["ci_upper"]
        agrees = "direction as published, the interval includes one" if is_open else "as published"
        text += f"; {agrees if is_harm else 'not in the published direction'}"
    name = f"Benefit of KRd, {population}: hazard ratio for PFS, {levels}, overlap-weighted"
    return ("Treatment comparison", name, study.published.krd_benefit, DASH, text)


def _name(result: PublishedResult, study: Study) -> str:
    name = name_endpoint(result.endpoint, study)
    lowered = uncapitalize(name)
    if result.estimand == "survival_probability":
        return f"{result.time_months:g}-month {lowered}"
    return f"Median {lowered}, months" if result.estimand == "median_months" else name


def _published_number(result: PublishedResult, study: Study) -> str:
    """The abstract prints whole percentages; no decimal is invented for it."""
    if result.estimate is not None and result.estimand in ("proportion", "survival_probability"):
        return f"{100 * result.estimate:.0f}%"
    return format_value(result.estimate, result.estimand, study.display)


def _truth_text(truth: pd.DataFrame | None, key: Row, study: Study) -> str:
    row = {} if truth is None else _pick(truth, **key)
    return status_text(row) or format_value(row["estimate"], row["estimand"], study.display) if row else DASH


def _pick(frame: pd.DataFrame, **key: object) -> Row:
    """Return the row that answers; none if it was not computed."""
    return next(iter(select_rows(frame, **key).to_dict("records")), {})


def _run_text(row: Row, study: Study, notes: Footnotes) -> str:
    if not row:
        return "not computed in this run"
    text = write_cell(row, study, notes)
    is_share = row["estimand"] in ("proportion", "survival_probability") and row["status"] == OK
    return text.replace(" (", "% (", 1).replace(")", "%)") if is_share and "(" in text else text
