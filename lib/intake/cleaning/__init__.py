"""Raw exports to clean canonical tables: every row accounted for, every change and every finding written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd

from fhrmm.schema import EVIDENCE, TABLES, column_types, conform, date_columns, empty_table, missing_column
from fhrmm.store import DatasetInfo, read_dataset_info, scope_centers
from fhrmm.study import Study
from intake.cleaning.audit import audit_frame, pool_audits
from intake.cleaning.baseline import take_at_diagnosis
from intake.cleaning.completeness import absent_columns, empty_columns
from intake.cleaning.cutoff import cut_after
from intake.cleaning.problem_list import summarize_problems, write_problem_list
from intake.cleaning.reshape import make_canonical
from intake.cleaning.rows import (
    account_rows,
    bad_rows,
    complete_patients,
    find_duplicates,
    join_visits,
    quarantined_patients,
    row_findings,
)
from intake.cleaning.scope import CleanedScope
from intake.cleaning.typed import TypedTable, type_table
from intake.contract import LONG
from intake.readers import RawCenter, read_center
from intake.rules import Finding, check_center, check_scope, findings_frame, rule_catalog
from intake.rules.typed_rows import patient_ids


def clean_scope(data_dir: str | Path, scope: str, study: Study, description: str = "center.toml") -> CleanedScope:
    """Read and clean the centers of a scope.

    An error quarantines the patient it concerns, in every table; a warning does not. A center that cannot be read is
    one finding, and the others go on.

    Returns
    -------
    CleanedScope
        For each file, rows read = accepted + quarantined + exact duplicates.
    """
    info = read_dataset_info(data_dir, study)
    cleaned = [
        _clean_center(read_center(data_dir, center, study, description), study, info)
        for center in scope_centers(data_dir, scope)
    ]
    return _pool(cleaned)


def _clean_center(raw: RawCenter, study: Study, info: DatasetInfo) -> tuple[CleanedScope, pd.DataFrame]:
    """Clean what was read of one center; give the place of each accepted patient's row besides."""
    typed = [type_table(table, raw.center, position) for position, table in enumerate(raw.tables)]
    shaped = [make_canonical(table) for table in typed]
    frames, duplicate, unique, of_rows = _put_together(shaped)
    unique["patients"], at_diagnosis = take_at_diagnosis(typed, unique["patients"], study)
    frames |= {part.raw.name: part.frame for part in at_diagnosis}
    duplicate |= {part.raw.name: np.zeros(len(part.frame), dtype=bool) for part in at_diagnosis}
    shaped += at_diagnosis
    findings = [*raw.findings, *(finding for table in (*typed, *shaped) for finding in table.findings), *of_rows]
    findings += [*empty_columns(typed), *absent_columns(set(unique["patients"]), raw)]
    unique["assessments"], joined = join_visits(unique["assessments"])
    stated = None if study.cohort.data_cutoff_date else info.data_cutoff_date  # that of a run is no fault of the data
    findings += [*joined, *check_center(unique, study, stated)]
    issues = findings_frame(findings, raw.center)
    quarantined = quarantined_patients(issues)
    patients = set(quarantined["patient_id"])
    accepted = {name: _keep_rows(frame, ~bad_rows(frame, patients)) for name, frame in unique.items()}
    audit = audit_frame(typed, raw.center)
    if info.data_cutoff_date:
        accepted, cut = cut_after(accepted, raw.center, info.data_cutoff_date)
        audit = pool_audits([audit, cut])
    fates = []
    for name, frame in frames.items():
        state = np.select([duplicate[name], bad_rows(frame, patients)], ["duplicate", "quarantined"], "accepted")
        fates.append(frame[["_table", "_row"]].assign(state=state))
    files = [str(finding.file) for finding in raw.findings if isinstance(finding.file, str) and finding.table]
    finished = {name: _finish(frame, name, study, info) for name, frame in accepted.items()}
    finished["patients"].insert(len(finished["patients"].columns) - 1, "unrecorded", _unrecorded(shaped, unique))
    cleaned = CleanedScope(
        **finished,
        issues=issues,
        audit=audit,
        row_accounting=account_rows(raw, [table.raw for table in shaped], pd.concat(fates), sorted(set(files))),
        quarantined=quarantined[quarantined["patient_id"].isin(set(patient_ids(frames["patients"])))],
        unknown_columns=raw.unknown_columns,
        rules=rule_catalog(issues),
        headers=_headers(raw),
    )
    return cleaned, accepted["patients"][["_file", "_sheet", "_row"]].astype({"_file": object, "_sheet": object})


def _put_together(tables: list[TypedTable]) -> tuple[dict, dict, dict, list[Finding]]:
    """Return the rows by table and completing file, which of them repeat another, tables without those, findings."""
    findings: list[Finding] = []
    mains, parts = _divide(tables)
    frames = {name: _stack(mains, name) for name in TABLES}
    duplicate = {name: find_duplicates(frame, name) for name, frame in frames.items()}
    known = patient_ids(frames["patients"])
    for name, frame in frames.items():
        own = name == "patients"
        findings += row_findings(frame, name, duplicate[name], once=own, known_ids=None if own else known)
    unique = {name: _keep_rows(frame, ~duplicate[name]) for name, frame in frames.items()}
    for number, part in enumerate(parts):
        frames[f"part {number}"] = frame = part.frame
        duplicate[f"part {number}"] = again = find_duplicates(frame, "patients")
        findings += row_findings(frame, part.raw.spec.table, again, once=True, known_ids=known)
        unique["patients"], differing = complete_patients(unique["patients"], _keep_rows(frame, ~again))
        findings += differing
    return frames, duplicate, unique, findings


def _divide(tables: list[TypedTable]) -> tuple[list[TypedTable], list[TypedTable]]:
    """Tell tables of their own from those that complete the patients of another file.

    Without a file of its own for patients, the first of the others names them.
    """
    adds = [table.raw.spec.completes or table.raw.spec.table == "lines" for table in tables]
    of_patients = [LONG.get(table.raw.spec.table, table.raw.spec.table) == "patients" for table in tables]
    if adds == of_patients and any(adds):
        adds[adds.index(True)] = False
    pairs = list(zip(tables, adds, strict=True))
    return [table for table, added in pairs if not added], [table for table, added in pairs if added]


def _unrecorded(tables: list[TypedTable], frames: Mapping[str, pd.DataFrame]) -> str:
    """Return the kinds of events that no column of the center can record."""
    there = {LONG.get(table.raw.spec.table, table.raw.spec.table) for table in tables} | {"patients"}
    present = {f"{name}.{column}" for name in there for column in frames[name]}
    return "; ".join(event for event, columns in EVIDENCE.items() if not present & set(columns))


def _stack(typed: list[TypedTable], table: str) -> pd.DataFrame:
    """Put the files of one table under each other; `_table` says which file a row is from."""
    parts = [part.frame for part in typed if LONG.get(part.raw.spec.table, part.raw.spec.table) == table]
    if not parts:
        places = {name: pd.Series(dtype=object) for name in ("_file", "_sheet")}
        numbers = {name: pd.Series(dtype="int64") for name in ("_row", "_rest", "_table")}
        return empty_table(table).assign(**places, **numbers)
    if len(parts) == 1:
        return parts[0]
    filled = [part for part in parts if len(part)] or parts[:1]
    columns = list(dict.fromkeys(name for part in filled for name in part))
    types = {name: kind for name, kind in column_types(table).items() if name in columns}
    types |= {"_file": object, "_sheet": object}
    return pd.concat([part.reindex(columns=columns).astype(types) for part in filled], ignore_index=True)


def _finish(frame: pd.DataFrame, table: str, study: Study, info: DatasetInfo) -> pd.DataFrame:
    """Return accepted rows as the canonical table, dates at the plan's point inside their interval."""
    types = column_types(table)
    policy = study.time.partial_date_policy
    dates = {name: _date_point(frame, name, policy) for name in date_columns(table) if name in frame}
    content = {name: frame[name].array for name in types if name in frame} | dates
    content |= {name: missing_column(dtype, len(frame)) for name, dtype in types.items() if name not in content}
    canonical = pd.DataFrame({name: content[name] for name in types}, index=frame.index, copy=False)
    if any(content[name].dtype != dtype for name, dtype in types.items()):
        canonical = conform(canonical, table)
    if table == "patients":
        canonical["reported_elsewhere"] = _reported_elsewhere(canonical, info)
    return canonical


def _reported_elsewhere(patients: pd.DataFrame, info: DatasetInfo) -> np.ndarray:
    """Return which patients another center reports, by the transfers of the dataset."""
    elsewhere = np.zeros(len(patients), dtype=bool)
    for transfer in info.transfers:
        same = (patients["center"] == transfer.center) & (patients["patient_id"] == transfer.patient_id)
        elsewhere |= same.to_numpy(dtype=bool)
    return elsewhere


def _keep_rows(frame: pd.DataFrame, keep: np.ndarray) -> pd.DataFrame:
    """Return the selected rows, numbered anew; the frame itself where that is all of them."""
    return frame if keep.all() else frame[keep].reset_index(drop=True)


def _date_point(frame: pd.DataFrame, column: str, policy: str) -> np.ndarray:
    """Return the lower, middle (rounded down to the day) or upper day of a date's interval."""
    lower, upper = frame[f"{column}_lower"].to_numpy(), frame[f"{column}_upper"].to_numpy()
    if policy != "midpoint":
        return lower if policy == "lower" else upper
    partial = np.flatnonzero((lower != upper) & ~np.isnat(lower))
    points = lower.copy()
    points[partial] += (upper[partial] - lower[partial]) // 2
    points[partial] = points[partial].astype("datetime64[D]")
    return points


def _headers(raw: RawCenter) -> pd.DataFrame:
    columns = ["center", "file", "sheet", "table", "column", "header", "letter"]
    parts = [pd.DataFrame(columns=columns, dtype=object)]
    parts += [
        table.headers.assign(
            center=raw.center,
            file=table.spec.path,
            sheet=table.frame["_sheet"].iloc[0] if len(table.frame) else table.spec.sheet or "",
            table=table.spec.table,
        )
        for table in raw.tables
    ]
    return _concat(parts)[columns]


def _pool(centers: list[tuple[CleanedScope, pd.DataFrame]]) -> CleanedScope:
    """Put centers under each other and look for patients that two of them report."""
    cleaned = [part for part, _ in centers]
    if len(cleaned) == 1:
        return cleaned[0]
    names = [field.name for field in fields(CleanedScope) if field.name != "audit"]
    pooled = {name: _concat([getattr(part, name) for part in cleaned]) for name in names}
    pooled["audit"] = pool_audits([part.audit for part in cleaned])
    placed = [pd.concat([part.patients, where], axis=1) for part, where in centers]
    across = check_scope(_concat(placed))
    pooled["issues"] = _concat([pooled["issues"], across])
    pooled["rules"] = rule_catalog(pooled["issues"])
    return CleanedScope(**pooled)


def _concat(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate frames of the same columns; those without rows give only their types."""
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else frames[0]
