"""Landmark and time-dependent models against R: subsets and ``tmerge`` (``landmark.R``)."""

from __future__ import annotations

import pandas as pd
import pytest
from tests.oracle.models.frozen import RELATIVE, Case, as_list, identifiers, read_cases, read_cohort, worst_difference

from timetoevent.cox import fit_cox
from timetoevent.landmark import make_landmark_data, split_at_change

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

CASES = read_cases("landmark.json")


def cohort_of(case: Case) -> pd.DataFrame:
    cohort, model = read_cohort(case["cohort"]), case["model"]
    return cohort.assign(began=cohort[model["began"]].where(cohort[model["state"]] == 1))


@pytest.mark.parametrize("case", CASES, ids=identifiers(CASES))
def test_landmark_and_time_dependent(case):
    model = case["model"]
    names = {"time": model["time"], "event": model["event"]}
    frame = cohort_of(case)
    if case["operation"] == "landmark":
        data = make_landmark_data(frame, **names, landmark=case["landmark"], changes={"state": "began"})
        fit = fit_cox(data.frame, **names, terms=["state", "z1"])
    else:
        long = split_at_change(frame, **names, changes={"state": "began"})
        names["time"] = "stop"
        fit = fit_cox(long, **names, entry="start", terms=as_list(model["terms"]))
    table = fit.coefficients[fit.coefficients.note != "reference"]
    found = {
        "n": fit.n,
        "n_events": fit.n_events,
        "coefficient": table.coefficient,
        "std_error": table.std_error,
        "log_likelihood": fit.log_likelihood,
    }
    for name, numbers in found.items():
        assert worst_difference(numbers, case["expected"][name]) < RELATIVE, name
