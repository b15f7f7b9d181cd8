"""Laboratory values at diagnosis, taken from a laboratory export into the patients table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from fhrmm.schema import variables
from fhrmm.study import Study
from intake.cleaning.typed import Changes, TypedTable
from intake.contract import AT_DIAGNOSIS
from intake.rules import Finding
from intake.rules.typed_rows import place
from intake.values import write_number

RULE = "laboratory_at_diagnosis"


def take_at_diagnosis(
    tables: Sequence[TypedTable], patients: pd.DataFrame, study: Study
) -> tuple[pd.DataFrame, list[TypedTable]]:
    """Fill the empty laboratory values of patients with the results nearest to their diagnosis.

    A result counts within the plan's days around diagnosis, never after the first line has begun; of two that are as
    near, the earlier. What is unreadable within these days is not used, and said; results of other days are left out.
    The tables lose what was found in results that no visit has; of these, each export gives a table of its own: chosen
    rows, and as refused the others.
    """
    parts = []
    for table in (table for table in tables if table.raw.spec.table == "laboratory"):
        names = [name for name in AT_DIAGNOSIS if name in table.raw.frame]
        own = [name for name in names if name not in variables("assessments")]
        table.findings[:] = [found for found in table.findings if found.column not in own]
        table.changes[:] = [changes for changes in table.changes if changes.column not in own]
        if "assessment_date_lower" not in table.frame or not names:
            continue
        away = _days_from_diagnosis(table.frame, patients, study)
        findings, changes = [], []
        for name in names:
            value, written = table.frame[name].to_numpy(dtype=float), table.raw.frame[name].astype(object).to_numpy()
            near = ~np.isnan(away) & ~pd.isna(written)
            if name in own:
                bad = np.flatnonzero(near & np.isnan(value))
                where = {"table": "laboratory", "column": name} | place(table.frame, bad)
                findings.append(Finding("laboratory_not_usable", found=written[bad], **where))
            rows = _nearest(table.frame, np.flatnonzero(near & ~np.isnan(value)), away)
            ids = table.frame["patient_id"].to_numpy(dtype=object)[rows]
            empty = patients["patient_id"][patients[name].isna()] if name in patients else patients["patient_id"]
            rows = rows[np.isin(ids, empty.to_numpy(dtype=object))]
            found = pd.Series(value[rows], index=table.frame["patient_id"].to_numpy(dtype=object)[rows], dtype=float)
            mine = patients.get(name, pd.Series(np.nan, index=patients.index))
            patients = patients.assign(**{name: mine.fillna(patients["patient_id"].map(found))})
            clean = np.array([write_number(number) for number in value[rows].tolist()], dtype=object)
            rule = np.full(len(rows), RULE, dtype=object)
            changes.append(Changes(name, rows, np.arange(len(rows)), written[rows], clean, rule))
        aside = results_aside(table)
        taken = np.isin(np.arange(len(aside)), np.concatenate([part.rows for part in changes]))
        numbers = table.frame["_row"].to_numpy()
        raw = replace(
            table.raw, name=f"{table.raw.name} [at diagnosis]", frame=table.raw.frame[["_row"]][aside & taken],
            refused_rows=tuple(numbers[aside & ~taken].tolist()), merged=table.raw.merged[:0],
        )  # fmt: skip
        table.changes.extend(changes)
        parts.append(TypedTable(raw, table.frame[aside & taken].assign(_table=len(tables) + len(parts)), findings))
    return patients, parts


def results_aside(table: TypedTable) -> np.ndarray:
    """Return which rows of a laboratory export are results that no visit has."""
    own = [name for name in AT_DIAGNOSIS if name in table.raw.frame and name not in variables("assessments")]
    return table.raw.frame[own].notna().any(axis=1).to_numpy(dtype=bool)


def _days_from_diagnosis(results: pd.DataFrame, patients: pd.DataFrame, study: Study) -> np.ndarray:
    """Return how far each result is from its patient's diagnosis, in days; missing outside the window."""
    known = patients.drop_duplicates("patient_id").set_index("patient_id")
    columns = ["diagnosis_date_lower", "diagnosis_date_upper", "first_line_start_date_upper"]
    dates = known.reindex(columns=columns).reindex(results["patient_id"]).astype("datetime64[ns]")
    day = results["assessment_date_lower"].to_numpy()
    before = (dates[columns[0]].to_numpy() - day) / np.timedelta64(1, "D")
    after = (day - dates[columns[1]].to_numpy()) / np.timedelta64(1, "D")
    window = (before <= study.staging.laboratory_days_before) & (after <= study.staging.laboratory_days_after)
    return np.where(window & ~(day > dates[columns[2]].to_numpy()), np.maximum(np.maximum(before, after), 0), np.nan)


def _nearest(results: pd.DataFrame, rows: np.ndarray, away: np.ndarray) -> np.ndarray:
    """Return of some rows the one nearest to diagnosis of each patient, the earlier of two."""
    chosen = results[["patient_id", "assessment_date_lower"]].iloc[rows].assign(_row=rows, _away=away[rows])
    order = chosen.sort_values(["_away", "assessment_date_lower"], kind="stable")
    return np.sort(order.drop_duplicates("patient_id")["_row"].to_numpy())
