"""Across scopes: the published estimates of every center side by side, and the pooled counts held to their sum."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm

from fhrmm.estimate_table import clean_estimates, select_rows
from fhrmm.estimates.collector import Collector
from fhrmm.study import Study
from fhrmm.wording import POOLED, counted
from timetoevent.meta_analysis import meta_analysis
from timetoevent.results import OK, Estimate, not_estimable

LEAST_PREDICTED = 3  # centers; with two the distribution of a third has no degree of freedom
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
    scopes = sorted(attrition, key=lambda name: (name == POOLED, name))
    remaining = {scope: attrition[scope].set_index("label")["n_remaining"].astype("Int64") for scope in scopes}
    if not remaining:
        return pd.DataFrame()
    return pd.DataFrame(remaining, index=remaining[scopes[0]].index).rename_axis("Criterion").reset_index()


def compare_pooled(estimates: pd.DataFrame) -> pd.DataFrame:
    """Set pooled patients and events beside their sums over the centers, one row per endpoint."""
    overall, rows = select_rows(estimates, population="cohort"), []
    for endpoint, estimand in _QUESTIONS.items():
        chosen = overall[(overall["endpoint"] == endpoint) & (overall["estimand"] == estimand)]
        is_pooled, row = chosen["scope"] == POOLED, {"endpoint": endpoint}
        for counts, words in _COUNTED.items():
            row[f"{words}, pooled"] = chosen.loc[is_pooled, counts].sum()
            row[f"{words}, sum of centers"] = chosen.loc[~is_pooled, counts].sum()
        rows.append(row)
    return pd.DataFrame(rows).astype(dict.fromkeys(list(rows[0])[1:], "Int64"))


def estimate_heterogeneity(estimates: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Estimate how much centers differ beyond chance, in overall response and in the hazard ratio of the treatment.

    Estimates rows `i_squared`, `tau_squared`, the pooled value and the predicted one, whose interval is that of a new
    center (from three centers on). Rates are pooled as logits with one half added to each count.

    References
    ----------
    Higgins JPT, Thompson SG, Spiegelhalter DJ. J R Stat Soc A 2009;172:137-159.
    """
    factor = study.factor(study.comparison.treatment)
    ratio = {"variable": factor.variable, "level": factor.adverse, "model": "univariable"}
    asked = {"ORR": ("proportion", {}), "PFS": ("hazard_ratio", ratio)}
    found, least = Collector(variable="center"), study.display.minimum_patients
    for endpoint, (estimand, where) in asked.items():
        rows = select_rows(estimates, endpoint=endpoint, estimand=estimand, population="cohort", **where)
        rows = rows[(rows["scope"] != POOLED) & (rows["status"] == OK) & (rows["n"] >= least)]
        counts = {"n": int(rows["n"].sum()), "n_events": int(rows["n_events"].sum())}
        if len(rows) < 2:
            reason = f"{counted(len(rows), 'center')} with an estimate in at least {least} patients"
            found.add("i_squared", not_estimable(reason, **counts), endpoint=endpoint)
            continue
        if estimand == "proportion":
            hits, misses = rows["n_events"] + 0.5, rows["n"] - rows["n_events"] + 0.5
            value, error, back = np.log(hits / misses), np.sqrt(1 / hits + 1 / misses), expit
        else:
            width = np.log(rows["ci_upper"] / rows["ci_lower"])
            value, error, back = np.log(rows["estimate"]), width / 2 / norm.isf((1 - study.models.ci_level) / 2), np.exp
        fit = meta_analysis(value, error, prediction="riley", ci_level=study.models.ci_level)
        method = {"method": f"{fit.pooled.method}, {counted(len(rows), 'center')}", **counts}
        found.add("i_squared", Estimate(fit.i_squared / 100, **method), endpoint=endpoint)
        found.add("tau_squared", Estimate(fit.tau_squared, **method), endpoint=endpoint)
        limits = {"pooled": (fit.pooled.ci_lower, fit.pooled.ci_upper)}
        limits["predicted"] = (fit.prediction_lower, fit.prediction_upper)
        for name, ends in limits.items():
            interval = Estimate(*map(float, back(np.array([fit.pooled.estimate, *ends]))), **method)
            if name == "predicted" and len(rows) < LEAST_PREDICTED:
                interval = not_estimable(f"fewer than {LEAST_PREDICTED} centers", **method)
            found.add(f"{name}_{estimand}", interval, endpoint=endpoint)
    return found.frame()


def label_scopes(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return overall rows with the scope as a subgroup, so that one table can set the centers side by side."""
    overall = select_rows(estimates, population="cohort")
    is_center = overall["scope"] != POOLED
    return overall.assign(
        variable=is_center.map({True: "center", False: ""}), level=overall["scope"].where(is_center, "")
    ).reset_index(drop=True)
