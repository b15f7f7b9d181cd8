"""Check of cause codes, shared by the estimators of this folder."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from timetoevent.checks import check_codes


def check_cause(cause: ArrayLike) -> NDArray[np.int64]:
    """Return cause codes as integers, 0 for censored, refusing text, fractions, negative and missing values.

    Examples
    --------
    >>> check_cause([0, 1.0, 2]).tolist()
    [0, 1, 2]
    """
    expected = "0 for censored and whole numbers for causes"
    numbers = check_codes(np.asarray(cause), name="cause", expected=expected)
    n_bad = int(((numbers < 0) | (numbers != np.floor(numbers)) | np.isinf(numbers)).sum())
    if n_bad:
        raise ValueError(f"cause: {n_bad} values are negative or no whole numbers")
    return numbers.astype(np.int64)
