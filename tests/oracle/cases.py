"""Frozen cases of R: reading them, and how far the numbers of this project are from them.

A case is a JSON object: ``id``; ``operation``, the function it is about; ``cohort`` and ``columns``, which
column of which frozen cohort goes to which argument; ``options``, the other arguments; ``expected``, R's
numbers by name, null where R says NA; ``absolute``, by name and rarely, the size below which a number is
rounding and not compared. ``Rscript NAME.R`` in the folder of the scripts makes NAME.json anew.

Differences are relative, however small the number: a p-value of 1e-200 is held to six digits like any other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from tests.oracle import record

RELATIVE = 1e-6
COHORTS = "cohorts.json"

Case = dict[str, object]
Compute = Callable[[Case], Mapping[str, object]]


@cache
def _read_json(path: Path) -> object:
    return json.loads(path.read_text(encoding="utf-8"))


def load_cases(folder: Path) -> list[Case]:
    """Return every frozen case of a folder, in order of file name and place.

    Parameters
    ----------
    folder : Path
        Folder with JSON files, each a list of cases; ``cohorts.json`` holds their data and is passed over.
    """
    files = sorted(path for path in Path(folder).glob("*.json") if path.name != COHORTS)
    return [case for path in files for case in _read_json(path)]


def load_cohort(folder: Path, name: str) -> pd.DataFrame:
    """Return the data a case refers to, as the R script used it."""
    return pd.DataFrame(_read_json(Path(folder) / COHORTS)[name])


def difference(found: object, expected: object, *, absolute: float = 0.0) -> float:
    """Return the largest relative difference, infinite where only one side is missing or lengths differ.

    Parameters
    ----------
    found, expected : array_like of float
        Numbers; None and NaN are missing, "Infinity" is infinite. Against an expected 0 the difference is
        taken as it is.
    absolute : float
        Numbers of which both sides are at most this large are 0 but for rounding and agree.
    """
    left, right = _as_floats(found), _as_floats(expected)
    if left.shape != right.shape or (np.isnan(left) != np.isnan(right)).any():
        return float("inf")
    same = np.isnan(left) | (left == right) | (np.maximum(np.abs(left), np.abs(right)) <= absolute)
    left, right = left[~same], right[~same]
    if not np.isfinite(np.concatenate([left, right])).all():
        return float("inf")
    return float(np.max(np.abs(left - right) / np.where(right == 0, 1.0, np.abs(right)), initial=0.0))


def case_difference(case: Case, compute: Compute) -> float:
    """Return the largest difference of one case over all the numbers R gave."""
    found, absolute = compute(case), case.get("absolute", {})
    worst = max(
        difference(found[name], expected, absolute=absolute.get(name, 0.0))
        for name, expected in case["expected"].items()
    )
    return record.note(worst)


def worst_differences(cases: Iterable[Case], compute: Compute) -> pd.DataFrame:
    """Summarize the agreement with R.

    Parameters
    ----------
    cases : iterable of dict
        As returned by `load_cases`.
    compute : callable
        Takes a case, returns this project's numbers under the names of ``case["expected"]``.

    Returns
    -------
    DataFrame
        One row per operation: ``operation, n_cases, worst_difference`` (relative), ``worst_case``.
    """
    rows = [(case["operation"], case["id"], case_difference(case, compute)) for case in cases]
    table = pd.DataFrame(rows, columns=["operation", "worst_case", "worst_difference"])
    worst = table.sort_values(["operation", "worst_difference"], ascending=[True, False], kind="stable")
    summary = worst.groupby("operation", as_index=False).first()
    n_cases = table.groupby("operation").size()
    summary.insert(1, "n_cases", summary["operation"].map(n_cases))
    return summary[["operation", "n_cases", "worst_difference", "worst_case"]]


def _as_floats(value: object) -> np.ndarray:
    if isinstance(value, Mapping):
        value = [value[name] for name in sorted(value)]
    values: ArrayLike = np.asarray(value, dtype=object).ravel()
    return np.array([np.nan if item is None else float(item) for item in values])
