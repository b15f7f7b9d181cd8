"""Across scopes: the published estimates of every center side by side, and the pooled counts held to their sum."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from fhrmm.estimate_table import clean_estimates
from fhrmm.estimates.collector import Collector
from fhrmm.wording import POOLED
from timetoevent.results import Estimate

_COUNTED = {"n": "Patients", "n_events": "Events"}
_QUESTIONS = {"ORR": "proportion", "VGPR_OR_BETTER": "proportion", "PFS": "median_months", "OS": "median_months"}


def combine_scopes(published: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Join the published estimates of several scopes; empty text stays empty text."""
    return clean_estimates([frame.assign(scope=scope) for scope, frame in published.items()])


def join_attrition(attrition: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Set the patients remaining after each criterion side by side, one column per scope, the pooled one last.

    Examples
    --------
    >>> steps = pd.DataFrame({"label": ["all"], "n_remaining": [3]})
    >>> join_attrition({"ALL": steps, "C01": steps}).columns.tolist()
    ['Criterion', 'C01', 'ALL']
    """
    table = pd.DataFrame()
    for scope in sorted(attrition, key=lambda name: (name == POOLED, name)):
        steps = attrition[scope]
        if table.empty:
            table = pd.DataFrame({"Criterion": steps["label"].to_numpy()})
        remaining = steps.set_index("label")["n_remaining"].astype("Int64")
        table[scope] = table["Criterion"].map(remaining).astype("Int64")
    return table


def compare_pooled(estimates: pd.DataFrame) -> pd.DataFrame:
    """Set pooled patients and events beside their sums over the centers, one row per endpoint.

    Parameters
    ----------
    estimates : DataFrame
        Published estimates of every scope.
    """
    overall, rows = _overall(estimates), []
    for endpoint, estimand in _QUESTIONS.items():
        chosen = overall[(overall["endpoint"] == endpoint) & (overall["estimand"] == estimand)]
        is_pooled, row = chosen["scope"] == POOLED, {"endpoint": endpoint}
        for counts, words in _COUNTED.items():
            row[f"{words}, pooled"] = chosen.loc[is_pooled, counts].sum()
            row[f"{words}, sum of centers"] = chosen.loc[~is_pooled, counts].sum()
        rows.append(row)
    return pd.DataFrame(rows).astype(dict.fromkeys(list(rows[0])[1:], "Int64"))


def estimate_pooled_check(estimates: pd.DataFrame) -> pd.DataFrame:
    """Compare, per endpoint, the pooled number of patients and events with the sum over the centers.

    Returns
    -------
    DataFrame
        Estimates rows `pooled_minus_sum` (zero when all is counted once), n and n_events of the pooled scope.
    """
    rows = Collector(variable="counted")
    for row in compare_pooled(estimates).to_dict("records"):
        pooled = {name: row[f"{words}, pooled"] for name, words in _COUNTED.items()}
        for name, words in _COUNTED.items():
            gap = float(pooled[name] - row[f"{words}, sum of centers"])
            value = Estimate(gap, method="pooled minus sum of centers", **pooled)
            rows.add("pooled_minus_sum", value, endpoint=row["endpoint"], level=name)
    return rows.frame()


def label_scopes(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return overall rows with the scope as a subgroup, so that one table can set the centers side by side."""
    overall = _overall(estimates)
    is_center = overall["scope"] != POOLED
    return overall.assign(
        variable=is_center.map({True: "center", False: ""}), level=overall["scope"].where(is_center, "")
    ).reset_index(drop=True)


def _overall(estimates: pd.DataFrame) -> pd.DataFrame:
    is_overall = (estimates[["variable", "model"]] == "").all(axis=1) & (estimates["population"] == "cohort")
    return estimates[is_overall]
