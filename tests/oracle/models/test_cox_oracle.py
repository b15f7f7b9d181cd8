"""Cox regression against frozen numbers of R's survival (``cox.R``)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.oracle.models.frozen import (
    RELATIVE,
    Case,
    identifiers,
    model_of,
    read_cases,
    read_cohort,
    worst_difference,
)

from timetoevent.cox import CoxFit, concordance_index, fit_cox

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite


def cases(operation: str):
    chosen = read_cases("cox.json", operation=operation)
    return pytest.mark.parametrize("case", chosen, ids=identifiers(chosen))


def fit_case(case: Case) -> CoxFit:
    return fit_cox(read_cohort(case["cohort"]), **model_of(case))


def numbers_of(fit: CoxFit) -> dict[str, object]:
    table = fit.coefficients[fit.coefficients.note != "reference"]
    return {
        "n": fit.n,
        "n_events": fit.n_events,
        "coefficient": table.coefficient,
        "std_error": table.std_error,
        "log_likelihood": fit.log_likelihood,
        "likelihood_ratio": fit.likelihood_ratio.statistic,
        "wald": fit.wald.statistic,
        "score": fit.score.statistic,
        "df": fit.score.df,
        "concordance": fit.concordance.estimate,
        "concordance_std_error": fit.concordance.std_error,
    }


@cases("coxph")
def test_fit(case):
    fit = fit_case(case)
    found = numbers_of(fit)
    if fit.wald.status != "ok":
        # fewer clusters than coefficients: R inverts a singular covariance to rounding
        assert "too few clusters" in fit.wald.note
        del found["wald"]
    differences = {name: worst_difference(numbers, case["expected"][name]) for name, numbers in found.items()}
    assert max(differences.values()) < RELATIVE, differences


@cases("monotone")
def test_monotone_likelihood(case):
    fit = fit_case(case)
    table = fit.coefficients[fit.coefficients.note != "reference"]
    expected = np.array(case["expected"]["coefficient"], dtype=float)
    endless = np.abs(expected) > 10
    assert (table.status == "not_estimable").tolist() == endless.tolist()
    assert table.hazard_ratio[table.status == "not_estimable"].isna().all()
    for name in ("coefficient", "std_error"):
        finite = np.where(endless, np.nan, np.array(case["expected"][name], dtype=float))
        assert worst_difference(table[name], finite, scale=0.1) < RELATIVE
    assert worst_difference(fit.log_likelihood, case["expected"]["log_likelihood"]) < RELATIVE


@cases("concordance")
def test_concordance_of_a_marker(case):
    cohort, names = read_cohort(case["cohort"]), case["model"]
    strata = pd.factorize(cohort[names["strata"]])[0] if names.get("strata") else None
    columns = (cohort["time"], cohort["event"].astype(bool), cohort[names["marker"]].astype(float))
    found = concordance_index(*(column.to_numpy() for column in columns), strata=strata)
    expected = case["expected"]
    assert worst_difference(found.estimate, expected["concordance"]) < RELATIVE
    assert worst_difference(found.std_error, expected["std_error"]) < RELATIVE
