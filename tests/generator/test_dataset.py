"""The embedded dataset: bytes, dialects, faults, and what the real pipeline makes of it."""

from __future__ import annotations

import json
import re
import tomllib

import numpy as np
import openpyxl
import pandas as pd
import pytest

from fhrmm.cohort import apply_criteria
from fhrmm.endpoints import derive_time_to_event
from fhrmm.estimates.survival import estimate_survival
from fhrmm.response import derive_response
from fhrmm.schema import date_columns, variables
from fhrmm.store import list_centers, read_dataset_info
from fhrmm.study import load_study, repository_root
from generator import load_truth
from generator.__main__ import solve
from generator.calibration import OS_RANGE, PFS_RANGE
from generator.dataset import build_files
from generator.source import build_source
from generator.truth import SOLVED_BASIS
from intake.cleaning import clean_scope
from timetoevent.cox import fit_cox
from timetoevent.kaplan_meier import survival_at, survival_quantile

FOLDER = repository_root() / "data" / "synthetic"
TRUTH = json.loads((FOLDER / "_truth" / "truth.json").read_text(encoding="utf-8"))
KEY = ["center", "patient_id"]
# Findings that follow from how the patients are, not from a fault: line changes without progression, KRd after
# lenalidomide, a visit at which nothing could be measured.
NATURAL = {"second_line_without_progression", "lenalidomide_again", "assessment_empty", "column_absent"}


@pytest.fixture(scope="module")
def study():
    return load_study()


@pytest.fixture(scope="module")
def info():
    return read_dataset_info(FOLDER)


@pytest.fixture(scope="module")
def cleaned(study):
    return clean_scope(FOLDER, "ALL", study)


@pytest.fixture(scope="module")
def selection(cleaned, study, info):
    return apply_criteria(cleaned.patients, study, info=info)


@pytest.fixture(scope="module")
def response(selection, cleaned, study):
    return derive_response(selection.cohort, cleaned.assessments, study)


@pytest.fixture(scope="module")
def times(selection, response, study):
    return derive_time_to_event(selection.cohort, response, study)


@pytest.fixture(scope="module")
def roles():
    return pd.DataFrame(TRUTH["roles"])


# --- files ---------------------------------------------------------------------------------------------------------


def test_files_are_regenerated_byte_for_byte():
    files = build_files(load_truth())
    committed = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert committed == set(files)
    assert [path for path, content in files.items() if (FOLDER / path).read_bytes() != content] == []


def test_ten_centers_in_six_dialects(study):
    assert list_centers(FOLDER) == [f"C{number:02d}" for number in range(1, 11)]
    suffixes = {path.suffix for path in FOLDER.rglob("*") if path.is_file()}
    assert {".csv", ".tsv", ".xlsx", ".parquet"} <= suffixes
    formats = {
        file.get("format")
        for path in FOLDER.glob("*/center.toml")
        for file in tomllib.loads(path.read_text(encoding="utf-8"))["files"]
    }
    assert {"redcap_raw", "redcap_label", "xlsx"} <= formats
    assert not (FOLDER / "C05" / "center.toml").exists()


def test_everything_says_synthetic(cleaned, info):
    assert info.synthetic
    for table in (cleaned.patients, cleaned.assessments, cleaned.adverse_events):
        assert table["patient_id"].str.fullmatch(r"SYN-C\d\d-\d{3}").all()


def test_excel_center_has_serial_dates_merged_headers_and_a_legend():
    book = openpyxl.load_workbook(FOLDER / "C02" / "synthetic_registry.xlsx")
    assert book.sheetnames == ["Legenda", "Pazienti", "Esami"]
    sheet = book["Pazienti"]
    assert len(sheet.merged_cells.ranges) >= 5
    column = next(cell.column for cell in sheet[2] if cell.value == "Data")
    assert all(isinstance(sheet.cell(row, column).value, int) for row in range(3, sheet.max_row + 1))


def test_redcap_dictionary_has_18_columns():
    rows = pd.read_csv(FOLDER / "C03" / "SyntheticFHRMM_DataDictionary.csv", dtype=str)
    assert rows.shape[1] == 18
    assert {"text", "radio", "checkbox"} == set(rows["Field Type"])
    data = pd.read_csv(FOLDER / "C03" / "SyntheticFHRMM_DATA.csv", dtype=str)
    boxes = [name for name in data if "___" in name]
    fields = set(rows["Variable / Field Name"])
    assert {name.split("___")[0] for name in boxes} <= fields
    assert data["redcap_repeat_instrument"].dropna().unique().tolist() == ["rivalutazione", "evento_avverso"]


def test_assessments_of_four_centers_and_events_of_two(cleaned):
    assert sorted(cleaned.assessments["center"].unique()) == ["C01", "C02", "C03", "C07"]
    assert sorted(cleaned.adverse_events["center"].unique()) == ["C03", "C05"]


def test_codes_and_forms_that_centers_use_are_in_the_files():
    first = (FOLDER / "C01" / "pazienti_sintetici.csv").read_text(encoding="cp1252")
    visits = (FOLDER / "C01" / "rivalutazioni_sintetiche.csv").read_text(encoding="cp1252")
    eighth = (FOLDER / "C08" / "casistica_sintetica.csv").read_bytes()
    assert all(form in first for form in (";ND;", ";>5,5;", ";sì;", "Dara-VTd"))
    assert re.search(r";\d\d/20\d\d;", first)
    assert re.search(r";\d\.\d{3}(,\d)?;", visits)
    assert ";<2;" in visits
    assert eighth.startswith(b"\xef\xbb\xbf")
    assert re.search(r"gennaio|febbraio|marzo|aprile|maggio|giugno|luglio|agosto|bre 20", eighth.decode("utf-8-sig"))


# --- intake --------------------------------------------------------------------------------------------------------


def test_every_row_is_accounted_for(cleaned):
    rows = cleaned.row_accounting
    parts = rows[["rows_accepted", "rows_quarantined", "rows_duplicate"]].sum(axis=1)
    assert (rows["rows_read"] == parts).all()
    assert rows["rows_duplicate"].sum() == 3


def test_about_95_patients_are_reported(roles):
    assert 90 <= len(roles) <= 100
    assert roles["role"].value_counts().to_dict() == TRUTH["counts"]


def test_exactly_the_faulty_patients_are_quarantined(cleaned):
    """A visit of a patient whom no file of patients has is a row without a patient, and no patient."""
    faults = [fault for fault in TRUTH["faults"] if fault["family"] != "unknown_patient"]
    faulty = [fault["patient_id"] for fault in faults if fault["consequence"] == "quarantine"]
    assert sorted(cleaned.quarantined["patient_id"].dropna()) == sorted(faulty)


def find_fault(cleaned, fault):
    """Return the findings of the rule that a fault of the generator breaks, in its patient and table."""
    identity = fault["text"] if fault["family"] == "unknown_patient" else fault["patient_id"]
    return cleaned.issues[
        cleaned.issues["rule"].eq(fault["family"])
        & cleaned.issues["center"].eq(fault["center"])
        & cleaned.issues["table"].eq(fault["table"])
        & cleaned.issues["patient_id"].eq(identity)
    ]


@pytest.mark.parametrize("fault", [pytest.param(f, id=f"{f['patient_id']}-{f['family']}") for f in TRUTH["faults"]])
def test_every_injected_fault_is_found(cleaned, fault):
    found = find_fault(cleaned, fault)
    assert not found.empty
    assert found["severity"].eq("error" if fault["consequence"] == "quarantine" else "warning").all()
    if fault["consequence"] != "quarantine" and fault["table"] == "patients":
        assert fault["patient_id"] in set(cleaned.patients["patient_id"])


def test_all_injected_faults_are_found_and_no_error_is_false(cleaned):
    found = [not find_fault(cleaned, fault).empty for fault in TRUTH["faults"]]
    assert (sum(found), len(found)) == (len(TRUTH["faults"]),) * 2
    wrong = [fault for fault in TRUTH["faults"] if fault["consequence"] == "quarantine"]
    patients = {fault["text"] if fault["family"] == "unknown_patient" else fault["patient_id"] for fault in wrong}
    errors = cleaned.issues[cleaned.issues["severity"].eq("error")]
    assert set(errors["patient_id"]) == patients


def test_no_error_concerns_a_patient_without_fault(cleaned):
    faulty = {fault["patient_id"] for fault in TRUTH["faults"]} | {fault["text"] for fault in TRUTH["faults"]}
    errors = cleaned.issues[cleaned.issues["severity"].eq("error")]
    assert set(errors["patient_id"]) <= faulty


def test_no_warning_without_reason(cleaned):
    faulty = {(fault["patient_id"], fault["family"]) for fault in TRUTH["faults"]}
    patients = {fault["patient_id"] for fault in TRUTH["faults"]}
    warnings = cleaned.issues[cleaned.issues["severity"].eq("warning") & ~cleaned.issues["rule"].isin(NATURAL)]
    unexplained = warnings[~warnings["patient_id"].isin(patients)]
    assert unexplained.empty, unexplained[[*KEY, "rule"]].to_string()
    assert faulty


@pytest.fixture(scope="module")
def pairs(cleaned):
    """Return clean and true rows in the same order, and the cells that a fault has changed."""
    clean = cleaned.patients.set_index(KEY)
    source = build_source(load_truth()).patients.set_index(KEY).loc[clean.index]
    return clean, source, {(fault["patient_id"], fault["column"]) for fault in TRUTH["faults"]}


def differing(pairs, name, same):
    clean, source, changed = pairs
    different = ~np.asarray(same(clean[name], source[name]))
    known = clean[name.removesuffix("_precision")].notna().groupby(level="center").transform("any")
    return [key for key in clean.index[different & known] if (key[1], name.removesuffix("_precision")) not in changed]


def equal(left, right):
    left, right = left.astype(object), right.astype(object)
    return (left == right) | (left.isna() & right.isna())


def near(left, right):
    return np.isclose(left.astype(float), right.astype(float), rtol=0.02, equal_nan=True)


@pytest.mark.parametrize("name", date_columns("patients"))
def test_dates_and_their_precision_come_back_from_every_dialect(pairs, name):
    assert differing(pairs, name, equal) == []
    assert differing(pairs, f"{name}_precision", equal) == []


@pytest.mark.parametrize("name", [name for name, found in variables("patients").items() if found.levels])
def test_categories_come_back_from_every_dialect(pairs, name):
    assert differing(pairs, name, equal) == []


NUMBERS = [name for name, found in variables("patients").items() if found.type in ("number", "integer")]


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_come_back_within_the_rounding_of_a_unit(pairs, name):
    clean, source, changed = pairs
    if name == "ldh_uln_u_l":
        known = clean["ldh_u_l"].notna()
        pairs = clean[known], source[known], changed
    assert differing(pairs, name, near) == []


# --- cohort --------------------------------------------------------------------------------------------------------


def test_cohort_is_the_intended_62(selection, roles):
    intended = roles.loc[roles["role"].eq("cohort"), KEY]
    found = selection.cohort[KEY]
    assert set(map(tuple, found.to_numpy())) == set(map(tuple, intended.to_numpy()))
    assert found["center"].value_counts().sort_index().tolist() == [14, 10, 9, 8, 6, 5, 4, 3, 2, 1]


def test_every_exclusion_happens_to_those_it_was_made_for(selection, roles):
    excluded = selection.attrition.set_index("criterion")["n_excluded"]
    planned = roles.loc[~roles["role"].isin(["cohort", "quarantined"]), "role"].value_counts()
    assert {name: excluded[name] for name in planned.index} == planned.to_dict()
    assert excluded["adult"] == 0
    decided = selection.decisions.merge(roles, on=KEY)
    decided = decided[decided["role"].ne("cohort")]
    assert (decided["first_failed_criterion"].astype(str) == decided["role"]).all()


@pytest.mark.parametrize(("months", "more"), [(18, True), (9, False)])
def test_the_window_changes_the_cohort(cleaned, info, months, more):
    wider = load_study(overrides={"functional_high_risk.window_months": months})
    n = len(apply_criteria(cleaned.patients, wider, info=info).cohort)
    assert (n > 62) is more
    assert n != 62


def test_factors_are_missing_for_a_few(selection):
    missing = selection.cohort[["extramedullary_disease", "ecog_2_or_more", "advanced_stage"]].isna().sum()
    assert missing.between(1, 5).all()


# --- calibration ---------------------------------------------------------------------------------------------------


def test_response_counts(response):
    assert response["responder"].sum() == 38 == TRUTH["achieved"]["responders"]
    assert response["vgpr_or_better"].sum() == 26 == TRUTH["achieved"]["vgpr_or_better"]


@pytest.mark.parametrize(("endpoint", "limits", "name"), [("PFS", PFS_RANGE, "pfs"), ("OS", OS_RANGE, "os")])
def test_rates_at_one_year(times, endpoint, limits, name):
    chosen = times[times["endpoint"].eq(endpoint)]
    rate = survival_at(chosen["time_months"], chosen["event"], at=[12.0])[0].estimate
    assert limits[0] <= rate <= limits[1]
    assert rate == pytest.approx(TRUTH["achieved"][f"{name}_12_months"], abs=1e-12)
    assert survival_quantile(chosen["time_months"], chosen["event"]).status == "not_reached"
    rows = estimate_survival(times, load_study(), endpoint=endpoint)
    printed = rows[(rows["estimand"] == "survival_probability") & (rows["time_months"] == 12)].iloc[0]
    assert (printed["status"], printed["n"], printed["estimate"]) == ("ok", 62, pytest.approx(rate))


def test_every_published_factor_is_adverse(times, selection, study):
    pfs = times[times["endpoint"].eq("PFS")].merge(selection.cohort, on=KEY)
    achieved = list(TRUTH["achieved"]["hazard_ratios"].values())
    order = ["extramedullary_disease", "lenalidomide_maintenance", "frontline_asct", "ecog_2_or_more"]
    for variable, ratio in zip([*order, "advanced_stage", "second_line_krd"], achieved, strict=True):
        known = pfs[pfs[variable].notna()]
        adverse = known[variable].astype(str).eq(study.factor(variable).adverse).astype(float)
        frame = pd.DataFrame({"time": known["time_months"], "event": known["event"], "adverse": adverse})
        fit = fit_cox(frame, time="time", event="event", terms=["adverse"])
        assert np.exp(fit.beta[0]) > 1
        assert np.exp(fit.beta[0]) == pytest.approx(ratio, rel=1e-6)


@pytest.mark.slow
def test_constants_and_seed_follow_from_the_parameters_alone():
    truth = load_truth()
    assert solve() == {name: getattr(truth, name) for name in SOLVED_BASIS}


def test_truth_file_holds_the_constants(roles):
    truth = load_truth()
    assert TRUTH["seed"] == truth.seed
    assert TRUTH["solved"]["progression_per_month"] == truth.progression_per_month
    assert {parameter["evidence"] for parameter in TRUTH["parameters"]} == {"PUB", "REL", "CALC", "ASM"}
    assert "evidence" in TRUTH["notice"]
