"""The audit log: one row per changed cell, kept as codes, since a large export changes millions of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from intake.cleaning.typed import TypedTable
from intake.rules.typed_rows import patient_ids

AUDIT_COLUMNS = ("center", "table", "file", "row", "patient_id", "column", "raw_value", "clean_value", "rule")


def audit_frame(tables: Sequence[TypedTable], center: str) -> pd.DataFrame:
    """Return the changes of some tables, in the order of files and columns."""
    parts = []
    for table in (table for table in tables if table.changes):
        ids, spec = pd.Categorical(patient_ids(table.frame)), table.raw.spec
        for changes in table.changes:
            fixed = {"center": center, "table": spec.table, "file": spec.path, "column": changes.column}
            texts = {"raw_value": changes.raw, "clean_value": changes.clean, "rule": changes.rules}
            columns = {
                name: pd.Categorical([text]).take(np.zeros(len(changes.rows), int)) for name, text in fixed.items()
            }
            columns |= {name: pd.Categorical(distinct).take(changes.codes) for name, distinct in texts.items()}
            columns |= {"row": table.frame["_row"].to_numpy()[changes.rows], "patient_id": ids.take(changes.rows)}
            parts.append(pd.DataFrame({name: columns[name] for name in AUDIT_COLUMNS}, copy=False))
    return pool_audits([part for part in parts if len(part)] or [pd.DataFrame(columns=AUDIT_COLUMNS, dtype=object)])


def pool_audits(audits: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put audit logs under each other; their texts stay categoricals."""
    filled = [audit for audit in audits if len(audit)]
    if len(filled) < 2:
        return filled[0] if filled else audits[0]
    texts = {
        name: union_categoricals([audit[name] for audit in filled]).remove_unused_categories()
        for name in AUDIT_COLUMNS
        if name != "row"
    }
    content = texts | {"row": np.concatenate([audit["row"].to_numpy() for audit in filled])}
    return pd.DataFrame({name: content[name] for name in AUDIT_COLUMNS}, copy=False)
