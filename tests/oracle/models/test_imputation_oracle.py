"""Imputation and pooling against R's mice (``imputation.R``)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.oracle.models.frozen import RELATIVE, identifiers, model_of, read_json, worst_difference

from timetoevent.cox import fit_cox
from timetoevent.imputation import Imputation, cumulative_hazard_at, impute_chained, pool_fits

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

FROZEN = read_json("imputation.json")
INCOMPLETE = pd.DataFrame({name: np.array(values, float) for name, values in FROZEN["incomplete"].items()})
VARIABLES = ["age", "female", "ph.karno", "wt.loss", "meal.cal", "ecog"]


def cases(operation: str):
    chosen = [case for case in FROZEN["cases"] if case["operation"] == operation]
    return pytest.mark.parametrize("case", chosen, ids=identifiers(chosen))


def test_nelson_aalen_hazard():
    found = cumulative_hazard_at(INCOMPLETE, time="time", event="event")
    assert worst_difference(found, FROZEN["hazard"]) < RELATIVE


@cases("pool")
def test_pooling_of_given_data_sets(case):
    fits = [fit_cox(INCOMPLETE.assign(**filled), **model_of(case)) for filled in FROZEN["completed"]]
    table = pool_fits(fits).coefficients
    names = ["coefficient", "std_error", "df", "relative_increase", "fraction_missing"]
    for name in names:
        # without missing values the variance between is rounding, and the increase with it
        scale = 1e-3 if name == "relative_increase" else None
        assert worst_difference(table[name], case["expected"][name], scale) < RELATIVE, name


@pytest.fixture(scope="module")
def imputation() -> Imputation:
    return impute_chained(
        INCOMPLETE,
        time="time",
        event="event",
        variables=VARIABLES,
        n_imputations=40,
        rng=np.random.default_rng(20),
    )


@cases("impute")
def test_own_imputation_meets_mice_within_monte_carlo_error(case, imputation):
    table = pool_fits([fit_cox(frame, **model_of(case)) for frame in imputation.frames]).coefficients
    expected = {name: np.array(values, float) for name, values in case["expected"].items()}
    monte_carlo = np.sqrt(expected["between"] * (1 / 40 + 1 / 80))
    distance = np.abs(table.coefficient - expected["coefficient"])
    assert (distance <= 4 * monte_carlo + 1e-9).all()
    assert table.std_error.to_numpy() == pytest.approx(expected["std_error"], rel=0.12)
