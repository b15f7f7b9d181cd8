"""Every line of the confirmation table, and best response from sequences of visits."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from fhrmm.response import derive_response, derive_visits
from fhrmm.schema import conform, empty_table
from fhrmm.study import load_study

STUDY = load_study(overrides={"response.source": "confirmed"})
ORIGIN = pd.Timestamp("2023-01-01")
BIO, IMAGE, CLINIC = "biochemical", "imaging", "clinical"


def build(visits, patient_id="1", **columns):
    """Return cohort and assessments; a visit is a response, or (response, basis), or (response, basis, day)."""
    cohort = {"patient_id": patient_id, "center": "A", "second_line_start_date": ORIGIN} | columns
    cohort = {
        name: ORIGIN + pd.Timedelta(days=value) if isinstance(value, int) else value for name, value in cohort.items()
    }
    rows = []
    for number, visit in enumerate(visits, start=1):
        response, basis, day = (visit if isinstance(visit, tuple) else (visit,)) + (None, None)[: 3 - _length(visit)]
        rows.append(
            {"patient_id": patient_id, "center": "A", "response": response, "progression_basis": basis,
             "assessment_date": ORIGIN + pd.Timedelta(days=28 * number if day is None else day)}
        )  # fmt: skip
    table = pd.DataFrame(rows) if rows else empty_table("assessments")
    return conform(pd.DataFrame([cohort]), "patients"), conform(table, "assessments")


def _length(visit):
    return len(visit) if isinstance(visit, tuple) else 1


def plan(**overrides):
    return load_study(overrides={f"response.{k}": v for k, v in ({"source": "confirmed"} | overrides).items()})


def days(value):
    return None if pd.isna(value) else (pd.Timestamp(value) - ORIGIN).days


def summary(visits, study=STUDY, **columns):
    row = derive_response(*build(visits, **columns), study).loc[0]
    best = row["best_confirmed_response"]
    dates = (row["best_confirmed_response_date"], row["first_response_date"], row["confirmed_progression_date"])
    return (None if pd.isna(best) else best, *(days(date) for date in dates))


def statuses(visits, study=STUDY, **columns):
    return derive_visits(*build(visits, **columns), study)["confirmed_status"].tolist()


RESPONDING = ["sCR", "CR", "VGPR", "PR", "MR"]
SAME_OR_BETTER = [(own, later) for i, own in enumerate(RESPONDING) for later in RESPONDING[: i + 1]]
LOWER = [(own, later) for i, own in enumerate(RESPONDING) for later in RESPONDING[i + 1 :]]


@pytest.mark.parametrize(("own", "later"), SAME_OR_BETTER)
def test_same_or_better_next_confirms_the_response_itself(own, later):
    assert statuses([own, later])[0] == own


@pytest.mark.parametrize(("own", "later"), LOWER)
def test_lower_response_next_confirms_the_lower(own, later):
    assert statuses([own, later])[0] == later


@pytest.mark.parametrize("own", RESPONDING)
@pytest.mark.parametrize(
    ("following", "columns"),
    [
        (["SD"], {}),
        ([("PD", BIO)], {}),
        ([("PD", IMAGE)], {}),
        ([], {}),
        (["NE"], {}),
        (["sCR"], {"next_line_start_date": 40}),
    ],
)
def test_unconfirmed_response_counts_as_stable_disease(own, following, columns):
    assert statuses([own, *following], **columns)[0] == "SD"


@pytest.mark.parametrize("following", [[], ["SD"], ["PR"], [("PD", BIO)], ["NE"]])
def test_stable_disease_needs_no_confirmation(following):
    assert statuses(["SD", *following])[0] == "SD"


PROGRESSION = [
    # expected status of the progression, visits after it, what else is known
    ("PD", BIO, [("PD", BIO)], {}),
    ("NE", BIO, [], {}),
    ("NE", BIO, ["PR"], {}),
    ("NE", BIO, ["SD"], {}),
    ("NE", BIO, [], {"death_date": 90, "death_cause": "other"}),
    ("NE", BIO, [], {"death_date": 90, "death_cause": "treatment"}),
    ("PD", BIO, [], {"death_date": 90, "death_cause": "myeloma"}),
    ("NE", BIO, ["SD"], {"death_date": 90, "death_cause": "myeloma"}),
    ("PD", BIO, ["NE", ("PD", BIO)], {}),
    ("NE", None, [], {}),
    ("PD", None, [("PD", None)], {}),
    ("PD", IMAGE, [], {}),
    ("PD", IMAGE, ["PR"], {}),
    ("PD", CLINIC, [], {}),
    ("PD", BIO, [("PD", BIO)], {"next_line_start_date": 70}),  # the second one falls in the next line
    ("PD", BIO, [], {"next_line_start_date": 70}),  # lone, and what led to the next line
    ("PD", BIO, ["PR"], {"next_line_start_date": 70}),  # what the next line does says nothing about it
    ("NE", BIO, ["SD"], {"next_line_start_date": 100}),  # a visit without progression comes before the next line
]


@pytest.mark.parametrize(("expected", "basis", "following", "columns"), PROGRESSION)
def test_progression(expected, basis, following, columns):
    assert statuses(["SD", ("PD", basis), *following], **columns)[1] == expected


def test_lone_biochemical_progression_with_new_line_is_a_switch():
    strict = plan(lone_biochemical_progression_with_new_line_is_event=False)
    assert statuses(["SD", ("PD", BIO)], strict, next_line_start_date=70)[1] == "NE"
    assert statuses(["SD", ("PD", BIO), ("PD", BIO)], strict, next_line_start_date=70)[1] == "PD"


def test_what_stands_alone_is_a_switch():
    assert statuses(["SD", ("PD", CLINIC)], plan(progression_stands_alone=["imaging"]))[1] == "NE"


BEST = [
    # visits, what else is known: best response, its day, first response, progression
    (["PR", "VGPR", "VGPR", ("PD", BIO), ("PD", BIO)], {}, ("VGPR", 56, 28, 112)),
    (["PR", ("PD", BIO)], {"death_date": 100, "death_cause": "other"}, ("SD", 28, None, None)),
    (["VGPR", "PR"], {}, ("PR", 28, 28, None)),
    (["PR", "NE", "PR"], {}, ("PR", 28, 28, None)),
    (["PR", "VGPR"], {"next_line_start_date": 40}, ("SD", 28, None, None)),
    ([("PD", IMAGE)], {}, ("PD", 28, None, 28)),
    ([], {}, (None, None, None, None)),
    (["NE"], {}, ("NE", None, None, None)),
    (["NE", "NE"], {}, ("NE", None, None, None)),
    (["SD"], {}, ("SD", 28, None, None)),
    (["MR", "MR"], {}, ("MR", 28, None, None)),
    (["CR", "CR"], {}, ("CR", 28, 28, None)),
    (["PR", "PR", "CR", "VGPR"], {}, ("VGPR", 84, 28, None)),
    (["PR", "PR", ("PD", IMAGE), "CR", "CR"], {}, ("PR", 28, 28, 84)),
    (["SD", "PR", "SD", "PR", "PR"], {}, ("PR", 112, 112, None)),
    ([("PD", BIO)], {}, ("NE", 28, None, None)),
    ([("PD", BIO), "PR", "PR"], {}, ("PR", 56, 56, None)),
    ([("PD", BIO), ("PD", BIO)], {}, ("PD", 28, None, 28)),
    (["PR", ("PD", BIO), "PR", "PR"], {}, ("PR", 84, 84, None)),
    (["PR", "PR"], {"next_line_start_date": 28}, ("SD", 28, None, None)),
    (["PR", "PR"], {"next_line_start_date": 56}, ("PR", 28, 28, None)),
    (["sCR", "sCR"], {"next_line_start_date": 20}, ("NE", None, None, None)),
    # two samples on one day: the worst evaluable one counts
    ([("CR", None, 28), ("PR", None, 28), ("CR", None, 56)], {}, ("PR", 28, 28, None)),
    ([("NE", None, 28), ("PR", None, 28), ("PR", None, 56)], {}, ("PR", 28, 28, None)),
    ([("PR", None, 28), ("PR", None, 28)], {}, ("SD", 28, None, None)),
    ([("PD", BIO, 28), ("PD", IMAGE, 28)], {}, ("PD", 28, None, 28)),
    # out of order
    ([("PD", IMAGE, 84), ("PR", None, 56), ("VGPR", None, 28)], {}, ("PR", 28, 28, 84)),
    # before the start of second line, and on its first day
    ([("CR", None, -20), ("CR", None, -5), ("PR", None, 28), ("PR", None, 56)], {}, ("PR", 28, 28, None)),
    ([("PD", IMAGE, 0)], {}, ("PD", 0, None, 0)),
    ([("PR", None, 0), ("PR", None, 28)], {}, ("PR", 0, 0, None)),
]  # fmt: skip


@pytest.mark.parametrize(("visits", "columns", "expected"), BEST)
def test_best_response(visits, columns, expected):
    assert summary(visits, **columns) == expected


SWITCHES = [
    ({"date_at": "confirming"}, ["SD", "PR", "VGPR", "VGPR"], {}, ("VGPR", 112, 84, None)),
    ({"date_at": "confirming"}, ["SD"], {}, ("SD", 28, None, None)),
    ({"progression_date_at": "confirming"}, ["SD", ("PD", BIO), ("PD", BIO)], {}, ("SD", 28, None, 84)),
    ({"progression_date_at": "confirming"}, ["SD", ("PD", IMAGE), ("PD", BIO)], {}, ("SD", 28, None, 56)),
    ({"maximum_not_evaluable_between": 0}, ["PR", "NE", "PR"], {}, ("SD", 28, None, None)),
    ({"maximum_not_evaluable_between": 1}, ["PR", "NE", "PR"], {}, ("PR", 28, 28, None)),
    ({"maximum_not_evaluable_between": 1}, ["PR", "NE", "NE", "PR"], {}, ("SD", 28, None, None)),
    ({"minimum_confirmation_days": 29}, ["PR", "PR"], {}, ("SD", 28, None, None)),
    ({"minimum_confirmation_days": 28}, ["PR", "PR"], {}, ("PR", 28, 28, None)),
    ({"minimum_confirmation_days": 29}, ["PR", "PR", "PR"], {}, ("PR", 28, 28, None)),
]


@pytest.mark.parametrize(("overrides", "visits", "columns", "expected"), SWITCHES)
def test_switches(overrides, visits, columns, expected):
    assert summary(visits, plan(**overrides), **columns) == expected


def test_late_confirmation_counts_and_is_flagged():
    on_time, late = [("PR", None, 28), ("PR", None, 112)], [("PR", None, 28), ("PR", None, 113)]
    for visits, flagged in ((on_time, False), (late, True)):
        row = derive_response(*build(visits), STUDY).loc[0]
        assert (row["best_confirmed_response"], bool(row["late_confirmation"])) == ("PR", flagged)
        assert bool(derive_visits(*build(visits), STUDY)["late_confirmation"].iloc[0]) is flagged


def test_confirmed_status_is_carried_forward_and_progression_ends_it():
    visits = ["SD", "PR", "PR", "SD", ("PD", IMAGE), "CR", "CR"]
    found = derive_visits(*build(visits), STUDY)
    assert found["best_so_far"].tolist() == ["SD", "PR", "PR", "PR", "PR", "PR", "PR"]
    assert found["counts"].tolist() == [True] * 5 + [False] * 2


def test_best_equals_the_maximum_of_the_lower_of_consecutive_visits():
    """The identity that defines the table: pairs before progression and next therapy, at least stable disease."""
    depth = {"sCR": 7, "CR": 6, "VGPR": 5, "PR": 4, "MR": 3, "SD": 2}
    rng = np.random.default_rng(11)
    for number in range(40):
        sequence = rng.choice([*depth, "NE"], rng.integers(1, 8)).tolist()
        evaluable = [depth[name] for name in sequence if name != "NE"]
        lower = [min(pair) for pair in itertools.pairwise(evaluable)]
        expected = max([2, *lower]) if evaluable else None
        best = summary(sequence, patient_id=str(number))[0]
        assert depth.get(best) == expected
