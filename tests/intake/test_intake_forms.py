"""A canonical table written as a workbook, a statistics file or a REDCap export reads back as the same table."""

from __future__ import annotations

import csv
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyreadstat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P
from tests.intake.written_forms import CENTER, DATES, PATIENTS, assert_same_table, canonical_tables, clean

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

SLOWER = settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
LEVELS = {name: variable.levels for name, variable in PATIENTS.items() if variable.levels}
NUMBERS = [name for name, variable in PATIENTS.items() if variable.type in ("number", "integer")]
REPEAT = ["redcap_repeat_instrument", "redcap_repeat_instance"]


def typed(text: str, name: str) -> object:
    """Return a canonical cell as a spreadsheet holds it."""
    if not text:
        return None
    if name in NUMBERS:
        return float(text)
    return date.fromisoformat(text) if name in DATES and len(text) == 10 else text


# --- spreadsheets and typed files ----------------------------------------------------------------------------------


def write_xlsx(path: Path, table: pd.DataFrame) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Legenda"])
    sheet = book.create_sheet("Pazienti")
    sheet.append([variable.label_it for variable in PATIENTS.values()])
    for row in table.to_dict("records"):
        sheet.append([typed(row[name], name) for name in PATIENTS])
    book.save(path)


def write_ods(path: Path, table: pd.DataFrame) -> None:
    document = OpenDocumentSpreadsheet()
    sheet = Table(name="Pazienti")
    for cells in [list(PATIENTS), *([typed(row[name], name) for name in PATIENTS] for row in table.to_dict("records"))]:
        line = TableRow()
        for cell in cells:
            line.addElement(_ods_cell(cell))
        sheet.addElement(line)
    document.spreadsheet.addElement(sheet)
    document.save(str(path))


def _ods_cell(cell: object) -> TableCell:
    if isinstance(cell, float):
        return TableCell(valuetype="float", value=repr(cell))
    if isinstance(cell, date):
        return TableCell(valuetype="date", datevalue=cell.isoformat())
    element = TableCell(valuetype="string")
    if cell is not None:
        element.addElement(P(text=cell))
    return element


def write_parquet(path: Path, table: pd.DataFrame) -> None:
    columns = {name: [typed(text, name) for text in table[name]] for name in PATIENTS}
    whole_dates = {name: all(isinstance(x, date) for x in columns[name] if x) for name in DATES}
    mixed = [name for name, whole in whole_dates.items() if not whole]
    pd.DataFrame(columns | {name: table[name].tolist() for name in mixed}).to_parquet(path, index=False)


def write_coded(path: Path, table: pd.DataFrame) -> None:
    """Write an SPSS or Stata file: categories as codes with labels, numbers as numbers, dates as text."""
    codes = {name: {level: float(code) for code, level in enumerate(levels, 1)} for name, levels in LEVELS.items()}
    columns = {name: table[name].tolist() for name in PATIENTS}
    columns |= {name: [found.get(text, np.nan) for text in table[name]] for name, found in codes.items()}
    columns |= {name: [float(text) if text else np.nan for text in table[name]] for name in NUMBERS}
    labels = {name: {code: level for level, code in found.items()} for name, found in codes.items()}
    write = pyreadstat.write_dta if path.suffix == ".dta" else pyreadstat.write_sav
    frame = pd.DataFrame(columns)
    if path.suffix == ".dta":
        labels = {name: {int(code): level for code, level in found.items()} for name, found in labels.items()}
    write(frame, str(path), variable_value_labels=labels)


FILES = {
    "patients.xlsx": write_xlsx, "p.ods": write_ods, "patients.parquet": write_parquet, "p.sav": write_coded,
    "p.dta": write_coded,
}  # fmt: skip


@SLOWER
@given(canonical_tables(), st.sampled_from(list(FILES)))
def test_typed_files_read_back_as_the_same_table(table, file):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / CENTER
        folder.mkdir()
        FILES[file](folder / file, table)
        if not file.startswith("patients"):
            entry = f'[[files]]\npath = "{file}"\ntable = "patients"\n'
            (folder / "center.toml").write_text(entry, encoding="utf-8")
        cleaned = clean(Path(name))
    assert_same_table(cleaned, table)


# --- REDCap --------------------------------------------------------------------------------------------------------


redcap_forms = st.fixed_dictionaries(
    {
        "label": st.booleans(),
        "dictionary": st.booleans(),
        "boxes": st.sampled_from([(), ("maintenance",), ("isotype", "death_cause")]),
        "events": st.booleans(),
        "visits": st.booleans(),
        "missing": st.sampled_from(["", "-99", "UNK"]),
        "columns": st.permutations(list(PATIENTS)[1:]),
        "group": st.booleans(),
    }
)


def fields_of(form: dict) -> list[list[str]]:
    """Return the data dictionary of the form, 18 columns."""
    rows = [["Variable", "Form", "Section", "Type", "Label", "Choices", *[""] * 12]]
    for name in ["patient_id", *form["columns"]]:
        kind = "checkbox" if name in form["boxes"] else "radio" if name in LEVELS else "text"
        listed = " | ".join(f"{code}, {level}" for code, level in enumerate(LEVELS.get(name, ()), 1))
        rows.append([name, "base", "", kind, PATIENTS[name].label_it, listed, *[""] * 12])
    return rows


def box_name(name: str, code: int, level: str, form: dict) -> str:
    return f"{PATIENTS[name].label_it} (choice={level})" if form["label"] else f"{name}___{code}"


def cells_of(row: dict, form: dict) -> dict[str, str]:
    """Return one patient's cells by header."""
    cells = {}
    for name in form["columns"]:
        if name in form["boxes"]:
            checked, unchecked = ("Checked", "Unchecked") if form["label"] else ("1", "0")
            for code, level in enumerate(LEVELS[name], 1):
                cells[box_name(name, code, level, form)] = checked if row[name] == level else unchecked
            continue
        coded = row[name]
        if name in LEVELS and coded and not form["label"]:
            coded = str(LEVELS[name].index(coded) + 1)
        cells[PATIENTS[name].label_it if form["label"] else name] = coded or form["missing"]
    return cells


def body_of(table: pd.DataFrame, form: dict) -> list[dict[str, str]]:
    """Return the rows of the export: one per patient, or one per event; and one per visit."""
    key = PATIENTS["patient_id"].label_it if form["label"] else "patient_id"
    rows = []
    for row in table.to_dict("records"):
        cells = cells_of(row, form)
        parts = [dict(list(cells.items())[half::2]) for half in (0, 1)] if form["events"] else [cells]
        for number, part in enumerate(parts):
            event = {"redcap_event_name": f"event_{number}_arm_1"} if form["events"] else {}
            rows.append({key: row["patient_id"]} | event | part)
        if form["visits"]:
            visit = {"redcap_repeat_instrument": "visita", "redcap_repeat_instance": "1"}
            rows.append({key: row["patient_id"]} | visit | {"visit_date": "2024-01-01", "visit_response": "PR"})
    if form["group"]:
        rows = [row | {"redcap_data_access_group": "napoli"} for row in rows]
    return rows


def write_redcap(folder: Path, table: pd.DataFrame, form: dict) -> None:
    """Write export, dictionary and description."""
    rows = body_of(table, form)
    headers = [*dict.fromkeys(name for row in rows for name in row), "base_complete"]
    with (folder / "data.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, headers, restval="")
        writer.writeheader()
        writer.writerows(rows)
    with_dictionary = form["dictionary"] or not form["label"]
    if with_dictionary:
        with (folder / "dict.csv").open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(fields_of(form))
    kind = "redcap_label" if form["label"] else "redcap_raw"
    entry = f'[[files]]\npath = "data.csv"\nformat = "{kind}"\n' + 'dictionary = "dict.csv"\n' * with_dictionary
    boxes = "".join(
        f"[files.checkboxes.{name}]\n"
        + "".join(f'"{box_name(name, code, level, form)}" = "{level}"\n' for code, level in enumerate(LEVELS[name], 1))
        for name in form["boxes"]
    )
    text = 'missing = ["-99", "UNK"]\n' + entry + 'table = "patients"\n' + boxes
    if form["visits"]:
        text += entry + 'table = "assessments"\ninstrument = "visita"\n[files.columns]\n'
        text += '"visit_date" = "assessment_date"\n"visit_response" = "response"\n'
    (folder / "center.toml").write_text(text, encoding="utf-8")


@settings(SLOWER, max_examples=30)
@given(canonical_tables(), redcap_forms)
def test_every_redcap_form_reads_back_as_the_same_table(table, form):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / CENTER
        folder.mkdir()
        write_redcap(folder, table, form)
        cleaned = clean(Path(name))
    assert_same_table(cleaned, table)
    assert cleaned.unknown_columns.empty, cleaned.unknown_columns.to_string()
    assert len(cleaned.assessments) == (len(cleaned.patients) if form["visits"] else 0)
