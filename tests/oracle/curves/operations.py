"""This project's numbers for a frozen case: which function answers which operation, and what it is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from tests.oracle.cases import Case, load_cohort

from timetoevent import (
    competing_risks,
    kaplan_meier,
    logrank,
    meta_analysis,
    power,
    proportions,
    rmst,
)
from timetoevent.results import Estimate

FOLDER = Path(__file__).parent
Numbers = dict[str, object]


def compute(case: Case) -> Numbers:
    """Return the numbers of a case under the names R's have."""
    return OPERATIONS[case["operation"]](case)


def arguments(case: Case) -> dict[str, object]:
    """Return the keyword arguments of a case: columns of its cohort, and its options."""
    options = dict(case["options"])
    if case["columns"]:
        cohort = load_cohort(FOLDER, case["cohort"])
        options |= {name: cohort[column].to_numpy() for name, column in case["columns"].items()}
    return options


def _estimate(function: Callable[..., Estimate]) -> Callable[[Case], Numbers]:
    return lambda case: asdict(function(**arguments(case)))


def _estimates(case: Case) -> Numbers:
    rows = [asdict(result) for result in kaplan_meier.survival_at(**arguments(case))]
    return {name: [row[name] for row in rows] for name in rows[0]}


def _frame(function: Callable[..., pd.DataFrame]) -> Callable[[Case], Numbers]:
    """A frame, whole or, where R's was cut to some rows, those rows with the sums of all."""

    def run(case: Case) -> Numbers:
        frame = function(**arguments(case))
        rows = case["expected"].get("rows")
        if rows is None:
            return frame.to_dict("list")
        numbers = frame.select_dtypes("number")
        wanted = case["expected"]["sums"]
        sums = {name: numbers.loc[np.isfinite(numbers[name]), name].sum() for name in wanted}
        return frame.iloc[rows].to_dict("list") | {"n_rows": len(frame), "rows": rows, "sums": sums}

    return run


def _fine_gray(case: Case) -> Numbers:
    covariates = load_cohort(FOLDER, case["cohort"])[case["covariates"]]
    fit = competing_risks.fine_gray(**arguments(case), covariates=covariates)
    return asdict(fit) | fit.coefficients.to_dict("list")


def _meta_analysis(case: Case) -> Numbers:
    result = asdict(meta_analysis.meta_analysis(**arguments(case)))
    return result | result["pooled"]


def _value(function: Callable[..., float]) -> Callable[[Case], Numbers]:
    return lambda case: {"value": function(**arguments(case))}


OPERATIONS: dict[str, Callable[[Case], Numbers]] = {
    "kaplan_meier": _frame(kaplan_meier.kaplan_meier),
    "numbers_at_risk": _frame(kaplan_meier.numbers_at_risk),
    "survival_at": _estimates,
    "survival_quantile": _estimate(kaplan_meier.survival_quantile),
    "median_follow_up": _estimate(kaplan_meier.median_follow_up),
    "logrank": _estimate(logrank.logrank),
    "logrank_trend": _estimate(logrank.logrank_trend),
    "observed_expected": _frame(logrank.observed_expected),
    "adjust_p_values": lambda case: {"adjusted": logrank.adjust_p_values(**arguments(case))},
    "rmst": _estimate(rmst.rmst),
    "rmst_difference": _estimate(rmst.rmst_difference),
    "cumulative_incidence": _frame(competing_risks.cumulative_incidence),
    "gray_test": _estimate(competing_risks.gray_test),
    "fine_gray": _fine_gray,
    "proportion": _estimate(proportions.proportion),
    "fisher_exact": _estimate(proportions.fisher_exact),
    "odds_ratio": _estimate(proportions.fisher_exact),
    "minimum_detectable_hazard_ratio": _value(power.minimum_detectable_hazard_ratio),
    "meta_analysis": _meta_analysis,
    "prediction_interval": _meta_analysis,
}
