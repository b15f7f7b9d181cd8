"""Across scopes: read the published estimates of every center, and hold the pooled counts to their sum."""

from __future__ import annotations

import pandas as pd

from fhrmm.estimates.rows import make_row, to_frame
from fhrmm.wording import POOLED
from timetoevent.results import Estimate


def combine_scopes(published: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Join the published estimates of several scopes; empty text stays empty text."""
    frames = [frame.assign(scope=scope) for scope, frame in published.items()]
    return (
        pd.concat([to_frame(frame.to_dict("records")) for frame in frames], ignore_index=True)
        if frames
        else to_frame([])
    )


def select_rows(estimates: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    """Return the rows whose columns equal the wanted values; `variable` and `level` are empty unless asked for.

    Examples
    --------
    >>> select_rows(to_frame([]), endpoint="ORR").empty
    True
    """
    wanted = {"variable": "", "level": "", "model": ""} | wanted
    keep = pd.Series(True, index=estimates.index)
    for column, value in wanted.items():
        if value is not None:
            keep &= estimates[column] == value
    return estimates[keep]


def cohort_size(estimates: pd.DataFrame) -> int:
    """Return the number of treated patients: the denominator of the overall response rate."""
    rows = select_rows(estimates, endpoint="ORR", estimand="proportion", population="cohort")
    return int(rows["n"].iloc[0]) if len(rows) else 0


def estimate_pooled_check(estimates: pd.DataFrame) -> pd.DataFrame:
    """Compare, per endpoint, the pooled number of patients and events with the sum over the centers.

    Returns
    -------
    DataFrame
        Estimates rows `pooled_minus_sum` (zero when all is counted once), n and n_events of the pooled scope.
    """
    questions = [
        ("ORR", "proportion", {"population": "cohort"}),
        ("VGPR_OR_BETTER", "proportion", {"population": "cohort"}),
        ("PFS", "median_months", {}),
        ("OS", "median_months", {}),
    ]
    rows = []
    for endpoint, estimand, extra in questions:
        chosen = select_rows(estimates, endpoint=endpoint, estimand=estimand, **extra)
        pooled, centers = chosen[chosen["scope"] == POOLED], chosen[chosen["scope"] != POOLED]
        for counted in ("n", "n_events"):
            gap = float(pooled[counted].sum() - centers[counted].sum())
            value = Estimate(
                gap,
                n=int(pooled["n"].sum()),
                n_events=int(pooled["n_events"].sum()),
                method="pooled minus sum of centers",
            )
            rows.append(
                make_row(value, endpoint=endpoint, estimand="pooled_minus_sum", variable="counted", level=counted)
            )
    return to_frame(rows)
