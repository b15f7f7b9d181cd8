"""Checks of assessments and adverse events against their patient."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fhrmm.schema import RESPONSE_DEPTH, variables
from intake.rules.catalog import Finding, Rule
from intake.rules.checks import Check
from intake.rules.typed_rows import Rows, Tables

NOT_A_FINDING = ("patient_id", "center", "assessment_date")
RANKS = {name: rank for rank, name in enumerate(RESPONSE_DEPTH.categories) if name != "NE"}


def visit_after_death(tables: Tables, rule: Rule) -> list[Finding]:
    """Report assessments after death."""
    return [_after(tables, tables.assessments, rule, "death_date")]


def event_after_death(tables: Tables, rule: Rule) -> list[Finding]:
    """Report adverse events that begin after death."""
    return [_after(tables, tables.adverse_events, rule, "death_date")]


def visit_after_last_contact(tables: Tables, rule: Rule) -> list[Finding]:
    """Report assessments after the last contact of a patient who is not known to be dead."""
    return [_after(tables, tables.assessments, rule, "last_contact_date", unless="death_date")]


def visit_after_last_assessment(tables: Tables, rule: Rule) -> list[Finding]:
    """Report assessments after the date of the last one."""
    return [_after(tables, tables.assessments, rule, "last_assessment_date")]


def visit_before_diagnosis(tables: Tables, rule: Rule) -> list[Finding]:
    """Report assessments before the diagnosis."""
    return [_before(tables, tables.assessments, rule, "diagnosis_date")]


def event_before_second_line(tables: Tables, rule: Rule) -> list[Finding]:
    """Report adverse events that begin before second line."""
    return [_before(tables, tables.adverse_events, rule, "second_line_start_date")]


def fatal_event_without_death(tables: Tables, rule: Rule) -> list[Finding]:
    """Report events of grade 5 of patients without a date of death."""
    rows = tables.adverse_events
    alive = np.isnat(tables.of_patient(rows, tables.patients.lower("death_date")))
    return [rows.finding(rule, (rows.number("grade") == 5) & alive)] if tables.patients.has("death_date") else []


def visit_empty(tables: Tables, rule: Rule) -> list[Finding]:
    """Report assessments without response and without measurement."""
    rows = tables.assessments
    content = [name for name in variables("assessments") if name not in NOT_A_FINDING]
    return [rows.finding(rule, ~np.logical_or.reduce([rows.filled(name) for name in content]))]


def complete_response_with_band(tables: Tables, rule: Rule) -> list[Finding]:
    """Report complete responses with a positive immunofixation."""
    rows = tables.assessments
    band = rows.is_in("serum_immunofixation", ["positive"]) | rows.is_in("urine_immunofixation", ["positive"])
    return [rows.finding(rule, band & rows.is_in("response", ["sCR", "CR"]))]


def non_secretory_with_protein(tables: Tables, rule: Rule) -> list[Finding]:
    """Report a measurable serum M-protein (1 g/dL or more) of a non-secretory myeloma."""
    rows = tables.assessments
    isotype = tables.of_patient(rows, tables.patients.text("isotype"))
    return [rows.finding(rule, (isotype == "non_secretory") & (rows.number("serum_m_protein_g_dl") >= 1))]


def progression_not_recorded(tables: Tables, rule: Rule) -> list[Finding]:
    """Report visits with progression of patients who have no date of progression."""
    rows = tables.assessments
    if not tables.patients.has("progression_date"):
        return []
    none = np.isnat(tables.of_patient(rows, tables.patients.lower("progression_date")))
    start = tables.of_patient(rows, tables.patients.lower("second_line_start_date"))
    return [rows.finding(rule, rows.is_in("response", ["PD"]) & none & (rows.lower("assessment_date") > start))]


def best_response_not_seen(tables: Tables, rule: Rule) -> list[Finding]:
    """Report patients whose best response no assessment shows, where assessments have responses."""
    rows, visits = tables.patients, tables.assessments
    if not visits.has("response") or not visits.filled("response").any():
        return []
    ranks = pd.Series(visits.text("response")).map(RANKS).groupby(visits.frame["patient_id"].to_numpy()).max()
    seen = pd.Series(rows.frame["patient_id"].to_numpy()).map(ranks).to_numpy(dtype=float)
    best = pd.Series(rows.text("best_response")).map(RANKS).to_numpy(dtype=float)
    return [rows.finding(rule, best > seen)]


def _after(tables: Tables, rows: Rows, rule: Rule, column: str, *, unless: str = "") -> Finding:
    """Report rows certainly after a date of their patient."""
    limit = tables.of_patient(rows, tables.patients.upper(column))
    selected = rows.lower(rule.columns[0]) > limit
    if unless:
        selected &= np.isnat(tables.of_patient(rows, tables.patients.lower(unless)))
    return rows.finding(rule, selected)


def _before(tables: Tables, rows: Rows, rule: Rule, column: str) -> Finding:
    """Report rows certainly before a date of their patient."""
    limit = tables.of_patient(rows, tables.patients.lower(column))
    return rows.finding(rule, rows.upper(rule.columns[0]) < limit)


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        visit_after_death, event_after_death, visit_after_last_contact, visit_after_last_assessment,
        visit_before_diagnosis, event_before_second_line, fatal_event_without_death, visit_empty,
        complete_response_with_band, non_secretory_with_protein, progression_not_recorded, best_response_not_seen,
    )
}  # fmt: skip
