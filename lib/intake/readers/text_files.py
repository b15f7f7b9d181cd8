"""CSV and TSV of any encoding and separator, read as text with every row accounted for."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv

from intake.center import CenterFile
from intake.readers.grid import Grid, ReadProblem, categorical_text, drop_unnamed, join_headers
from intake.readers.headers import count_known

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
SINGLE_BYTE = ("cp1252", "cp850", "mac_roman")
EXPECTED_LETTERS = frozenset(
    "àèéìòùÀÈÉÌÒÙ°º²µ±≥≤€\u00a0\u2013\u2014\u2018\u2019\u201c\u201d\u2026"  # Italian letters, and signs of text
)
SEPARATORS = (";", ",", "\t", "|")
LONGEST_ROW = 16 * 2**20
LARGEST_FILE = 2 * 2**30
BLOCK = 4 * 2**20
MOST_COLUMNS = 16_384
MOST_REFUSED = 100_000


def read_text_file(path: Path, file: CenterFile) -> Grid:
    """Read one CSV or TSV.

    Rows of another width than the header are refused, with their row number; nothing shifts in silence. What is not
    declared of encoding and separator is detected where only one reading exists.

    Raises
    ------
    ReadProblem
        If the file is empty, not text, or cannot be divided into cells with certainty.
    """
    if path.stat().st_size > LARGEST_FILE:
        raise ReadProblem("file_too_large", f"{path.stat().st_size / 2**30:.1f} GiB")
    _check_blocks(path, file.encoding)
    content = to_utf8(path.read_bytes(), file.encoding)
    separator = file.separator or ("\t" if file.resolved_format == "tsv" else find_separator(content, file))
    headers, header_rows, start = _read_header(content, separator, file)
    if not re.search(rb"\S", memoryview(content)[start:]):
        empty = pd.Categorical([], categories=pd.Index([], dtype=object))
        return Grid(headers, [empty for _ in headers], np.empty(0, dtype=np.int64))
    return _read_body(pa.py_buffer(content).slice(start), headers, separator, header_rows)


def _check_blocks(path: Path, encoding: str | None) -> None:
    """Refuse what cannot be text, or has a row longer than any, while only a block of it is in memory."""
    since_end = 0
    with path.open("rb") as stream:
        start = stream.read(BLOCK)
        marked = any(start.startswith(mark) for mark, _ in BYTE_ORDER_MARKS)
        if encoding is None and not marked and b"\x00" in start:
            raise ReadProblem("file_not_text", "zero bytes inside")
        while start:
            first, last = start.find(b"\n"), start.rfind(b"\n")
            if (length := since_end + (len(start) if first < 0 else first)) > LONGEST_ROW:
                raise ReadProblem("row_too_long", f"a row of more than {length / 2**20:.0f} MB")
            since_end = length if first < 0 else len(start) - last - 1
            start = stream.read(BLOCK)


def to_utf8(content: bytes, encoding: str | None) -> bytes:
    """Return the bytes as UTF-8 without byte order mark.

    Raises
    ------
    ReadProblem
        If they are not text in the declared encoding, or in no or several possible ones.
    """
    for mark, name in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            encoding = name
            break
    if encoding is None:
        encoding = find_encoding(content)
    if codecs.lookup(encoding).name == "utf-8":
        if not _is_utf8(content):
            raise ReadProblem("encoding_wrong", "bytes that are not utf-8")
        return content
    text = _require(content, encoding)
    if "\x00" in text:
        raise ReadProblem("file_not_text", "zero bytes inside")
    return text.encode("utf-8", errors="replace")


def find_encoding(content: bytes) -> str:
    """Return the one encoding in which every letter of the file is one that Italian or English text has.

    Raises
    ------
    ReadProblem
        `file_not_text` for binary content, `encoding_ambiguous` where none or several encodings fit.

    Examples
    --------
    >>> find_encoding("sì".encode("cp1252")), find_encoding("sì".encode())
    ('cp1252', 'utf-8')
    """
    if b"\x00" in content:
        raise ReadProblem("file_not_text", "zero bytes inside")
    if _is_utf8(content):
        return "utf-8"
    seen = np.bincount(np.frombuffer(content, dtype=np.uint8), minlength=256)
    special = bytes((128 + np.flatnonzero(seen[128:])).astype(np.uint8))
    fitting = [name for name in SINGLE_BYTE if _all_expected(special, name)]
    if len(fitting) != 1:
        raise ReadProblem("encoding_ambiguous", f"possible: {', '.join(fitting) or 'none that is usual'}")
    return fitting[0]


def find_separator(content: bytes, file: CenterFile) -> str:
    """Return the separator that divides the header into known column names.

    Raises
    ------
    ReadProblem
        `separator_ambiguous` where several separators do so equally well.
    """
    lines = content[:LONGEST_ROW].decode("utf-8", errors="replace").splitlines()[file.skip_rows :]
    header = lines[file.header_rows - 1 : file.header_rows] or [""]
    sizes = {}
    for separator in SEPARATORS:
        cells = _split(header, separator)
        sizes[separator] = (count_known(cells, file), len(cells))
    best = max(sizes.values())
    chosen = [separator for separator, size in sizes.items() if size == best]
    if len(chosen) > 1 and best[1] > 1:
        raise ReadProblem("separator_ambiguous", "several separators divide the header equally well")
    return chosen[0] if best[1] > 1 else ","


def _split(lines: list[str], separator: str) -> list[str]:
    """Return the cells of a header; a single one where the separator leaves a cell that is too long for one."""
    try:
        return next(csv.reader(lines, delimiter=separator), [])
    except csv.Error:
        return [""]


def _is_utf8(content: bytes) -> bool:
    """Tell whether bytes are UTF-8, a block after the other: whole, the text would take their space again."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(content), BLOCK):
            decoder.decode(content[start : start + BLOCK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _require(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeError:
        raise ReadProblem("encoding_wrong", f"bytes that are not {encoding}") from None


def _all_expected(special: bytes, encoding: str) -> bool:
    try:
        return set(special.decode(encoding)) <= EXPECTED_LETTERS
    except UnicodeDecodeError:
        return False


def _read_header(content: bytes, separator: str, file: CenterFile) -> tuple[list[str], int, int]:
    """Return the joined headers, the rows above the body, and the byte where the body starts."""
    lines = io.BytesIO(content)
    consumed: list[int] = []

    def texts() -> object:
        for line in lines:
            if len(line) > LONGEST_ROW:
                raise ReadProblem("row_too_long", f"a row of {len(line) / 2**20:.0f} MB")
            consumed.append(len(line))
            yield line.decode("utf-8")

    reader = csv.reader(texts(), delimiter=separator)
    try:
        records = [row for _, row in zip(range(file.skip_rows + file.header_rows), reader, strict=False)]
    except csv.Error as error:
        raise ReadProblem("file_unreadable", f"header: {error}") from None
    rows = records[file.skip_rows :]
    if len(rows) < file.header_rows or not any(cell.strip() for row in rows for cell in row):
        raise ReadProblem("file_empty")
    headers = join_headers(rows, max(len(row) for row in rows))
    if len(headers) > MOST_COLUMNS:
        raise ReadProblem("too_many_columns", f"{len(headers)} columns")
    return headers, file.skip_rows + file.header_rows, sum(consumed)


def _read_body(body: pa.Buffer, headers: list[str], separator: str, header_rows: int) -> Grid:
    """Divide the rows into cells; keep the numbers of those of another width."""
    refused: list[tuple[int, int]] = []

    def refuse(row: arrow_csv.InvalidRow) -> str:
        refused.append((row.number + header_rows, row.actual_columns))
        return "skip" if len(refused) < MOST_REFUSED else "error"  # a file of which nothing fits is another one

    headers = headers + [""] * (_width(bytes(body[:65536]), separator) - len(headers))
    try:
        table = _divide(body, len(headers), separator, None)
    except pa.ArrowInvalid:
        table = _divide_row_by_row(body, len(headers), separator, refuse)
    return _without_blank_rows(table, headers, refused, header_rows)


def _divide_row_by_row(body: pa.Buffer, width: int, separator: str, refuse: Callable) -> pa.Table:
    """Divide rows one after the other, since only so the numbers of the refused ones are known."""
    try:
        return _divide(body, width, separator, refuse)
    except pa.ArrowInvalid as error:
        rule = "row_too_long" if "block" in str(error) else "file_unreadable"
        raise ReadProblem(rule, "" if rule == "row_too_long" else str(error)[:80]) from None


def _divide(body: pa.Buffer, width: int, separator: str, refuse: Callable | None) -> pa.Table:
    names = [str(position) for position in range(width)]
    return arrow_csv.read_csv(
        pa.BufferReader(body),
        read_options=arrow_csv.ReadOptions(use_threads=refuse is None, column_names=names, block_size=LONGEST_ROW),
        parse_options=arrow_csv.ParseOptions(
            delimiter=separator,
            newlines_in_values=re.search(rb'"', body) is not None,
            ignore_empty_lines=False,
            invalid_row_handler=refuse,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.dictionary(pa.int32(), pa.string())),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    ).unify_dictionaries()


def _width(start: bytes, separator: str) -> int:
    """Return the width of the first rows where all have the same: a separator behind the last cell is harmless."""
    lines = start.decode("utf-8", errors="replace").splitlines()[:-1][:100]
    widths = {len(cells) for cells in csv.reader(lines, delimiter=separator) if cells}
    return widths.pop() if len(widths) == 1 else 0


def _without_blank_rows(table: pa.Table, headers: list[str], refused: list, header_rows: int) -> Grid:
    numbers = np.ones(table.num_rows + len(refused) + 1, dtype=bool)
    numbers[[number - header_rows for number, _ in refused]] = False
    rows = np.flatnonzero(numbers)[1:] + header_rows
    columns = [_categorical(column) for column in table.columns]
    filled = np.zeros(table.num_rows, dtype=bool)
    for column in columns:
        filled |= column.codes >= 0
        if filled.all():
            break
    grid = Grid(headers, columns, rows, refused)
    return drop_unnamed(grid if filled.all() else grid.take(filled))


def _categorical(column: pa.ChunkedArray) -> pd.Categorical:
    """Return an Arrow dictionary column as a categorical; blank texts are missing."""
    chunk = column.combine_chunks()
    if isinstance(chunk, pa.ChunkedArray):
        chunk = chunk.chunk(0)
    codes = chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return categorical_text(chunk.dictionary.to_numpy(zero_copy_only=False), codes)
