"""The cut-off censors: what came after it is cut with a row in the audit, and nobody is quarantined for it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from fhrmm.cohort import add_derived
from fhrmm.endpoints import derive_time_to_event
from fhrmm.response import derive_response
from fhrmm.store import read_dataset_info
from fhrmm.study import load_study
from intake.cleaning import clean_scope

PATIENTS = """patient_id,diagnosis_date,first_line_start_date,first_progression_date,second_line_start_date,\
progression_date,progression_basis,next_line_start_date,best_response,best_response_date,last_assessment_date,\
last_contact_date,death_date,death_cause
seen,2021-01-05,2021-02-01,2022-12-01,2023-01-01,,,,PR,2023-03-01,2024-12-01,2025-01-10,,
died,2021-01-05,2021-02-01,2022-12-01,2023-01-01,,,,CR,2024-07-01,2024-03-01,,2024-08-15,myeloma
progressed,2021-01-05,2021-02-01,2022-12-01,2023-01-01,2024-07-20,imaging,2024-08-01,,,2024-07-20,2024-08-01,,
before,2021-01-05,2021-02-01,2022-12-01,2023-01-01,2023-06-01,clinical,,,,2023-06-01,2023-09-01,2023-09-01,other
later,2022-01-05,2022-02-01,2024-07-01,2024-08-01,,,,,,2024-09-01,2024-10-01,,
visited,2021-01-05,2021-02-01,2022-12-01,2023-01-01,,,,,,2024-05-01,2024-05-01,,
"""
VISITS = "patient_id,assessment_date,response\nvisited,2024-05-01,PR\nvisited,2024-08-01,PD\nseen,2024-06-30,PR\n"
CUTOFF = pd.Timestamp("2024-06-30")


@pytest.fixture
def data(tmp_path) -> Path:
    folder = tmp_path / "data" / "C01"
    folder.mkdir(parents=True)
    (folder / "patients.csv").write_text(PATIENTS, encoding="utf-8")
    (folder / "assessments.csv").write_text(VISITS, encoding="utf-8")
    return tmp_path / "data"


@pytest.fixture(params=["plan", "dataset"])
def cleaned(request, data):
    """The cut-off as a parameter of the run, and as the dataset states it."""
    study = load_study(overrides={"cohort.data_cutoff_date": "2024-06-30" if request.param == "plan" else None})
    if request.param == "dataset":
        (data / "dataset.toml").write_text("data_cutoff_date = 2024-06-30\n", encoding="utf-8")
    return clean_scope(data, "C01", study), study, read_dataset_info(data, study)


def test_nobody_is_quarantined_and_what_came_later_is_gone(cleaned):
    found, study, _ = cleaned
    assert found.issues[found.issues["severity"] == "error"].empty
    patients = found.patients.set_index("patient_id")
    assert len(patients) == 6
    assert patients.loc["seen", "last_contact_date"] == patients.loc["seen", "last_assessment_date"] == CUTOFF
    assert patients.loc["died", ["death_date", "death_cause", "best_response"]].isna().all()
    assert patients.loc["died", "last_contact_date"] == CUTOFF, "who died later was alive"
    assert patients.loc["died", "last_assessment_date"] == pd.Timestamp("2024-03-01")
    assert patients.loc["progressed", ["progression_date", "progression_basis", "next_line_start_date"]].isna().all()
    assert patients.loc["before", "death_date"] == pd.Timestamp("2023-09-01")
    assert pd.isna(patients.loc["later", "second_line_start_date"]), "had not begun by then"
    assert patients.loc["visited", "last_contact_date"] == CUTOFF, "a later visit shows that the patient was alive"
    assert found.assessments["assessment_date"].tolist() == [pd.Timestamp("2024-05-01"), CUTOFF]
    warned = found.issues[found.issues["rule"] == "date_after_cutoff"]
    assert warned.empty == (study.cohort.data_cutoff_date is not None), "a cut-off of the run is no fault of the data"


def test_each_cut_is_a_row_of_the_audit(cleaned):
    found = cleaned[0]
    cut = found.audit[found.audit["rule"] == "after_cutoff"].astype(str).set_index(["patient_id", "column"])
    assert cut.loc[("died", "death_date"), ["file", "row", "raw_value", "clean_value"]].tolist() == [
        "patients.csv", "3", "2024-08-15", "",
    ]  # fmt: skip
    assert cut.loc[("died", "last_contact_date"), ["raw_value", "clean_value"]].tolist() == ["", "2024-06-30"]
    assert cut.loc[("visited", "assessment_date"), ["table", "row", "clean_value"]].tolist() == ["assessments", "3", ""]
    assert cut.loc[("died", "death_cause"), "raw_value"] == "myeloma"
    rows = found.row_accounting
    assert rows["rows_read"].tolist() == rows["rows_accepted"].tolist() == [6, 3]


def test_times_end_at_the_cutoff(cleaned):
    found, study, info = cleaned
    cohort = add_derived(found.patients[found.patients["second_line_start_date"].notna()].assign(fhr_route=""), study)
    times = derive_time_to_event(cohort, derive_response(cohort, found.assessments, study, info=info), study, info=info)
    ends = times.set_index(["endpoint", "patient_id"])[["end_date", "event"]]
    assert ends.loc[("OS", "died")].tolist() == [CUTOFF, False]
    assert ends.loc[("OS", "before")].tolist() == [pd.Timestamp("2023-09-01"), True]
    assert ends.loc[("PFS", "died")].tolist() == [pd.Timestamp("2024-03-01"), False]
    assert ends.loc[("PFS", "progressed")].tolist() == [CUTOFF, False]
