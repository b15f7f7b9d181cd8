"""What must hold for any cohort: response and endpoints as properties."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fhrmm.cohort import apply_criteria
from fhrmm.endpoints import derive_time_to_event
from fhrmm.response import derive_response, derive_visits
from fhrmm.schema import RESPONSES, conform, empty_table
from fhrmm.store import DatasetInfo
from fhrmm.study import load_study
from generator import simulate_population

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

START = date(2023, 1, 1)
STUDIES = {source: load_study(overrides={"response.source": source}) for source in ("recorded", "confirmed")}
STUDY = STUDIES["confirmed"]
EXAMPLES = settings(max_examples=10)  # cohorts of many patients: a derivation of one takes as long as of twenty
CODES = {name: code for code, name in enumerate(reversed(RESPONSES))}

day = st.integers(min_value=0, max_value=900)
maybe_day = st.none() | day
visit = st.tuples(st.sampled_from(list(CODES)), st.sampled_from([None, "biochemical", "imaging", "clinical"]), day)
patient = st.fixed_dictionaries(
    {
        "next_line_start_date": maybe_day,
        "death_date": maybe_day,
        "death_cause": st.sampled_from([None, "myeloma", "treatment", "other"]),
        "progression_date": maybe_day,
        "last_assessment_date": maybe_day,
        "last_contact_date": maybe_day,
        "best_response": st.sampled_from([None, *CODES]),
        "best_response_date": maybe_day,
        "visits": st.lists(visit, max_size=7),
    }
)
cohorts = st.lists(patient, min_size=1, max_size=20)
source = st.sampled_from(["recorded", "confirmed"])


def on(value, shift=0):
    return None if value is None else pd.Timestamp(START + timedelta(days=value + shift))


def tables(patients, *, shift=0, rename=str):
    """Return cohort and assessments of drawn patients."""
    cohort, visits = [], []
    for number, drawn in enumerate(patients):
        keys = {"patient_id": rename(number), "center": "A"}
        row = {
            name: on(value, shift) if name.endswith("_date") else value
            for name, value in drawn.items()
            if name != "visits"
        }
        cohort.append(keys | {"second_line_start_date": on(0, shift)} | row)
        names = ("response", "progression_basis")
        visits += [
            keys | dict(zip(names, seen, strict=True)) | {"assessment_date": on(at, shift)}
            for *seen, at in drawn["visits"]
        ]
    assessments = conform(pd.DataFrame(visits), "assessments") if visits else empty_table("assessments")
    return conform(pd.DataFrame(cohort), "patients"), assessments


def derive(cohort, assessments, study=STUDY, cutoff=None):
    info = DatasetInfo(data_cutoff_date=START + timedelta(days=cutoff)) if cutoff is not None else None
    response = derive_response(cohort, assessments, study, info=info)
    return response, derive_time_to_event(cohort, response, study, info=info)


def by_endpoint(times, endpoint):
    return times[times["endpoint"] == endpoint].set_index("patient_id")


@EXAMPLES
@given(st.lists(st.sampled_from([name for name in CODES if name != "PD"]), max_size=9))
def test_best_is_the_maximum_of_the_lower_of_consecutive_evaluable_visits(sequence):
    cohort, assessments = tables([{"visits": [(name, None, 7 * k) for k, name in enumerate(sequence)]}])
    evaluable = [CODES[name] for name in sequence if name != "NE"]
    expected = max([CODES["SD"], *(min(pair) for pair in itertools.pairwise(evaluable))]) if evaluable else None
    best = derive_response(cohort, assessments, STUDY)["best_confirmed_response"].iloc[0]
    assert CODES.get(best) == (expected if evaluable else (0 if sequence else None))


@pytest.mark.slow
@EXAMPLES
@given(cohorts, st.lists(st.tuples(st.integers(min_value=0, max_value=5), day), min_size=1, max_size=5))
def test_a_visit_that_could_not_be_evaluated_changes_no_confirmed_response(patients, added):
    more = [drawn | {"visits": list(drawn["visits"])} for drawn in patients]
    for which, at in added:
        more[which % len(more)]["visits"].append(("NE", None, at))
    before, after = (derive(*tables(drawn))[0] for drawn in (patients, more))
    evaluated = (before["n_visits"] > 0).to_numpy()
    pd.testing.assert_frame_equal(before[evaluated], after[evaluated])


@pytest.mark.slow
@EXAMPLES
@given(cohorts, source, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(patients, from_source, random):
    cohort, assessments = tables(patients)
    rows, visits = list(range(len(cohort))), list(range(len(assessments)))
    random.shuffle(rows)
    random.shuffle(visits)
    shuffled = cohort.iloc[rows].reset_index(drop=True), assessments.iloc[visits].reset_index(drop=True)
    keys = ["endpoint", "patient_id"]
    for straight, turned in zip(
        derive(cohort, assessments, STUDIES[from_source]), derive(*shuffled, STUDIES[from_source]), strict=True
    ):
        by = [key for key in keys if key in straight]
        pd.testing.assert_frame_equal(
            straight.sort_values(by, ignore_index=True),
            turned.sort_values(by, ignore_index=True),
            check_categorical=False,
        )


@pytest.mark.slow
@EXAMPLES
@given(cohorts, source, st.integers(min_value=-3000, max_value=3000))
def test_shifting_all_dates_shifts_dates_only(patients, from_source, shift):
    _, straight = derive(*tables(patients), STUDIES[from_source])
    _, moved = derive(*tables(patients, shift=shift), STUDIES[from_source])
    dates = ["origin_date", "end_date"]
    pd.testing.assert_frame_equal(straight.drop(columns=dates), moved.drop(columns=dates))
    assert ((moved["end_date"] - straight["end_date"]).dropna() == pd.Timedelta(days=shift)).all()


@pytest.mark.slow
@EXAMPLES
@given(cohorts)
def test_renaming_patients_changes_names_only(patients):
    straight, renamed = (
        derive(*tables(patients, rename=rename))[1] for rename in (str, lambda number: f"Z{99 - number}")
    )
    pd.testing.assert_frame_equal(straight.drop(columns="patient_id"), renamed.drop(columns="patient_id"))


@pytest.mark.slow
@EXAMPLES
@given(cohorts, source, day, day)
def test_a_later_cutoff_never_removes_an_earlier_event(patients, from_source, first, second):
    cohort, assessments = tables(patients)
    early, late = sorted((first, second))
    study = STUDIES["recorded"]
    _, before = derive(cohort, empty_table("assessments"), study, early)
    _, after = derive(cohort, empty_table("assessments"), study, late)
    keys = ["patient_id", "endpoint"]
    events = before[before["event"]].merge(after, on=keys, suffixes=("", "_later"))
    assert len(events) == before["event"].sum()
    assert events["event_later"].all()
    assert (events["time_months"] == events["time_months_later"]).all()
    assert (after["end_date"].dropna() <= on(late)).all()
    # with visits the first progression may be confirmed only later, so only death is compared
    _, before = derive(cohort, assessments, STUDIES[from_source], early)
    _, after = derive(cohort, assessments, STUDIES[from_source], late)
    died = by_endpoint(before, "OS")["event"]
    assert by_endpoint(after, "OS").loc[died[died].index, "event"].all()


@EXAMPLES
@given(cohorts, source)
def test_progression_free_survival_is_not_longer_than_survival(patients, from_source):
    alive = []
    for drawn in patients:
        # nothing can be recorded after death, and whoever is assessed is in contact
        dates = [at for name, at in drawn.items() if name.endswith("_date") and name != "death_date" and at is not None]
        seen = max([*dates, *(at for *_, at in drawn["visits"])], default=0)
        death = None if drawn["death_date"] is None else max(drawn["death_date"], seen)
        alive.append(drawn | {"death_date": death, "last_contact_date": seen if death is None else death})
    _, times = derive(*tables(alive), STUDIES[from_source])
    pfs, os = by_endpoint(times, "PFS"), by_endpoint(times, "OS")
    assert (pfs["time_months"] <= os["time_months"]).all()
    assert os.loc[~pfs["event"], "time_months"].ge(pfs.loc[~pfs["event"], "time_months"]).all()
    assert pfs.loc[os["event"] & (pfs["time_months"] == os["time_months"]), "event"].all()


@EXAMPLES
@given(cohorts, source)
def test_every_row_is_consistent(patients, from_source):
    response, times = derive(*tables(patients), STUDIES[from_source])
    responders = set(response.loc[response["responder"], "patient_id"])
    for endpoint in ("DOR", "TTR"):
        assert set(by_endpoint(times, endpoint).index) == responders
    derivable = times["derivable"]
    assert (times.loc[derivable, "time_months"] >= 0).all()
    assert times.loc[~derivable, "time_months"].isna().all()
    assert not times.loc[~derivable, "event"].any()
    assert times["event_description"].notna().eq(times["event"]).all()
    assert times["censor_reason"].notna().ne(times["event"]).all()
    assert times["source_column"].notna().eq(derivable).all()
    deeper = ["cr_or_better", "vgpr_or_better", "responder", "clinical_benefit", "evaluable"]
    assert all((response[a] <= response[b]).all() for a, b in itertools.pairwise(deeper))


@EXAMPLES
@given(cohorts)
def test_confirmed_response_is_never_better_than_the_best_visit(patients):
    cohort, assessments = tables(patients)
    found = derive_visits(cohort, assessments, STUDY)
    assume(len(found) > 0)
    counted = found[found["counts"] & (found["response"] != "PD")]
    codes = counted["response"].astype(object).map(CODES), counted["confirmed_status"].astype(object).map(CODES)
    assert (codes[1] <= codes[0]).all()
    best = (
        derive_response(cohort, assessments, STUDY)
        .set_index("patient_id")["best_confirmed_response"]
        .astype(object)
        .map(CODES)
    )
    visits = (
        assessments.assign(code=assessments["response"].astype(object).map(CODES)).groupby("patient_id")["code"].max()
    )
    assert (best.reindex(visits.index) <= visits.clip(lower=CODES["SD"])).all()


def test_pooled_counts_are_the_sum_of_the_centers():
    population = simulate_population(300, np.random.default_rng(4))
    pooled = apply_criteria(population.patients, STUDY)
    response, times = derive(pooled.cohort, population.assessments)
    centers = population.patients["center"].unique()
    parts = [apply_criteria(population.patients[population.patients["center"] == center], STUDY) for center in centers]
    counts = sum(part.attrition[["n_before", "n_excluded", "n_remaining"]] for part in parts)
    pd.testing.assert_frame_equal(pooled.attrition[["n_before", "n_excluded", "n_remaining"]], counts)
    apart = [derive(part.cohort, population.assessments) for part in parts]
    assert sum(int(part["responder"].sum()) for part, _ in apart) == response["responder"].sum()
    together = (
        pd.concat([part.astype({"endpoint": str}) for _, part in apart])
        .groupby("endpoint")[["event", "time_months"]]
        .sum()
    )
    expected = times.astype({"endpoint": str}).groupby("endpoint")[["event", "time_months"]].sum()
    pd.testing.assert_frame_equal(together.sort_index(), expected.sort_index())
