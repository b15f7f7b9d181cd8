"""What synthetic data were made to have, in the words of the estimates table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhrmm.study import Study, load_study


def list_truth(
    truth: Mapping[str, Any], study: Study, *, univariable: Mapping[str, float]
) -> list[dict[str, object]] | None:
    """Return the true values behind a synthetic dataset as estimates-like records; None for real data.

    `truth` is the content of the truth file; `univariable` the true hazard ratio of each factor of the study's own
    plan, adverse versus reference level.

    Returns
    -------
    list of dict or None
        endpoint, estimand, time_months, estimate, variable, level, status. Rates are those the data were
        calibrated to; hazard ratios are univariable, as those beside which they stand.
    """
    if not truth:
        return None
    targets, n = truth["targets"], truth["achieved"]["n"]
    rate = {"estimand": "survival_probability", "time_months": float(study.time.headline_months)}
    median = {"estimand": "median_months", "status": "not_reached"}
    records: list[dict[str, object]] = [
        {"endpoint": "ORR", "estimand": "proportion", "estimate": targets["responders"] / n},
        {"endpoint": "VGPR_OR_BETTER", "estimand": "proportion", "estimate": targets["vgpr_or_better"] / n},
        {"endpoint": "PFS", "estimate": _center(targets["pfs_12_months"]), **rate},
        {"endpoint": "OS", "estimate": _center(targets["os_12_months"]), **rate},
        {"endpoint": "PFS", **median},
        {"endpoint": "OS", **median},
    ]
    known = {factor.variable: factor.adverse for factor in load_study().factors}
    for factor in (factor for factor in study.factors if factor.variable in univariable):
        ratio = univariable[factor.variable]
        what = {"endpoint": "PFS", "estimand": "hazard_ratio", "variable": factor.variable, "level": factor.adverse}
        records.append(what | {"estimate": ratio if factor.adverse == known[factor.variable] else 1 / ratio})
    return records


def _center(interval: list[float]) -> float:
    return round(sum(interval) / len(interval), 2)
