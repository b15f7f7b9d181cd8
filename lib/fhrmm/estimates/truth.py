"""What synthetic data were made to have, in the words of the estimates table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhrmm.study import Study

# Name of a factor in the generator -> name in the study, and the level that the generator calls adverse.
_FACTORS = {
    "extramedullary": ("extramedullary_disease", "yes"),
    "lenalidomide_maintenance": ("lenalidomide_maintenance", "yes"),
    "no_frontline_asct": ("frontline_asct", "no"),
    "ecog_2_or_more": ("ecog_2_or_more", ">=2"),
    "iss_iii": ("advanced_stage", "yes"),
    "not_krd": ("second_line_krd", "other"),
}


def list_truth(truth: Mapping[str, Any], study: Study) -> list[dict[str, object]] | None:
    """Return the true values behind a synthetic dataset as estimates-like records; None for real data.

    Parameters
    ----------
    truth : mapping
        Content of the truth file, as `fhrmm.store.read_truth` gives it; empty for real data.
    study : Study
        The plan.

    Returns
    -------
    list of dict or None
        endpoint, estimand, time_months, estimate, variable, level, status. Rates are those the data were
        calibrated to; hazard ratios are those of progression, conditional on all other factors: they differ from
        univariable ones by construction.
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
    values = {parameter["name"]: parameter["value"] for parameter in truth["parameters"]}
    adverse = {factor.variable: factor.adverse for factor in study.factors}
    for name, ratio in values["hr_progression"].items():
        variable, level = _FACTORS[name]
        if variable in adverse:
            estimate = ratio if adverse[variable] == level else 1 / ratio
            what = {"endpoint": "PFS", "estimand": "hazard_ratio", "variable": variable}
            records.append(what | {"level": adverse[variable], "estimate": estimate})
    return records


def _center(interval: list[float]) -> float:
    return round(sum(interval) / len(interval), 2)
