"""Checks of stages, therapies and responses: what is recorded against what the values give."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fhrmm.drugs import parse_regimen
from fhrmm.schema import RESPONSE_DEPTH
from intake.rules.catalog import Finding, Rule
from intake.rules.checks import Check
from intake.rules.typed_rows import Tables

RANKS = {name: rank for rank, name in enumerate(RESPONSE_DEPTH.categories) if name != "NE"}


def recorded_stage_differs(tables: Tables, rule: Rule) -> list[Finding]:
    """Report a recorded stage (the first column of the rule) that the values do not give, where they determine it."""
    system = rule.columns[0].removesuffix("_diagnosis")
    return [tables.patients.finding(rule, tables.staging[f"{system}_mismatch"].to_numpy())]


def lenalidomide_again(tables: Tables, rule: Rule) -> list[Finding]:
    """Report lenalidomide in second line after progression on lenalidomide maintenance, or soon after it."""
    rows = tables.patients
    days = np.timedelta64(tables.study.regimens.refractory_days, "D")
    on_drug = rows.lower("first_progression_date") - rows.upper("maintenance_stop_date") <= days
    refractory = rows.is_in("maintenance", ["lenalidomide"]) & rows.filled("first_progression_date") & on_drug
    regimens = set(rows.text("second_line_regimen")[refractory])
    with_drug = [text for text in regimens if "lenalidomide" in parse_regimen(text).drugs]
    return [rows.finding(rule, refractory & rows.is_in("second_line_regimen", with_drug))]


def regimen_not_recognized(tables: Tables, rule: Rule) -> list[Finding]:
    """Report regimens of which not every part is a known drug."""
    rows = tables.patients
    written = {name: pd.unique(rows.text(name)) for name in rule.columns}
    strange = {
        name: [text for text in texts if text and not parse_regimen(text).recognized] for name, texts in written.items()
    }
    return [rows.finding(rule, rows.is_in(name, texts), [name]) for name, texts in strange.items()]


def best_response_not_seen(tables: Tables, rule: Rule) -> list[Finding]:
    """Report patients whose best response no assessment shows, where assessments have responses."""
    rows, visits = tables.patients, tables.assessments
    if not visits.has("response") or not visits.filled("response").any():
        return []
    ranks = pd.Series(visits.text("response")).map(RANKS).groupby(visits.frame["patient_id"].to_numpy()).max()
    seen = pd.Series(rows.frame["patient_id"].to_numpy()).map(ranks).to_numpy(dtype=float)
    best = pd.Series(rows.text("best_response")).map(RANKS).to_numpy(dtype=float)
    return [rows.finding(rule, best > seen)]


def never_assessed(tables: Tables, rule: Rule) -> list[Finding]:
    """Report patients in second line of whom neither columns nor visits tell anything after its start."""
    rows, visits = tables.patients, tables.assessments
    last = pd.Series(visits.lower("assessment_date")).groupby(visits.frame["patient_id"].to_numpy()).max()
    seen = pd.Series(rows.frame["patient_id"].to_numpy()).map(last).to_numpy(dtype="datetime64[ns]")
    told = np.logical_or.reduce([rows.filled(name) for name in rule.columns])
    followed = told | (seen >= rows.lower("second_line_start_date"))
    return [rows.finding(rule, rows.filled("second_line_start_date") & ~followed)]


def response_falls(tables: Tables, rule: Rule) -> list[Finding]:
    """Report assessments with a worse response than the patient's assessment before, which is no progression."""
    visits = tables.assessments
    seen = pd.DataFrame({"patient": visits.frame["patient_id"].to_numpy(), "day": visits.lower("assessment_date")})
    # rows of one day have no order
    rank = pd.Series(visits.text("response")).map(RANKS).mask(seen.duplicated(keep=False))
    in_order = rank[seen["day"].sort_values(kind="stable").index].dropna()
    before = in_order.groupby(seen["patient"][in_order.index]).shift().reindex(rank.index)
    return [visits.finding(rule, ((rank < before) & (rank > RANKS["PD"])).to_numpy())]


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        recorded_stage_differs,
        lenalidomide_again,
        regimen_not_recognized,
        best_response_not_seen,
        never_assessed,
        response_falls,
    )
}
