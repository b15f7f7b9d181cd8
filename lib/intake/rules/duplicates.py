"""Patients that may be one: within a center, and across centers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from intake.rules.catalog import Finding, Rule, findings_frame
from intake.rules.checks import Check
from intake.rules.typed_rows import Tables, other_rows, place

DATES = ("diagnosis_date", "second_line_start_date")
KEY = ("sex", "birth_year", *DATES)


def _alike(frame: pd.DataFrame, apart: str) -> pd.DataFrame:
    """Return who agree in the columns by which two patients may be one, and differ in another.

    Rows where one is missing or a date partial are left out.
    """
    needed = [*KEY[:2], *(f"{name}_{side}" for name in DATES for side in ("lower", "upper"))]
    if not set(needed) <= set(frame):
        return frame.iloc[:0].reindex(columns=needed)
    complete = frame[needed].dropna()
    exact = np.logical_and.reduce([complete[f"{name}_lower"] == complete[f"{name}_upper"] for name in DATES])
    again = complete[exact & complete.duplicated(keep=False)]
    several = frame.loc[again.index, apart].groupby([again[name] for name in again], observed=True).transform("nunique")
    return again[several.to_numpy() > 1]


def suspected_duplicate(tables: Tables, rule: Rule) -> list[Finding]:
    """Report patients of one center under different identifiers who agree in sex, birth year and both dates."""
    rows = tables.patients
    chosen = _alike(rows.frame, "patient_id").sort_index()
    if chosen.empty:
        return []
    others = other_rows(
        rows.frame, chosen.groupby(list(chosen), observed=True).ngroup().to_numpy(), chosen.index.to_numpy()
    )
    found = rows.finding(rule, chosen.index.to_numpy())
    return [replace(found, found=[f"{what}; as in {other}" for what, other in zip(found.found, others, strict=True)])]


def check_scope(patients: pd.DataFrame) -> pd.DataFrame:
    """Return a warning for every accepted patient whom another center seems to report as well.

    Rows have `_file`, `_sheet` and `_row`; confirmed transfers are not suspected; each finding names the rows of the
    other center.
    """
    cases = patients[~patients["reported_elsewhere"].astype(bool)].sort_values(["center", "patient_id"])
    cases = cases.reset_index(drop=True)
    alike = _alike(cases, "center").sort_index()
    if alike.empty:
        return findings_frame([], "")
    groups = alike.groupby(list(alike), observed=True).ngroup().to_numpy()
    named = cases.assign(_file=cases["center"] + ": " + cases["_file"].astype(str))
    others = other_rows(named, groups, alike.index.to_numpy())
    same = "another center reports the same sex, year of birth, diagnosis and second line"
    suspects = cases.loc[alike.index].assign(_found=[f"{same}: {rows}" for rows in others])
    findings = []
    for center, own in suspects.groupby("center"):
        where = {"table": "patients", "column": "patient_id"} | place(own, np.arange(len(own)))
        findings.append(findings_frame([Finding("suspected_transfer", found=own["_found"], **where)], str(center)))
    return pd.concat(findings, ignore_index=True)


CHECKS: dict[str, Check] = {"suspected_duplicate": suspected_duplicate}
