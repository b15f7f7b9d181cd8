"""Rows of the estimates table: one declaration of the columns, and counts that come from the model itself."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from fhrmm.estimate_table import ESTIMATE_COLUMNS, clean_estimates, to_frame, to_publish
from fhrmm.estimates.collector import Collector
from timetoevent.cox import fit_cox
from timetoevent.results import Estimate, not_estimable


def fitted():
    """Six patients, one of them with an unknown level: the model has five, of whom four have the event."""
    frame = pd.DataFrame({"t": [1.0, 2, 3, 4, 5, 6], "d": [1, 1, 0, 1, 1, 1]})
    frame["x"] = pd.Categorical(["a", "b", "a", "b", "a", None], categories=["a", "b"])
    return fit_cox(frame.dropna(), time="t", event="d", terms=["x"])


def test_rows_of_a_model_count_its_own_patients():
    fit = fitted()
    rows = Collector(endpoint="PFS", model="m")
    rows.add_fit(fit)
    rows.add("concordance", Estimate(0.5, n=6, n_events=5), of=fit)
    rows.add("ph_test_p", not_estimable("no reason"), of=fit, variable="x")
    found = rows.frame()
    levels = found[found["estimand"] == "hazard_ratio"].set_index("level")
    assert levels[["n", "n_events"]].to_dict("index") == {"a": {"n": 3, "n_events": 2}, "b": {"n": 2, "n_events": 2}}
    whole = found[found["estimand"] != "hazard_ratio"]
    assert whole[["n", "n_events"]].to_numpy().tolist() == [[5, 4], [5, 4]]
    assert levels[["n", "n_events"]].sum().tolist() == [5, 4]
    assert math.isnan(levels.loc["a", "ci_lower"]), "a reference has no interval"


def test_names_said_at_an_addition_go_before_those_all_rows_share():
    rows = Collector(endpoint="PFS", variable="x")
    rows.add("count", Estimate(1.0, n=1), variable="", population="evaluable")
    rows.add_rows(rows.frame(), population="cohort")
    assert rows.frame()[["variable", "population"]].to_numpy().tolist() == [["", "evaluable"], ["", "cohort"]]


@pytest.mark.parametrize("rows", [[], [{"endpoint": "PFS", "n": 3, "estimate": 1}], [{"n": None}, {"note": "x"}]])
def test_every_column_has_its_type_however_few_the_rows(rows):
    frame = to_frame(rows)
    assert clean_estimates(frame) is frame or frame.empty
    assert list(frame.columns) == list(ESTIMATE_COLUMNS)
    written = to_publish(frame).dtypes.astype(str)
    kinds = {"text": "object", "number": "float64", "count": "Int64"}
    assert written.to_dict() == {name: kinds[kind] for name, kind in ESTIMATE_COLUMNS.items()}
