"""How far the numbers of this package are from R's, as the frozen cases of its tests measure it."""

from __future__ import annotations

from importlib.resources import files

import pandas as pd


def read_agreement() -> pd.DataFrame:
    """Return the table of agreement with R.

    Returns
    -------
    DataFrame
        One row per operation: `operation`, `counterpart` (what of R it is held against), `n_cases`,
        `worst_difference` (relative to R's number, the largest over all numbers of all cases; missing for an
        operation that draws at random and is compared in distribution), `engine` (lifelines, or what else and why).

    Notes
    -----
    The tests of this project compare every frozen case; ``pytest tests/oracle --agreement FILE`` writes the
    table anew.

    Examples
    --------
    >>> bool((read_agreement()["worst_difference"].dropna() < 1e-4).all())
    True
    """
    with files("timetoevent").joinpath("agreement.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)
