"""The data cut-off censors: what came after it is cut, each cell with a row in the audit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from fhrmm.schema import date_columns
from intake.cleaning.audit import AUDIT_COLUMNS
from intake.rules.typed_rows import Rows, patient_ids, place

RULE = "after_cutoff"
# Who was seen later was known until then: these dates move to the cut-off, all others go.
KNOWN_UNTIL = ("last_contact_date", "last_assessment_date")
# What a date dates goes with it.
DATED = {
    "progression_date": ("progression_basis",), "death_date": ("death_cause",),
    "best_response_date": ("best_response", "response_confirmed"),
}  # fmt: skip


def cut_after(frames: Mapping[str, pd.DataFrame], center: str, cutoff: date) -> tuple[dict, pd.DataFrame]:
    """Cut contacts, events and visits that lie wholly after a day.

    A patient of whom anything is dated later was alive on that day. Rows of visits and of adverse events go as a whole.

    Returns
    -------
    frames : dict of str to DataFrame
        What was known on that day.
    audit : DataFrame
        One row per cell that was cut or moved.
    """
    limit, kept, parts = np.datetime64(cutoff, "ns"), dict(frames), []
    seen = pd.Series(patient_ids(frames["patients"]), dtype=object)
    alive = np.zeros(len(seen), dtype=bool)
    for table, frame in frames.items():
        for column in date_columns(table) if table != "patients" else ():
            if f"{column}_lower" in frame:
                late = frame[f"{column}_lower"].to_numpy() > limit
                alive |= seen.isin(patient_ids(frame)[late]).to_numpy(dtype=bool)
                parts.append(_audit(frame, table, column, late, ""))
                kept[table] = frame[~late].reset_index(drop=True) if late.any() else frame
    kept["patients"] = patients = frames["patients"].copy()
    columns = [name for name in date_columns("patients") if f"{name}_lower" in patients]
    afterwards = {name: patients[f"{name}_lower"].to_numpy() > limit for name in columns}
    if "last_contact_date" in afterwards:
        alive |= np.logical_or.reduce(list(afterwards.values()))
        afterwards["last_contact_date"] |= alive & ~(patients["last_contact_date_upper"].to_numpy() >= limit)
    for name, late in afterwards.items():
        moves = name in KNOWN_UNTIL
        parts.append(_audit(patients, "patients", name, late, cutoff.isoformat() if moves else ""))
        for side in ("lower", "upper"):
            point = pd.Timestamp(cutoff) if moves else pd.NaT
            patients[f"{name}_{side}"] = patients[f"{name}_{side}"].mask(late, point)
        patients[f"{name}_precision"] = patients[f"{name}_precision"].mask(late, "day" if moves else None)
        for other in (other for other in DATED.get(name, ()) if other in patients):
            parts.append(_audit(patients, "patients", other, late & patients[other].notna().to_numpy(), ""))
            patients[other] = patients[other].mask(late, None)
    audit = pd.concat(parts)[list(AUDIT_COLUMNS)[1:]]
    audit.insert(0, "center", center)
    return kept, audit.astype({name: "category" for name in AUDIT_COLUMNS if name != "row"})


def _audit(frame: pd.DataFrame, table: str, column: str, rows: np.ndarray, clean: str) -> pd.DataFrame:
    """Return the audit of some cells."""
    cut = np.flatnonzero(rows)
    what = {"table": table, "column": column, "raw_value": Rows(table, frame).shown(column, cut)}
    return pd.DataFrame(place(frame, cut) | what | {"clean_value": clean, "rule": RULE})
