"""What cleaning gives."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, slots=True)
class CleanedScope:
    """What intake gives: accepted rows, and everything that was found, changed or left out on the way.

    Attributes
    ----------
    patients, assessments, adverse_events : DataFrame
        Accepted rows, typed; `patients` has besides the canonical columns `unrecorded`, the kinds of events that no
        column of the center can record, and `reported_elsewhere`.
    issues : DataFrame
        One row per finding: center, severity, rule, table, file, sheet, row, column, patient_id, found, expected,
        what_to_do.
    audit : DataFrame
        One row per changed value: center, table, file, row, patient_id, column, raw_value, clean_value, rule.
    row_accounting : DataFrame
        One row per file: center, file, rows_read, rows_accepted, rows_quarantined, rows_duplicate.
    quarantined : DataFrame
        One row per patient left out because of an error: center, patient_id, rules.
    unknown_columns : DataFrame
        One row per header that the contract does not know: center, file, column.
    rules : DataFrame
        The catalog: rule, severity, columns, message, reason, what_to_do, n_findings.
    headers : DataFrame
        One row per canonical column that a file has: center, file, sheet, table, column, header, letter.
    """

    patients: pd.DataFrame
    assessments: pd.DataFrame
    adverse_events: pd.DataFrame
    issues: pd.DataFrame
    audit: pd.DataFrame
    row_accounting: pd.DataFrame
    quarantined: pd.DataFrame
    unknown_columns: pd.DataFrame
    rules: pd.DataFrame
    headers: pd.DataFrame
