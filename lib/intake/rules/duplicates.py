"""Patients that may be one: within a center, and across centers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from intake.rules.catalog import Finding, Rule, findings_frame
from intake.rules.checks import Check
from intake.rules.typed_rows import Tables, other_rows

DATES = ("diagnosis_date", "second_line_start_date")
KEY = ("sex", "birth_year", *DATES)


def _alike(frame: pd.DataFrame, apart: str) -> pd.DataFrame:
    """Return who agree in the columns by which two patients may be one, and differ in another.

    Rows where one is missing or a date partial are left out.

    Parameters
    ----------
    frame : DataFrame
        Patients, typed, dates with bounds.
    apart : str
        The column in which they differ.
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

    Parameters
    ----------
    patients : DataFrame
        Accepted patients of all centers, with `reported_elsewhere` (confirmed transfers are not suspected).

    Returns
    -------
    DataFrame
        Rows of the issue log, by center and patient.
    """
    open_cases = patients[~patients["reported_elsewhere"].astype(bool)]
    suspects = open_cases.loc[_alike(open_cases, "center").index, ["center", "patient_id"]]
    found = "another center reports the same sex, year of birth, diagnosis and second line"
    place = {"table": "patients", "column": "patient_id", "found": found}
    findings = [
        findings_frame([Finding("suspected_transfer", row=[None] * len(ids), patient_id=ids, **place)], center)
        for center, ids in suspects.sort_values(["center", "patient_id"]).groupby("center")["patient_id"]
    ]
    return pd.concat(findings, ignore_index=True) if findings else findings_frame([], "")


CHECKS: dict[str, Check] = {"suspected_duplicate": suspected_duplicate}
