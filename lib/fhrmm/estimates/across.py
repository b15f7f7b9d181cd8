"""Tables across scopes: attrition side by side, and pooled counts beside the sum of the centers."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from fhrmm.wording import POOLED


def join_attrition(attrition: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Set the patients remaining after each criterion side by side, one column per scope, the pooled one last.

    Examples
    --------
    >>> steps = pd.DataFrame({"label": ["all"], "n_remaining": [3]})
    >>> join_attrition({"ALL": steps, "C01": steps}).columns.tolist()
    ['Criterion', 'C01', 'ALL']
    """
    scopes = sorted(set(attrition) - {POOLED}) + [scope for scope in (POOLED,) if scope in attrition]
    table = pd.DataFrame()
    for scope in scopes:
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
    questions = {"ORR": "proportion", "VGPR_OR_BETTER": "proportion", "PFS": "median_months", "OS": "median_months"}
    overall = estimates[
        (estimates["variable"] == "") & (estimates["model"] == "") & (estimates["population"] == "cohort")
    ]
    rows = []
    for endpoint, estimand in questions.items():
        chosen = overall[(overall["endpoint"] == endpoint) & (overall["estimand"] == estimand)]
        pooled, centers = chosen[chosen["scope"] == POOLED], chosen[chosen["scope"] != POOLED]
        rows.append(
            {
                "endpoint": endpoint,
                "Patients, pooled": pooled["n"].sum(),
                "Patients, sum of centers": centers["n"].sum(),
                "Events, pooled": pooled["n_events"].sum(),
                "Events, sum of centers": centers["n_events"].sum(),
            }
        )
    return pd.DataFrame(rows).astype(dict.fromkeys(list(rows[0])[1:], "Int64"))


def label_scopes(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return overall rows with the scope as a subgroup, so that one table can set the centers side by side."""
    overall = estimates[
        (estimates["variable"] == "") & (estimates["model"] == "") & (estimates["population"] == "cohort")
    ]
    centers = overall.assign(variable="center", level=overall["scope"])
    is_pooled = centers["scope"] == POOLED
    return centers.assign(
        variable=centers["variable"].mask(is_pooled, ""), level=centers["level"].mask(is_pooled, "")
    ).reset_index(drop=True)
