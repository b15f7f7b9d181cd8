"""Regimens as centers write them, and exposure with the 60-day rule."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhrmm.drugs import derive_exposure, parse_regimen
from fhrmm.drugs.regimens import drug_classes
from fhrmm.schema import conform
from fhrmm.study import load_study

STUDY = load_study()

STANDARD = [
    ("KRd", "KRd"), ("KRD", "KRd"), ("Carfilzomib-Len-Dex", "KRd"), ("K-Rd", "KRd"), ("krd 56", "KRd"),
    ("kyprolis + revlimid + desametasone", "KRd"), ("KRd x 6 cicli", "KRd"), ("K/R/d", "KRd"),
    ("Dara-VTd", "D-VTd"), ("D-VTD", "D-VTd"), ("DVTd", "D-VTd"), ("VTD-Dara", "D-VTd"), ("VTDdara", "D-VTd"),
    ("Dara Velcade Talidomide Desametasone", "D-VTd"), ("D-VTd + ASCT", "D-VTd"), ("D-VTd, Mel200", "D-VTd"),
    ("Daratumumab/VTD induzione", "D-VTd"), ("D-V-T-d", "D-VTd"), ("VTd + D", "D-VTd"),
    ("IsaKd", "Isa-Kd"), ("Isa-KD", "Isa-Kd"), ("isatuximab carfilzomib dex", "Isa-Kd"), ("Isa-KRd", "Isa-KRd"),
    ("PVD", "PVd"), ("Pom-Vd", "PVd"), ("VPd", "PVd"), ("DaraRd", "DRd"), ("DRD", "DRd"), ("D-Rd", "DRd"),
    ("D-R-d", "DRd"), ("DKd", "DKd"), ("Kd70", "Kd"), ("Kd", "Kd"), ("DVd", "DVd"), ("DPd", "DPd"), ("VRd", "VRd"),
    ("RVd", "VRd"), ("VRd-lite", "VRd"), ("D-RVd", "D-VRd"), ("VCd", "VCd"), ("CyBorD", "VCd"), ("D-VMP", "D-VMP"),
    ("VMP", "VMP"), ("IRd", "IRd"), ("Ixa-Rd", "IRd"), ("EloRd", "EloRd"), ("E-Rd", "EloRd"), ("EloPd", "EloPd"),
    ("SVd", "SVd"), ("XVd", "SVd"), ("VTD-PACE", "VTD-PACE"), ("DCEP", "DCEP"), ("Benda-Vd", "Benda-Vd"),
    ("PomaDex", "Pd"), ("Thal-Dex", "Td"), ("Len/dex", "Rd"), ("PAD", "PAD"), ("cilta-cel", "cilta-cel"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "name"), STANDARD)
def test_regimen_is_recognized(text, name):
    regimen = parse_regimen(text)
    assert (regimen.standard, regimen.recognized) == (name, True)


@pytest.mark.parametrize("text", ["BVd", "R-CHOP", "study drug", "xyz", "KRd + xyz", "CHOP-D", "-", ""])
def test_unrecognized_regimen_is_kept_as_written_and_has_no_drugs(text):
    regimen = parse_regimen(text)
    assert (regimen.standard, regimen.recognized, regimen.drugs) == (text, False, frozenset())


@pytest.mark.parametrize("text", [None, float("nan"), pd.NA, 3])
def test_missing_regimen_is_not_recognized(text):
    assert not parse_regimen(text).recognized


def test_drugs_without_standard_name_are_named_one_by_one_and_not_as_written():
    regimen = parse_regimen("VTd/KRd 2023-05-02")
    assert regimen.standard == "bortezomib+carfilzomib+dexamethasone+lenalidomide+thalidomide"
    assert len(regimen.drugs) == 5


def test_two_regimens_of_the_same_drugs_have_the_same_drug_set():
    assert parse_regimen("desametasone, lenalidomide e carfilzomib").drugs == parse_regimen("KRd").drugs


def test_high_dose_melphalan_is_conditioning_not_a_drug_of_the_regimen():
    assert "melphalan" not in parse_regimen("VTd + melphalan 200").drugs
    assert "melphalan" in parse_regimen("VMP").drugs


@pytest.mark.parametrize(
    ("text", "quadruplet"),
    [("D-VTd", True), ("D-VRd", True), ("D-VMP", True), ("D-VCd", True), ("DRd", False), ("Isa-KRd", False),
     ("VTd", False), ("VTD-PACE", False)],
)  # fmt: skip
def test_daratumumab_quadruplet(text, quadruplet):
    assert parse_regimen(text).is_daratumumab_quadruplet is quadruplet


def test_every_drug_of_the_catalog_has_a_class():
    assert set(drug_classes().values()) >= {"anti-CD38 antibody", "proteasome inhibitor", "immunomodulatory drug"}
    for text, _ in STANDARD:
        assert parse_regimen(text).drugs <= set(drug_classes())


@given(st.permutations(["carfilzomib", "lenalidomide", "dexamethasone"]), st.sampled_from([" ", "-", "+", ", ", " / "]))
def test_order_case_and_signs_do_not_matter(drugs, sign):
    assert parse_regimen(sign.join(drugs).upper()).standard == "KRd"


@given(st.text(max_size=40))
def test_any_text_is_parsed_without_error(text):
    regimen = parse_regimen(text)
    assert regimen.recognized is bool(regimen.drugs)


def exposure(study=STUDY, **columns):
    defaults = {
        "patient_id": "1", "center": "A", "first_line_regimen": "VTd", "first_line_start_date": "2021-01-01",
        "second_line_start_date": "2023-06-01", "second_line_regimen": "KRd",
    }  # fmt: skip
    patients = conform(pd.DataFrame([defaults | columns]), "patients")
    return derive_exposure(patients, study).loc[0]


ASCT = {"asct_date": "2021-08-01", "asct_count": 1, "first_line_best_response": "VGPR"}
LEN = {**ASCT, "maintenance": "lenalidomide", "maintenance_start_date": "2021-11-01"}
NO_ASCT = {"asct_count": 0}
ON_THERAPY = NO_ASCT | {"first_line_best_response": "PR", "first_progression_date": "2021-12-01"}

LENALIDOMIDE = [
    # expected, what is recorded
    ("refractory", LEN | {"maintenance_stop_date": "2023-03-01", "first_progression_date": "2023-04-30"}),
    ("exposed", LEN | {"maintenance_stop_date": "2023-03-01", "first_progression_date": "2023-05-01"}),
    ("refractory", LEN | {"first_progression_date": "2023-04-30"}),
    ("exposed", LEN),
    ("naive", ASCT | {"maintenance": "none", "first_progression_date": "2022-02-01"}),
    ("naive", ASCT | {"maintenance": "other", "first_progression_date": "2022-02-01"}),
    (None, ASCT | {"first_progression_date": "2022-02-01"}),
    ("naive", NO_ASCT | {"first_line_best_response": "SD", "first_progression_date": "2021-05-01"}),
    ("naive", NO_ASCT),
    ("refractory", ON_THERAPY | {"first_line_regimen": "DRd"}),
    ("refractory", NO_ASCT | {"first_line_regimen": "VRd", "first_line_best_response": "SD"}),
    ("exposed", NO_ASCT | {"first_line_regimen": "VRd", "first_line_best_response": "PR"}),
    ("exposed", ASCT | {"maintenance": "none", "first_line_regimen": "VRd", "first_progression_date": "2022-02-01"}),
    ("refractory", ASCT | {"maintenance": "none", "first_line_regimen": "VRd", "first_progression_date": "2021-07-01"}),
    (None, NO_ASCT | {"first_line_regimen": "study drug"}),
    ("refractory", LEN | {"first_line_regimen": "study drug", "first_progression_date": "2022-02-01"}),
    (None, {"maintenance": None, "first_line_best_response": "PR"}),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "columns"), LENALIDOMIDE)
def test_lenalidomide_exposure(expected, columns):
    found = exposure(**columns)["lenalidomide_exposure"]
    assert (None if pd.isna(found) else found) == expected


def test_partial_stop_date_leaves_refractoriness_open():
    common = LEN | {"center": "A", "first_line_regimen": "VTd", "maintenance_stop_date": "2023-02-15"}
    common |= {"maintenance_stop_date_lower": "2023-02-01", "maintenance_stop_date_upper": "2023-02-28"}
    relapses = ["2023-04-01", "2023-04-15", "2023-05-01"]
    rows = [common | {"patient_id": day, "first_progression_date": day} for day in relapses]
    found = derive_exposure(conform(pd.DataFrame(rows), "patients"), STUDY)["lenalidomide_exposure"]
    assert found.astype(object).where(found.notna(), None).tolist() == ["refractory", None, "exposed"]


def test_maintenance_without_stop_is_open_where_the_plan_says_so():
    study = load_study(overrides={"regimens.maintenance_without_stop_is_ongoing": False})
    assert pd.isna(exposure(study, **LEN, first_progression_date="2023-04-30")["lenalidomide_exposure"])


ANTI_CD38 = [
    ("yes", ON_THERAPY | {"first_line_regimen": "D-VTd"}),
    ("yes", NO_ASCT | {"first_line_regimen": "D-VTd", "first_line_best_response": "PD"}),
    ("no", ASCT | {"first_line_regimen": "D-VTd", "first_progression_date": "2022-06-01"}),
    ("yes", ASCT | {"first_line_regimen": "D-VTd", "first_progression_date": "2021-09-30"}),
    ("no", ASCT | {"first_line_regimen": "D-VTd", "first_progression_date": "2021-10-01"}),
    ("no", NO_ASCT | {"first_line_regimen": "VTd", "first_line_best_response": "PD"}),
    (None, NO_ASCT | {"first_line_regimen": "unknown"}),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "columns"), ANTI_CD38)
def test_anti_cd38_refractory(expected, columns):
    found = exposure(**columns)["anti_cd38_refractory"]
    assert (None if pd.isna(found) else found) == expected


@pytest.mark.parametrize(
    ("text", "krd", "carfilzomib"),
    [
        ("KRd", "KRd", "yes"),
        ("Isa-Kd", "other", "yes"),
        ("PVd", "other", "no"),
        ("unclear", None, None),
        (None, None, None),
    ],
)
def test_second_line_regimen_columns(text, krd, carfilzomib):
    found = exposure(second_line_regimen=text)[["second_line_krd", "second_line_carfilzomib"]]
    assert [None if pd.isna(value) else value for value in found] == [krd, carfilzomib]


def test_levels_have_the_reference_first_and_empty_tables_pass():
    found = derive_exposure(conform(pd.DataFrame({"patient_id": []}), "patients"), STUDY)
    assert list(found["second_line_krd"].cat.categories) == ["KRd", "other"]
    assert list(found["lenalidomide_exposure"].cat.categories) == ["naive", "exposed", "refractory"]
    assert len(found) == 0
