"""A cell that one or two centers contribute to is not shown, and cannot be worked out from what is.

A zero that all centers share is shown. Cells are hidden with others so that every sum that can be worked out, too, has
enough centers behind it: of a set of cells at least as many contribute as to the one with the most.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from timetoevent.checks import FloatArray

WITHHELD = "too few centers"  # contribute to it, or to what it would let be worked out
_NUMBERS = ["estimate", "ci_lower", "ci_upper", "ci_level", "p_value", "n", "n_events"]


def is_safe(contributors: FloatArray, least: int) -> NDArray[np.bool_]:
    """Tell which cells nobody or enough centers contribute to."""
    return (np.rint(contributors) == 0) | (np.rint(contributors) >= least)


def hidden_rows(values: FloatArray, contributors: FloatArray, least: int) -> NDArray[np.bool_]:
    """Return which rows of a table, whose column totals are shown, must be hidden.

    A row with an unsafe cell is hidden, and with it the smallest others, until the sums of what is hidden are safe.

    Examples
    --------
    >>> hidden_rows(np.array([[40.0], [9.0], [2.0]]), np.array([[9.0], [5.0], [2.0]]), 3).tolist()
    [False, True, True]
    """
    hidden = ~is_safe(contributors, least).all(axis=1)
    for row in np.argsort(values.sum(axis=1), kind="stable"):
        unsafe = ~is_safe(contributors[hidden].max(axis=0, initial=0), least)
        hidden[row] |= bool((unsafe & (contributors[row] >= least)).any())
    still_unsafe = not is_safe(contributors[hidden].max(axis=0, initial=0), least).all()
    return hidden | still_unsafe


def shown_boundaries(
    windows: Sequence[Sequence[int]], contributors: FloatArray, candidates: Sequence[int], least: int
) -> list[int]:
    """Return where an ordered count may be cut so that every piece is safe, candidates tried in their order.

    `contributors` has one column per window (a, b) of cells. Empty if not even the whole is safe.

    Examples
    --------
    >>> shown_boundaries([(0, 1), (0, 2), (1, 2)], np.array([[3.0, 4.0, 2.0]]), [1], 3)
    [0, 2]
    """
    safe = {tuple(window): bool(is_safe(of, least).all()) for window, of in zip(windows, contributors.T, strict=True)}
    cuts = [0, max(end for _, end in safe)]
    if not safe[cuts[0], cuts[1]]:
        return []
    for cut in candidates:
        before, after = max(c for c in cuts if c < cut), min(c for c in cuts if c > cut)
        if safe[before, cut] and safe[cut, after]:
            cuts = sorted([*cuts, cut])
    return cuts


def withhold(rows: pd.DataFrame, chosen: pd.Series | NDArray[np.bool_]) -> pd.DataFrame:
    """Return estimates rows with the chosen ones suppressed; how one was made would tell whether anybody is in it."""
    hidden = rows.copy()
    where = np.asarray(chosen, dtype=bool)
    hidden.loc[where, _NUMBERS] = np.nan
    hidden.loc[where, ["status", "note", "method"]] = "suppressed", WITHHELD, ""
    return hidden
