"""Variables that a center has for nobody."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from intake.cleaning.typed import TypedTable
from intake.contract import LONG, variables
from intake.readers import RawCenter
from intake.rules import Finding, load_rules

VISITS = ("assessments", "laboratory")  # tables whose dates say when a patient was last assessed


def empty_columns(typed: Sequence[TypedTable]) -> list[Finding]:
    """Return a finding for every column that a file has and that holds no value; tables without rows say nothing."""
    rule = load_rules()["column_entirely_missing"]
    return [
        Finding(rule.id, table=table.raw.spec.table, file=table.raw.spec.path, column=name)
        for table in typed
        if len(table.frame)
        for name in variables(table.raw.spec.table)
        if name in table.frame and name not in rule.values and table.frame[name].isna().all()
    ]


def absent_columns(present: Collection[str], raw: RawCenter) -> list[Finding]:
    """Return a finding for every needed column that no file gives to the patients table."""
    rule = load_rules()["column_absent"]
    files = [table.spec.path for table in raw.tables if LONG.get(table.spec.table, table.spec.table) == "patients"]
    sent = {"last_assessment_date"} if any(table.spec.table in VISITS for table in raw.tables) else set()
    return [
        Finding(rule.id, table="patients", file=files[0], column=name)
        for name in rule.columns
        if name not in present and name not in sent and files
    ]
