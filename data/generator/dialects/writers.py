"""One center's text tables into its export files."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pandas as pd
from openpyxl import Workbook

from fhrmm.schema import variables
from generator.dialects.containers import add_sheet, write_delimited, write_parquet, write_workbook
from generator.dialects.redcap import dictionary_rows, label_rows, raw_rows
from generator.dialects.styles import STYLES
from intake.center import Center, CenterFile, load_center

_HERE = Path(__file__).parent
_CANONICAL = {
    "C05": {"patients": "patients.csv", "adverse_events": "adverse_events.csv"},
    "C07": {"patients": "patients.parquet", "assessments": "assessments.parquet"},
    "C09": {"patients": "patients.xlsx"},
    "C10": {"patients": "patients.csv"},
}
_NOTES = {
    "C01": ("Note", ("", "", "rivalutare PET", "", "", "in corso", "")),
    "C08": ("Compilazione", ("completa", "da rivedere")),
}
_SERIAL_COLUMNS = {
    "diagnosis_date", "first_line_start_date", "first_progression_date", "last_contact_date", "assessment_date"
}  # fmt: skip
_LEGEND = (
    ("Legenda", ""), ("DATI SINTETICI", "nessun paziente reale"), ("Sesso", "1 = M, 2 = F"),
    ("Plasmocitomi", "0 = assenti, 1 = paraossei, 2 = extramidollari"),
    ("Mantenimento", "0 = no, 1 = lenalidomide, 2 = altro"), ("ND", "dato non disponibile"),
)  # fmt: skip


def describe_center(name: str) -> Center:
    """Return how a synthetic center writes its files: its `center.toml`, or canonical files without one."""
    if name not in _CANONICAL:
        return load_center(_HERE / name)
    return Center(files=tuple(CenterFile(path=path, table=table) for table, path in _CANONICAL[name].items()))


def write_center(name: str, tables: dict[str, pd.DataFrame]) -> dict[str, bytes]:
    """Return file name -> content of one center.

    Parameters
    ----------
    name : str
        Center id, C01 to C10.
    tables : dict of str to DataFrame
        Text under canonical names, per table.
    """
    center = describe_center(name)
    files = {} if name in _CANONICAL else {"center.toml": (_HERE / name / "center.toml").read_bytes()}
    first = center.files[0]
    if name in ("C02", "C09"):
        files[first.path] = _write_book(name, center, tables)
    elif name == "C03":
        described = list(center.files)
        rows = raw_rows([(file, tables[file.table]) for file in described], STYLES[name], name.lower())
        files[first.path] = write_delimited(rows)
        files[first.dictionary or ""] = write_delimited(dictionary_rows(described, STYLES[name]))
    elif name == "C04":
        files[first.path] = write_delimited(label_rows(first, tables["patients"], STYLES[name], name))
    elif name == "C07":
        files |= {file.path: write_parquet(_typed_columns(tables[file.table], file.table)) for file in center.files}
    else:
        files |= {file.path: _write_text_file(name, file, tables[file.table]) for file in center.files}
    return files


def _write_text_file(name: str, file: CenterFile, table: pd.DataFrame) -> bytes:
    headers = list(file.columns) or list(table.columns)
    if file.table == "patients" and name in _NOTES:
        header, texts = _NOTES[name]
        table = table.assign(note=[texts[row % len(texts)] for row in range(len(table))])
        headers = [*headers, header]
    ending = "\r\n" if name in ("C01", "C08") else "\n"
    rows = [headers, *table.to_numpy().tolist()]
    return write_delimited(rows, file.separator or ",", file.encoding or "utf-8", ending)


def _write_book(name: str, center: Center, tables: dict[str, pd.DataFrame]) -> bytes:
    """Return a workbook; that of C02 has merged groups over its headers, a legend, and dates as serial numbers."""
    workbook = Workbook()
    workbook.remove(workbook.active)
    workbook.properties.creator = "fhrmm synthetic data"
    if name == "C02":
        add_sheet(workbook, "Legenda", _LEGEND)
    for file in center.files:
        table = tables[file.table]
        headers = [header.rpartition(" / ")[::2] for header in file.columns or table.columns]
        top = [list(names) for names in zip(*headers, strict=True)][-file.header_rows :]
        kinds = {column: variables(file.table)[column].type for column in table.columns}
        cells = [
            [_cell(row[column], kind, name == "C02" and column in _SERIAL_COLUMNS) for column, kind in kinds.items()]
            for row in table.to_dict("records")
        ]
        add_sheet(workbook, file.sheet or file.table, [*top, *cells], file.header_rows)
    return write_workbook(workbook)


def _cell(text: str, kind: str, serial: bool = False) -> object:
    """Return a text cell as the number or the date that a spreadsheet would hold."""
    if kind == "date" and re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        day = date.fromisoformat(text)
        return (day - date(1899, 12, 30)).days if serial else day
    if kind in ("number", "integer") and re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text) if "." in text else int(text)
    return text


def _typed_columns(table: pd.DataFrame, name: str) -> dict[str, list[object]]:
    columns = {}
    for column in table:
        kind = variables(name)[column].type
        cells = [_cell(text, kind) if text else None for text in table[column]]
        mixed = kind == "date" and any(isinstance(cell, str) for cell in cells)
        columns[column] = [text or None for text in table[column]] if mixed else cells
    return columns
