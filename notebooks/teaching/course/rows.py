"""Estimates side by side: one row per method, ready for a figure or a table."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from timetoevent.competing_risks import FineGray
from timetoevent.cox import CoxFit
from timetoevent.results import Estimate

Found = Estimate | CoxFit | FineGray


def side_by_side(found: Mapping[str, Found]) -> pd.DataFrame:
    """Return one row per named result; of a regression, its first coefficient (not the reference level) as a ratio.

    Returns
    -------
    DataFrame
        `label`, `estimate`, `ci_lower`, `ci_upper`.

    Examples
    --------
    >>> side_by_side({"all": Estimate(estimate=0.5, ci_lower=0.4, ci_upper=0.6)})["estimate"].tolist()
    [0.5]
    """
    rows = []
    for label, result in found.items():
        if isinstance(result, Estimate):
            numbers = (result.estimate, result.ci_lower, result.ci_upper)
        else:
            table = result.coefficients
            first = table[table["note"] != "reference"].iloc[0] if "note" in table else table.iloc[0]
            ratio = "hazard_ratio" if "hazard_ratio" in result.coefficients else "odds_ratio"
            numbers = (first[ratio], first["ci_lower"], first["ci_upper"])
        rows.append(
            {"label": label, **dict(zip(("estimate", "ci_lower", "ci_upper"), map(float, numbers), strict=True))}
        )
    return pd.DataFrame(rows)
