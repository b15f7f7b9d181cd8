"""The proportional hazards test against frozen numbers of R's ``cox.zph`` (``proportional_hazards.R``)."""

from __future__ import annotations

import pytest
from tests.oracle.models.frozen import (
    RELATIVE,
    as_list,
    identifiers,
    model_of,
    read_cases,
    read_cohort,
    worst_difference,
)

from timetoevent.cox import fit_cox
from timetoevent.proportional_hazards import check_proportional_hazards, scaled_schoenfeld_residuals

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

CASES = read_cases("proportional_hazards.json")


@pytest.mark.parametrize("case", CASES, ids=identifiers(CASES))
def test_cox_zph(case):
    fit = fit_cox(read_cohort(case["cohort"]), **model_of(case))
    table, expected = check_proportional_hazards(fit, transform=case["transform"]), case["expected"]
    for name in ("statistic", "df", "p_value"):
        assert worst_difference(table[name], expected[name]) < RELATIVE, name
    frame = scaled_schoenfeld_residuals(fit, transform=case["transform"])
    assert len(frame) == expected["x"]["n"]
    rows = as_list(expected["x"]["rows"])
    assert worst_difference(frame["transformed_time"].iloc[rows], expected["x"]["values"]) < RELATIVE
    shown = frame.drop(columns=["row", "stratum", "time", "transformed_time"]).to_numpy()
    squares = (shown**2).sum(axis=0)
    assert worst_difference(squares, expected["y"]["squares"], scale=1e-3) < RELATIVE
