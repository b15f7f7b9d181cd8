"""Recorded against confirmed best response."""

from __future__ import annotations

import pandas as pd


def tabulate_agreement(response: pd.DataFrame) -> pd.DataFrame:
    """Cross-tabulate recorded and confirmed best response of the patients who have both.

    Parameters
    ----------
    response : DataFrame
        From `derive_response`.

    Returns
    -------
    DataFrame
        One row per recorded and confirmed category with patients: best_recorded_response, best_confirmed_response,
        n, agree.

    Examples
    --------
    >>> levels = pd.CategoricalDtype(["PR", "SD"])
    >>> both = pd.DataFrame({"best_recorded_response": ["PR", "PR"], "best_confirmed_response": ["PR", "SD"]})
    >>> tabulate_agreement(both.astype(levels))["n"].tolist()
    [1, 1]
    """
    columns = ["best_recorded_response", "best_confirmed_response"]
    both = response[columns].dropna()
    counts = both.groupby(columns, observed=True, sort=True).size().reset_index(name="n")
    same = counts[columns[0]].astype(object) == counts[columns[1]].astype(object)
    return counts.assign(agree=same)
