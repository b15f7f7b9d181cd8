"""Eligibility criteria, attrition and the derived columns of the cohort."""

from __future__ import annotations

import math
from datetime import date

import pandas as pd
import pytest

from fhrmm.cohort import apply_criteria
from fhrmm.cohort.criteria import CRITERIA
from fhrmm.errors import StudyError
from fhrmm.plan_check import load_plan
from fhrmm.schema import column_types, conform, empty_table
from fhrmm.store import DatasetInfo, Transfer
from fhrmm.study import load_study

STUDY = load_study()
ELIGIBLE = {
    "center": "A", "birth_year": 1960, "first_line_regimen": "VTd", "first_line_start_date": "2021-01-10",
    "first_line_best_response": "VGPR", "asct_date": "2021-07-01", "asct_count": 1, "maintenance": "none",
    "first_progression_date": "2022-03-01", "second_line_start_date": "2022-03-20", "second_line_regimen": "KRd",
}  # fmt: skip
# a quadruplet that failed before any transplant
FAILED = {"first_line_regimen": "D-VTd", "asct_date": None, "asct_count": 0, "first_line_best_response": "SD"}
MONTH = {"second_line_start_date_lower": "2021-08-01", "second_line_start_date_upper": "2021-09-30"}

ONE_BY_ONE = [
    # first failed criterion, what differs from an eligible patient
    (None, {}),
    ("second_line_started", {"second_line_start_date": None}),
    ("reported_once", {"reported_elsewhere": True}),
    ("adult", {"birth_year": 2005}),
    (None, {"birth_year": 2004}),
    (None, {"birth_year": None}),
    ("second_line_in_accrual_window", {"second_line_start_date": "2021-08-31", "first_progression_date": "2021-08-20"}),
    (None, {"second_line_start_date": "2021-09-01", "first_progression_date": "2021-08-20"}),
    ("second_line_in_accrual_window", {"second_line_start_date": "2025-01-01"}),
    (None, {"second_line_start_date": "2024-12-31"}),
    ("route_possible", {"asct_date": None, "asct_count": 0}),
    ("early_relapse", {"first_progression_date": "2022-07-02", "second_line_start_date": "2022-08-01"}),
    ("eligibility_determined", {"first_progression_date": None}),
    (
        "eligibility_determined",
        {"second_line_start_date": "2021-09-01", "first_progression_date": "2021-08-20", **MONTH},
    ),
]


def patients_of(rows):
    frame = pd.DataFrame([ELIGIBLE | {"patient_id": str(number)} | row for number, row in enumerate(rows)])
    elsewhere = frame.pop("reported_elsewhere").eq(True) if "reported_elsewhere" in frame else False
    return conform(frame, "patients").assign(reported_elsewhere=elsewhere)


def select(*rows, study=STUDY, info=None):
    return apply_criteria(patients_of(rows), study, info=info)


@pytest.fixture(scope="module")
def selection():
    return select(*(row for _, row in ONE_BY_ONE))


def test_each_patient_fails_at_the_expected_criterion(selection):
    failed = selection.decisions["first_failed_criterion"].astype(object)
    assert failed.where(failed.notna(), None).tolist() == [criterion for criterion, _ in ONE_BY_ONE]


def test_attrition_adds_up_and_keeps_criteria_without_exclusion(selection):
    attrition = selection.attrition
    assert attrition["criterion"].tolist() == ["all_patients", *STUDY.cohort.criteria]
    assert (attrition["n_before"] - attrition["n_excluded"] == attrition["n_remaining"]).all()
    assert attrition["n_before"].iloc[1:].tolist() == attrition["n_remaining"].iloc[:-1].tolist()
    assert attrition["n_remaining"].iloc[-1] == len(selection.cohort) == selection.decisions["included"].sum()
    everyone = select({}).attrition
    assert everyone["n_excluded"].tolist() == [0] * 8
    assert attrition["label"].str.len().min() > 10


def test_decisions_have_one_row_per_patient(selection):
    decisions = selection.decisions
    assert decisions["patient_id"].tolist() == [str(number) for number in range(len(ONE_BY_ONE))]
    assert set(selection.cohort["patient_id"]) == set(decisions.loc[decisions["included"], "patient_id"])
    assert (decisions.loc[decisions["included"], "eligibility"] == "in").all()


def test_undetermined_patients_can_be_kept():
    study = load_study(overrides={"cohort.keep_undetermined": True})
    kept = select({"first_progression_date": None}, study=study)
    assert len(kept.cohort) == 1
    assert kept.cohort["fhr_route"].tolist() == ["early relapse after ASCT"]
    assert kept.decisions["eligibility"].tolist() == ["undetermined"]


def test_confirmed_transfers_of_the_dataset_are_counted_elsewhere():
    info = DatasetInfo(transfers=(Transfer(center="A", patient_id="0", reported_by="B"),))
    assert select({}, {}, info=info).cohort["patient_id"].tolist() == ["1"]


def test_criteria_and_their_order_are_the_plans():
    study = load_study(overrides={"cohort.criteria": ["early_relapse", "second_line_started"]})
    found = select({"first_progression_date": "2023-07-02", "second_line_start_date": None}, study=study)
    assert found.decisions["first_failed_criterion"].tolist() == ["early_relapse"]
    with pytest.raises(StudyError, match="nearest: 'early_relapse'"):
        load_plan(overrides={"cohort.criteria": ["early_relaps"]})


def test_every_named_criterion_is_in_the_plan():
    assert set(CRITERIA) == set(STUDY.cohort.criteria)


def test_labels_name_the_plans_values():
    study = load_study(
        overrides={"cohort.second_line_from": date(2020, 1, 1), "functional_high_risk.window_months": 18}
    )
    labels = select({}, study=study).attrition.set_index("criterion")["label"]
    assert "2020-01-01" in labels["second_line_in_accrual_window"]
    assert "18 months" in labels["early_relapse"]
    assert labels["route_possible"] == "First-line daratumumab quadruplet or front-line ASCT"


@pytest.mark.parametrize(
    ("definition", "possible"),
    [
        ("fhr18_start", "Any first line"),
        ("karmma2_2a", "Front-line ASCT and lenalidomide maintenance"),
        ("cartitude2b", "Front-line ASCT or no front-line ASCT"),
    ],
)
def test_labels_follow_the_definition(definition, possible):
    study = load_study(overrides={"functional_high_risk.definition": definition})
    labels = select({}, study=study).attrition.set_index("criterion")["label"]
    assert labels["route_possible"] == possible
    assert "window" not in labels["early_relapse"]


def derive(**columns):
    cohort = select(columns).cohort
    assert len(cohort) == 1
    return cohort.loc[0]


DERIVED = [
    ({}, "fhr_route", "early relapse after ASCT"),
    ({"first_line_regimen": "D-VTd"}, "fhr_route", "both"),
    (FAILED, "fhr_route", "quadruplet"),
    ({}, "first_line_quadruplet", False),
    ({"first_line_regimen": "VTD-Dara"}, "first_line_quadruplet", True),
    ({}, "first_line_drugs", "bortezomib+dexamethasone+thalidomide"),
    ({"second_line_regimen": "Carfilzomib-Len-Dex"}, "second_line_standard", "KRd"),
    ({"second_line_regimen": "protocol 12"}, "second_line_standard", "not recognized"),
    ({"second_line_regimen": "protocol 12"}, "second_line_drugs", None),
    ({}, "second_line_krd", "KRd"),
    ({"second_line_regimen": "Isa-Kd"}, "second_line_krd", "other"),
    ({"second_line_regimen": "Isa-Kd"}, "second_line_carfilzomib", "yes"),
    ({}, "frontline_asct", "yes"),
    (FAILED, "frontline_asct", "no"),
    ({}, "frontline_pathway", "ASCT, no lenalidomide maintenance"),
    ({"maintenance": "other"}, "frontline_pathway", "ASCT, no lenalidomide maintenance"),
    ({"maintenance": "lenalidomide"}, "frontline_pathway", "ASCT, lenalidomide maintenance"),
    ({"maintenance": None}, "frontline_pathway", None),
    (FAILED | {"maintenance": None}, "frontline_pathway", "no ASCT"),
    ({"maintenance": "lenalidomide"}, "lenalidomide_maintenance", "yes"),
    ({"maintenance": "lenalidomide"}, "lenalidomide_exposure", "refractory"),
    ({}, "lenalidomide_exposure", "naive"),
    ({"emd_second_line": "none"}, "extramedullary_disease", "no"),
    ({"emd_second_line": "paraskeletal"}, "extramedullary_disease", "yes"),
    ({}, "extramedullary_disease", None),
    ({"ecog_second_line": 1}, "ecog_2_or_more", "0-1"),
    ({"ecog_second_line": 2}, "ecog_2_or_more", ">=2"),
    ({}, "ecog_2_or_more", None),
    ({"iss_diagnosis": "III"}, "advanced_stage", "yes"),
    ({"iss_diagnosis": "II"}, "advanced_stage", "no"),
    ({"ldh_u_l": 251, "ldh_uln_u_l": 250}, "ldh_above_uln", "yes"),
    ({"ldh_u_l": 250, "ldh_uln_u_l": 250}, "ldh_above_uln", "no"),
    ({}, "age_second_line", 62.0),
    ({}, "months_to_relapse", 243 / 30.4375),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "name", "expected"), DERIVED)
def test_derived_column(columns, name, expected):
    found = derive(**columns)[name]
    if isinstance(expected, float):
        assert math.isclose(found, expected)
    else:
        assert (None if pd.isna(found) else found) == expected


def test_true_extramedullary_only_is_a_switch():
    study = load_study(overrides={"staging.extramedullary_levels": ["extramedullary"]})
    cohort = select({"emd_second_line": "paraskeletal"}, {"emd_second_line": "extramedullary"}, study=study).cohort
    assert cohort["extramedullary_disease"].tolist() == ["no", "yes"]


def test_two_level_factors_have_the_plans_reference_first():
    cohort = select({}).cohort
    for factor in STUDY.factors:
        assert list(cohort[factor.variable].cat.categories) == [factor.reference, factor.adverse]
    assert tuple(cohort[STUDY.pathway.variable].cat.categories) == STUDY.pathway.levels


def test_cohort_keeps_every_canonical_column_and_no_column_twice():
    cohort = select({}).cohort
    assert set(column_types("patients")) <= set(cohort.columns)
    assert cohort.columns.is_unique


def test_no_patient_gives_an_empty_cohort_of_the_same_columns():
    empty = apply_criteria(empty_table("patients"), STUDY)
    assert len(empty.cohort) == 0
    assert set(empty.cohort.columns) == set(select({}).cohort.columns) - {"reported_elsewhere"}
    assert empty.attrition["n_remaining"].tolist() == [0] * 8


def test_input_is_not_modified():
    patients = patients_of([{}, {"maintenance": None}])
    before = patients.copy(deep=True)
    apply_criteria(patients, STUDY)
    pd.testing.assert_frame_equal(patients, before)
