"""Reading files: encodings, separators, headers, sheets, REDCap forms, statistics formats, hostile files."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyreadstat
import pytest
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

from fhrmm.study import load_study
from intake.cleaning import clean_scope
from intake.readers import read_center
from intake.readers.guard import LARGEST_UNPACKED
from intake.readers.headers import column_letter
from intake.readers.text_files import LONGEST_ROW

STUDY = load_study()
PATIENTS = '[[files]]\npath = "{name}"\ntable = "patients"\n'


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "C01").mkdir()
    return tmp_path / "C01"


def read(folder: Path):
    return read_center(folder.parent, "C01", STUDY)


def describe(folder: Path, name: str, *, head: str = "", more: str = "") -> None:
    (folder / "center.toml").write_text(head + PATIENTS.format(name=name) + more, encoding="utf-8")


def rows(folder: Path) -> list[tuple]:
    frame = read(folder).tables[0].frame
    return list(frame.drop(columns=["_file", "_sheet", "_rest"]).astype(object).itertuples(index=False, name=None))


def rules(folder: Path) -> list[str]:
    return [finding.rule for finding in read(folder).findings]


# --- text ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "cp850", "mac_roman"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_encodings_and_separators_are_recognized(folder, encoding, separator):
    text = separator.join(["patient_id", "sex", "second_line_regimen"]) + "\r\n"
    text += separator.join(["P1", "f", "però è così"]) + "\r\n"
    declared = 'encoding = "utf-16-le"\n' if encoding == "utf-16-le" else ""
    (folder / "patients.csv").write_bytes(text.encode(encoding))
    describe(folder, "patients.csv", head=declared)
    assert rows(folder) == [("P1", "f", "però è così", 2)]


def test_ambiguous_encoding_is_an_error(folder):
    (folder / "patients.csv").write_bytes(b"patient_id,sex,second_line_regimen\nP1,f,\x85\n")
    assert rules(folder) == ["encoding_ambiguous"]


def test_declared_encoding_that_is_wrong_is_an_error(folder):
    (folder / "patients.csv").write_bytes("patient_id,sex\nP1,sì\n".encode("cp1252"))
    describe(folder, "patients.csv", head='encoding = "utf-8"\n')
    assert rules(folder) == ["encoding_wrong"]


def test_separator_inside_quotes_and_line_breaks_in_cells(folder):
    (folder / "patients.csv").write_text(
        'patient_id,second_line_regimen,sex\nP1,"K, R\nd",f\n\nP2,"a ""b""",m\n', encoding="utf-8"
    )
    assert rows(folder) == [("P1", "f", "K, R\nd", 2), ("P2", "m", 'a "b"', 4)]


def test_rows_of_another_width_are_refused_with_their_number(folder):
    (folder / "patients.csv").write_text("patient_id,sex\nP1,f\nP2\n\nP3,m,x\nP4,f\n", encoding="utf-8")
    raw = read(folder)
    assert [row[-1] for row in rows(folder)] == [2, 6]
    assert raw.tables[0].refused_rows == (3, 5)
    assert raw.tables[0].n_rows == 4


def test_blank_rows_and_trailing_separators_are_harmless(folder):
    (folder / "patients.csv").write_text("patient_id;sex;;\nP1;f;;\n;;;\n ; ;;\nP2;m;;\n", encoding="utf-8")
    assert rows(folder) == [("P1", "f", 2), ("P2", "m", 5)]
    assert read(folder).unknown_columns.empty


def test_separator_behind_every_row_but_the_header(folder):
    (folder / "patients.csv").write_text("patient_id;sex\nP1;f;\nP2;m;\n", encoding="utf-8")
    assert rows(folder) == [("P1", "f", 2), ("P2", "m", 3)]


def test_skipped_rows_and_two_header_rows(folder):
    text = "Registro 2024;;\n;;\nAnagrafica;;Diagnosi\nID;Sesso;Data\nP1;F;2022-01-01\n"
    (folder / "p.csv").write_text(text, encoding="utf-8")
    columns = '[files.columns]\n"Anagrafica / ID" = "patient_id"\n"Anagrafica / Sesso" = "sex"\n'
    columns += '"Diagnosi / Data" = "diagnosis_date"\n'
    describe(folder, "p.csv", more="skip_rows = 2\nheader_rows = 2\n" + columns)
    assert rows(folder) == [("P1", "F", "2022-01-01", 5)]
    assert read(folder).tables[0].headers["letter"].tolist() == ["A", "B", "C"]


def test_empty_and_header_only_files(folder):
    (folder / "patients.csv").write_bytes(b"")
    assert rules(folder) == ["file_empty"]
    (folder / "patients.csv").write_bytes(b"\n\n \n")
    assert rules(folder) == ["file_empty"]
    (folder / "patients.csv").write_text("patient_id,sex\n", encoding="utf-8")
    assert rules(folder) == ["no_rows"]


# --- headers -------------------------------------------------------------------------------------------------------


def test_headers_by_mapping_name_label_and_unit(folder):
    text = "Codice;SEX;Data diagnosi;Albumina (g/L);Creatinine [µmol/L];Altro;Hb (pippo)\nP1;f;2022;38;80;x;1\n"
    (folder / "p.csv").write_text(text, encoding="utf-8")
    describe(folder, "p.csv", more='[files.columns]\n"codice " = "patient_id"\n')
    raw = read(folder)
    assert list(raw.tables[0].frame.columns[:5]) == [
        "patient_id",
        "sex",
        "diagnosis_date",
        "albumin_g_dl",
        "creatinine_mg_dl",
    ]
    assert raw.tables[0].units == {"albumin_g_dl": "g/L", "creatinine_mg_dl": "umol/L"}
    assert raw.unknown_columns["column"].tolist() == ["Altro", "Hb (pippo)"]


def test_header_findings(folder):
    text = "patient_id;Sesso;sex;Cognome;Albumina (g/L)\nP1;f;f;Rossi;38\n"
    (folder / "p.csv").write_text(text, encoding="utf-8")
    describe(folder, "p.csv", more='[files.columns]\n"Manca" = "isotype"\n[files.units]\nalbumin_g_dl = "g/dL"\n')
    raw = read(folder)
    found = {(finding.rule, str(finding.column)) for finding in raw.findings}
    assert found == {
        ("identifier_name", "column D"), ("column_twice", "sex"), ("mapped_column_absent", ""),
        ("unit_conflict", "albumin_g_dl"),
    }  # fmt: skip
    assert "sex" not in raw.tables[0].frame
    assert not any("Rossi" in str(finding) for finding in raw.findings)


def test_no_identifier_column_gives_no_table_and_every_row_is_accounted_for(folder):
    (folder / "patients.csv").write_text("sex,birth_year\nf,1950\nm,1960\n", encoding="utf-8")
    raw = read(folder)
    assert [finding.rule for finding in raw.findings] == ["id_column_missing"]
    assert raw.left_out == (("patients.csv", 2),)


def test_identifiers_in_columns_that_nobody_reads(folder):
    (folder / "patients.csv").write_text(
        "patient_id,sex,contatto\nP1,f,sig. Rossi\nP2,m,081 5551234\n", encoding="utf-8"
    )
    raw = read(folder)
    assert sorted((f.rule, f.column) for f in raw.findings) == [
        ("identifier_name", "column C"),
        ("identifier_phone", "column C"),
    ]


def test_column_letters():
    assert [column_letter(i) for i in (0, 25, 26, 701, 702, 16383)] == ["A", "Z", "AA", "ZZ", "AAA", "XFD"]


# --- spreadsheets --------------------------------------------------------------------------------------------------


MEASURED = ["albumin_g_dl", "bm_plasma_cells_pct", "del17p"]


def make_book(rows: list[list[object]], title: str = "Foglio1") -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    return book


def test_cells_of_a_workbook_are_text_as_shown(folder):
    book = make_book([
        ["patient_id", "sex", "diagnosis_date", "asct_date", "death_date", *MEASURED],
        ["P1", "f", date(2022, 3, 4), datetime(2022, 5, 1), 45031, 3.125, 0.6, True],
        [7, None, "03/2022", None, None, 4.0, None, False],
    ])  # fmt: skip
    book.active["D2"].number_format = "mmm-yy"
    book.active["G2"].number_format = "0%"
    book.save(folder / "patients.xlsx")
    shown = read(folder).tables[0].frame.astype(object).iloc[0]
    assert shown[["diagnosis_date", "asct_date", "death_date"]].tolist() == ["2022-03-04", "2022-05", "45031"]
    assert shown[["albumin_g_dl", "bm_plasma_cells_pct", "del17p"]].tolist() == ["3.1250", "60%", "TRUE"]
    cleaned = clean_scope(folder.parent, "C01", STUDY)
    first = cleaned.patients.iloc[0]
    assert (first["albumin_g_dl"], first["bm_plasma_cells_pct"], first["del17p"]) == (3.125, 60.0, "yes")
    assert (first["asct_date_precision"], str(first["death_date"])[:10]) == ("month", "2023-04-15")
    assert cleaned.patients["patient_id"].tolist() == ["P1", "7"]


def test_workbook_of_1904_counts_its_dates_from_there(folder):
    book = make_book([["patient_id", "sex", "death_date"], ["P1", "f", 43569]])
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book.save(folder / "patients.xlsx")
    assert str(clean_scope(folder.parent, "C01", STUDY).patients["death_date"][0])[:10] == "2023-04-15"


def test_merged_header_cells_and_other_sheets(folder):
    book = make_book([["ID", "Labs", None], [None, "LDH", "Albumina"], ["P1", 200, 3.9]], title="Dati")
    book.active.merge_cells("B1:C1")
    book.create_sheet("Legenda").append(["LDH", "in U/L"])
    book.save(folder / "p.xlsx")
    columns = '[files.columns]\n"ID" = "patient_id"\n"Labs / LDH" = "ldh_u_l"\n"Labs / Albumina" = "albumin_g_dl"\n'
    describe(folder, "p.xlsx", more='sheet = "Dati"\nheader_rows = 2\n' + columns)
    assert rows(folder) == [("P1", "3.9", "200", 3)]
    assert read(folder).unknown_columns["column"].tolist() == ["(sheet) Legenda"]


def test_sheet_is_chosen_only_where_one_is_possible(folder):
    book = make_book([["patient_id", "sex"], ["P1", "f"]], title="A")
    book.create_sheet("Legenda").append(["testo", "altro"])
    book.save(folder / "patients.xlsx")
    assert rows(folder) == [("P1", "f", 2)]
    book.copy_worksheet(book["A"])
    book.save(folder / "patients.xlsx")
    assert rules(folder) == ["sheet_ambiguous"]
    describe(folder, "patients.xlsx", more='sheet = "B"\n')
    assert rules(folder) == ["sheet_missing"]


def make_ods(path: Path, cells: list[list[tuple[str, str] | str | None]]) -> None:
    document = OpenDocumentSpreadsheet()
    sheet = Table(name="Foglio1")
    for row in cells:
        line = TableRow()
        for cell in row:
            kind, value = cell if isinstance(cell, tuple) else ("string", cell)
            if value is None:
                line.addElement(TableCell())
                continue
            names = {"float": "value", "percentage": "value", "date": "datevalue", "boolean": "booleanvalue"}
            element = TableCell(valuetype=kind, **({names[kind]: value} if kind in names else {}))
            element.addElement(P(text=value))
            line.addElement(element)
        sheet.addElement(line)
    sheet.addElement(TableRow(numberrowsrepeated=1_000_000))
    document.spreadsheet.addElement(sheet)
    document.save(str(path))


def test_ods(folder):
    make_ods(
        folder / "p.ods",
        [
            ["patient_id", "sex", "diagnosis_date", "bm_plasma_cells_pct", "albumin_g_dl"],
            ["P1", "f", ("date", "2022-03-04"), ("percentage", "0.6"), ("float", "3.9")],
            [None, None, None, None, None],
            ["P2", "m", "03/2022", None, ("float", "4")],
        ],
    )
    describe(folder, "p.ods")
    assert rows(folder)[0] == ("P1", "f", "2022-03-04", "3.9", "60%", 2)
    assert rows(folder)[1][0::5] == ("P2", 4)


# --- statistics formats --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["p.sav", "p.zsav", "p.dta", "p.xpt"])
def test_statistics_files(folder, name):
    frame = pd.DataFrame({"id": ["P1", "P2"], "sesso": [1.0, 2.0], "alb": [3.9, np.nan]})
    labels = {"sesso": {1: "maschio", 2: "femmina"}}
    path = str(folder / name)
    if name.endswith("sav"):
        pyreadstat.write_sav(frame, path, variable_value_labels=labels, compress=name.endswith("zsav"))
    elif name.endswith("dta"):
        pyreadstat.write_dta(frame, path, variable_value_labels=labels)
    else:
        pyreadstat.write_xport(frame, path)
    columns = '[files.columns]\n"id" = "patient_id"\n"sesso" = "sex"\n"alb" = "albumin_g_dl"\n'
    columns += '[files.values.sex]\n"1" = "male"\n"2" = "female"\n' if name.endswith("xpt") else ""
    describe(folder, name, more=columns)
    cleaned = clean_scope(folder.parent, "C01", STUDY)
    assert cleaned.issues.loc[cleaned.issues["rule"] != "column_absent"].empty, cleaned.issues.to_string()
    assert cleaned.patients["sex"].tolist() == ["male", "female"]
    assert cleaned.patients["albumin_g_dl"].iloc[0] == 3.9


def test_parquet_with_types(folder):
    pd.DataFrame(
        {
            "patient_id": ["P1", "P2"], "sex": pd.Categorical(["f", None]), "birth_year": [1950, 1960],
            "diagnosis_date": pd.to_datetime(["2022-03-04", None]), "albumin_g_dl": [3.125, None],
            "del17p": [True, False],
        }
    ).to_parquet(folder / "patients.parquet")  # fmt: skip
    assert rows(folder)[0] == ("P1", "f", "1950", "2022-03-04", "3.1250", "TRUE", 2)
    assert read(folder).tables[0].frame["_row"].tolist() == [2, 3]


# --- REDCap --------------------------------------------------------------------------------------------------------

DICTIONARY = (
    'Variable / Field Name,Form Name,Section Header,Field Type,Field Label,"Choices, Calculations, OR Slider Labels",'
    "Field Note,Text Validation,Min,Max,Identifier?,Branching,Required?,Align,Number,Matrix,Ranking?,Annotation\n"
    "record_id,base,,text,Record ID,,,,,,,,,,,,,\n"
    'sesso,base,,radio,<b>Sesso</b>,"1, Maschio | 2, Femmina",,,,,,,,,,,,\n'
    'mant,base,,checkbox,Mantenimento,"0, nessuno | 1, lenalidomide | 2, altro",,,,,,,,,,,,\n'
    "pd,follow,,text,Data PD,,,,,,,,,,,,,\n"
    "fish,base,,yesno,FISH del17p,,,,,,,,,,,,,\n"
)
COLUMNS = '[files.columns]\n"record_id" = "patient_id"\n"sesso" = "sex"\n"pd" = "progression_date"\n"fish" = "del17p"\n'
BOXES = '[files.checkboxes]\nmaintenance = { mant___0 = "none", mant___1 = "lenalidomide", mant___2 = "other" }\n'


def write_redcap(folder: Path, text: str, form: str = "redcap_raw", more: str = COLUMNS + BOXES) -> None:
    (folder / "dict.csv").write_text(DICTIONARY, encoding="utf-8")
    (folder / "data.csv").write_text(text, encoding="utf-8")
    describe(folder, "data.csv", more=f'format = "{form}"\ndictionary = "dict.csv"\n' + more)


def test_redcap_raw_with_events_put_together(folder):
    write_redcap(
        folder,
        "record_id,redcap_event_name,sesso,mant___0,mant___1,mant___2,pd,fish,base_complete\n"
        "1,base_arm_1,2,0,1,0,,1,2\n1,follow_arm_1,,,,,2023-05-01,,\n2,base_arm_1,1,0,0,0,,0,2\n",
    )
    raw = read(folder)
    assert raw.unknown_columns.empty
    assert raw.tables[0].n_rows == 3
    assert raw.tables[0].merged.tolist() == [[3, 2]]
    cleaned = clean_scope(folder.parent, "C01", STUDY)
    assert cleaned.patients[["patient_id", "sex", "maintenance", "del17p"]].astype(object).fillna(
        ""
    ).values.tolist() == [
        ["1", "female", "lenalidomide", "yes"],
        ["2", "male", "", "no"],
    ]
    assert cleaned.row_accounting[["rows_read", "rows_accepted"]].values.tolist() == [[3, 3]]


def test_redcap_field_of_several_events_is_an_error_until_one_is_named(folder):
    text = "record_id,redcap_event_name,sesso,pd\n1,base_arm_1,2,\n1,follow_arm_1,1,2023-05-01\n2,base_arm_1,1,\n"
    write_redcap(folder, text, more=COLUMNS)
    assert rules(folder) == ["field_in_several_events"]
    write_redcap(
        folder, text, more=COLUMNS.replace('"sesso"', '"base_arm_1: sesso"').replace('"fish" = "del17p"\n', "")
    )
    patients = clean_scope(folder.parent, "C01", STUDY).patients
    assert patients["sex"].tolist() == ["female", "male"]


def test_redcap_rows_of_one_event_that_contradict_each_other(folder):
    write_redcap(
        folder,
        "record_id,redcap_event_name,sesso,mant___0,mant___1,mant___2,pd,fish\n"
        "1,base_arm_1,2,0,1,0,,1\n1,base_arm_1,1,,,,,\n2,base_arm_1,1,1,0,0,,0\n",
    )
    cleaned = clean_scope(folder.parent, "C01", STUDY)
    errors = cleaned.issues[cleaned.issues["severity"] == "error"]
    assert errors[["rule", "row", "column", "patient_id"]].values.tolist() == [["record_conflict", 2, "sex", "1"]]
    assert cleaned.patients["patient_id"].tolist() == ["2"]
    assert cleaned.row_accounting[["rows_read", "rows_accepted", "rows_quarantined"]].values.tolist() == [[3, 1, 2]]


def test_redcap_two_boxes_of_one_choice(folder):
    write_redcap(folder, "record_id,sesso,mant___0,mant___1,mant___2,pd,fish\n1,2,1,1,0,,1\n")
    cleaned = clean_scope(folder.parent, "C01", STUDY)
    errors = cleaned.issues[cleaned.issues["severity"] == "error"]
    assert errors[["rule", "column"]].values.tolist() == [["checkbox_conflict", "maintenance"]]


def test_redcap_repeated_instruments(folder):
    (folder / "dict.csv").write_text(DICTIONARY, encoding="utf-8")
    (folder / "data.csv").write_text(
        "record_id,redcap_repeat_instrument,redcap_repeat_instance,sesso,data,risp,note\n"
        "1,,,2,,,\n1,visita,1,,2023-05-01,PR,\n1,visita,2,,2023-06-01,CR,\n1,telefonate,1,,,,ciao\n",
        encoding="utf-8",
    )
    head = '[[files]]\npath = "data.csv"\nformat = "redcap_raw"\ndictionary = "dict.csv"\n'
    (folder / "center.toml").write_text(
        head + 'table = "patients"\n[files.columns]\nrecord_id = "patient_id"\nsesso = "sex"\n'
        + head + 'table = "assessments"\ninstrument = "Visita"\n[files.columns]\nrecord_id = "patient_id"\n'
        'data = "assessment_date"\nrisp = "response"\n',
        encoding="utf-8",
    )  # fmt: skip
    cleaned = clean_scope(folder.parent, "C01", STUDY)
    assert cleaned.assessments["response"].tolist() == ["PR", "CR"]
    accounting = cleaned.row_accounting.set_index("file")[["rows_read", "rows_accepted", "rows_quarantined"]]
    assert accounting.loc["data.csv [telefonate]"].tolist() == [1, 0, 1]
    assert accounting["rows_read"].sum() == 4
    assert "instrument_not_read" in set(cleaned.issues["rule"])
    assert set(cleaned.unknown_columns["column"]) == {"(instrument) telefonate"}
    text = (folder / "data.csv").read_text(encoding="utf-8").replace("ciao", "sig. Rossi")
    (folder / "data.csv").write_text(text, encoding="utf-8")
    refused = [finding for finding in read(folder).findings if finding.rule == "identifier_name"]
    assert [(finding.column, finding.found) for finding in refused] == [("column G", "in its cells")]


def test_columns_of_the_other_table_of_a_sheet_are_not_unknown(folder):
    (folder / "data.csv").write_text("patient_id,sex,assessment_date,mistero\nP1,f,2023-05-01,x\n", encoding="utf-8")
    entry = '[[files]]\npath = "data.csv"\ntable = "{table}"\n'
    both = "".join(entry.format(table=table) for table in ("patients", "assessments"))
    (folder / "center.toml").write_text(both, encoding="utf-8")
    assert read(folder).unknown_columns["column"].tolist() == ["mistero"]
    book = make_book([["patient_id", "sex", "assessment_date"], ["P1", "f", None]], title="Pazienti")
    book.create_sheet("Visite").append(["patient_id", "assessment_date", "response"])
    book.save(folder / "data.xlsx")
    both = both.replace("csv", "xlsx").replace('"patients"\n', '"patients"\nsheet = "Pazienti"\n')
    (folder / "center.toml").write_text(both + 'sheet = "Visite"\n', encoding="utf-8")
    assert read(folder).unknown_columns["column"].tolist() == ["assessment_date"]


def test_redcap_label_export_by_label_and_by_field_name(folder):
    text = (
        "Record ID,Sesso,Mantenimento (choice=nessuno),Mantenimento (choice=lenalidomide),Mantenimento (choice=altro),"
        "Data PD,FISH del17p,Complete?\n1,Femmina,Unchecked,Checked,Unchecked,2023-05-01,Yes,Complete\n"
    )
    write_redcap(folder, text, "redcap_label")
    cleaned = clean_scope(folder.parent, "C01", STUDY)
    assert cleaned.issues.loc[cleaned.issues["severity"] == "error"].empty, cleaned.issues.to_string()
    assert cleaned.patients[["sex", "maintenance", "del17p"]].values.tolist() == [["female", "lenalidomide", "yes"]]


@pytest.mark.parametrize("form", ["redcap_raw", "redcap_label"])
def test_redcap_choice_that_means_unknown_is_missing_in_both_forms(folder, form):
    header = DICTIONARY.split("\n")[0]
    choices = '"1, Yes | 0, No | 9, Unknown or not done"'
    fields = f"record_id,base,,text,ID,,,,,,,,,,,,,\nfish,base,,radio,FISH,{choices},,,,,,,,,,,,\n"
    (folder / "dict.csv").write_text(f"{header}\n{fields}", encoding="utf-8")
    answers = ("9", "1") if form == "redcap_raw" else ("Unknown or not done", "Yes")
    (folder / "data.csv").write_text(f"record_id,fish\nP1,{answers[0]}\nP2,{answers[1]}\n", encoding="utf-8")
    columns = '[files.columns]\n"record_id" = "patient_id"\n"fish" = "del17p"\n'
    describe(folder, "data.csv", more=f'format = "{form}"\ndictionary = "dict.csv"\n{columns}')
    cleaned = clean_scope(folder.parent, "C01", STUDY)
    assert cleaned.issues[cleaned.issues["severity"] == "error"].empty
    assert cleaned.patients["del17p"].astype(object).fillna("").tolist() == ["", "yes"]
    assert cleaned.audit.loc[cleaned.audit["patient_id"] == "P1", "rule"].tolist() == ["missing_code"]


def test_redcap_faults_of_the_export_itself(folder):
    write_redcap(folder, "record_id,sesso\n1,2\n", more='instrument = "visita"\n' + COLUMNS)
    assert "instrument_missing" in rules(folder)
    (folder / "dict.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert rules(folder) == ["dictionary_unreadable"]


# --- hostile files -------------------------------------------------------------------------------------------------


def bomb(path: Path, size: int) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as member:
            for _ in range(size // 2**20):
                member.write(b" " * 2**20)


def test_zip_bomb_is_refused_before_it_is_opened(folder):
    bomb(folder / "patients.xlsx", 64 * 2**20)
    assert rules(folder) == ["archive_expands_too_much"]
    finding = read(folder).findings[0]
    assert "would unpack to 64 MiB" in finding.found


def test_xml_with_entities_is_refused(folder):
    book = io.BytesIO()
    make_book([["patient_id", "sex"], ["P1", "f"]]).save(book)
    with zipfile.ZipFile(book) as source, zipfile.ZipFile(folder / "patients.xlsx", "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("sheet1.xml"):
                content = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + content
            target.writestr(name, content)
    assert rules(folder) == ["file_unreadable"]


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("patients.csv", b"PK\x03\x04" + b"\x00" * 100, "file_format_wrong"),
        ("patients.csv", b"\x00\x01\x02" * 100, "file_not_text"),
        ("patients.csv", bytes(range(1, 256)) * 3, "encoding_ambiguous"),
        ("patients.csv", b"%PDF-1.4", "file_format_wrong"),
        ("patients.xlsx", b"\xd0\xcf\x11\xe0" + b"\x00" * 100, "file_format_wrong"),
        ("patients.xlsx", b"patient_id,sex\nP1,f\n", "file_format_wrong"),
        ("patients.xlsx", b"PK\x03\x04" + b"\x07" * 300, "file_unreadable"),
        ("patients.parquet", b"PAR1" + b"\x07" * 300, "file_unreadable"),
        ("patients.parquet", b"nothing", "file_format_wrong"),
        ("patients.tsv", b"", "file_empty"),
    ],
)
def test_files_that_are_something_else(folder, name, content, rule):
    (folder / name).write_bytes(content)
    assert rule in rules(folder)
    assert read(folder).tables == () or rule == "encoding_ambiguous"
    accounting = clean_scope(folder.parent, "C01", STUDY).row_accounting
    assert accounting["rows_read"].sum() == accounting["rows_quarantined"].sum()


@pytest.mark.parametrize("name", ["p.sav", "p.dta", "p.sas7bdat", "p.xpt", "p.ods", "p.xyz"])
def test_garbage_in_other_formats(folder, name):
    (folder / name).write_bytes(b"\x01garbage" * 50)
    describe(folder, name)
    assert rules(folder)[0] in ("file_unreadable", "file_format_wrong")


def test_very_long_row_is_refused(folder):
    (folder / "patients.csv").write_bytes(b"patient_id,sex\nP1," + b"f" * (LONGEST_ROW + 10) + b"\n")
    assert rules(folder) == ["row_too_long"]
    (folder / "patients.csv").write_bytes(b"patient_id,sex," + b"x" * (LONGEST_ROW + 10) + b"\n")
    assert rules(folder) == ["row_too_long"]


def test_sixteen_thousand_columns(folder):
    names = ["patient_id", "sex", *(f"v{i}" for i in range(16_000))]
    (folder / "patients.csv").write_text(",".join(names) + "\nP1,f" + ",1" * 16_000 + "\n", encoding="utf-8")
    raw = read(folder)
    assert len(raw.unknown_columns) == 16_000
    assert raw.tables[0].frame.shape == (1, 6)
    (folder / "patients.csv").write_text(",".join(names * 2) + "\n", encoding="utf-8")
    assert rules(folder) == ["too_many_columns"]


def test_quote_that_is_never_closed_swallows_nothing_in_silence(folder):
    (folder / "patients.csv").write_text('patient_id,sex\nP1,"f\nP2,m\nP3,f\n', encoding="utf-8")
    cleaned = clean_scope(folder.parent, "C01", STUDY)
    assert "P2" not in set(cleaned.patients["patient_id"])
    assert (cleaned.issues["severity"] == "error").any()


def test_limits_are_far_above_real_exports():
    assert LARGEST_UNPACKED >= 2**30


# --- folders -------------------------------------------------------------------------------------------------------


def test_files_that_nobody_names_are_listed(folder):
    (folder / "patients.csv").write_text("patient_id,sex\nP1,f\n", encoding="utf-8")
    (folder / "altro.csv").write_text("a\n", encoding="utf-8")
    (folder / "README.md").write_text("x", encoding="utf-8")
    found = read(folder).findings
    assert [(f.rule, f.file) for f in found] == [("file_not_read", "README.md"), ("file_not_read", "altro.csv")]


def test_missing_file_and_missing_description(folder):
    describe(folder, "p.csv")
    assert rules(folder) == ["file_missing"]
    (folder / "center.toml").unlink()
    assert rules(folder) == ["center_unreadable"]


def test_file_that_the_system_refuses_to_open(folder, monkeypatch):
    (folder / "patients.csv").write_text("patient_id,sex\nP1,f\n", encoding="utf-8")
    monkeypatch.setattr("intake.readers.files.check_signature", _raise(PermissionError()))
    assert rules(folder) == ["file_unreadable"]
    monkeypatch.setattr("intake.readers.files.check_signature", _raise(MemoryError()))
    assert rules(folder) == ["file_too_large"]


def _raise(error: BaseException):
    def fail(*_args):
        raise error

    return fail


@pytest.mark.parametrize("name", ["patients.csv", "patients.xlsx", "patients.parquet", "center.toml"])
def test_folder_in_the_place_of_a_file(folder, name):
    (folder / name).mkdir()
    assert rules(folder) in (["file_missing"], ["center_unreadable"])


def test_dictionary_with_an_endless_cell(folder):
    (folder / "dict.csv").write_text("a,b,c,d,e,f\n" + "x" * 200_000 + ",b,c,text,e,f\n", encoding="utf-8")
    (folder / "data.csv").write_text("record_id\nP1\n", encoding="utf-8")
    describe(folder, "data.csv", more='format = "redcap_raw"\ndictionary = "dict.csv"\n')
    assert rules(folder) == ["dictionary_unreadable"]
