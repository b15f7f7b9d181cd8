"""The templates: the same bytes each time, forms that programs accept, and no finding once they are filled."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from fhrmm.schema import TABLES, variables
from fhrmm.study import load_study, repository_root
from intake.center import Center
from intake.cleaning import clean_scope
from intake.templates import (
    HEADER_ROW,
    REDCAP,
    REDCAP_COLUMNS,
    WORKBOOK,
    make_redcap_center_file,
    make_redcap_dictionary,
    redcap_name,
    template_files,
    template_variables,
)

BASE = Path(__file__).parent / "faults" / "base" / "X01"


@pytest.fixture(scope="module")
def files():
    return template_files()


@pytest.fixture(scope="module")
def study():
    return load_study()


@pytest.fixture(scope="module")
def fields():
    return list(csv.DictReader(io.StringIO(make_redcap_dictionary())))


def base(table: str) -> pd.DataFrame:
    return pd.read_csv(BASE / f"{table}.csv", dtype=str, keep_default_na=False)


def test_committed_templates_are_the_generated_ones(files):
    folder = repository_root() / "data" / "templates"
    assert {path.name for path in folder.iterdir()} == set(files) | {"README.md"} & {p.name for p in folder.iterdir()}
    assert [name for name, content in files.items() if (folder / name).read_bytes() != content] == []


def test_every_variable_is_in_the_workbook(files):
    book = openpyxl.load_workbook(io.BytesIO(files[WORKBOOK]))
    assert book.sheetnames == [*TABLES, "legend"]
    for table in TABLES:
        headers = [cell.value for cell in book[table][HEADER_ROW]]
        assert len(headers) == len(variables(table)) - 1
        assert all("(" in header for header, v in zip(headers, template_variables(table), strict=True) if "/" in v.unit)


def test_levels_are_drop_downs_and_dates_are_checked(files):
    book = openpyxl.load_workbook(io.BytesIO(files[WORKBOOK]))
    rules = {str(rule.sqref).split(":")[0]: rule for rule in book["patients"].data_validations.dataValidation}
    names = [variable.column for variable in template_variables("patients")]
    by_name = {names[openpyxl.utils.cell.coordinate_from_string(k) and _position(k)]: rule for k, rule in rules.items()}
    assert by_name["best_response"].formula1 == '"sCR,CR,VGPR,PR,MR,SD,PD,NE"'
    assert by_name["death_date"].type == "custom"
    assert len(by_name["death_date"].formula1) <= 255
    assert (by_name["ecog_second_line"].formula1, by_name["ecog_second_line"].formula2) == ("0", "4")


def _position(cell: str) -> int:
    return openpyxl.utils.column_index_from_string(re.match("[A-Z]+", cell)[0]) - 1


def test_filled_workbook_has_no_finding(files, study, tmp_path):
    folder = tmp_path / "C01"
    folder.mkdir()
    book = openpyxl.load_workbook(io.BytesIO(files[WORKBOOK]))
    for table in TABLES:
        rows = base(table)
        for number, row in enumerate(rows.to_dict("records"), start=HEADER_ROW + 1):
            for position, variable in enumerate(template_variables(table), start=1):
                text = row[variable.column]
                cell = book[table].cell(number, position)
                numeric = variable.type in ("integer", "number") and text
                cell.value = float(text) if numeric else text or None
    book.save(folder / WORKBOOK)
    (folder / "center.toml").write_bytes(files["center.toml"])
    cleaned = clean_scope(tmp_path, "C01", study)
    assert cleaned.issues.empty, cleaned.issues.to_string()
    assert cleaned.audit.empty, cleaned.audit.to_string()
    assert cleaned.row_accounting["rows_accepted"].tolist() == [6, 7, 3]


def test_center_files_are_valid(files):
    for name in ("center.toml", "redcap_center.toml"):
        Center.model_validate(tomllib.loads(files[name].decode()))


# --- REDCap's own rules for a data dictionary -----------------------------------------------------------------------


def test_dictionary_has_the_18_columns():
    rows = list(csv.reader(io.StringIO(make_redcap_dictionary())))
    assert rows[0] == list(REDCAP_COLUMNS)
    assert len(REDCAP_COLUMNS) == 18
    assert {len(row) for row in rows} == {18}


def test_field_names_are_unique_and_well_formed(fields):
    names = [field["Variable / Field Name"] for field in fields]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z](?:[a-z0-9]|_(?!_))*(?<!_)", name)] == []
    assert max(map(len, names)) <= 100
    assert names[0] == "patient_id"


def test_forms_are_contiguous_and_well_formed(fields):
    forms = [field["Form Name"] for field in fields]
    changes = [form for form, before in zip(forms, ["", *forms], strict=False) if form != before]
    assert changes == ["patient", "assessment", "adverse_event"]


def test_choices_and_validation_are_of_known_kinds(fields):
    for field in fields:
        assert field["Field Type"] in ("text", "radio")
        assert field["Field Label"]
        choices = field["Choices, Calculations, OR Slider Labels"]
        if field["Field Type"] == "radio":
            codes = [choice.split(",")[0].strip() for choice in choices.split("|")]
            assert len(set(codes)) == len(codes) >= 2
            assert all(re.fullmatch(r"\w+", code) for code in codes)
            assert not field["Text Validation Type OR Show Slider Number"]
        else:
            assert not choices
            assert field["Text Validation Type OR Show Slider Number"] in ("", "number", "integer")
        assert field["Identifier?"] in ("", "y")
        assert field["Required Field?"] in ("", "y")


def test_raw_export_of_the_project_has_no_finding(study, tmp_path):
    folder = tmp_path / "C01"
    folder.mkdir()
    (folder / REDCAP).write_text(make_redcap_dictionary(), encoding="utf-8")
    (folder / "center.toml").write_text(make_redcap_center_file(), encoding="utf-8")
    parts = []
    for table, instrument in (("patients", ""), ("assessments", "assessment"), ("adverse_events", "adverse_event")):
        names = {variable.column: redcap_name(variable) for variable in template_variables(table)}
        rows = base(table).rename(columns=names)
        repeat = rows.groupby("patient_id").cumcount().add(1).astype(str) if instrument else ""
        parts.append(rows.assign(redcap_repeat_instrument=instrument, redcap_repeat_instance=repeat))
    pd.concat(parts).fillna("").to_csv(folder / "export.csv", index=False)
    cleaned = clean_scope(tmp_path, "C01", study)
    assert cleaned.issues.empty, cleaned.issues.to_string()
    assert cleaned.unknown_columns.empty, cleaned.unknown_columns.to_string()
    assert cleaned.row_accounting["rows_accepted"].tolist() == [6, 7, 3]


def test_long_tables_are_read_without_a_description(files, study, tmp_path):
    folder = tmp_path / "data" / "X01"
    folder.mkdir(parents=True)
    (folder / "patients.csv").write_text("patient_id,sex,death_date\nC01-001,female,\n", encoding="utf-8")
    for name in ("lines.csv", "laboratory.csv"):
        (folder / name).write_bytes(files[name])
    cleaned = clean_scope(tmp_path / "data", "X01", study)
    patient = cleaned.patients.iloc[0]
    assert set(cleaned.issues["severity"]) <= {"warning"}
    assert patient[["second_line_regimen", "best_response", "maintenance"]].tolist() == ["KRd", "PR", "lenalidomide"]
    assert str(patient["maintenance_stop_date"].date()) == "2022-05-16"
    assert cleaned.assessments["serum_m_protein_g_dl"].tolist() == [2.8, 1.1]
    assert cleaned.assessments["flc_kappa_mg_l"].tolist()[0] == 412
