"""Which rows count once, which not at all: duplicates, unknown patients, quarantine, and the row accounting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fhrmm.schema import variables
from intake.cleaning.typed import REFUSED_ID
from intake.contract import KEYS
from intake.readers import RawCenter, RawTable
from intake.rules import Finding
from intake.rules.typed_rows import other_rows, patient_ids, place

COMPANIONS = ("", "_lower", "_upper", "_precision")
ACCOUNTING_COLUMNS = ("center", "file", "rows_read", "rows_accepted", "rows_quarantined", "rows_duplicate")


def find_duplicates(frame: pd.DataFrame, table: str) -> np.ndarray:
    """Return which rows repeat an earlier row of the same patient in every column, those that stay out included."""
    duplicate = np.zeros(len(frame), dtype=bool)
    repeated = np.flatnonzero(_repeated(frame))
    if not len(repeated):
        return duplicate
    duplicate[repeated] = frame.iloc[repeated][_content(frame, table)].duplicated().to_numpy()
    return duplicate


def _content(frame: pd.DataFrame, table: str) -> list[str]:
    """Return the columns in which two rows must agree to be the same."""
    dates = [name for name in frame if name.endswith(("_lower", "_upper"))]
    return [*(name for name in variables(table) if name in frame), *dates, "_rest"]


def _repeated(frame: pd.DataFrame) -> np.ndarray:
    """Return which rows have the identifier of another row."""
    ids = patient_ids(frame)
    return pd.Series(ids).duplicated(keep=False).to_numpy() & (ids != "") & (ids != REFUSED_ID)


def row_findings(
    frame: pd.DataFrame, table: str, duplicate: np.ndarray, *, once: bool, known_ids: np.ndarray | None = None
) -> list[Finding]:
    """Return the findings about whole rows: repeated rows, repeated patients, rows of nobody.

    `once`: a patient has one row at most; `known_ids`: those of the patients table, none for itself.
    """
    if not len(frame):
        return []
    ids = patient_ids(frame)
    where = {"table": table, "column": "patient_id"}
    equal = np.flatnonzero(pd.Series(ids).isin(ids[duplicate]))
    rows = frame.iloc[equal][_content(frame, table)].astype(str).to_numpy(dtype=object)
    others = other_rows(frame, np.array(["|".join(row) for row in rows], dtype=object), equal)
    same = [f"the same as {other}" for other in np.array(others, dtype=object)[duplicate[equal]]]
    findings = [Finding("duplicate_row", found=same, **where, **place(frame, np.flatnonzero(duplicate)))]
    if once:
        again = np.flatnonzero(_repeated(frame) & ~duplicate)
        again = again[pd.Series(ids[again]).duplicated(keep=False).to_numpy()]
        found = [f"also in {rows}" for rows in other_rows(frame, ids[again], again)]
        findings.append(Finding("duplicate_patient", found=found, **where, **place(frame, again)))
    if known_ids is not None:
        usable = (ids != "") & (ids != REFUSED_ID)
        stray = np.flatnonzero(usable & ~pd.Series(ids).isin(known_ids).to_numpy())
        findings.append(Finding("unknown_patient", found=ids[stray], **where, **place(frame, stray)))
    return findings


def complete_patients(patients: pd.DataFrame, part: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """Add the columns of another file of the center, or fill their empty cells.

    Returns
    -------
    patients : DataFrame
        The same rows; where both have a value, its own.
    findings : list of Finding
        `sources_differ` where the two contradict each other; a month does not contradict a day in it.
    """
    ids = part["patient_id"]
    part = part[ids.notna() & ~ids.duplicated()]
    places = pd.Index(part["patient_id"]).get_indexer(patients["patient_id"])
    added, findings = {}, []
    for name in (name for name in variables("patients") if name in part and name not in KEYS):
        columns = [column for ending in COMPANIONS if (column := f"{name}{ending}") in part]
        theirs = {column: part[column].array.take(places, allow_fill=True) for column in columns}
        if name not in patients:
            added |= theirs
            continue
        mine, other = patients[name].notna().to_numpy(), ~pd.isna(theirs[name])
        low, high = (f"{name}_lower", f"{name}_upper") if f"{name}_lower" in part else (name, name)
        if low == name:
            apart = patients[name].astype(object) != pd.Series(theirs[name]).astype(object)
        else:
            apart = (patients[low] > pd.Series(theirs[high])) | (patients[high] < pd.Series(theirs[low]))
        rows = np.flatnonzero(mine & other & apart.to_numpy(dtype=bool))
        shown = [f"{own} and {its}" for own, its in zip(patients[name].iloc[rows], theirs[name][rows], strict=True)]
        where = {"table": "patients", "column": name} | place(part, places[rows])
        findings.append(Finding("sources_differ", found=shown, **where))
        for column, values in theirs.items():
            added[column] = patients[column].where(pd.Series(mine), pd.Series(values, index=patients.index))
    return patients.assign(**added), findings


def join_visits(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """Put the rows of one patient and day together as one visit, unless they contradict each other.

    Returns
    -------
    frame : DataFrame
        Joined visits stand in the place of their first row.
    findings : list of Finding
        `assessment_rows_joined` for the rows that were put together, `assessments_same_day` for those that were not.
    """
    if "assessment_date_lower" not in frame:
        return frame, []
    key = ["patient_id", "assessment_date_lower"]
    is_day = frame["assessment_date_lower"] == frame["assessment_date_upper"]
    several = np.flatnonzero(is_day & frame["patient_id"].notna() & frame.duplicated(key, keep=False))
    content = [name for name in variables("assessments") if name in frame and name not in KEYS]
    visits = frame.iloc[several].groupby(key, sort=False)
    differ = pd.DataFrame({name: visits[name].transform("nunique") > 1 for name in content}).any(axis=1)
    joined, apart = several[~differ.to_numpy(dtype=bool)], several[differ.to_numpy(dtype=bool)]
    where = {"table": "assessments", "column": "assessment_date"}
    day = patient_ids(frame)
    day[several] += frame["assessment_date_lower"].iloc[several].astype(str).to_numpy(dtype=object)
    kinds = ("assessment_rows_joined", "with", joined), ("assessments_same_day", "against", apart)
    findings = []
    for rule, word, chosen in kinds:
        found = [f"{word} {rows}" for rows in other_rows(frame, day[chosen], chosen)]
        findings.append(Finding(rule, found=found, **where, **place(frame, chosen)))
    if not len(joined):
        return frame, findings
    one = frame.iloc[joined].groupby(key, sort=False, as_index=False).first()[list(frame)]
    one.index = frame.iloc[joined].drop_duplicates(key).index
    rest = frame.drop(index=frame.index[joined])
    return pd.concat([rest, one]).sort_index().reset_index(drop=True), findings


def quarantined_patients(issues: pd.DataFrame) -> pd.DataFrame:
    """Return the patients with an error, and which rules they break.

    Returns
    -------
    DataFrame
        One row per patient: center, patient_id, rules (joined by a comma).
    """
    errors = issues[
        (issues["severity"] == "error") & (issues["patient_id"] != "") & (issues["patient_id"] != REFUSED_ID)
    ]
    pairs = errors[["center", "patient_id", "rule"]].drop_duplicates().sort_values(["center", "patient_id", "rule"])
    grouped = pairs.groupby(["center", "patient_id"], sort=True)["rule"].agg(", ".join)
    return grouped.rename("rules").reset_index()


def bad_rows(frame: pd.DataFrame, quarantined: set[str]) -> np.ndarray:
    """Return which rows belong to a quarantined patient or to nobody."""
    return pd.Series(patient_ids(frame), dtype=object).isin(quarantined | {"", REFUSED_ID}).to_numpy()


def account_rows(raw: RawCenter, tables: Sequence[RawTable], fate: pd.DataFrame, files: Sequence[str]) -> pd.DataFrame:
    """Return what became of every row of every file; rows read = accepted + quarantined + duplicate.

    Parameters
    ----------
    raw : RawCenter
        What was read.
    tables : sequence of RawTable
        Its tables as they were counted; a row put together with another one shares its fate.
    fate : DataFrame
        One row per row that was kept: `_table` (position in `tables`), `_row`, and `state`, one of accepted,
        quarantined and duplicate.
    files : sequence of str
        Files that gave no table: each has a row of its own.

    Returns
    -------
    DataFrame
        One row per file (per table of a file): see `ACCOUNTING_COLUMNS`.
    """
    rows = []
    for position, table in enumerate(tables):
        own = fate[fate["_table"] == position].drop_duplicates("_row").set_index("_row")["state"]
        into = own.reindex(table.merged[:, 1]).fillna("quarantined")
        counts = pd.concat([fate.loc[fate["_table"] == position, "state"], into]).value_counts()
        counts = counts.reindex(["accepted", "quarantined", "duplicate"], fill_value=0)
        counts["quarantined"] += len(table.refused_rows)
        rows.append((raw.center, table.name, table.n_rows, *counts.astype(int)))
    rows += [(raw.center, name, n, 0, n, 0) for name, n in raw.left_out]
    listed = {row[1] for row in rows} | {table.spec.path for table in tables}
    rows += [(raw.center, name, 0, 0, 0, 0) for name in files if name not in listed]
    return pd.DataFrame(rows, columns=list(ACCOUNTING_COLUMNS))
