"""Our estimates beside those of lifelines: equal but for the conventions that are named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fhrmm.estimates.second_opinion import compare_with_lifelines
from fhrmm.study import load_study
from generator.simulation import simulate_follow_up

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

STUDY = load_study()


@pytest.mark.parametrize("seed", range(4))
def test_lifelines_agrees_on_rates_and_ratios(seed: int) -> None:
    sample = simulate_follow_up(80, STUDY, np.random.default_rng(seed))
    table = compare_with_lifelines(sample, STUDY).set_index("Quantity")["Relative difference"]
    assert set(table.drop("Median, months")) == {"below 1e-6"}


def test_a_plateau_at_one_half_is_where_the_two_differ() -> None:
    sample = pd.DataFrame({"time_months": [1.0, 2.0, 5.0, 9.0], "event": [True, True, True, False]})
    sample["second_line_krd"] = pd.Categorical(["KRd", "other", "KRd", "other"], ["KRd", "other"])
    row = compare_with_lifelines(sample, STUDY).set_index("Quantity").loc["Median, months"]
    assert (row["This report"], row["lifelines"]) == ("3.500000", "2.000000")
    assert row["Relative difference"] != "none"
