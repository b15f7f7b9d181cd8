"""Best response of each patient by source, its dates, flags, and the tables made of it."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from fhrmm.response import derive_depth, derive_response, derive_visits, tabulate_confirmation
from fhrmm.schema import RESPONSES, conform, empty_table
from fhrmm.store import DatasetInfo
from fhrmm.study import load_study
from generator import simulate_population

STUDY = load_study()
CONFIRMED = load_study(overrides={"response.source": "confirmed"})
START = "2024-01-01"
BASIC = {"patient_id": "1", "center": "A", "second_line_start_date": START}
RECORDED, VISIT = "patients.best_response_date", "assessments.assessment_date"
TWO = [("2024-02-01", "PR"), ("2024-03-01", "VGPR"), ("2024-04-01", "PR")]


def assess(visits, **keys):
    rows = [{"patient_id": "1", "center": "A", "assessment_date": day, "response": seen} | keys for day, seen in visits]
    return conform(pd.DataFrame(rows), "assessments") if rows else empty_table("assessments")


def derive(columns, visits=(), study=STUDY, info=None):
    cohort = conform(pd.DataFrame([BASIC | columns]), "patients")
    return derive_response(cohort, assess(visits), study, info=info).loc[0]


def known(value):
    return None if pd.isna(value) else value


FLAGS = {
    # evaluable, clinical benefit, responder, VGPR or better, CR or better
    "sCR": (1, 1, 1, 1, 1), "CR": (1, 1, 1, 1, 1), "VGPR": (1, 1, 1, 1, 0), "PR": (1, 1, 1, 0, 0),
    "MR": (1, 1, 0, 0, 0),
    "SD": (1, 0, 0, 0, 0), "PD": (1, 0, 0, 0, 0), "NE": (0, 0, 0, 0, 0), None: (0, 0, 0, 0, 0),
}  # fmt: skip


@pytest.mark.parametrize(("best", "flags"), FLAGS.items())
def test_flags_of_each_category(best, flags):
    row = derive({"best_response": best})
    names = ["evaluable", "clinical_benefit", "responder", "vgpr_or_better", "cr_or_better"]
    assert tuple(int(row[name]) for name in names) == flags
    assert known(row["best_response"]) == best


SOURCES = [
    # plan, recorded, visits: best response, its source
    ("recorded", "CR", [], "CR", "patients.best_response"),
    ("recorded", "CR", TWO, "CR", "patients.best_response"),
    ("recorded", None, TWO, "PR", "assessments.response"),
    ("recorded", None, [], None, None),
    ("recorded", "NE", TWO, "NE", "patients.best_response"),
    ("confirmed", "CR", [], "CR", "patients.best_response"),
    ("confirmed", "CR", TWO, "PR", "assessments.response"),
    ("confirmed", None, TWO, "PR", "assessments.response"),
    ("confirmed", "CR", [("2024-02-01", "NE")], "NE", "assessments.response"),
    ("confirmed", "CR", [("2023-12-01", "PR"), ("2023-12-20", "PR")], "CR", "patients.best_response"),
    ("confirmed", None, [("2024-02-01", "NE")], "NE", "assessments.response"),
]


@pytest.mark.parametrize(("source", "recorded", "visits", "best", "origin"), SOURCES)
def test_source_of_best_response(source, recorded, visits, best, origin):
    row = derive({"best_response": recorded}, visits, load_study(overrides={"response.source": source}))
    assert (known(row["best_response"]), known(row["best_response_source"])) == (best, origin)
    assert known(row["best_recorded_response"]) == recorded


def test_recorded_and_confirmed_stand_side_by_side_whatever_the_plan_uses():
    for study in (STUDY, CONFIRMED):
        row = derive({"best_response": "CR", "progression_date": "2024-06-01"}, TWO, study)
        assert (row["best_recorded_response"], row["best_confirmed_response"]) == ("CR", "PR")
        assert pd.isna(row["confirmed_progression_date"])
        assert row["best_confirmed_response_date"] == pd.Timestamp("2024-02-01")


@pytest.mark.parametrize(
    ("columns", "visits", "study", "day", "source"),
    [
        ({"best_response": "PR", "best_response_date": "2024-03-01"}, [], STUDY, "2024-03-01", RECORDED),
        ({"best_response": "PR", "best_response_date": "2024-03-01"}, TWO, STUDY, "2024-02-01", VISIT),
        ({"best_response": "PR", "best_response_date": "2024-01-20"}, TWO, STUDY, "2024-01-20", RECORDED),
        ({"best_response": "PR"}, TWO, STUDY, "2024-02-01", VISIT),
        ({"best_response": "PR"}, [], STUDY, None, None),
        ({"best_response": "SD", "best_response_date": "2024-03-01"}, [], STUDY, None, None),
        ({"best_response": "SD", "best_response_date": "2024-03-01"}, TWO, STUDY, None, None),
        ({}, [TWO[0], ("2024-02-15", "SD"), *TWO[1:]], CONFIRMED, "2024-03-01", VISIT),
        ({"next_line_start_date": "2024-01-15"}, TWO, CONFIRMED, None, None),
    ],
)  # fmt: skip
def test_first_response(columns, visits, study, day, source):
    row = derive(columns, visits, study)
    found = known(row["first_response_date"])
    assert (None if found is None else f"{found:%Y-%m-%d}", known(row["first_response_source"])) == (day, source)


def test_partial_response_date_keeps_its_bounds():
    bounds = {"best_response_date_lower": "2024-03-01", "best_response_date_upper": "2024-03-31"}
    row = derive({"best_response": "PR", "best_response_date": "2024-03-16"} | bounds)
    assert row["first_response_date"] == pd.Timestamp("2024-03-16")
    assert (row["first_response_date_lower"], row["first_response_date_precision"]) == (
        pd.Timestamp("2024-03-01"),
        "month",
    )


def test_visits_after_the_data_cutoff_are_left_out():
    info = DatasetInfo(data_cutoff_date=date(2024, 2, 15))
    row = derive({}, TWO, CONFIRMED, info)
    assert (row["best_confirmed_response"], row["n_visits"]) == ("SD", 1)


def test_visits_of_others_and_without_date_or_response_are_left_out():
    cohort = conform(pd.DataFrame([BASIC]), "patients")
    other = assess(TWO, center="B")
    nothing = assess([("2024-02-01", None), (None, "CR"), (None, "CR")])
    for table in (other, nothing):
        assert derive_response(cohort, table, CONFIRMED).loc[0, "n_visits"] == 0


def test_one_row_per_cohort_patient_in_its_order():
    population = simulate_population(80, np.random.default_rng(9))
    found = derive_response(population.patients, population.assessments, STUDY)
    pd.testing.assert_frame_equal(found[["center", "patient_id"]], population.patients[["center", "patient_id"]])


def test_recorded_and_confirmed_agree_where_both_are_known():
    population = simulate_population(300, np.random.default_rng(9))
    found = derive_response(population.patients, population.assessments, STUDY)
    both = found.dropna(subset=["best_recorded_response", "best_confirmed_response"])
    assert len(both) > 0
    assert (both["best_recorded_response"] == both["best_confirmed_response"]).mean() > 0.98


def test_depth_over_time_is_cumulative_and_adds_up():
    population = simulate_population(200, np.random.default_rng(9))
    visits = derive_visits(population.patients, population.assessments, STUDY)
    depth = derive_depth(visits, STUDY)
    by_month = depth.groupby("depth_by_month", observed=False)
    assert (by_month.size() == visits[["center", "patient_id"]].drop_duplicates().shape[0]).all()
    waiting = by_month["best_response"].apply(lambda reached: reached.isna().sum()).tolist()
    assert waiting == sorted(waiting, reverse=True)
    deep = by_month["best_response"].apply(lambda reached: reached.isin(["sCR", "CR"]).sum())
    assert deep.iloc[0] == 0 < deep.iloc[-1]
    for level in range(1, 8):  # what was reached stays reached, whatever comes later
        reached = by_month["best_response"].apply(lambda found, n=level: found.isin(RESPONSES[:n]).sum()).tolist()
        assert reached == sorted(reached)


def test_depth_by_hand():
    visits = pd.DataFrame({"months": [0.9, 2.0, 2.9], "best_so_far": ["SD", "PR", "VGPR"]})
    depth = derive_depth(visits.assign(center="A", patient_id="1"), STUDY).set_index("depth_by_month")["best_response"]
    assert depth.tolist() == ["SD", "PR", "VGPR", "VGPR", "VGPR", "VGPR"]
    assert depth.index.tolist()[:3] == ["by month 1", "by month 2", "by month 3"]


def test_depth_without_visits():
    nothing = derive_visits(conform(pd.DataFrame([BASIC]), "patients"), empty_table("assessments"), STUDY)
    assert derive_depth(nothing, STUDY).empty


def test_worked_example_follows_the_switches():
    usual = tabulate_confirmation(STUDY).set_index("case")["counts_as"]
    assert usual["same response next"] == "PR"
    assert usual["biochemical progression, then a new line"] == "PD"
    strict = load_study(
        overrides={
            "response.lone_biochemical_progression_with_new_line_is_event": False,
            "response.maximum_not_evaluable_between": 0,
        }
    )
    changed = tabulate_confirmation(strict).set_index("case")["counts_as"]
    assert changed["biochemical progression, then a new line"] == "NE"
    assert changed["NE, then the same"] == "SD"
    assert (usual != changed).sum() == 2


def test_no_patient():
    found = derive_response(empty_table("patients"), assess(TWO), STUDY)
    assert len(found) == 0
    assert found["responder"].dtype == bool


def test_a_visit_that_could_not_be_evaluated_confirms_nothing():
    recorded = {"best_response": "CR", "best_response_date": "2024-02-01"}
    found = derive(recorded, [("2024-03-01", "NE")], CONFIRMED)
    assert (found["best_response"], found["responder"]) == ("NE", False)
    assert derive(recorded, [("2024-03-01", "NE")])["responder"]
    assert derive(recorded, [], CONFIRMED)["responder"], "without visits the recorded response is used as it is"
