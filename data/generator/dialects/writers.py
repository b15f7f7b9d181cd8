"""One center's text tables into its export files."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
from openpyxl import Workbook

from fhrmm.schema import variables
from generator.dialects.containers import (
    add_sheet,
    frame_rows,
    write_delimited,
    write_parquet,
    write_workbook,
)
from generator.dialects.redcap import dictionary_rows, label_rows, raw_rows
from generator.dialects.styles import STYLES
from intake.center import Center, CenterFile, load_center

Tables = dict[str, pd.DataFrame]
HERE = Path(__file__).parent
CANONICAL = {
    "C05": {"patients": "patients.csv", "adverse_events": "adverse_events.csv"},
    "C07": {"patients": "patients.parquet", "assessments": "assessments.parquet"},
    "C09": {"patients": "patients.xlsx"},
    "C10": {"patients": "patients.csv"},
}
NOTES = {
    "C01": ("Note", ("", "", "rivalutare PET", "", "", "in corso", "")),
    "C08": ("Compilazione", ("completa", "da rivedere")),
}
SERIAL_COLUMNS = (
    "diagnosis_date",
    "first_line_start_date",
    "first_progression_date",
    "last_contact_date",
    "assessment_date",
)
EXCEL_DAY_ZERO = date(1899, 12, 30)
LEGEND = (
    ("Legenda", ""), ("DATI SINTETICI", "nessun paziente reale"), ("Sesso", "1 = M, 2 = F"),
    ("Plasmocitomi", "0 = assenti, 1 = paraossei, 2 = extramidollari"),
    ("Mantenimento", "0 = no, 1 = lenalidomide, 2 = altro"), ("ND", "dato non disponibile"),
)  # fmt: skip


def describe_center(name: str) -> Center:
    """Return how a synthetic center writes its files: its `center.toml`, or canonical files without one."""
    if name not in CANONICAL:
        return load_center(HERE / name)
    return Center(files=tuple(CenterFile(path=path, table=table) for table, path in CANONICAL[name].items()))


def write_center(name: str, tables: Tables) -> dict[str, bytes]:
    """Return file name -> content of one center.

    Parameters
    ----------
    name : str
        Center id, C01 to C10.
    tables : dict of str to DataFrame
        Text under canonical names, per table.
    """
    center = describe_center(name)
    files = {} if name in CANONICAL else {"center.toml": (HERE / name / "center.toml").read_bytes()}
    return files | _WRITERS.get(name, _write_delimited_files)(name, center, tables)


def _write_delimited_files(name: str, center: Center, tables: Tables) -> dict[str, bytes]:
    ending = "\r\n" if name in ("C01", "C08") else "\n"
    written = {}
    for file in center.files:
        table = tables[file.table]
        headers = list(file.columns) or list(table.columns)
        if file.table == "patients" and name in NOTES:
            header, texts = NOTES[name]
            table = table.assign(note=[texts[row % len(texts)] for row in range(len(table))])
            headers = [*headers, header]
        rows = frame_rows(table, headers)
        written[file.path] = write_delimited(rows, file.separator or ",", file.encoding or "utf-8", ending)
    return written


def _write_grouped_workbook(name: str, center: Center, tables: Tables) -> dict[str, bytes]:
    """A workbook whose headers are merged groups over names, with a legend and dates as serial numbers."""
    workbook = _empty_workbook()
    add_sheet(workbook, "Legenda", LEGEND)
    for file in center.files:
        headers = [header.rpartition(" / ")[::2] for header in file.columns]
        top = [list(names) for names in zip(*headers, strict=True)][-file.header_rows :]
        rows = [*top, *_typed_rows(tables[file.table], file.table, serial=True)]
        add_sheet(workbook, file.sheet or file.table, rows, file.header_rows)
    return {center.files[0].path: write_workbook(workbook)}


def _write_canonical_workbook(name: str, center: Center, tables: Tables) -> dict[str, bytes]:
    workbook = _empty_workbook()
    table = tables["patients"]
    add_sheet(workbook, "patients", [list(table.columns), *_typed_rows(table, "patients", serial=False)])
    return {center.files[0].path: write_workbook(workbook)}


def _empty_workbook() -> Workbook:
    workbook = Workbook()
    workbook.remove(workbook.active)
    workbook.properties.creator = "fhrmm synthetic data"
    return workbook


def _typed_rows(table: pd.DataFrame, name: str, serial: bool) -> list[list[object]]:
    """Return text cells as the numbers and dates that a spreadsheet would hold."""
    known = variables(name)
    kinds = [(column, known[column].type) for column in table.columns]
    return [
        [
            _cell(text, kind, serial and column in SERIAL_COLUMNS)
            for text, (column, kind) in zip(row, kinds, strict=True)
        ]
        for row in table.to_numpy().tolist()
    ]


def _cell(text: str, kind: str, serial: bool) -> object:
    if kind == "date" and re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        day = date.fromisoformat(text)
        return (day - EXCEL_DAY_ZERO).days if serial else day
    if kind in ("number", "integer") and re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text) if "." in text else int(text)
    return text


def _write_parquet_files(name: str, center: Center, tables: Tables) -> dict[str, bytes]:
    return {file.path: write_parquet(_typed_columns(tables[file.table], file.table)) for file in center.files}


def _typed_columns(table: pd.DataFrame, name: str) -> dict[str, list[object]]:
    known = variables(name)
    columns = {}
    for column in table:
        cells = [_cell(text, known[column].type, False) if text else None for text in table[column]]
        mixed = known[column].type == "date" and any(isinstance(cell, str) for cell in cells)
        columns[column] = [text or None for text in table[column]] if mixed else cells
    return columns


def _write_redcap_raw(name: str, center: Center, tables: Tables) -> dict[str, bytes]:
    files, style = list(center.files), STYLES[name]
    rows = raw_rows([(file, tables[file.table]) for file in files], style, name.lower())
    dictionary = dictionary_rows(files, style)
    return {
        files[0].path: write_delimited(rows, ",", "utf-8"),
        files[0].dictionary or "": write_delimited(dictionary, ",", "utf-8"),
    }


def _write_redcap_label(name: str, center: Center, tables: Tables) -> dict[str, bytes]:
    file = center.files[0]
    rows = label_rows(file, tables["patients"], STYLES[name], name)
    return {file.path: write_delimited(rows, ",", "utf-8")}


_WRITERS: dict[str, Callable[[str, Center, Tables], dict[str, bytes]]] = {
    "C02": _write_grouped_workbook,
    "C03": _write_redcap_raw,
    "C04": _write_redcap_label,
    "C07": _write_parquet_files,
    "C09": _write_canonical_workbook,
}
