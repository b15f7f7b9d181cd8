"""What reading a center gives: text in canonical columns, with the place of every cell."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from intake.center import CenterFile
from intake.rules import Finding

PLACE = ("_file", "_sheet", "_row", "_rest")


@dataclass(frozen=True, slots=True)
class RawTable:
    """One table of one file, as text.

    Attributes
    ----------
    spec : CenterFile
        How the file is read, the center's dialect included.
    name : str
        Its name in the row accounting: the path, with sheet or instrument where the path holds several tables.
    frame : DataFrame
        One row per row of the file (per record, where events are put together): canonical columns as categorical
        text, missing where the cell is empty, and the place of the row in `_file`, `_sheet`, `_row`; `_rest` is the
        same for rows that agree in the columns that stay out.
    headers : DataFrame
        One row per canonical column: column, header, letter.
    units : dict of str to str
        Units that stand in the headers.
    choices : dict of str to dict of str to str
        Canonical column -> code -> label, of a REDCap dictionary or a statistics file.
    epoch : int
        Day zero of serial dates.
    refused_rows : tuple of int
        Row numbers that could not be divided into cells.
    merged : tuple of (int, int)
        Rows put together with another one: row number, number of the row that stands for it.
    """

    spec: CenterFile
    name: str
    frame: pd.DataFrame
    headers: pd.DataFrame
    units: dict[str, str] = field(default_factory=dict)
    choices: dict[str, dict[str, str]] = field(default_factory=dict)
    epoch: int = 1900
    refused_rows: tuple[int, ...] = ()
    merged: np.ndarray = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))

    @property
    def n_rows(self) -> int:
        """Rows of the file that belong to this table, whatever becomes of them."""
        return len(self.frame) + len(self.refused_rows) + len(self.merged)


@dataclass(frozen=True, slots=True)
class RawCenter:
    """Everything read of one center.

    Attributes
    ----------
    center : str
        Folder name.
    tables : tuple of RawTable
        In the order of `center.toml`.
    findings : tuple of Finding
        What was wrong with files and headers.
    unknown_columns : DataFrame
        center, file, column: headers, sheets and instruments that are kept out.
    left_out : tuple of (str, int)
        Rows that belong to no table: name in the accounting, number of rows.
    """

    center: str
    tables: tuple[RawTable, ...] = ()
    findings: tuple[Finding, ...] = ()
    unknown_columns: pd.DataFrame = field(default_factory=lambda: unknown_frame("", []))
    left_out: tuple[tuple[str, int], ...] = ()


def unknown_frame(center: str, found: list[tuple[str, str]]) -> pd.DataFrame:
    """Return file and column pairs as the table of unknown columns."""
    rows = [(center, file, column) for file, column in found]
    return pd.DataFrame(rows, columns=["center", "file", "column"], dtype=object)
