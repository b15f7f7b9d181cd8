"""Weighted comparisons against R: glm, coxph and survfit with weights (``weighting.R``)."""

from __future__ import annotations

import numpy as np
import pytest
from tests.oracle.models.frozen import RELATIVE, as_list, identifiers, read_cases, read_cohort, worst_difference

from timetoevent.weighting import compare_weighted

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

CASES = read_cases("weighting.json")


@pytest.mark.parametrize("case", CASES, ids=identifiers(CASES))
def test_weighting(case):
    cohort, expected, names = read_cohort(case["cohort"]), case["expected"], case["model"]
    if names["treatment"] == "sex_f":
        cohort = cohort.assign(sex_f=(cohort.sex == "f").astype(int))
    options = dict(case["weighing"])
    if "truncate" in options:
        options["truncate"] = tuple(options["truncate"])
    found = compare_weighted(
        cohort,
        time="time",
        event="event",
        treatment=names["treatment"],
        terms=as_list(names["terms"]),
        at=as_list(case["at"]),
        **options,
    )
    propensity = found.propensity.coefficients
    propensity = propensity[propensity.note != "reference"]
    compared = {
        "propensity_coefficient": propensity.coefficient,
        "propensity_std_error": propensity.std_error,
        "effective_n": found.sample_size.effective_n,
        "coefficient": np.log(found.hazard_ratio.estimate),
        "std_error": found.hazard_ratio.std_error,
    }
    for name, numbers in compared.items():
        assert worst_difference(numbers, expected[name]) < RELATIVE, name
    rows = as_list(expected["weights"]["rows"])
    assert worst_difference(found.weights.iloc[rows], expected["weights"]["values"]) < RELATIVE
    balance = found.balance
    # R's contrasts have no row for the reference level
    first = ~balance.duplicated("term") & (balance.level != "")
    for name in ("before", "after"):
        assert worst_difference(balance[f"difference_{name}"][~first], expected[name], scale=1.0) < RELATIVE
    for arm in ("treated", "control"):
        estimates = [estimate for which, _, estimate in found.survival if which == arm]
        fields = ("estimate", "std_error", "ci_lower", "ci_upper")
        numbers = [getattr(estimate, field) for field in fields for estimate in estimates]
        assert worst_difference(numbers, expected[arm]) < RELATIVE, arm
