"""Files made to fill memory: each is refused with a reason, its center alone is lost, and memory stays bounded."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="peak memory is asked of Unix"),
]
MEBIBYTE = 2**20
LARGEST_GIB = 0.75
PROGRAM = """
import json, resource, sys
from intake.cleaning import clean_scope
from fhrmm.study import load_study
study = load_study()
cleaned = clean_scope(sys.argv[1], "ALL", study)
found = cleaned.issues[cleaned.issues["severity"] == "error"]
print(json.dumps({
    "rules": found[["center", "rule"]].values.tolist(),
    "patients": cleaned.patients["patient_id"].tolist(),
    "accounting": cleaned.row_accounting.iloc[:, 2:].values.tolist(),
    "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
}))
"""


def write_long_row(path: Path) -> None:
    with path.open("wb") as stream:
        stream.write(b"patient_id,sex\nP1,")
        for _ in range(200):
            stream.write(b"f" * MEBIBYTE)


def write_nothing_but_zeros(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(1536 * MEBIBYTE)


def write_zip_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as member:
            for _ in range(256):
                member.write(b" " * MEBIBYTE)


def write_far_cells(path: Path) -> None:
    """Write a small workbook whose rows have one cell each, in the last column that there is."""
    book = openpyxl.Workbook()
    book.active.append(["patient_id", "sex"])
    for row in range(2, 1300):
        book.active.cell(row, 16_384, 1)
    book.save(path)


def write_repeated_rows(path: Path) -> None:
    document = OpenDocumentSpreadsheet()
    sheet = Table(name="Pazienti")
    for cells, repeated in ((["patient_id", "sex"], {}), (["x"], {"numberrowsrepeated": 15_000})):
        line = TableRow(**repeated)
        for cell in cells:
            element = TableCell(valuetype="string", **({"numbercolumnsrepeated": 16_000} if repeated else {}))
            element.addElement(P(text=cell))
            line.addElement(element)
        sheet.addElement(line)
    document.spreadsheet.addElement(sheet)
    document.save(str(path))


def write_one_value_many_times(path: Path) -> None:
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(5_000_000, dtype=np.int32)), pa.array(["x" * 1000]))
    with parquet.ParquetWriter(path, pa.schema([("patient_id", column.type)])) as writer:
        for _ in range(50):
            writer.write_table(pa.table({"patient_id": column}))


def write_binary(path: Path) -> None:
    path.write_bytes(np.random.default_rng(1).bytes(4 * MEBIBYTE))


HOSTILE = {
    "L1": ("patients.csv", write_long_row, "row_too_long"),
    "L2": ("patients.csv", write_nothing_but_zeros, "file_not_text"),
    "L3": ("patients.csv", write_binary, "file_not_text"),
    "Z1": ("patients.xlsx", write_zip_bomb, "archive_expands_too_much"),
    "Z2": ("patients.xlsx", write_far_cells, "file_too_large"),
    "Z3": ("p.ods", write_repeated_rows, "file_too_large"),
    "Z4": ("patients.parquet", write_one_value_many_times, "file_too_large"),
    "Z5": ("patients.csv", write_zip_bomb, "file_format_wrong"),
}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory) -> dict:
    data = tmp_path_factory.mktemp("hostile")
    for center, (name, write, _) in HOSTILE.items():
        (data / center).mkdir()
        write(data / center / name)
        if name == "p.ods":
            entry = '[[files]]\npath = "p.ods"\ntable = "patients"\n'
            (data / center / "center.toml").write_text(entry, encoding="utf-8")
    (data / "A1").mkdir()
    (data / "A1" / "patients.csv").write_text("patient_id,sex\nP1,f\n", encoding="utf-8")
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(data)], capture_output=True, text=True, check=False, timeout=300
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    return json.loads(finished.stdout)


def test_each_is_refused_with_its_reason(outcome):
    assert dict(outcome["rules"]) == {center: rule for center, (_, _, rule) in HOSTILE.items()}
    assert len(outcome["rules"]) == len(HOSTILE)


def test_the_other_center_is_read(outcome):
    assert outcome["patients"] == ["P1"]
    assert all(read == sum(parts) for read, *parts in outcome["accounting"])


def test_memory_stays_bounded(outcome):
    assert outcome["gib"] < LARGEST_GIB
