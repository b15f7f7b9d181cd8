"""Files made to fill memory: each is refused with a reason, its center alone is lost, and memory stays bounded."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

from fhrmm.errors import StudyError
from fhrmm.store import Run, read_dataset_info, read_work_csv, write_work_csv
from fhrmm.study import load_study
from intake.center import CenterFile
from intake.cleaning import clean_scope
from intake.readers.tables import read_parquet

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


def write_nested_description(path: Path) -> None:
    path.write_text("x = " + "[" * 5_000 + "]" * 5_000, encoding="utf-8")


def write_endless_number(path: Path) -> None:
    path.write_text("x = " + "9" * 5_000, encoding="utf-8")


def write_broken_statistics(path: Path) -> None:
    path.write_bytes(b"$FL2@(#) SPSS DATA FILE" + b"\x00" * 20_000)


def write_rows_of_another_width(path: Path) -> None:
    path.write_text("patient_id,sex\n" + "P1,f,x,y\nP1,f,x\n" * 60_000, encoding="utf-8")


HOSTILE = {
    "D1": ("center.toml", write_nested_description, "center_unreadable"),
    "D2": ("center.toml", write_endless_number, "center_unreadable"),
    "L4": ("patients.csv", write_rows_of_another_width, "file_unreadable"),
    "V1": ("p.sav", write_broken_statistics, "file_unreadable"),
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
        if name in ("p.ods", "p.sav"):
            entry = f'[[files]]\npath = "{name}"\ntable = "patients"\n'
            (data / center / "center.toml").write_text(entry, encoding="utf-8")
    (data / "A1").mkdir()
    (data / "A1" / "patients.csv").write_text("patient_id,sex\nP1,f\n", encoding="utf-8")
    (data / "S1").symlink_to(data / "A1")
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(data)], capture_output=True, text=True, check=False, timeout=300
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    return json.loads(finished.stdout)


def test_each_is_refused_with_its_reason(outcome):
    expected = {center: rule for center, (_, _, rule) in HOSTILE.items()} | {"S1": "center_unreadable"}
    assert dict(outcome["rules"]) == expected
    assert len(outcome["rules"]) == len(expected)


def test_the_other_center_is_read(outcome):
    assert outcome["patients"] == ["P1"]
    assert all(read == sum(parts) for read, *parts in outcome["accounting"])


def test_memory_stays_bounded(outcome):
    assert outcome["gib"] < LARGEST_GIB


def test_a_link_that_leads_out_of_the_center_is_not_followed(tmp_path):
    (tmp_path / "outside.csv").write_text("patient_id,sex\nP1,f\n", encoding="utf-8")
    (tmp_path / "data" / "C01").mkdir(parents=True)
    (tmp_path / "data" / "C01" / "patients.csv").symlink_to(tmp_path / "outside.csv")
    cleaned = clean_scope(tmp_path / "data", "C01", load_study())
    assert cleaned.patients.empty
    assert cleaned.issues["found"].tolist() == ["a link that leads out of the center's folder"]


@pytest.mark.parametrize("content", ["x = " + "[" * 5_000 + "]" * 5_000, "x = " + "9" * 5_000, "name = 3"])
def test_a_dataset_that_cannot_be_described_is_refused_in_a_sentence(content, tmp_path):
    (tmp_path / "dataset.toml").write_text(content, encoding="utf-8")
    with pytest.raises(StudyError, match=r"dataset\.toml"):
        read_dataset_info(tmp_path)


def test_texts_that_a_spreadsheet_would_run_are_inert_and_read_back(tmp_path):
    run = Run("C01", tmp_path, tmp_path / "work", tmp_path / "reports")
    texts = ["=HYPERLINK(1)", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "-99", "-9,5", "KRd", "'quoted'"]
    write_work_csv(run, "issues", pd.DataFrame({"found": texts, "rule": pd.Categorical(texts)}))
    lines = (run.work / "issues.csv").read_text(encoding="utf-8-sig").splitlines()[1:]
    assert not any(line.lstrip('"').startswith(("=", "+", "@", "\t", "-2")) for line in lines)
    assert lines[5:7] == ["-99,-99", '"-9,5","-9,5"']
    back = read_work_csv(run, "issues")
    assert back["found"].tolist() == back["rule"].tolist() == texts


def test_one_long_binary_value_is_decoded_once(tmp_path):
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(100_000, dtype=np.int32)), pa.array([b"x" * 200_000]))
    path = tmp_path / "p.parquet"
    parquet.write_table(pa.table({"patient_id": column}), path, store_schema=False)
    assert parquet.read_schema(path).field("patient_id").type == pa.binary()
    grid = read_parquet(path, CenterFile(path="p.parquet", table="patients"))  # twenty gigabytes, were each decoded
    assert (len(grid.rows), len(grid.columns[0].categories)) == (100_000, 1)
