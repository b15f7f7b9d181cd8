"""Parquet, SPSS, Stata and SAS files as text, with their value labels."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pyreadstat

from intake.center import CenterFile
from intake.readers.grid import Grid, ReadProblem, categorical_text
from intake.readers.spreadsheets import number_text, plain_text

LARGEST_UNPACKED = 2**31
MOST_CELLS = 200_000_000
BATCH = 2**14
READERS = {
    ".sav": pyreadstat.read_sav, ".zsav": pyreadstat.read_sav, ".dta": pyreadstat.read_dta,
    ".sas7bdat": pyreadstat.read_sas7bdat, ".xpt": pyreadstat.read_xport,
}  # fmt: skip
Choices = dict[str, dict[str, str]]


def read_parquet(path: Path, file: CenterFile) -> Grid:
    """Read a Parquet file; row 1 is its column names, as in a spreadsheet.

    Raises
    ------
    ReadProblem
        If it is broken, or would unpack beyond memory.
    """
    schema = parquet.read_schema(path)
    texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_binary(field.type)]
    source = parquet.ParquetFile(path, read_dictionary=texts)
    groups = (source.metadata.row_group(i).total_byte_size for i in range(source.metadata.num_row_groups))
    if (size := sum(groups)) > LARGEST_UNPACKED:
        raise ReadProblem("archive_expands_too_much", f"would unpack to {size / 2**30:.0f} GiB")
    _check_cells(source.metadata.num_rows, source.metadata.num_columns)
    batches, size = [], 0
    for batch in source.iter_batches(BATCH):
        batches.append(batch)
        size += batch.nbytes
        if size > LARGEST_UNPACKED:
            raise ReadProblem("archive_expands_too_much", f"unpacks to more than {size / 2**30:.0f} GiB")
    content = pa.Table.from_batches(batches, source.schema_arrow)
    columns = [_arrow_text(column) for column in content.columns]
    return Grid(list(content.column_names), columns, np.arange(content.num_rows) + 2)


def read_statistical(path: Path, file: CenterFile) -> tuple[Grid, Choices]:
    """Read an SPSS, Stata or SAS file: codes as text, and the value labels as choices by variable.

    Raises
    ------
    ReadProblem
        If it cannot be read.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ReadProblem("file_format_wrong", f"no statistics format has the ending {path.suffix}")
    options = {} if path.suffix == ".xpt" else {"user_missing": False}
    _, head = reader(str(path), metadataonly=True)
    limit = MOST_CELLS // max(1, len(head.column_names)) + 1
    content, meta = reader(str(path), row_limit=limit, **options)
    _check_cells(len(content), len(content.columns))
    factors = {name: pd.factorize(content[name]) for name in content.columns}
    formats = meta.original_variable_types or {}
    columns = [
        categorical_text([_period_text(value, formats.get(name) or "") for value in values], codes)
        for name, (codes, values) in factors.items()
    ]
    choices = {
        name: {plain_text(code): str(label) for code, label in labels.items()}
        for name, labels in (meta.variable_value_labels or {}).items()
    }
    return Grid(list(content.columns), columns, np.arange(len(content)) + 2), choices


def _check_cells(n_rows: int, n_columns: int) -> None:
    """Refuse a table that would not fit into memory, whatever its file takes."""
    if n_rows * n_columns > MOST_CELLS:
        raise ReadProblem("file_too_large", f"more than {MOST_CELLS / 1e6:.0f} million cells")


def _arrow_text(column: pa.ChunkedArray) -> pd.Categorical:
    if pa.types.is_nested(column.type):
        column = pa.chunked_array([[str(value) for value in column.to_pylist()]])
    encoded = (column if pa.types.is_dictionary(column.type) else column.dictionary_encode()).unify_dictionaries()
    encoded = encoded.combine_chunks()
    encoded = encoded.chunk(0) if isinstance(encoded, pa.ChunkedArray) else encoded
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return categorical_text([_text(value) for value in encoded.dictionary.to_pylist()], codes)


def _period_text(value: object, variable_format: str) -> str:
    """Return a value as text; months, quarters and weeks as the program shows them, not as what it counts.

    SPSS keeps the seconds since 1582 of the first day, Stata the periods since 1960.

    Examples
    --------
    >>> _period_text(734.0, "%tm"), _period_text(13855104000.0, "MOYR6"), _period_text(244.0, "%tq")
    ('2021-03', '2021-11', '2021 Q1')
    """
    found = re.match("(MO|Q|WK)YR|%-?t([mqwh])", variable_format)
    if not found or not isinstance(value, int | float | np.number):
        return _text(value)
    if found[2]:
        per_year = {"m": 12, "q": 4, "w": 52, "h": 2}[found[2]]
        year, number = 1960 + int(value) // per_year, int(value) % per_year + 1
    else:
        first = datetime(1582, 10, 14) + timedelta(seconds=float(value))
        of_year = {"MO": first.month, "Q": (first.month + 2) // 3, "WK": (first.timetuple().tm_yday + 6) // 7}
        year, number = first.year, of_year[found[1]]
    is_month = "m" in (found[1] or found[2]).lower()
    return f"{year}-{number:02d}" if is_month else f"{year} {(found[1] or found[2])[0].upper()}{number}"


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value).to_pydatetime()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return number_text(value)
    return plain_text(value if not isinstance(value, pd.Timestamp) else datetime.fromisoformat(value.isoformat()))
