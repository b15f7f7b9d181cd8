"""Checks between columns of one patient: the order of dates, and values that belong together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fhrmm.schema import TABLES, date_columns
from intake.rules.catalog import Finding, Rule, load_rules
from intake.rules.typed_rows import Rows, Tables

LATE_DAYS = 90
OLDEST = 100

Check = Callable[[Tables, Rule], list[Finding]]


def order(tables: Tables, rule: Rule) -> list[Finding]:
    """Report rows where the first date lies after the second whatever day the partial ones mean."""
    earlier, later = rule.columns
    rows = tables.patients
    return [rows.finding(rule, rows.lower(earlier) > rows.upper(later))]


def order_undetermined(tables: Tables, rule: Rule) -> list[Finding]:
    """Report pairs of dates whose bounds overlap and whose middles stand in the wrong order."""
    rows = tables.patients
    pairs = [other.columns for other in load_rules().values() if other.check == "order"]
    partial = {name: rows.lower(name) != rows.upper(name) for name in {column for pair in pairs for column in pair}}
    findings = []
    for earlier, later in pairs:
        selected = np.flatnonzero((partial[earlier] | partial[later]) & rows.filled(earlier) & rows.filled(later))
        if not len(selected):
            continue
        overlap = rows.lower(earlier)[selected] <= rows.upper(later)[selected]
        reversed_order = rows.middle(earlier)[selected] > rows.middle(later)[selected]
        findings.append(rows.finding(rule, selected[overlap & reversed_order], (earlier, later)))
    return findings


def after_cutoff(tables: Tables, rule: Rule) -> list[Finding]:
    """Report dates that lie wholly after the data cut-off."""
    if tables.cutoff is None:
        return []
    limit = np.datetime64(tables.cutoff, "ns")
    every = ((tables.rows(table), column) for table in TABLES for column in date_columns(table))
    return [rows.finding(rule, rows.lower(column) > limit, [column]) for rows, column in every if rows.has(column)]


def before_birth(tables: Tables, rule: Rule) -> list[Finding]:
    """Report a diagnosis in a year before birth."""
    rows = tables.patients
    return [rows.finding(rule, rows.number("birth_year") > _year(rows.upper("diagnosis_date")))]


def age_over_100(tables: Tables, rule: Rule) -> list[Finding]:
    """Report an age at diagnosis that hardly anybody reaches."""
    rows = tables.patients
    return [rows.finding(rule, _year(rows.lower("diagnosis_date")) - rows.number("birth_year") > OLDEST)]


def requires(tables: Tables, rule: Rule) -> list[Finding]:
    """Report rows with a value (one of `values`, where named) and nothing in the column that it needs."""
    given, needed = rule.columns
    rows = tables.rows(rule.table)
    if not rows.has(given, needed):
        return []
    present = rows.is_in(given, rule.values) if rule.values else rows.filled(given)
    return [rows.finding(rule, present & ~rows.filled(needed))]


def transplant_contradiction(tables: Tables, rule: Rule) -> list[Finding]:
    """Report a transplant date with a count of 0."""
    rows = tables.patients
    return [rows.finding(rule, rows.filled("asct_date") & (rows.number("asct_count") == 0))]


def maintenance_contradicts_transplant(tables: Tables, rule: Rule) -> list[Finding]:
    """Report maintenance with an explicit count of 0 transplants and no date of one."""
    rows = tables.patients
    none = (rows.number("asct_count") == 0) & ~rows.filled("asct_date")
    return [rows.finding(rule, rows.is_in("maintenance", rule.values) & none)]


def maintenance_without_transplant(tables: Tables, rule: Rule) -> list[Finding]:
    """Report maintenance where neither date nor count of a transplant is known."""
    rows = tables.patients
    unknown = ~rows.filled("asct_date") & np.isnan(rows.number("asct_count"))
    return [rows.finding(rule, rows.is_in("maintenance", rule.values) & unknown)]


def maintenance_dates_without_drug(tables: Tables, rule: Rule) -> list[Finding]:
    """Report dates of a maintenance that is recorded as none."""
    rows = tables.patients
    dated = rows.filled("maintenance_start_date") | rows.filled("maintenance_stop_date")
    return [rows.finding(rule, dated & rows.is_in("maintenance", ["none"]))]


def last_contact_missing(tables: Tables, rule: Rule) -> list[Finding]:
    """Report patients in second line without any date for survival."""
    rows = tables.patients
    known = rows.filled("last_contact_date") | rows.filled("death_date")
    return [rows.finding(rule, rows.filled("second_line_start_date") & ~known)]


def last_assessment_missing(tables: Tables, rule: Rule) -> list[Finding]:
    """Report patients in second line without any date for progression-free survival."""
    rows = tables.patients
    known = np.logical_or.reduce([rows.filled(column) for column in rule.columns])
    return [rows.finding(rule, rows.filled("second_line_start_date") & ~known)]


def outcome_without_second_line(tables: Tables, rule: Rule) -> list[Finding]:
    """Report outcomes of a second line that has no start."""
    rows = tables.patients
    start, *outcomes = rule.columns
    return [rows.finding(rule, np.logical_or.reduce([rows.filled(name) for name in outcomes]) & ~rows.filled(start))]


def late_second_line(tables: Tables, rule: Rule) -> list[Finding]:
    """Report a start certainly more than 90 days after the first progression."""
    rows = tables.patients
    gap = rows.lower("second_line_start_date") - rows.upper("first_progression_date")
    return [rows.finding(rule, gap > np.timedelta64(LATE_DAYS, "D"))]


def progression_on_start(tables: Tables, rule: Rule) -> list[Finding]:
    """Report a progression on the first day of second line."""
    return [_same_day(tables.patients, rule)]


def transplant_twice(tables: Tables, rule: Rule) -> list[Finding]:
    """Report one date for both transplants."""
    return [_same_day(tables.patients, rule)]


def _same_day(rows: Rows, rule: Rule) -> Finding:
    """Report two dates known to the day that are equal."""
    first, second = rule.columns
    known = (rows.lower(first) == rows.upper(first)) & (rows.lower(second) == rows.upper(second))
    return rows.finding(rule, known & (rows.lower(first) == rows.lower(second)))


def _year(dates: np.ndarray) -> np.ndarray:
    """Return the year of dates as floats, missing where the date is."""
    years = dates.astype("datetime64[Y]").astype(float) + 1970
    return np.where(np.isnat(dates), np.nan, years)


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        order, order_undetermined, after_cutoff, before_birth, age_over_100, requires, transplant_contradiction,
        maintenance_contradicts_transplant, maintenance_without_transplant, maintenance_dates_without_drug,
        last_contact_missing, last_assessment_missing, outcome_without_second_line, late_second_line,
        progression_on_start, transplant_twice,
    )
}  # fmt: skip
