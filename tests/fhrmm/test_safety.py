"""Adverse events by hand: who is counted, what counts, and death as what competes."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from fhrmm.estimates import safety
from fhrmm.schema import conform
from fhrmm.study import load_study

STUDY = load_study()
PATIENTS = [
    # center, patient, start, next line, death, last contact
    ("A", "1", "2023-01-01", None, None, "2024-01-01"),
    ("A", "2", "2023-01-01", "2023-07-01", None, "2024-01-01"),
    ("A", "3", "2023-01-01", None, "2023-04-01", "2023-04-01"),
    ("B", "4", "2023-01-01", None, None, "2024-01-01"),
]
EVENTS = [
    ("A", "1", "Anemia", 2, "2023-02-01"),
    ("A", "1", "Anemia", 3, "2023-03-01"),
    ("A", "1", "Rash", 1, "2022-12-31"),
    ("A", "2", "Anemia", 4, "2023-08-01"),
    ("A", "2", "Diarrhea", 2, "2023-02-01"),
]


@pytest.fixture
def cohort() -> pd.DataFrame:
    names = [
        "center",
        "patient_id",
        "second_line_start_date",
        "next_line_start_date",
        "death_date",
        "last_contact_date",
    ]
    return conform(pd.DataFrame(PATIENTS, columns=names).assign(death_cause=None), "patients")


@pytest.fixture
def events(cohort: pd.DataFrame) -> pd.DataFrame:
    names = ["center", "patient_id", "term", "grade", "onset_date"]
    sent = conform(pd.DataFrame(EVENTS, columns=names), "adverse_events")
    return safety.select_adverse_events(cohort, sent, STUDY)


def test_events_of_second_line_in_patients_of_centers_that_recorded_any(events: pd.DataFrame) -> None:
    """Center B sent nothing: its patient is no patient without events. Before and after second line does not count."""
    assert set(events["patient_id"]) == {"1", "2", "3"}
    assert events["term"].dropna().tolist() == ["Anemia", "Anemia", "Diarrhea"]
    found = safety.estimate_adverse_events(events, STUDY)
    counts = found[found["estimand"] == "proportion"].set_index(["level", "model"])[["n_events", "n"]]
    assert counts.loc[("", "any grade")].tolist() == [2, 3]
    assert counts.loc[("Anemia", "grade 3 or more")].tolist() == [1, 3]
    assert counts.loc[("Diarrhea", "grade 3 or more")].tolist() == [0, 3]
    assert found.loc[found["estimand"] == "median", "estimate"].item() == pytest.approx(181 / 30.4375)


def test_death_before_a_severe_event_competes(events: pd.DataFrame) -> None:
    """Severe at 1.9 months in one of three, death at 3.0 in one of the two left: 1/3 each."""
    found, curves = safety.estimate_severe_incidence(events, STUDY)
    last = curves.groupby("cause")["cumulative_incidence"].max()
    assert last["grade 3 or more"] == pytest.approx(1 / 3)
    assert last["death before"] == pytest.approx(1 / 3)
    assert set(found["status"]) == {"not_estimable"}, "nobody is followed for a year"


def test_nobody_with_a_severe_event_by_the_headline_time_is_an_incidence_of_zero(cohort: pd.DataFrame) -> None:
    nothing = dict.fromkeys(["death_date", "next_line_start_date"], pd.NaT)
    followed = cohort.assign(**nothing, last_contact_date=pd.Timestamp("2025-01-01"))
    names = ["center", "patient_id", "term", "grade", "onset_date"]
    sent = conform(pd.DataFrame(EVENTS[:1], columns=names), "adverse_events")
    events = safety.select_adverse_events(followed, sent, STUDY)
    found, _ = safety.estimate_severe_incidence(events, STUDY)
    assert found[["estimate", "n", "n_events"]].to_numpy().tolist() == [[0, 3, 0], [0, 3, 0]]
    assert set(found["note"]) == {"no event so far"}


def test_only_terms_of_the_list_are_named_and_nothing_is_lost_in_silence(cohort: pd.DataFrame) -> None:
    """Words of a center may hold anything; a grade or a date of onset may be missing."""
    sent = pd.DataFrame(
        [
            ("A", "1", " piastrinopenia", None, "2023-02-01"),
            ("A", "2", "Sig. Rossi, seen 2023-02-01", 3, "2023-02-01"),
            ("A", "3", "Anemia", 4, None),
        ],
        columns=["center", "patient_id", "term", "grade", "onset_date"],
    )
    events = safety.select_adverse_events(cohort, conform(sent, "adverse_events"), STUDY)
    assert events["term"].dropna().tolist() == ["Thrombocytopenia", safety.OTHER_TERM]
    assert events.attrs["n_undated"] == 1
    found = safety.estimate_adverse_events(events, STUDY)
    counts = found[found["estimand"] == "proportion"].set_index(["level", "model"])["n_events"]
    assert counts[("Thrombocytopenia", "any grade")] == 1
    assert counts[("Thrombocytopenia", "grade 3 or more")] == 0
    assert counts[("", "any grade")] == 2


def test_nothing_recorded_is_said_and_not_zero(cohort: pd.DataFrame) -> None:
    nothing = safety.select_adverse_events(cohort, conform(pd.DataFrame(columns=["center"]), "adverse_events"), STUDY)
    found = safety.estimate_adverse_events(nothing, STUDY)
    assert set(found["note"]) == {"not recorded by these centers"}
    assert found["estimate"].map(math.isnan).all()
    estimates, curves = safety.estimate_severe_incidence(nothing, STUDY)
    assert curves.empty
    assert set(estimates["status"]) == {"not_estimable"}


def test_causes_of_death_add_up_to_the_deaths(cohort: pd.DataFrame) -> None:
    found = safety.count_causes_of_death(cohort).set_index("level")
    assert (found.loc["missing", "estimate"], found.loc["missing", "n"], found["estimate"].sum()) == (1, 1, 1)


def test_a_center_that_cannot_record_grades_has_no_part_in_severe_events(cohort: pd.DataFrame) -> None:
    """Its events count as of any grade; that none of them is severe is no evidence."""
    blind = cohort.assign(unrecorded=cohort["center"].map({"A": "", "B": "the grade of an adverse event"}))
    sent = pd.DataFrame([*EVENTS, ("B", "4", "Anemia", None, "2023-02-01")], columns=list(sent_columns()))
    events = safety.select_adverse_events(blind, conform(sent, "adverse_events"), STUDY)
    found = safety.estimate_adverse_events(events, STUDY)
    counts = found[found["estimand"].eq("proportion") & found["variable"].eq("")].set_index("model")
    assert counts[["n_events", "n"]].to_numpy().tolist() == [[3, 4], [1, 3], [0, 3]]
    assert safety.estimate_severe_incidence(events, STUDY)[0]["n"].tolist() == [3, 3]
    alone = safety.estimate_adverse_events(events[events["center"] == "B"], STUDY)
    severe = alone[alone["model"] == "grade 3 or more"]
    assert set(severe["status"]) == {"not_estimable"}
    assert set(severe["note"]) == {"this export has no way to record the grade of an adverse event"}


def sent_columns() -> tuple[str, ...]:
    return "center", "patient_id", "term", "grade", "onset_date"
