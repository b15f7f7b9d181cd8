"""Depth of response over time."""

from __future__ import annotations

import pandas as pd

from fhrmm.response.visits import DEEPEST_FIRST
from fhrmm.study import Study


def derive_depth(visits: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return what each patient's best confirmed response was by several times.

    Parameters
    ----------
    visits : DataFrame
        From `derive_visits`: center, patient_id, months, best_so_far.
    study : Study
        The plan: ``response.depth_at_months``.

    Returns
    -------
    DataFrame
        One row per patient with any visit and time: center, patient_id, `depth_by_month` (category such as
        ``by month 3``), `best_response` (missing where no visit had been made by then). A patient whose observation
        ended keeps what was reached.

    Examples
    --------
    >>> from fhrmm.study import load_study
    >>> visits = pd.DataFrame({"months": [1.5, 2.5], "best_so_far": ["SD", "PR"]}).assign(center="A", patient_id="1")
    >>> derive_depth(visits, load_study())["best_response"].tolist()
    [nan, 'SD', 'PR', 'PR', 'PR', 'PR']
    """
    keys = ["center", "patient_id"]
    patients = visits[keys].drop_duplicates(ignore_index=True)
    ordered = visits.sort_values("months", kind="stable")
    parts = []
    for month in study.response.depth_at_months:
        seen = ordered[ordered["months"] <= month].drop_duplicates(keys, keep="last")
        reached = patients.merge(seen[[*keys, "best_so_far"]], on=keys, how="left", validate="one_to_one")
        parts.append(reached.assign(depth_by_month=f"by month {month:g}"))
    joined = pd.concat(parts, ignore_index=True).rename(columns={"best_so_far": "best_response"})
    times = [f"by month {month:g}" for month in study.response.depth_at_months]
    return joined.assign(
        depth_by_month=pd.Categorical(joined["depth_by_month"], categories=times),
        best_response=pd.Categorical(joined["best_response"].astype(object), categories=list(DEEPEST_FIRST)),
    )
