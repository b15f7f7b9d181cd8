"""Depth of response over time."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from fhrmm.response.visits import DEEPEST_FIRST

NOT_ASSESSED = "not yet assessed"


def tabulate_depth(visits: pd.DataFrame, at_months: Sequence[float]) -> pd.DataFrame:
    """Count patients by their best confirmed response so far at given times.

    Parameters
    ----------
    visits : DataFrame
        From `derive_visits`: center, patient_id, months, best_so_far.
    at_months : sequence of float
        Times in months from the start of second line.

    Returns
    -------
    DataFrame
        One row per time and category, deepest first, `not yet assessed` last: months, response, n, n_patients (those
        with any visit).

    Examples
    --------
    >>> visits = pd.DataFrame({"months": [1.0, 2.0], "best_so_far": ["SD", "PR"]}).assign(center="A", patient_id="1")
    >>> tabulate_depth(visits, [0.5, 3]).query("n > 0")["response"].tolist()
    ['not yet assessed', 'PR']
    """
    keys = ["center", "patient_id"]
    patients = visits[keys].drop_duplicates()
    levels = [*DEEPEST_FIRST, NOT_ASSESSED]
    rows = []
    for months in at_months:
        seen = (
            visits[visits["months"] <= months].sort_values("months", kind="stable").drop_duplicates(keys, keep="last")
        )
        counts = seen["best_so_far"].astype(object).value_counts().reindex(levels, fill_value=0)
        counts[NOT_ASSESSED] = len(patients) - len(seen)
        rows += [{"months": float(months), "response": level, "n": int(n)} for level, n in counts.items()]
    return pd.DataFrame(rows, columns=["months", "response", "n"]).assign(n_patients=len(patients))
