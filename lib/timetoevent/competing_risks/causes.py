"""Check of cause codes, shared by the estimators of this folder."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def check_cause(cause: ArrayLike) -> NDArray[np.int64]:
    """Return cause codes as integers, 0 for censored, refusing text, fractions, negative and missing values.

    Examples
    --------
    >>> check_cause([0, 1.0, 2]).tolist()
    [0, 1, 2]
    """
    values = np.asarray(cause)
    if values.dtype.kind in "US" or (values.dtype == object and any(isinstance(v, str) for v in values.flat)):
        raise ValueError("cause: found text, expected 0 for censored and whole numbers for causes")
    numbers = (
        np.array([np.nan if v is None else v for v in values.flat], float)
        if values.dtype == object
        else values.astype(float).ravel()
    )
    n_missing = int(np.isnan(numbers).sum())
    if n_missing:
        raise ValueError(f"cause: {n_missing} missing values; decide on them before estimating")
    n_bad = int(((numbers < 0) | (numbers != np.floor(numbers)) | np.isinf(numbers)).sum())
    if n_bad:
        raise ValueError(f"cause: {n_bad} values are negative or no whole numbers")
    return numbers.astype(np.int64)
