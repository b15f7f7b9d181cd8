"""From raw rows to accepted ones: accounting, duplicates, quarantine, audit, the problem list, several centers."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from fhrmm.errors import StudyError
from fhrmm.schema import TABLES, cannot_record, column_types
from fhrmm.store import Run
from fhrmm.study import load_study
from intake.cleaning import clean_scope, summarize_problems, write_problem_list
from intake.language import say
from intake.rules import ISSUE_COLUMNS, load_rules

BASE = Path(__file__).parent / "faults" / "base"
AUDIT = ["center", "table", "file", "row", "patient_id", "column", "raw_value", "clean_value", "rule"]
LDH = '[[files]]\npath = "p.csv"\ntable = "patients"\n[files.units]\nldh_u_l = "ratio"\n'


@pytest.fixture(scope="module")
def study():
    return load_study()


@pytest.fixture
def data(tmp_path) -> Path:
    shutil.copytree(BASE, tmp_path / "data")
    return tmp_path / "data"


def write(data: Path, text: str, center: str = "C01", name: str = "patients.csv", toml: str = "") -> None:
    (data / center).mkdir(exist_ok=True)
    (data / center / name).write_text(text, encoding="utf-8")
    if toml:
        (data / center / "center.toml").write_text(toml, encoding="utf-8")


def accounting(cleaned) -> list[list[int]]:
    rows = cleaned.row_accounting[["rows_read", "rows_accepted", "rows_quarantined", "rows_duplicate"]]
    assert rows["rows_read"].eq(rows.iloc[:, 1:].sum(axis=1)).all()
    return rows.to_numpy().tolist()


def errors(cleaned) -> list[str]:
    return cleaned.issues.loc[cleaned.issues["severity"] == "error", "rule"].tolist()


def test_shape_of_what_comes_out(data, study):
    cleaned = clean_scope(data, "X01", study)
    for table in TABLES:
        frame = getattr(cleaned, table)
        types = column_types(table)
        assert list(frame)[: len(types)] == list(types)
        assert all(frame[name].dtype == dtype for name, dtype in types.items())
    assert list(cleaned.patients)[-1] == "reported_elsewhere"
    assert cleaned.patients["reported_elsewhere"].dtype == bool
    assert list(cleaned.issues) == list(ISSUE_COLUMNS)
    assert list(cleaned.audit) == AUDIT
    assert list(cleaned.rules["rule"]) == list(load_rules())


def test_center_comes_from_the_folder_and_must_agree(data, study):
    write(data, "patient_id,center\nP1,C01\nP2,C02\n")
    cleaned = clean_scope(data, "C01", study)
    assert cleaned.patients["patient_id"].tolist() == ["P1"]
    assert errors(cleaned) == ["center_mismatch"]
    toml = '[[files]]\npath="patients.csv"\ntable="patients"\n[files.values.center]\n"C02" = "C01"\n'
    write(data, "patient_id,center\nP1,C01\nP2,C02\n", toml=toml)
    assert clean_scope(data, "C01", study).patients["center"].tolist() == ["C01", "C01"]


def test_exact_duplicates_count_once_and_conflicts_not_at_all(data, study):
    write(data, "patient_id,sex\nP1,f\nP2,m\nP1,F\nP2,f\nP3,m\nP1,female\n")
    cleaned = clean_scope(data, "C01", study)
    assert cleaned.patients["patient_id"].tolist() == ["P1", "P3"]
    assert accounting(cleaned) == [[6, 2, 2, 2]]
    assert cleaned.issues.loc[cleaned.issues["rule"] == "duplicate_row", "row"].tolist() == [4, 7]
    conflict = cleaned.issues[cleaned.issues["rule"] == "duplicate_patient"]
    assert conflict[["row", "found"]].values.tolist() == [
        [3, "also in row 5 of patients.csv"],
        [5, "also in row 3 of patients.csv"],
    ]


def test_duplicates_across_the_files_of_a_table(data, study):
    toml = "".join(f'[[files]]\npath = "{name}.csv"\ntable = "patients"\n' for name in "ab")
    write(data, "patient_id,sex\nP1,f\n", name="a.csv", toml=toml)
    write(data, "patient_id,sex,birth_year\nP1,m,1950\nP2,m,1950\n", name="b.csv")
    cleaned = clean_scope(data, "C01", study)
    assert cleaned.patients["patient_id"].tolist() == ["P2"]
    assert accounting(cleaned) == [[1, 0, 1, 0], [2, 1, 1, 0]]


def test_rows_of_quarantined_patients_are_quarantined_everywhere(data, study):
    text = (data / "X01" / "patients.csv").read_text(encoding="utf-8")
    (data / "X01" / "patients.csv").write_text(text.replace("2021-02-10", "2021-02-30"), encoding="utf-8")
    cleaned = clean_scope(data, "X01", study)
    assert accounting(cleaned) == [[6, 5, 1, 0], [7, 4, 3, 0], [3, 2, 1, 0]]
    assert cleaned.quarantined.values.tolist() == [["X01", "P1", "date_impossible"]]


def test_warnings_quarantine_nobody(data, study):
    write(data, "patient_id,albumin_g_dl\nP1,<3\nP2,3.5*\n")
    cleaned = clean_scope(data, "C01", study)
    assert len(cleaned.patients) == 2
    assert {"value_is_bound", "value_has_footnote"} <= set(cleaned.issues["rule"])


def test_every_change_is_one_audit_row(data, study):
    text = 'patient_id,sex,albumin_g_dl,diagnosis_date,ldh_u_l\nP1,F,"3,9",15/03/2022,n.d.\nP2,female,3.90,2022-03,\n'
    write(data, text)
    audit = clean_scope(data, "C01", study).audit
    assert audit[["row", "patient_id", "column", "raw_value", "clean_value", "rule"]].values.tolist() == [
        [2, "P1", "sex", "F", "female", "synonym"],
        [2, "P1", "diagnosis_date", "15/03/2022", "2022-03-15", "notation"],
        [2, "P1", "albumin_g_dl", "3,9", "3.9", "notation"],
        [2, "P1", "ldh_u_l", "n.d.", "", "missing_code"],
    ]


def test_partial_dates_stand_at_the_point_of_the_plan(data):
    write(data, "patient_id,diagnosis_date,death_date\nP1,2022-02,2023\n")
    for policy, diagnosis, death in (
        ("lower", "2022-02-01", "2023-01-01"), ("midpoint", "2022-02-14", "2023-07-02"),
        ("upper", "2022-02-28", "2023-12-31"),
    ):  # fmt: skip
        row = clean_scope(data, "C01", load_study(overrides={"time.partial_date_policy": policy})).patients.iloc[0]
        assert (str(row["diagnosis_date"])[:10], str(row["death_date"])[:10]) == (diagnosis, death)
        assert (row["diagnosis_date_precision"], row["death_date_precision"]) == ("month", "year")


# --- LDH as a ratio ------------------------------------------------------------------------------------------------


def test_ratio_with_a_limit_becomes_units(data, study):
    write(data, "patient_id,ldh_u_l\nP1,1.2\nP2,\n", name="p.csv", toml=LDH + "[files.uln]\nldh_uln_u_l = 250\n")
    cleaned = clean_scope(data, "C01", study)
    assert cleaned.patients["ldh_u_l"].tolist()[0] == 300
    assert cleaned.patients["ldh_uln_u_l"].tolist()[0] == 250
    assert cleaned.patients[["ldh_u_l", "ldh_uln_u_l"]].iloc[1].isna().all()
    assert cleaned.audit[["column", "raw_value", "clean_value", "rule"]].values.tolist() == [
        ["ldh_uln_u_l", "", "250", "limit_from_center"],
        ["ldh_u_l", "1.2", "300", "unit_converted"],
    ]
    assert errors(cleaned) == []


def test_ratio_without_a_limit_is_kept_with_a_limit_of_one(data, study):
    write(data, "patient_id,ldh_u_l,ldh_uln_u_l\nP1,1.2,\nP2,0.8,250\n", name="p.csv", toml=LDH)
    cleaned = clean_scope(data, "C01", study)
    assert cleaned.patients[["ldh_u_l", "ldh_uln_u_l"]].values.tolist() == [[1.2, 1.0], [200.0, 250.0]]
    found = cleaned.issues[cleaned.issues["rule"] == "ratio_without_limit"]
    assert found[["patient_id", "found", "severity"]].values.tolist() == [["P1", "1.2", "warning"]]
    assert errors(cleaned) == []


def test_limit_of_the_file_stands_only_where_there_is_no_column(data, study):
    toml = '[[files]]\npath = "p.csv"\ntable = "patients"\n[files.uln]\nldh_uln_u_l = 250\n'
    write(data, "patient_id,ldh_u_l,ldh_uln_u_l\nP1,200,300\nP2,200,\n", name="p.csv", toml=toml)
    limits = clean_scope(data, "C01", study).patients["ldh_uln_u_l"]
    assert limits[0] == 300
    assert pd.isna(limits[1])


# --- decimal marks -------------------------------------------------------------------------------------------------


def test_one_decimal_comma_decides_the_file(data, study):
    write(data, 'patient_id,albumin_g_dl,ldh_u_l\nP1,"3,9",1.234\nP2,4.1,200\n')
    cleaned = clean_scope(data, "C01", study)
    assert errors(cleaned) == ["number_ambiguous"]
    assert cleaned.patients["albumin_g_dl"].tolist() == [4.1]


# --- several centers -----------------------------------------------------------------------------------------------


def test_one_broken_center_does_not_stop_the_others(data, study):
    write(data, "x", center="C02", toml="id = ")
    cleaned = clean_scope(data, "ALL", study)
    assert len(cleaned.patients) == 6
    broken = cleaned.issues[cleaned.issues["center"] == "C02"]
    assert broken[["rule", "severity", "file"]].values.tolist() == [["center_unreadable", "error", "center.toml"]]
    alone = clean_scope(data, "C02", study)
    assert alone.patients.empty
    assert list(alone.patients) == list(cleaned.patients)
    assert errors(alone) == ["center_unreadable"]


def test_patient_of_two_centers_is_suspected_until_the_transfer_is_confirmed(data, study):
    shutil.copytree(data / "X01", data / "X02")
    text = (data / "X02" / "patients.csv").read_text(encoding="utf-8").splitlines()
    (data / "X02" / "patients.csv").write_text(
        "\n".join([text[0], text[4].replace("P4", "Q4")]) + "\n", encoding="utf-8"
    )
    for name in ("assessments.csv", "adverse_events.csv"):
        (data / "X02" / name).unlink()
    found = clean_scope(data, "ALL", study).issues
    assert found[["center", "rule", "patient_id"]].values.tolist() == [
        ["X01", "suspected_transfer", "P4"],
        ["X02", "suspected_transfer", "Q4"],
    ]
    assert found[["file", "row"]].values.tolist() == [["patients.csv", 5], ["patients.csv", 2]]
    assert [text.partition(": ")[2] for text in found["found"]] == [
        "row 2 of X02: patients.csv",
        "row 5 of X01: patients.csv",
    ]
    with (data / "dataset.toml").open("a", encoding="utf-8") as stream:
        stream.write('[[transfers]]\ncenter = "X02"\npatient_id = "Q4"\nreported_by = "X01"\n')
    confirmed = clean_scope(data, "ALL", study)
    assert confirmed.issues.empty
    assert confirmed.patients.loc[confirmed.patients["reported_elsewhere"], "patient_id"].tolist() == ["Q4"]


def test_pooled_rows_are_the_rows_of_the_centers(data, study):
    write(data, "patient_id,sex\nA,f\n")
    pooled = clean_scope(data, "ALL", study)
    parts = [clean_scope(data, center, study) for center in ("C01", "X01")]
    for name in ("patients", "assessments", "row_accounting", "audit", "issues"):
        frames = [getattr(part, name) for part in parts]
        assert len(getattr(pooled, name)) == sum(map(len, frames))


def test_header_without_rows_and_only_quarantined_rows(data, study):
    write(data, "patient_id,sex\n")
    assert clean_scope(data, "C01", study).patients.empty
    write(data, "patient_id,sex\nP1,boh\n,f\n")
    cleaned = clean_scope(data, "C01", study)
    assert cleaned.patients.empty
    assert accounting(cleaned) == [[2, 0, 2, 0]]


def test_column_without_any_value_is_said_once(data, study):
    write(data, "patient_id,sex,isotype,death_date\nP1,f,,\nP2,m,ND,\n")
    found = clean_scope(data, "C01", study).issues
    assert found.loc[found["rule"] == "column_entirely_missing", "column"].tolist() == ["isotype"]
    assert "last_contact_date" in found.loc[found["rule"] == "column_absent", "column"].tolist()


# --- problem list --------------------------------------------------------------------------------------------------


@pytest.fixture
def run(data, tmp_path) -> Run:
    return Run("C01", data, tmp_path / "work", tmp_path / "reports")


FAULTY = "patient_id,sex,second_line_regimen\nP1,boh,KRd\nP2,f,=1+1\nP3,mah,Kd\n"


def test_problem_list_follows_the_source(data, run, study):
    write(data, FAULTY)
    listed = write_problem_list(run, clean_scope(data, "C01", study))
    rows = listed[listed["row"] != ""]
    assert rows[["row", "letter", "header", "patient_id", "found", "severity"]].values.tolist() == [
        ["2", "B", "sex", "P1", "boh", "error"],
        ["3", "C", "second_line_regimen", "P2", "second_line_regimen =1+1", "warning"],
        ["4", "B", "sex", "P3", "mah", "error"],
    ]
    assert (rows["problem"] != "").all()


def test_workbook_has_no_formula_and_the_same_bytes_each_time(data, run, study):
    write(data, FAULTY.replace("boh", "=HYPERLINK(1)"))
    cleaned = clean_scope(data, "C01", study)
    write_problem_list(run, cleaned)
    write_problem_list(run, cleaned)
    first = (run.work / "issues.xlsx").read_bytes()
    write_problem_list(run, cleaned)
    assert (run.work / "issues.xlsx").read_bytes() == first
    sheet = openpyxl.load_workbook(run.work / "issues.xlsx").active
    assert "f" not in {cell.data_type for row in sheet.iter_rows() for cell in row}
    assert any(cell.value == "=HYPERLINK(1)" for row in sheet.iter_rows() for cell in row)


def test_second_run_says_what_is_new_still_open_and_resolved(data, run, study):
    write(data, FAULTY)
    write_problem_list(run, clean_scope(data, "C01", study))
    write(data, "patient_id,sex,second_line_regimen\nP0,f,Kd\nP1,boh,KRd\nP2,f,=1+1\nP3,f,bah\n")
    listed = write_problem_list(run, clean_scope(data, "C01", study))
    states = listed[listed["row"] != ""].set_index(["patient_id", "rule"])["state"]
    assert states["P1", "value_unknown"] == "still open"
    assert states["P3", "value_unknown"] == "resolved"
    assert states["P3", "regimen_not_recognized"] == "new"
    summary = summarize_problems(listed).set_index("rule")
    assert summary.loc["value_unknown", ["new", "still open", "resolved"]].tolist() == [0, 1, 1]
    assert "P1" not in summary.to_string()
    assert "boh" not in summary.to_string()
    again = write_problem_list(run, clean_scope(data, "C01", study))
    assert again["state"].tolist() == listed["state"].tolist(), "the same files give the same list"
    write(data, "patient_id,sex,second_line_regimen\nP0,f,Kd\n")
    mended = write_problem_list(run, clean_scope(data, "C01", study))
    assert ("P1", "resolved") in set(zip(mended["patient_id"], mended["state"], strict=True))
    assert ("P3", "value_unknown") not in set(zip(mended["patient_id"], mended["rule"], strict=True))


def test_list_without_findings_is_written_too(data, run, study):
    clean = clean_scope(data, "X01", study)
    assert write_problem_list(run, clean).empty
    assert summarize_problems(write_problem_list(run, clean)).empty
    assert dataclasses.is_dataclass(clean)


def answer(
    run: Run, patient: str, *answers: str, titles: tuple[str, ...] = ("Patient", "Answer", "Answered by")
) -> None:
    """Fill in the answer to a patient's first finding as a person does in a spreadsheet."""
    book = openpyxl.load_workbook(run.work / "issues.xlsx")
    sheet = book.active
    heads = [cell.value for cell in sheet[1]]
    row = next(row for row in sheet.iter_rows(min_row=2) if row[heads.index(titles[0])].value == patient)
    for title, text in zip(titles[1:], answers, strict=False):
        row[heads.index(title)].value = text
    book.save(run.work / "issues.xlsx")


def test_answers_survive_the_next_runs_and_a_moved_row(data, run, study):
    write(data, FAULTY)
    write_problem_list(run, clean_scope(data, "C01", study))
    answer(run, "P1", "Disputed", "Anna")
    write(data, "patient_id,sex,second_line_regimen\nP0,f,Kd\nP1,boh,KRd\nP2,f,=1+1\nP3,mah,Kd\n")
    for _ in range(2):
        listed = write_problem_list(run, clean_scope(data, "C01", study)).set_index("patient_id")
        assert listed.loc["P1", ["state", "answer", "answered_by", "row"]].tolist() == ["new", "disputed", "Anna", "3"]
    assert summarize_problems(listed.reset_index()).set_index("rule").loc["value_unknown", "answered"] == 1
    write(data, "patient_id,sex,second_line_regimen\nP0,f,Kd\n")
    for _ in range(2):
        listed = write_problem_list(run, clean_scope(data, "C01", study)).set_index("patient_id")
        assert listed.loc["P1", ["state", "answer"]].tolist() == ["resolved", "disputed"]
    write(data, FAULTY)
    listed = write_problem_list(run, clean_scope(data, "C01", study)).set_index("patient_id")
    assert listed.loc["P1", ["state", "answer"]].tolist() == ["new", "disputed"], (
        "an answer comes back with its finding"
    )


def test_an_answer_in_the_csv_counts_where_that_was_saved_last(data, run, study):
    write(data, FAULTY)
    write_problem_list(run, clean_scope(data, "C01", study))
    path = run.work / "issues.csv"
    listed = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    listed.loc[listed["patient_id"] == "P3", ["answer", "answered_on"]] = ["accepted", "2025-04-01"]
    listed.to_csv(path, index=False, encoding="utf-8-sig")
    again = write_problem_list(run, clean_scope(data, "C01", study)).set_index("patient_id")
    assert again.loc["P3", ["answer", "answered_on"]].tolist() == ["accepted", "2025-04-01"]


def test_a_workbook_that_cannot_be_read_is_not_overwritten(data, run, study):
    write(data, FAULTY)
    write_problem_list(run, clean_scope(data, "C01", study))
    (run.work / "issues.xlsx").write_bytes(b"half a workbook")
    with pytest.raises(StudyError, match="its answers cannot be read"):
        write_problem_list(run, clean_scope(data, "C01", study))
    assert (run.work / "issues.xlsx").read_bytes() == b"half a workbook"


def test_the_list_speaks_italian_and_knows_its_answers_again(data, run, study):
    write(data, FAULTY)
    write_problem_list(run, clean_scope(data, "C01", study), "it")
    sheet = openpyxl.load_workbook(run.work / "issues.xlsx").active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[0][:3] == ["Stato", "Gravità", "Centro"]
    row = next(dict(zip(rows[0], row, strict=True)) for row in rows if "P1" in row)
    assert (row["Stato"], row["Gravità"], row["Atteso"]) == ("nuovo", "errore", "uno di female, male")
    assert row["Problema"] == "Il testo non è tra i valori della variabile"
    answer(run, "P1", "corretto", "Anna", titles=("Paziente", "Risposta del centro", "Risposto da"))
    listed = write_problem_list(run, clean_scope(data, "C01", study), "en").set_index("patient_id")
    assert listed.loc["P1", ["state", "answer", "problem"]].tolist() == [
        "new", "corrected", "The text is none of the values that the variable has",
    ]  # fmt: skip


def test_every_rule_has_its_texts_in_italian():
    for rule in load_rules().values():
        for text in (rule.message, rule.what_to_do):
            assert say(text, "it") != text, f"add the texts of {rule.id} to lib/intake/italian.toml"


def test_partners_of_a_duplicate_are_named_with_file_and_row(data, study):
    twice = "P1,f,1950,2021-01-05,2023-01-01\n"
    head = "patient_id,sex,birth_year,diagnosis_date,second_line_start_date\n"
    write(data, head + twice + twice + "P2,f,1950,2021-01-05,2023-01-01\n")
    found = clean_scope(data, "C01", study).issues.set_index("rule")
    assert found.loc["duplicate_row", ["row", "found"]].tolist() == [3, "the same as row 2 of patients.csv"]
    suspected = found.loc[["suspected_duplicate"]]
    assert [text.rpartition("; ")[2] for text in suspected["found"]] == [
        "as in row 4 of patients.csv",
        "as in row 2 of patients.csv",
    ]


def test_an_identifier_in_a_cell_has_row_and_letter(data, run, study):
    write(data, "patient_id,sex,note\nP1,f,\nP2,m,RSSMRA80A01H501U\n")
    listed = write_problem_list(run, clean_scope(data, "C01", study)).set_index("rule")
    assert listed.loc["identifier_tax_code", ["row", "letter"]].tolist() == ["3", "C"]
    assert "RSSMRA" not in listed.to_csv()


def test_what_adverse_events_an_export_can_record_reaches_the_study(data, study):
    assert "adverse event" not in clean_scope(data, "X01", study).patients["unrecorded"].iloc[0]
    (data / "X01" / "adverse_events.csv").write_text("patient_id,term,onset_date\nP1,Anemia,2023-03-01\n", "utf-8")
    patients = clean_scope(data, "X01", study).patients
    assert cannot_record(patients, "the grade of an adverse event").all()
    assert not cannot_record(patients, "an adverse event").any()
    (data / "X01" / "adverse_events.csv").unlink()
    assert cannot_record(clean_scope(data, "X01", study).patients, "an adverse event").all()
