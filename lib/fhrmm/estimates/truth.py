"""What synthetic data were made to have, in the words of the estimates table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fhrmm.estimates.collector import Collector
from fhrmm.study import Study, load_study
from timetoevent.results import NOT_REACHED, Estimate


def list_truth(truth: Mapping[str, Any], study: Study, *, univariable: Mapping[str, float]) -> pd.DataFrame | None:
    """Return the true values behind a synthetic dataset as rows like estimates; None for real data.

    `truth` is the content of the truth file; `univariable` the true hazard ratio of each factor of the study's own
    plan, adverse versus reference level. Rates are those the data were calibrated to.
    """
    if not truth:
        return None
    targets, rows = truth["targets"], Collector()
    for endpoint, count in (("ORR", "responders"), ("VGPR_OR_BETTER", "vgpr_or_better")):
        rows.add("proportion", Estimate(targets[count] / truth["achieved"]["n"]), endpoint=endpoint)
    for endpoint in ("PFS", "OS"):
        rate = round(sum(targets[f"{endpoint.lower()}_12_months"]) / 2, 2)  # the middle of what was aimed at
        at = float(study.time.headline_months)
        rows.add("survival_probability", Estimate(rate), endpoint=endpoint, time_months=at)
        rows.add("median_months", Estimate(status=NOT_REACHED), endpoint=endpoint)
    known = {factor.variable: factor.adverse for factor in load_study().factors}
    for factor in (factor for factor in study.factors if factor.variable in univariable):
        ratio = univariable[factor.variable]
        ratio = Estimate(ratio if factor.adverse == known[factor.variable] else 1 / ratio)
        rows.add("hazard_ratio", ratio, endpoint="PFS", variable=factor.variable, level=factor.adverse)
    return rows.frame()
