"""Text tables into files, with the same bytes at any time and place."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from itertools import groupby

import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl import Workbook
from openpyxl.styles import Font

_EARLIEST = (1980, 1, 1, 0, 0, 0)
_STAMP = "2025-04-09T00:00:00Z"


def write_delimited(
    rows: Sequence[Sequence[str]], separator: str = ",", encoding: str = "utf-8", ending: str = "\n"
) -> bytes:
    """Return rows as delimited text; a cell is quoted only where it must be."""
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=separator, lineterminator=ending).writerows(rows)
    return buffer.getvalue().encode(encoding)


def write_workbook(workbook: Workbook) -> bytes:
    """Return a workbook as bytes without any trace of when it was written."""
    raw, fixed = io.BytesIO(), io.BytesIO()
    workbook.save(raw)
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(fixed, "w") as target:
        for name in sorted(source.namelist()):
            content = source.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", _STAMP.encode(), content)
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_STORED, 0o600 << 16, 3
            target.writestr(entry, content)
    return fixed.getvalue()


def add_sheet(workbook: Workbook, title: str, rows: Sequence[Sequence[object]], header_rows: int = 1) -> None:
    """Append a sheet; equal neighbors in the upper header rows are merged into one cell."""
    sheet = workbook.create_sheet(title)
    for row in rows:
        sheet.append([None if cell == "" else cell for cell in row])
    for number in range(1, header_rows + 1):
        for cell in sheet[number]:
            cell.font = Font(bold=True)
    for number in range(1, header_rows):
        end = 0
        for _, group in groupby(rows[number - 1]):
            start, end = end + 1, end + len(list(group))
            if end > start:
                sheet.merge_cells(start_row=number, end_row=number, start_column=start, end_column=end)
    sheet.freeze_panes = sheet.cell(row=header_rows + 1, column=2)


def write_parquet(columns: dict[str, Sequence[object]]) -> bytes:
    """Return columns as Parquet, each of the plainest type that holds it, without metadata of any library."""
    arrays = {name: pa.array(list(values)) for name, values in columns.items()}
    buffer = io.BytesIO()
    pq.write_table(pa.table(arrays), buffer, compression="none", version="2.6", store_schema=False)
    return buffer.getvalue()
