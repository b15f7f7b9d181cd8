"""Which patient of the cohort an assessment belongs to."""

from __future__ import annotations

import numpy as np
import pandas as pd


def match_patients(cohort: pd.DataFrame, assessments: pd.DataFrame) -> np.ndarray:
    """Return the cohort row of each assessment by center and patient, -1 where the patient is not in the cohort."""
    n = len(cohort)
    if n == 0:
        return np.full(len(assessments), -1, dtype=np.int64)
    center, person = (_shared_codes(cohort[column], assessments[column]) for column in ("center", "patient_id"))
    rows = np.full(person.max() + 1, -1, dtype=np.int64)
    rows[person[:n]] = np.arange(n)
    found = rows[person[n:]]
    found = np.where((found >= 0) & (center[found] == center[n:]), found, -1)
    shared = np.bincount(person[:n]) > 1
    elsewhere = np.flatnonzero((found < 0) & np.append(shared, False)[np.minimum(person[n:], shared.size)])
    if elsewhere.size:
        found[elsewhere] = _match_shared_ids(center, person, n, elsewhere)
    return found


def _shared_codes(first: pd.Series, second: pd.Series) -> np.ndarray:
    """Number the distinct values of two columns together, from 1; missing is 0."""
    both = np.concatenate([first.to_numpy(dtype=object), second.to_numpy(dtype=object)])
    return pd.factorize(both)[0].astype(np.int64) + 1


def _match_shared_ids(center: np.ndarray, person: np.ndarray, n: int, which: np.ndarray) -> np.ndarray:
    """Match assessments whose patient id occurs in several centers, by both keys."""
    combined = center * (person.max() + 1) + person
    order = np.argsort(combined[:n], kind="stable")
    wanted = combined[n:][which]
    place = np.minimum(np.searchsorted(combined[order], wanted), n - 1)
    return np.where(combined[order][place] == wanted, order[place], -1)
