"""Patients of a derived table with what the cohort knows of them, and by the levels of a variable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

KEYS = ["center", "patient_id"]
MISSING = "missing"


def join_cohort(derived: pd.DataFrame, cohort: pd.DataFrame) -> pd.DataFrame:
    """Return derived rows with the cohort's columns that they lack, matched by center and patient."""
    extra = [column for column in cohort.columns if column not in derived.columns or column in KEYS]
    return derived.merge(cohort[extra], on=KEYS, how="left", validate="many_to_one")


def iterate_levels(frame: pd.DataFrame, variable: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield (level, its rows) in the declared order, levels without patients included, missing last if any.

    Without a variable, all rows under the level "".
    """
    if not variable:
        yield "", frame
        return
    values = frame[variable]
    levels: Sequence[object] = (
        list(values.cat.categories)
        if isinstance(values.dtype, pd.CategoricalDtype)
        else sorted(values.dropna().unique())
    )
    for level in levels:
        yield str(level), frame[(values == level).fillna(False).to_numpy(dtype=bool)]
    if values.isna().any():
        yield MISSING, frame[values.isna()]
