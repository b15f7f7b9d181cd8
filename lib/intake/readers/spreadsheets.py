"""XLSX and ODS as text: dates by their number format, never more precise than the sheet shows."""

from __future__ import annotations

import math
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path

import openpyxl
from odf import opendocument, table, text
from odf.element import Element
from odf.namespaces import OFFICENS, TABLENS
from openpyxl.cell.cell import Cell
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from python_calamine import CalamineWorkbook

from intake.center import CenterFile
from intake.readers.grid import Grid, ReadProblem, grid_from_cells
from intake.readers.guard import check_archive
from intake.readers.headers import count_known
from intake.values import NO_STORED_VALUE, comparison_key, write_number

MOST_REPEATED = 20_000
LARGEST_WHOLE = 2**27  # above it, a workbook is read row by row, and which rows are hidden is not known
LARGEST_ODS = 2**26  # its reader holds the whole document, at about thirty times its size
LITERALS = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')


def read_xlsx(path: Path, file: CenterFile) -> Grid:
    """Read one sheet of an XLSX workbook.

    Without a declared sheet, the only one whose headers are known is read.

    Raises
    ------
    ReadProblem
        If the workbook is broken or unsafe, or the sheet is absent or not certain.
    """
    check_archive(path)
    options = {"read_only": True, "data_only": True, "keep_links": False}
    with warnings.catch_warnings(action="ignore"), closing(openpyxl.load_workbook(path, **options)) as book:
        sheets = {sheet.title: sheet for sheet in book.worksheets}
        for sheet in sheets.values():
            sheet.reset_dimensions()
        start = file.skip_rows + file.header_rows
        top = {"min_row": file.skip_rows + 1, "max_row": start}
        heads = {name: [[_cell_text(cell) for cell in row] for row in s.iter_rows(**top)] for name, s in sheets.items()}
        name = _choose_sheet(heads, file)
        formulas, hidden, struck = _marks(path, name)
        body = (
            (number, [_cell_text(cell, (number, place) in formulas) for place, cell in enumerate(row)])
            for number, row in enumerate(sheets[name].iter_rows(min_row=start + 1), start=start + 1)
        )
        others = tuple(other for other in sheets if other != name)
        epoch = 1904 if book.epoch == CALENDAR_MAC_1904 else 1900
        grid = grid_from_cells(heads[name], body, sheet=name, epoch=epoch, other_sheets=others)
    rows = set(grid.rows.tolist())
    return replace(grid, hidden=tuple(n for n in hidden if n in rows), struck=tuple(n for n in struck if n in rows))


def _marks(path: Path, name: str) -> tuple[set[tuple[int, int]], list[int], list[int]]:
    """Return what the values of a sheet do not show: cells that hold a formula, hidden rows, rows struck out."""
    with zipfile.ZipFile(path) as archive:
        sheets = [part for part in archive.infolist() if part.filename.startswith("xl/worksheets/sheet")]
        marked = any(b"<f" in (xml := archive.read(part)) or b'hidden="' in xml for part in sheets)
        styles = archive.read("xl/styles.xml") if "xl/styles.xml" in archive.namelist() else b""
    if not marked and b"<strike" not in styles:
        return set(), [], []  # as most workbooks
    large = sum(part.file_size for part in sheets) > LARGEST_WHOLE
    formulas, struck = set(), []
    with closing(openpyxl.load_workbook(path, large, keep_links=False)) as book:
        sheet = book[name]
        if large:
            sheet.reset_dimensions()
        for number, row in enumerate(sheet.iter_rows(), start=1):
            formulas |= {(number, place) for place, cell in enumerate(row) if cell.data_type == "f"}
            struck += [number] if any(cell.value is not None and cell.font.strike for cell in row) else []
        hidden = [] if large else [number for number, row in sheet.row_dimensions.items() if row.hidden]
    return formulas, hidden, struck


def _choose_sheet(heads: dict[str, list[list[str]]], file: CenterFile) -> str:
    """Return the sheet to read: the declared one, the only one, or the only one with known headers.

    Raises
    ------
    ReadProblem
        `sheet_missing`, `sheet_ambiguous`, or `file_empty` where the chosen one has no header.
    """
    if file.sheet is not None:
        found = [name for name in heads if comparison_key(name) == comparison_key(file.sheet)]
    else:
        known = [name for name, rows in heads.items() if count_known([c for row in rows for c in row], file) >= 2]
        found = list(heads) if len(heads) == 1 else [name for name in heads if name.lower() == file.table] or known
    if not found or (file.sheet is None and len(found) > 1):
        rule = "sheet_missing" if file.sheet is not None else "sheet_ambiguous"
        raise ReadProblem(rule, f"sheets there are: {', '.join(heads)}")
    if not any(cell for row in heads[found[0]] for cell in row):
        raise ReadProblem("file_empty", f"sheet {found[0]}")
    return found[0]


def _cell_text(cell: Cell, is_formula: bool = False) -> str:
    value = cell.value
    if value is None:
        return NO_STORED_VALUE if is_formula else ""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime | date):
        return _date_text(value, cell.number_format or "")
    if isinstance(value, int | float) and not isinstance(value, bool) and "%" in (cell.number_format or ""):
        return number_text(value * 100) + "%"
    return plain_text(value)


def _date_text(value: datetime | date, number_format: str) -> str:
    """Return a date as precise as its number format shows it.

    Examples
    --------
    >>> _date_text(datetime(2023, 4, 1), "mmm-yy"), _date_text(datetime(2023, 4, 1), "dd/mm/yyyy")
    ('2023-04', '2023-04-01')
    """
    shown = LITERALS.sub("", number_format.lower())
    iso = value.isoformat()[:10]
    if "d" in shown or "g" in shown or not re.search("[ya]", shown):
        return iso
    return iso[:7] if "m" in shown else iso[:4]


def plain_text(value: object) -> str:
    """Return any cell value as text: numbers in plain notation, dates in ISO notation.

    Examples
    --------
    >>> plain_text(3.0), plain_text(True), plain_text(0.1 + 0.2)
    ('3', 'TRUE', '0.3')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ") if value.time() != time(0) else value.date().isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value) if not isinstance(value, timedelta) else str(value.total_seconds())


def number_text(value: float) -> str:
    """Return a number with the 15 digits that a spreadsheet keeps.

    Three decimals get a fourth, a zero: the point of a number cell is never a thousands mark.

    Examples
    --------
    >>> number_text(4.125)
    '4.1250'
    """
    if not math.isfinite(value):
        return ""
    text = write_number(float(f"{value:.15g}"))
    return f"{text}0" if re.fullmatch(r"-?\d+\.\d{3}", text) else text


def read_xls(path: Path, file: CenterFile) -> Grid:
    """Read one sheet of a workbook of before 2007; see `read_xlsx`. How precisely it shows a date is not known."""
    book = CalamineWorkbook.from_path(str(path))
    cells = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}
    texts = {name: [[plain_text(value) for value in row] for row in rows] for name, rows in cells.items()}
    start = file.skip_rows + file.header_rows
    heads = {name: rows[file.skip_rows : start] for name, rows in texts.items()}
    chosen = _choose_sheet(heads, file)
    body = enumerate(texts[chosen][start:], start=start + 1)
    return grid_from_cells(heads[chosen], body, sheet=chosen, other_sheets=tuple(n for n in texts if n != chosen))


def read_ods(path: Path, file: CenterFile) -> Grid:
    """Read one sheet of an OpenDocument spreadsheet; see `read_xlsx`."""
    check_archive(path, LARGEST_ODS)
    document = opendocument.load(str(path))
    sheets = {sheet.getAttribute("name"): sheet for sheet in document.getElementsByType(table.Table)}
    heads = {}
    for name, sheet in sheets.items():
        rows = list(islice(_ods_rows(sheet), file.skip_rows + file.header_rows))
        heads[name] = [cells for _, cells in rows][file.skip_rows :]
    chosen = _choose_sheet(heads, file)
    body = (
        (number, cells) for number, cells in _ods_rows(sheets[chosen]) if number > file.skip_rows + file.header_rows
    )
    return grid_from_cells(heads[chosen], body, sheet=chosen, other_sheets=tuple(n for n in sheets if n != chosen))


def _ods_rows(sheet: Element) -> Iterator[tuple[int, list[str]]]:
    """Yield row number and cells; repeated rows are unfolded where they hold anything."""
    number = 1
    for row in sheet.getElementsByType(table.TableRow):
        repeated = int(row.attributes.get((TABLENS, "number-rows-repeated"), 1))
        cells = _ods_cells(row)
        for offset in range(min(repeated, MOST_REPEATED) if any(cells) or number <= 10 else 0):
            yield number + offset, cells
        number += repeated


def _ods_cells(row: Element) -> list[str]:
    cells: list[str] = []
    for cell in row.childNodes:
        if cell.qname not in ((TABLENS, "table-cell"), (TABLENS, "covered-table-cell")):
            continue
        repeated = int(cell.attributes.get((TABLENS, "number-columns-repeated"), 1))
        cells += [_ods_text(cell)] * min(repeated, MOST_REPEATED)
        if len(cells) > MOST_REPEATED and cells[-1]:
            raise ReadProblem("too_many_columns", f"more than {MOST_REPEATED} columns")
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _ods_text(cell: Element) -> str:
    kind = cell.attributes.get((OFFICENS, "value-type"), "")
    if not kind and (TABLENS, "formula") in cell.attributes:
        return NO_STORED_VALUE
    if kind == "date":
        return cell.attributes[(OFFICENS, "date-value")].removesuffix("T00:00:00").replace("T", " ")
    if kind == "boolean":
        return cell.attributes[(OFFICENS, "boolean-value")].upper()
    if kind == "percentage":
        return number_text(float(cell.attributes[(OFFICENS, "value")]) * 100) + "%"
    if kind in ("float", "currency"):
        return number_text(float(cell.attributes[(OFFICENS, "value")]))
    return "\n".join(str(part) for part in cell.getElementsByType(text.P))
