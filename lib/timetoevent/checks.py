"""Input checks shared by every estimator: refuse what other packages silently accept."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def check_event(event: ArrayLike, *, name: str = "event") -> BoolArray:
    """Return event indicators as booleans, refusing every coding but 0/1 and True/False.

    Raises
    ------
    ValueError
        If a value is missing, is text, or is a number other than 0 and 1 (R's 1/2 coding, -1, ...).

    Examples
    --------
    >>> check_event([1, 0, True]).tolist()
    [True, False, True]
    """
    values = np.asarray(event)
    if values.dtype == bool:
        return values.ravel().copy()
    numbers = _check_codes(values, name=name, expected="0/1 or True/False")
    other = sorted(set(np.unique(numbers)) - {0.0, 1.0})
    if other:
        raise ValueError(f"{name}: found {other[:3]}, expected only 0/1 or True/False")
    return numbers.astype(bool)


def _check_codes(values: NDArray, *, name: str, expected: str) -> FloatArray:
    """Return codes as numbers, refusing text and missing values (with their count)."""
    if values.dtype.kind in "US" or (values.dtype == object and any(isinstance(v, str) for v in values.flat)):
        raise ValueError(f"{name}: found text, expected {expected}")
    if values.dtype == object:
        values = np.array([np.nan if pd.isna(v) else v for v in values.flat], float)
    numbers = values.astype(float).ravel()
    n_missing = int(np.isnan(numbers).sum())
    if n_missing:
        raise ValueError(f"{name}: {n_missing} missing values; decide on them before estimating")
    return numbers


def check_cause(cause: ArrayLike) -> NDArray[np.int64]:
    """Return cause codes as integers, 0 for censored, refusing text, fractions, negative and missing values.

    Examples
    --------
    >>> check_cause([0, 1.0, 2]).tolist()
    [0, 1, 2]
    """
    expected = "0 for censored and whole numbers for causes"
    numbers = _check_codes(np.asarray(cause), name="cause", expected=expected)
    n_bad = int(((numbers < 0) | (numbers != np.floor(numbers)) | np.isinf(numbers)).sum())
    if n_bad:
        raise ValueError(f"cause: {n_bad} values are negative or no whole numbers")
    return numbers.astype(np.int64)


def check_groups(group: ArrayLike, *, name: str = "group") -> tuple[NDArray[np.intp], list[Hashable]]:
    """Return one code per subject and the labels the codes stand for.

    Labels are sorted; an ordered or unordered pandas Categorical keeps the order of its categories, those
    that do not occur left out.

    Raises
    ------
    ValueError
        If a label is missing (with the count).

    Examples
    --------
    >>> codes, labels = check_groups(["b", "a", "b"])
    >>> codes.tolist(), labels
    ([1, 0, 1], ['a', 'b'])
    """
    values = group if isinstance(group, pd.Series) else pd.Series(group)
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.cat.remove_unused_categories()
        codes, labels = values.cat.codes.to_numpy().astype(np.intp), list(values.cat.categories)
    else:
        found, uniques = pd.factorize(values, sort=True)
        codes, labels = found.astype(np.intp), list(uniques)
    n_missing = int((codes < 0).sum())
    if n_missing:
        raise ValueError(f"{name}: {n_missing} missing values; exclude them or make them a group of their own")
    return codes, labels


def check_time(time: ArrayLike, *, name: str = "time") -> FloatArray:
    """Return times as a new float array, refusing missing, infinite and negative ones (with their count)."""
    numbers = np.array(time, dtype=float).ravel()
    for label, bad in (("missing", np.isnan(numbers)), ("infinite", np.isinf(numbers)), ("negative", numbers < 0)):
        if bad.any():
            raise ValueError(f"{name}: {int(bad.sum())} {label} values; times must be finite and >= 0")
    return numbers


def check_same_length(**arrays: NDArray) -> int:
    """Return the common length of the named arrays, or raise naming each length."""
    lengths = {name: len(values) for name, values in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"lengths differ: {lengths}")
    return next(iter(lengths.values()), 0)


def tie_times(*times: FloatArray, tolerance: float = 1.4901161193847656e-08) -> list[FloatArray]:
    """Tie times that are equal up to rounding, over all arrays together, as R's ``timefix`` does.

    Two neighbours in the pooled sorted times are one time when they differ by no more than `tolerance`
    relative to the mean absolute time, or absolutely (as ``aeqSurv`` of R's survival with its default
    tolerance, the square root of the machine epsilon); each run takes its smallest value.

    References
    ----------
    Therneau T. survival: Survival Analysis. R package, ``aeqSurv``.

    Examples
    --------
    >>> tied, = tie_times(np.array([0.3, 0.1 + 0.2]))
    >>> float(tied[0]) == float(tied[1])
    True
    """
    pooled = np.unique(np.concatenate(times)) if times else np.empty(0)
    finite = pooled[np.isfinite(pooled)]
    if len(finite) < 2:
        return [values.copy() for values in times]
    gap = np.diff(finite)
    same = (gap <= tolerance) | (gap / np.mean(np.abs(finite)) <= tolerance)
    if not same.any():
        return [values.copy() for values in times]
    group = np.concatenate([[0], np.cumsum(~same)])
    first = finite[np.concatenate([[0], np.flatnonzero(~same) + 1])]
    tied = []
    for values in times:
        mended = values.copy()
        known = np.isfinite(values)
        mended[known] = first[group[np.searchsorted(finite, values[known])]]
        tied.append(mended)
    return tied
