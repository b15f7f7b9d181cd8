"""Frozen cases of R for regression models: reading them, and comparing to the last digit that R gives."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from tests.oracle import record

FOLDER = Path(__file__).parent
RELATIVE = 1e-6
Case = dict[str, object]


@cache
def read_json(name: str) -> list[Case] | dict[str, Case]:
    """Return the content of a frozen file."""
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


@cache
def read_cohort(name: str) -> pd.DataFrame:
    """Return a cohort as the R scripts used it; factors are categorical with R's levels."""
    frozen = read_json("cohorts.json")[name]
    frame = pd.DataFrame({column: as_list(values) for column, values in frozen["columns"].items()})
    for column, levels in frozen["levels"].items():
        frame[column] = pd.Categorical(frame[column], categories=levels)
    return frame


def read_cases(*names: str, operation: str | None = None) -> list[Case]:
    """Return the cases of the files, those of one operation if asked."""
    cases = [case for name in names for case in read_json(name)]
    return [case for case in cases if operation is None or case["operation"] == operation]


def as_list(value: object) -> list[object]:
    """Return a list, also of what R's JSON writer unboxed."""
    return value if isinstance(value, list) else [value]


def as_array(value: object) -> np.ndarray:
    """Return numbers, NaN for null."""
    return np.array(value, dtype=float)


def model_of(case: Case) -> dict[str, object]:
    """Return the keyword arguments of a fit that the case describes."""
    model = dict(case["model"])
    model["terms"] = as_list(model["terms"])
    if "interactions" in model:
        model["interactions"] = [tuple(pair) for pair in model["interactions"]]
    return model


def worst_difference(found: ArrayLike, expected: ArrayLike, scale: float | None = None) -> float:
    """Largest difference relative to the larger of the expected number and `scale` (1e-3 of the largest).

    NaN on both sides agrees; NaN on one side is infinitely far.
    """
    found, expected = as_array(found).ravel(), as_array(expected).ravel()
    assert found.shape == expected.shape, f"shapes differ: {found.shape} and {expected.shape}"
    if np.any(np.isnan(found) != np.isnan(expected)):
        return record.note(float("inf"))
    known = ~np.isnan(expected)
    if not known.any():
        return 0.0
    floor = 1e-3 * np.abs(expected[known]).max() if scale is None else scale
    unit = np.maximum(np.abs(expected[known]), max(floor, 1e-9))
    return record.note(float((np.abs(found[known] - expected[known]) / unit).max()))


def identifiers(cases: Iterable[Case]) -> list[str]:
    """Return the names of cases, for pytest."""
    return [str(case["id"]) for case in cases]
