"""The audit log: one row per changed cell, kept as codes, since a large export changes millions of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from intake.cleaning.typed import TypedTable, patient_ids

AUDIT_COLUMNS = ("center", "table", "file", "row", "patient_id", "column", "raw_value", "clean_value", "rule")


def audit_frame(tables: Sequence[TypedTable], center: str) -> pd.DataFrame:
    """Return the changes of some tables, in the order of files and columns.

    Parameters
    ----------
    tables : sequence of TypedTable
        Of one center.
    center : str
        Its identifier.

    Returns
    -------
    DataFrame
        One row per changed cell: `AUDIT_COLUMNS`, texts as categoricals.
    """
    parts = [(table, changes) for table in tables for changes in table.changes if len(changes.rows)]
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in AUDIT_COLUMNS})
    sizes = [len(changes.rows) for _, changes in parts]
    content = {
        "center": _repeated([center] * len(parts), sizes),
        "table": _repeated([table.raw.spec.table for table, _ in parts], sizes),
        "file": _repeated([table.raw.spec.path for table, _ in parts], sizes),
        "row": np.concatenate([table.frame["_row"].to_numpy()[changes.rows] for table, changes in parts]),
        "patient_id": _joined([_patients(table) for table in tables if table.changes]),
        "column": _repeated([changes.column for _, changes in parts], sizes),
        "raw_value": _joined([(changes.raw, changes.codes) for _, changes in parts]),
        "clean_value": _joined([(changes.clean, changes.codes) for _, changes in parts]),
        "rule": _joined([(changes.rules, changes.codes) for _, changes in parts], ordered=True),
    }
    return pd.DataFrame(content, copy=False)


def pool_audits(audits: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put audit logs under each other; their texts stay categoricals."""
    filled = [audit for audit in audits if len(audit)]
    if len(filled) < 2:
        return filled[0] if filled else audits[0]
    content = {
        name: np.concatenate([audit[name].to_numpy() for audit in filled])
        if name == "row"
        else _joined(
            [(audit[name].cat.categories.to_numpy(dtype=object), audit[name].cat.codes.to_numpy()) for audit in filled],
            ordered=name not in ("patient_id", "raw_value", "clean_value"),
        )
        for name in AUDIT_COLUMNS
    }
    return pd.DataFrame(content, copy=False)


def _patients(table: TypedTable) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct patients of a table, and which of them each of its changes concerns."""
    codes, distinct = pd.factorize(patient_ids(table.frame))
    return distinct, codes[np.concatenate([changes.rows for changes in table.changes])]


def _repeated(texts: Sequence[str], sizes: Sequence[int]) -> pd.Categorical:
    """Return one text per part, repeated for its rows; categories in alphabetical order."""
    distinct, codes = np.unique(np.array(texts, dtype=object), return_inverse=True)
    return pd.Categorical.from_codes(np.repeat(codes, sizes), categories=pd.Index(distinct, dtype=object))


def _joined(parts: Sequence[tuple[np.ndarray, np.ndarray]], *, ordered: bool = False) -> pd.Categorical:
    """Return texts given as distinct ones and codes, part after part, without those that no row has."""
    used = [np.flatnonzero(np.bincount(codes, minlength=len(texts))) for texts, codes in parts]
    places, distinct = pd.factorize(
        np.concatenate([texts[some] for (texts, _), some in zip(parts, used, strict=True)]), sort=ordered
    )
    joined, start = [], 0
    for (texts, codes), some in zip(parts, used, strict=True):
        new = np.zeros(len(texts), dtype=np.int32)
        new[some] = places[start : start + len(some)]
        joined.append(new[codes])
        start += len(some)
    return pd.Categorical.from_codes(np.concatenate(joined), categories=pd.Index(distinct, dtype=object))
