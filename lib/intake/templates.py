"""Empty forms for centers, made from the data dictionary: a workbook and a REDCap data dictionary.

``python -m intake.templates`` writes `data/templates/`.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from fhrmm.schema import TABLES, Variable, load_dictionary, variables
from fhrmm.study import repository_root
from intake.contract import LONG
from intake.workbooks import workbook_bytes

WORKBOOK = "fhrmm_template.xlsx"
REDCAP = "fhrmm_redcap_dictionary.csv"
LAST_ROW = 5_000
HEADER_ROW = 2
TEXT_FORMAT = "@"
GRAY, BLUE = PatternFill("solid", start_color="EDEDED"), PatternFill("solid", start_color="DDEBF7")
DATE_HINT = "2023-04-15; 2023-04 where the day is unknown, 2023 where the month is"
FORMS = {"patients": "patient", "assessments": "assessment", "adverse_events": "adverse_event"}
PREFIXES = {"patients": "", "assessments": "visit_", "adverse_events": "event_"}
REDCAP_COLUMNS = (
    "Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label",
    "Choices, Calculations, OR Slider Labels", "Field Note", "Text Validation Type OR Show Slider Number",
    "Text Validation Min", "Text Validation Max", "Identifier?", "Branching Logic (Show field only if...)",
    "Required Field?", "Custom Alignment", "Question Number (surveys only)", "Matrix Group Name", "Matrix Ranking?",
    "Field Annotation",
)  # fmt: skip


@cache
def load_examples() -> dict[str, Any]:
    """Return a cell of each column as an example, and some rows of each long table."""
    return tomllib.loads((Path(__file__).parent / "examples.toml").read_text(encoding="utf-8"))


def template_variables(table: str) -> list[Variable]:
    """Return the columns of a table that a center fills in: all but its own name.

    Examples
    --------
    >>> [variable.column for variable in template_variables("adverse_events")]
    ['patient_id', 'term', 'grade', 'onset_date']
    """
    return [variable for variable in variables(table).values() if variable.column != "center"]


def _header_text(variable: Variable) -> str:
    """Return the header of a column: its label, and its unit in parentheses.

    Examples
    --------
    >>> _header_text(variables("patients")["albumin_g_dl"])
    'Albumin (g/dL)'
    """
    return f"{variable.label_en} ({variable.unit})" if variable.unit and variable.unit != "year" else variable.label_en


def make_workbook() -> Workbook:
    """Return the template workbook: one sheet per table with an example row, a header, drop-downs, and a legend."""
    book = Workbook()
    book.remove(book.active)
    for table in TABLES:
        _add_table(book.create_sheet(table), table)
    _add_legend(book.create_sheet("legend"))
    return book


def make_redcap_dictionary() -> str:
    """Return the REDCap data dictionary as CSV: one form per table, its choices coded by canonical values."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(REDCAP_COLUMNS)
    writer.writerows(row for table in TABLES for row in _redcap_rows(table))
    return buffer.getvalue()


def _make_center_file() -> str:
    """Return the `center.toml` that reads a filled template workbook."""
    entries = [
        f'[[files]]\npath = "{WORKBOOK}"\ntable = "{table}"\nsheet = "{table}"\nskip_rows = {HEADER_ROW - 1}\n'
        for table in TABLES
    ]
    return "# Put this file and the filled workbook into the center's folder.\n" + "\n".join(entries)


def make_redcap_center_file() -> str:
    """Return the `center.toml` that reads a raw export of a REDCap project made from the dictionary."""
    parts = ["# Put this file, the raw export and the dictionary into the center's folder; rename the export.\n"]
    for table in TABLES:
        lines = [f'[[files]]\npath = "export.csv"\ntable = "{table}"\nformat = "redcap_raw"\ndictionary = "{REDCAP}"']
        lines += [f'instrument = "{FORMS[table]}"'] if table != "patients" else []
        columns = [(redcap_name(variable), variable.column) for variable in template_variables(table)]
        lines += ["[files.columns]", *(f'"{name}" = "{column}"' for name, column in columns)]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def redcap_name(variable: Variable) -> str:
    """Return the REDCap field of a column: unique in the project, so that columns of visits carry their form's name.

    Examples
    --------
    >>> redcap_name(variables("assessments")["bm_plasma_cells_pct"])
    'visit_bm_plasma_cells_pct'
    """
    shared = variable.column == "patient_id"
    return variable.column if shared else f"{PREFIXES[variable.table]}{variable.column}"


def _add_table(sheet: Worksheet, table: str) -> None:
    for position, variable in enumerate(template_variables(table), start=1):
        letter = get_column_letter(position)
        example, header = sheet.cell(1, position), sheet.cell(HEADER_ROW, position)
        example.value, example.font, example.fill = load_examples().get(variable.column, ""), Font(italic=True), GRAY
        header.value, header.font, header.fill = _header_text(variable), Font(bold=True), BLUE
        header.alignment = Alignment(wrap_text=True, vertical="top")
        header.comment = Comment(_hint(variable), "fhrmm", height=120, width=280)
        sheet.column_dimensions[letter].width = max(14, len(_header_text(variable)) // 2 + 4)
        sheet.column_dimensions[letter].number_format = TEXT_FORMAT
        if validation := _validation(variable, letter):
            sheet.add_data_validation(validation)
            validation.add(f"{letter}{HEADER_ROW + 1}:{letter}{LAST_ROW}")
        # dates stay text, so that a month typed as 2023-04 does not become its first day
        for row in range(1, 203) if variable.type in ("date", "id") else ():
            sheet.cell(row, position).number_format = TEXT_FORMAT
    sheet.cell(1, 1).comment = Comment("Example: rows of patients begin below the header", "fhrmm")
    sheet.freeze_panes = sheet.cell(HEADER_ROW + 1, 2)


def _validation(variable: Variable, letter: str) -> DataValidation | None:
    """Return the drop-down, range or date check of a column."""
    if variable.levels:
        rule = DataValidation(type="list", formula1=f'"{",".join(variable.levels)}"', allow_blank=True)
    elif variable.type == "date":
        rule = DataValidation(type="custom", formula1=_date_formula(f"{letter}{HEADER_ROW + 1}"), allow_blank=True)
    elif variable.type in ("integer", "number"):
        kind = "whole" if variable.type == "integer" else "decimal"
        low, high = f"{variable.minimum:g}", f"{variable.maximum:g}"
        rule = DataValidation(type=kind, operator="between", formula1=low, formula2=high, allow_blank=True)
    else:
        return None
    rule.error, rule.errorTitle, rule.showErrorMessage = _hint(variable)[:250], "Not accepted", True
    return rule


def _date_formula(cell: str) -> str:
    """Return a formula that accepts 2023-04-15, 2023-04 and 2023, written as text."""
    whole = f'AND(LEN({cell})=10,MID({cell},5,1)="-",ISNUMBER(DATEVALUE({cell})))'
    month = f'AND(LEN({cell})=7,MID({cell},5,1)="-",ISNUMBER(DATEVALUE({cell}&"-01")))'
    return f"OR({whole},{month},AND(LEN({cell})=4,ISNUMBER(VALUE({cell}))))"


def _hint(variable: Variable) -> str:
    """Say in a sentence what a column takes."""
    if variable.levels:
        expected = "one of " + ", ".join(variable.levels)
    elif variable.type == "date":
        expected = DATE_HINT
    elif variable.minimum is not None:
        expected = f"{variable.minimum:g} to {variable.maximum:g} {variable.unit}".strip()
    else:
        expected = ""
    return f"{variable.description}. {expected}".strip()


def _add_legend(sheet: Worksheet) -> None:
    sheet.append(["Sheet", "Header", "Intestazione", "Variable", "Required", "Unit", "Accepted", "Meaning"])
    for variable in load_dictionary():
        if variable.column != "center":
            accepted = _hint(variable).removeprefix(variable.description)[2:]
            required = "yes" if variable.required else ""
            names = [variable.table, _header_text(variable), variable.label_it, variable.column]
            sheet.append([*names, required, variable.unit, accepted, variable.description])
    notes = (
        "An empty cell means unknown, never 'no'.", "No names, no tax codes, no full date of birth.",
        "patient_id is a pseudonym that only the center can resolve.",
    )  # fmt: skip
    for note in notes:
        sheet.append([note])
    for cell in sheet[1]:
        cell.font, cell.fill = Font(bold=True), BLUE
    for letter, width in zip("ABCDEFGH", (16, 34, 34, 28, 10, 10, 60, 70), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = "A2"


def _redcap_rows(table: str) -> Iterator[list[str]]:
    """Yield one dictionary row per column; the record identifier stands once, first."""
    group = ""
    for variable in template_variables(table):
        if variable.column == "patient_id" and table != "patients":
            continue
        section = variable.group.capitalize() if variable.group != group and table == "patients" else ""
        group = variable.group
        yield _redcap_row(variable, "" if variable.column == "patient_id" else section)


def _redcap_row(variable: Variable, section: str) -> list[str]:
    kind = "radio" if variable.levels else "text"
    choices = " | ".join(f"{level}, {level.replace('_', ' ')}" for level in variable.levels)
    check = {"integer": "integer", "number": "number"}.get(variable.type, "")
    low = "" if variable.minimum is None else f"{variable.minimum:g}"
    high = "" if variable.maximum is None else f"{variable.maximum:g}"
    note = DATE_HINT if variable.type == "date" else variable.unit
    required = "y" if variable.required else ""
    return [
        redcap_name(variable), FORMS[variable.table], section, kind, variable.label_en, choices, note, check,
        low if check else "", high if check else "", "", "", required, "", "", "", "", "",
    ]  # fmt: skip


def template_files() -> dict[str, bytes]:
    """Return every file of `data/templates/` by name."""
    long = {f"{table}.csv": pd.DataFrame(load_examples()[table]).to_csv(index=False).encode() for table in LONG}
    return long | {
        WORKBOOK: workbook_bytes(make_workbook()),
        REDCAP: make_redcap_dictionary().encode(),
        "center.toml": _make_center_file().encode(),
        "redcap_center.toml": make_redcap_center_file().encode(),
    }


def main() -> None:
    """Write `data/templates/`."""
    folder = repository_root() / "data" / "templates"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in template_files().items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
