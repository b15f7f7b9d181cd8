"""Checks between columns of one patient: the order of dates, and values that belong together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fhrmm.schema import TABLES, date_columns
from intake.rules.catalog import Finding, Rule, load_rules
from intake.rules.typed_rows import Tables

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


def when(tables: Tables, rule: Rule) -> list[Finding]:
    """Report the rows in which the condition of a rule holds."""
    if not tables.patients.has(*rule.needs):
        return []
    return [tables.rows(rule.table).finding(rule, tables.holds(rule))]


CHECKS: dict[str, Check] = {check.__name__: check for check in (order, order_undetermined, after_cutoff, when)}
