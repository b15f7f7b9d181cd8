"""Firth's penalized likelihood against maxima and profiles found in base R (``firth.R``)."""

from __future__ import annotations

import numpy as np
import pytest
from tests.oracle.models.frozen import identifiers, model_of, read_cases, read_cohort, worst_difference

from timetoevent.firth import fit_firth_cox

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

CASES = read_cases("firth.json")
# R's optimizer works on numerical gradients
RELATIVE_OF_OPTIM = 1e-5


@pytest.mark.parametrize("case", CASES, ids=identifiers(CASES))
def test_firth(case):
    frame, expected = read_cohort(case["cohort"]), case["expected"]
    fit = fit_firth_cox(frame, **model_of(case))
    table = fit.coefficients[fit.coefficients.note != "reference"]
    found = {
        "coefficient": table.coefficient,
        "ci_lower": np.log(table.ci_lower),
        "ci_upper": np.log(table.ci_upper),
        "chisq": table.statistic**2,
        "log_likelihood": fit.log_likelihood[1],
    }
    unit = float(table.std_error.min())
    for name, numbers in found.items():
        scale = unit if name.startswith(("co", "ci")) else 1.0
        assert worst_difference(numbers, expected[name], scale) < RELATIVE_OF_OPTIM, name
