"""One fault in a file or its description each: the finding it must give, and every other table unchanged."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from openpyxl.styles import Font
from tests.intake.test_export_faults import CORPUS
from tests.intake.test_faults import BASE, CENTER, assert_accounted, each_case

from fhrmm.study import load_study
from intake.cleaning import CleanedScope, clean_scope
from intake.rules import load_rules

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

PATIENTS = '[[files]]\npath = "patients.csv"\ntable = "patients"\n'
VISITS = '[[files]]\npath = "{path}"\ntable = "assessments"\n{more}'
EVENTS = '[[files]]\npath = "adverse_events.csv"\ntable = "adverse_events"\n'
REDCAP = 'format = "redcap_raw"\n'
HEAD = "patient_id,assessment_date,response\n"
FIELDS = "field,form,section,type,label,choices\n"


def describe(folder: Path, path: str, more: str = "", head: str = "") -> None:
    text = head + PATIENTS + VISITS.format(path=path, more=more) + EVENTS
    (folder / "center.toml").write_text(text, encoding="utf-8")


def visits(content: str | bytes, name: str = "v.csv", more: str = "", head: str = "") -> Callable[[Path], None]:
    """Return what puts another file in the place of the assessments."""

    def write(folder: Path) -> None:
        (folder / "assessments.csv").unlink()
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        describe(folder, name, more, head)

    return write


def book(*sheets: tuple[str, list[list[str]]]) -> bytes:
    workbook, buffer = openpyxl.Workbook(), io.BytesIO()
    workbook.remove(workbook.active)
    for title, rows in sheets:
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(row)
    workbook.save(buffer)
    return buffer.getvalue()


def marked_book() -> bytes:
    """Return a workbook with a hidden row and one that is struck out."""
    workbook, buffer = (
        openpyxl.load_workbook(io.BytesIO(book(("v", [*SHEET, ["P4", "2022-08-15", "PR"]])))),
        io.BytesIO(),
    )
    workbook["v"].row_dimensions[2].hidden = True
    for cell in workbook["v"][3]:
        cell.font = Font(strike=True)
    workbook.save(buffer)
    return buffer.getvalue()


def bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 2**26)
    return buffer.getvalue()


def forgotten(folder: Path) -> None:
    (folder / "altro.csv").write_text("a\n1\n", encoding="utf-8")


def missing(folder: Path) -> None:
    (folder / "assessments.csv").unlink()
    describe(folder, "assessments.csv")


def boxes(row: str) -> Callable[[Path], None]:
    more = '[files.checkboxes]\nresponse = { "pr" = "PR", "cr" = "CR" }\n'
    return visits(f"patient_id,assessment_date,pr,cr\n{row}\n", more=more)


SHEET = [HEAD.strip().split(","), ["P1", "2022-07-11", "PR"]]
RAW = "record_id,redcap_repeat_instrument,redcap_repeat_instance,assessment_date,response\n"
KEY = '[files.columns]\n"record_id" = "patient_id"\n'
SWAPPED = [
    SHEET[0], *(["P1", date(2022, month, 7), "PR"] for month in range(1, 9)),
    *(["P1", f"{day}/07/2022", "PR"] for day in range(13, 18)),
]  # fmt: skip
TWO_ROWS = f"{HEAD.strip()},plasmacytoma\nP1,2022-07-11,PR,\nP1,2022-07-11,,none\n"
# rule, severity, what makes it
CASES: list[tuple[str, str, Callable[[Path], None]]] = [
    ("file_missing", "error", missing),
    ("file_not_read", "warning", forgotten),
    ("file_empty", "error", visits("")),
    ("file_empty", "error", visits("\n\n")),
    ("no_rows", "warning", visits(HEAD)),
    ("file_format_wrong", "error", visits(b"%PDF-1.7 text")),
    ("file_format_wrong", "error", visits(HEAD, name="v.xlsx")),
    ("file_not_text", "error", visits(b"a\x00b\n" * 9)),
    ("file_unreadable", "error", visits(b"PK\x03\x04 broken", name="v.xlsx")),
    ("file_unreadable", "error", visits(b"PAR1 broken PAR1", name="v.parquet")),
    ("archive_expands_too_much", "error", visits(bomb(), name="v.xlsx")),
    ("row_too_long", "error", visits(HEAD + "P1," + "x" * (17 * 2**20) + ",PR\n")),
    ("too_many_columns", "error", visits(HEAD.strip() + ",x" * 16_400 + "\n")),
    ("encoding_wrong", "error", visits("sì\n".encode("cp1252"), head='encoding = "utf-8"\n')),
    ("encoding_ambiguous", "error", visits(HEAD.encode() + b"P1,2022-07-11,\x85\n")),
    ("separator_ambiguous", "error", visits("patient_id,x;assessment_date\nP1,2;3\n")),
    ("row_width", "error", visits(HEAD + "P1,2022-07-11,PR\nP4,2022-08-15\n")),
    ("sheet_missing", "error", visits(book(("A", SHEET)), name="v.xlsx", more='sheet = "B"\n')),
    ("sheet_ambiguous", "error", visits(book(("A", SHEET), ("B", SHEET)), name="v.xlsx")),
    ("id_column_missing", "error", visits("assessment_date,response\n2022-07-11,PR\n")),
    ("column_twice", "error", visits("patient_id,assessment_date,response,Risposta\nP1,2022-07-11,PR,PR\n")),
    ("mapped_column_absent", "error", visits(HEAD, more='[files.columns]\n"Manca" = "plasmacytoma"\n')),
    ("unit_conflict", "error", visits(
        "patient_id,assessment_date,Serum M-protein (g/L)\nP1,2022-07-11,3\n",
        more='[files.columns]\n"Serum M-protein (g/L)" = "serum_m_protein_g_dl"\n'
        '[files.units]\nserum_m_protein_g_dl = "g/dL"\n',
    )),
    ("identifier_address", "error", visits("patient_id,assessment_date,response,Indirizzo\nP1,2022-07-11,PR,x\n")),
    ("formula_without_value", "error", visits(book(("v", [*SHEET, ["P1", "=B2+30", "PR"]])), name="v.xlsx")),
    ("dates_swapped", "error", visits(book(("v", SWAPPED)), name="v.xlsx")),
    ("date_utc_midnight", "warning", visits(HEAD + "P1,2022-07-10T22:00:00Z,PR\n")),
    ("duplicate_row", "warning", visits(HEAD + "P1,2022-07-11,PR\nP1,2022-07-11,PR\n")),
    ("column_entirely_missing", "warning", visits(HEAD + "P1,2022-07-11,\nP1,2022-10-01,\n")),
    ("checkbox_conflict", "error", boxes("P1,2022-07-11,1,1")),
    ("center_mismatch", "error", visits("patient_id,center,assessment_date,response\nP1,X09,2022-07-11,PR\n")),
    ("dictionary_unreadable", "error", visits(HEAD, more=REDCAP + 'dictionary = "d.csv"\n')),
    ("instrument_missing", "error", visits(RAW + "P1,,,2022-07-11,PR\n", more=REDCAP + 'instrument = "v"\n' + KEY)),
    ("instrument_not_read", "warning", visits(
        RAW + "P1,v,1,2022-07-11,PR\nP1,w,1,,\n", more=REDCAP + 'instrument = "v"\n' + KEY
    )),
    ("rows_hidden", "warning", visits(marked_book(), name="v.xlsx")),
    ("rows_struck", "warning", visits(marked_book(), name="v.xlsx")),
    ("assessment_rows_joined", "warning", visits(TWO_ROWS)),
    ("center_unreadable", "error", lambda folder: (folder / "center.toml").write_text("id = ", encoding="utf-8")),
]  # fmt: skip
ELSEWHERE = {
    "column_absent": "test_cleaning", "ratio_without_limit": "test_cleaning", "suspected_transfer": "test_cleaning",
    "file_too_large": "test_intake_hostile",
}  # fmt: skip


@pytest.fixture(scope="module")
def clean_base() -> CleanedScope:
    return clean_scope(BASE, CENTER, load_study())


@pytest.mark.parametrize(("rule", "severity", "write"), CASES, ids=[f"{i}-{case[0]}" for i, case in enumerate(CASES)])
def test_fault_of_a_file_is_found_and_concerns_nothing_else(rule, severity, write, clean_base, tmp_path):
    shutil.copytree(BASE, tmp_path, dirs_exist_ok=True)
    write(tmp_path / CENTER)
    cleaned = clean_scope(tmp_path, CENTER, load_study())
    found = cleaned.issues[cleaned.issues["rule"] == rule]
    assert set(found["severity"]) == {severity}
    assert found["file"].ne("").all()
    assert (found["what_to_do"] != "").all()
    assert_accounted(cleaned)
    if rule == "center_unreadable":
        assert cleaned.patients.empty
        return
    wrong = set(cleaned.quarantined["patient_id"])
    for table in ("patients", "adverse_events"):
        expected = getattr(clean_base, table)
        expected = expected[~expected["patient_id"].isin(wrong)].reset_index(drop=True)
        found = getattr(cleaned, table)
        # a table that is not read records nothing
        pd.testing.assert_frame_equal(*(x.drop(columns="unrecorded", errors="ignore") for x in (found, expected)))
    assert wrong <= {"P1"}


def test_every_rule_of_the_catalog_has_a_fault():
    covered = {param.values[0]["rule"] for param in each_case()} | {case[0] for case in CASES}
    covered |= {case.get("rule") for case in CORPUS["cases"]}
    assert set(load_rules()) - covered == set(ELSEWHERE)
    folder = Path(__file__).parent
    for rule, module in ELSEWHERE.items():
        assert re.search(rf"\b{rule}\b", (folder / f"{module}.py").read_text(encoding="utf-8")), rule
