"""Frailty against R's penalized ``coxph`` (``frailty.R``)."""

from __future__ import annotations

import numpy as np
import pytest
from tests.oracle.models.frozen import RELATIVE, identifiers, model_of, read_cases, read_cohort, worst_difference

from timetoevent.frailty import fit_frailty_cox

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

FRAILTY = read_cases("frailty.json", operation="frailty")
# R's search for the variance stops on the likelihood, which is flat around its maximum
RELATIVE_OF_SEARCH = 1e-4
NO_VARIANCE = 1e-3


@pytest.mark.parametrize("case", FRAILTY, ids=identifiers(FRAILTY))
def test_frailty(case):
    expected, theta = case["expected"], case.get("theta")
    distribution = "gamma" if case["distribution"] == "gamma" else "normal"
    fit = fit_frailty_cox(read_cohort(case["cohort"]), **model_of(case), distribution=distribution, variance=theta)
    table = fit.coefficients[fit.coefficients.note != "reference"]
    if theta is None and expected["variance"] < NO_VARIANCE:
        # R closes in on the boundary without ever being there
        assert fit.variance.estimate < NO_VARIANCE
        return
    tolerance = RELATIVE if theta is not None else RELATIVE_OF_SEARCH
    found = {
        "coefficient": table.coefficient,
        "std_error": table.std_error,
        "frailty": np.sort(fit.frailties.log_frailty),
        "variance": fit.variance.estimate,
    }
    if distribution == "gamma":
        found["integrated"] = fit.integrated_log_likelihood
    for name, numbers in found.items():
        scale = {"coefficient": float(table.std_error.min()), "frailty": float(fit.frailties.std_error.min())}
        # the variance itself is where a flat likelihood is largest
        limit = 20 * tolerance if name == "variance" and theta is None else tolerance
        assert worst_difference(numbers, expected[name], scale.get(name)) < limit, name
    assert worst_difference(fit.log_likelihood[1], expected["log_likelihood"][1]) < tolerance
