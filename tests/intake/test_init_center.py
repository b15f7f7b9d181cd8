"""The first center.toml: what is certain is applied, what is likely waits for a person, nothing is lost."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from fhrmm.errors import StudyError
from fhrmm.study import load_study, repository_root
from intake.center import load_center
from intake.cleaning import clean_scope
from intake.init_center import init_center, propose_center
from intake.init_center.evidence import propose_date_order, propose_decimal

SYNTHETIC = repository_root() / "data" / "synthetic"


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "C01").mkdir()
    return tmp_path / "C01"


def write(folder: Path, text: str, name: str = "casi.csv", encoding: str = "utf-8") -> None:
    (folder / name).write_bytes(text.encode(encoding))


def copy_synthetic(center: str, folder: Path) -> None:
    shutil.copytree(SYNTHETIC / center, folder, dirs_exist_ok=True)
    (folder / "center.toml").unlink(missing_ok=True)


@pytest.mark.parametrize("center", ["C01", "C02", "C03", "C04", "C06", "C08"])
def test_proposal_for_each_dialect_is_valid_and_maps_only_what_the_center_maps(center, folder):
    copy_synthetic(center, folder.parent / center)
    report = init_center(folder.parent / center)
    assert f"wrote {center}/center.toml" in report
    proposed = load_center(folder.parent / center)
    declared = load_center(SYNTHETIC / center)
    for file in proposed.files:
        twin = next(other for other in declared.files if (other.path, other.table) == (file.path, file.table))
        wrong = {header: name for header, name in file.columns.items() if twin.columns.get(header, name) != name}
        assert wrong == {}
    for name in ("date_order", "decimal"):
        assert getattr(proposed.files[0], name) in (None, getattr(declared.files[0], name))


def test_redcap_raw_needs_nothing_but_the_proposal(folder):
    copy_synthetic("C03", folder.parent / "C03")
    init_center(folder.parent / "C03")
    study = load_study()
    proposed = clean_scope(folder.parent, "C03", study)
    declared = clean_scope(SYNTHETIC, "C03", study)
    assert proposed.row_accounting["rows_read"].tolist() == declared.row_accounting["rows_read"].tolist()
    assert set(proposed.patients["patient_id"]) >= set(declared.patients["patient_id"])


def test_every_line_has_its_evidence(folder):
    copy_synthetic("C01", folder)
    text, _ = propose_center(folder)
    assignments = [line for line in text.splitlines() if " = " in line and not line.startswith(("path", "id ", "# "))]
    assert assignments
    assert [line for line in assignments if "  # " not in line] == []


def test_guesses_are_comments(folder):
    write(folder, "ID;Sesso;Albumina;Creatinina\nA;F;38;88\nB;M;41;95\nC;M;35;70\n")
    text, decisions = propose_center(folder)
    assert '# CONFIRM albumin_g_dl = "g/L"  # 100% of 3 values plausible in g/L, 0% in g/dL' in text
    assert any("albumin_g_dl" in decision for decision in decisions)
    parsed = tomllib.loads(text)
    assert parsed["files"][0].get("units", {}) == {}


def test_open_date_order_is_a_question(folder):
    write(folder, "ID;Data diagnosi;Sesso\nA;03/04/2022;F\nB;05/06/2022;M\n")
    text, decisions = propose_center(folder)
    assert "date_order" not in tomllib.loads(text)
    assert any(decision.startswith("date_order") for decision in decisions)


def test_identifying_columns_are_to_be_taken_out(folder):
    write(folder, "ID;Cognome;Sesso\nA;Rossi;F\n")
    text, decisions = propose_center(folder)
    assert "Cognome" not in tomllib.loads(text)["files"][0]["columns"]
    assert any("take 'Cognome' out" in decision for decision in decisions)
    assert "Rossi" not in text + str(decisions)


def test_values_nobody_explains_are_listed(folder):
    write(folder, "ID;Sesso;Miglior risposta\nA;F;risposta dubbia\nB;M;RP\n")
    text, decisions = propose_center(folder)
    assert '# CONFIRM "risposta dubbia" = ""  # in 1 rows; one of sCR, CR' in text
    assert any("risposta dubbia" in decision for decision in decisions)


def test_encoding_of_windows_is_recognized(folder):
    write(folder, "ID;Sesso;Età\nA;F;sì\n", encoding="cp1252")
    text, _ = propose_center(folder)
    assert tomllib.loads(text)["files"][0]["encoding"] == "cp1252"


def test_existing_description_is_left_alone(folder):
    write(folder, "ID;Sesso\nA;F\n")
    (folder / "center.toml").write_text("files = []\n", encoding="utf-8")
    assert "center.proposed.toml" in init_center(folder)
    assert (folder / "center.toml").read_text(encoding="utf-8") == "files = []\n"


def test_folder_without_tables_is_an_error_with_reason(folder):
    write(folder, "\x00\x01\x02", name="x.csv")
    with pytest.raises(StudyError, match="file not text"):
        propose_center(folder)
    with pytest.raises(StudyError, match="no folder"):
        init_center(folder / "nowhere")


def test_the_same_folder_gives_the_same_text(folder):
    copy_synthetic("C02", folder)
    assert propose_center(folder) == propose_center(folder)


def test_evidence_of_dates_and_decimals():
    assert propose_date_order(["04/15/2023", "03/04/2023"]).line == 'date_order = "mdy"'
    assert not propose_date_order(["04/15/2023", "15/04/2023"]).certain
    assert propose_date_order(["2023-04-15"]) is None
    assert propose_decimal(["3.5"]) is None
    assert not propose_decimal(["3,5", "3.5", "4.5"]).certain


def test_unit_without_parentheses_is_written_down(folder):
    write(folder, "ID;Sex;Alb g/L;Hgb g/dL;Plasma cells %\nA;F;38;11;40\nB;M;41;12;30\n")
    text, _ = propose_center(folder)
    entry = tomllib.loads(text)["files"][0]
    assert entry["units"] == {"albumin_g_dl": "g/L"}
    assert entry["columns"]["Plasma cells %"] == "bm_plasma_cells_pct"
    assert "# stands in 'Alb g/L'" in text


def test_a_likely_name_has_the_same_digits(folder):
    write(folder, "ID;Sex;L9 start;L2 start\nA;F;2022-01-01;2022-01-01\n")
    text, decisions = propose_center(folder)
    assert tomllib.loads(text)["files"][0]["columns"]["L2 start"] == "second_line_start_date"
    assert "casi.csv: which variable is 'L9 start', or none?" in decisions


@pytest.mark.parametrize(("cell", "guessed"), [("D-VTd", False), ("12/05/2023", True)])
def test_a_likely_name_is_no_guess_where_the_cells_are_of_another_type(cell, guessed, folder):
    write(folder, f"ID;Sex;Data della prima recidiva;L2 start\nA;F;{cell};2022-01-01\n")
    text, _ = propose_center(folder)
    assert ('\n"Data della prima recidiva" = "first_progression_date"' in text) is guessed


def test_codes_that_cannot_be_values_are_proposed_as_missing(folder):
    write(folder, "ID;Sex;ECOG;LDH;Hb\nA;-99;-99;200;9.9\nB;M;1;-99;11\n")
    text, decisions = propose_center(folder)
    assert '# CONFIRM missing = ["-99"]  # cannot be a value: -99 in 3 columns' in text
    assert any(decision.startswith("missing: cannot be a value") for decision in decisions)


@pytest.mark.parametrize("name", ["p.sav", "p.dta", "p.ods", "p.parquet", "p.xlsx"])
def test_other_formats_are_recognized(name, folder):
    frame = pd.DataFrame({"id": ["A", "B"], "sesso": [1.0, 2.0], "data_diagnosi": ["2022-01-03", "2022-02-01"]})
    path = folder / name
    if name.endswith("sav"):
        pyreadstat.write_sav(frame, str(path), variable_value_labels={"sesso": {1.0: "maschio", 2.0: "femmina"}})
    elif name.endswith("dta"):
        pyreadstat.write_dta(frame, str(path), variable_value_labels={"sesso": {1: "maschio", 2: "femmina"}})
    elif name.endswith("parquet"):
        frame.to_parquet(path, index=False)
    else:
        frame.to_excel(path, index=False, engine="odf" if name.endswith("ods") else "openpyxl")
    text, decisions = propose_center(folder)
    columns = tomllib.loads(text)["files"][0]["columns"]
    assert columns == {"id": "patient_id", "data_diagnosi": "diagnosis_date"}
    assert '"sesso" is sex by its name' in text
    coded = name.endswith(("sav", "dta"))
    assert any("values of sex" in decision for decision in decisions) is not coded
    (folder / "center.toml").write_text(text, encoding="utf-8")
    accepted = clean_scope(folder.parent, folder.name, load_study()).patients
    assert len(accepted) == (2 if coded else 0)


def test_redcap_without_dictionary(folder):
    copy_synthetic("C03", folder)
    for path in folder.glob("*Dictionary*"):
        path.unlink()
    init_center(folder)
    assert load_center(folder).files[0].resolved_format == "redcap_raw"
    cleaned = clean_scope(folder.parent, folder.name, load_study())
    assert cleaned.row_accounting["rows_read"].sum() == 138


@pytest.mark.parametrize(
    ("name", "content"),
    [("x.xlsx", b"PK\x03\x04rubbish"), ("x.parquet", b"PAR1"), ("x.sav", b"$FL2rubbish"), ("x.dta", b"rubbish"),
     ("x.ods", b"PK\x03\x04"), ("x.csv", b""), ("x.csv", b"\x00")],
)  # fmt: skip
def test_rubbish_beside_a_good_file_is_reported(name, content, folder):
    write(folder, "ID;Sesso\nA;F\n")
    (folder / name).write_bytes(content)
    (folder / "patients.csv").mkdir()
    text, decisions = propose_center(folder)
    assert [file["path"] for file in tomllib.loads(text)["files"]] == ["casi.csv"]
    assert any(decision.startswith(f"{name}: ") for decision in decisions)
    assert any(decision.startswith("patients.csv: file missing") for decision in decisions)


def test_redcap_visits_are_proposed_by_their_events(folder):
    rows = [
        "record_id,redcap_event_name,sex,dod,visit_date,m_protein,response",
        "P1,base_arm_1,f,2023-01-01,,,", "P1,visit_1_arm_1,,,2022-01-05,2.5,", "P1,visit_2_arm_1,,,2022-03-05,1.0,PR",
        "P2,base_arm_1,m,,,,", "P2,visit_1_arm_1,,,2022-01-06,2.5,SD",
    ]  # fmt: skip
    write(folder, "\n".join(rows) + "\n")
    report = init_center(folder)
    assert "With this file all 2 patients would be accepted." in report
    patients, visits = load_center(folder).files
    assert patients.table == "patients"
    assert visits.where == {"redcap_event_name": ("visit_1_arm_1", "visit_2_arm_1")}
    cleaned = clean_scope(folder.parent, folder.name, load_study())
    assert cleaned.assessments["serum_m_protein_g_dl"].tolist() == [2.5, 1.0, 2.5]


def test_a_second_look_tries_what_the_center_says_and_asks_only_what_it_leaves_open(folder):
    write(folder, "ID;Sesso;Nota;Colonna Y;Schema x\nA;F;n;I;k\nB;M;o;II;l\n")
    first = init_center(folder)
    assert all(f"which variable is {header!r}" in first for header in ("Nota", "Colonna Y", "Schema x"))
    own = folder / "center.toml"
    said = '"Colonna Y" = "iss_diagnosis"\n"Nota" = ""\n'
    own.write_text(own.read_text(encoding="utf-8").replace("[files.columns]\n", f"[files.columns]\n{said}"), "utf-8")
    second = init_center(folder)
    assert "which variable is 'Schema x'" in second
    assert "Nota" not in second
    assert "Colonna Y" not in second
    assert "2 patients" in second
    own.write_text(own.read_text(encoding="utf-8").replace("iss_diagnosis", "iss_diagnose"), "utf-8")
    assert "nearest: 'iss_diagnosis'" in init_center(folder)


def test_of_two_headers_of_one_variable_the_one_of_more_rows_is_proposed(folder):
    rows = (
        "A;2023-01-01;33358-3;Componente M;1,2;g/dL\nA;2023-02-01;;Componente M;1,1;g/dL\nB;2023-01-01;;CM;0,4;g/dL\n"
    )
    write(folder, "ID;Data prelievo;LOINC;Esame;Risultato;UM\n" + rows, name="lis.csv")
    text, _ = propose_center(folder)
    assert tomllib.loads(text)["files"][0]["columns"]["Esame"] == "analyte"
