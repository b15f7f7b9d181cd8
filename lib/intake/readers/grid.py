"""One table of text as a file holds it: headers, columns, and the row number that a spreadsheet shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

import numpy as np
import pandas as pd

from intake.values import tidy

MOST_CELLS = 20_000_000


class ReadProblem(Exception):
    """Why a file or a sheet cannot be read: becomes one finding, never a traceback.

    Parameters
    ----------
    rule : str
        Identifier of the rule.
    found, expected, what_to_do : str
        For the finding; the last two only where the rule does not say it already.
    """

    def __init__(self, rule: str, found: str = "", expected: str = "", what_to_do: str = "") -> None:
        super().__init__(rule)
        self.rule, self.found, self.expected, self.what_to_do = rule, found, expected, what_to_do


@dataclass(frozen=True, slots=True)
class Grid:
    """Text cells of one table.

    Attributes
    ----------
    headers : list of str
        As the file has them, header rows joined; empty for an unnamed column.
    columns : list of pandas.Categorical
        One per header: text, missing where the cell is empty.
    rows : numpy.ndarray of int
        The row number of each row as a spreadsheet shows it, counting from 1.
    refused : list of (int, int)
        Rows that could not be divided into cells: row number, number of cells.
    sheet : str
        Of a spreadsheet.
    epoch : int
        Day zero of serial dates.
    other_sheets : tuple of str
        Sheets that were not read.
    plain_headers : tuple of str
        Headers joined without carrying merged cells to the right; empty for a single header row.
    positions : tuple of int
        Where each column stands in the file; empty where none was left out.
    hidden, struck : tuple of int
        Row numbers that the sheet hides, and those whose cells it strikes out.
    """

    headers: list[str]
    columns: list[pd.Categorical]
    rows: np.ndarray
    refused: list[tuple[int, int]] = field(default_factory=list)
    sheet: str = ""
    epoch: int = 1900
    other_sheets: tuple[str, ...] = ()
    plain_headers: tuple[str, ...] = ()
    positions: tuple[int, ...] = ()
    hidden: tuple[int, ...] = ()
    struck: tuple[int, ...] = ()

    def position(self, index: int) -> int:
        """Return where a column stands in the file, counting from 0."""
        return self.positions[index] if self.positions else index

    def take(self, keep: np.ndarray) -> Grid:
        """Return the grid with some of its rows (a boolean array)."""
        return replace(self, columns=[column[keep] for column in self.columns], rows=self.rows[keep])


def join_headers(header_rows: Sequence[Sequence[str]], width: int, *, spread: bool = True) -> list[str]:
    """Join several header rows into one name per column; a merged cell above counts for the cells to its right.

    Examples
    --------
    >>> join_headers([["ID", "Labs", ""], ["", "LDH", "ALB"]], 3)
    ['ID', 'Labs / LDH', 'Labs / ALB']
    """
    *above, last = [[tidy(cell) for cell in row] + [""] * (width - len(row)) for row in header_rows]
    parts = [*(list(accumulate(row, lambda left, cell: cell or left)) if spread else row for row in above), last]
    return [" / ".join(dict.fromkeys(part for part in column if part)) for column in zip(*parts, strict=True)]


def grid_from_cells(
    header_rows: Sequence[Sequence[str]],
    body: Iterable[tuple[int, Sequence[str]]],
    *,
    sheet: str = "",
    epoch: int = 1900,
    other_sheets: tuple[str, ...] = (),
) -> Grid:
    """Build a grid from rows of text; wholly empty rows are left out.

    Cells beyond the last header are unnamed columns.
    """
    kept = list(_filled_rows(body))
    width = max([len(row) for row in header_rows] + [len(cells) for _, cells in kept], default=0)
    columns = [_text_column([cells[i] if i < len(cells) else "" for _, cells in kept]) for i in range(width)]
    numbers = np.array([number for number, _ in kept], dtype=np.int64)
    plain = tuple(join_headers(header_rows, width, spread=False)) if len(header_rows) > 1 else ()
    return drop_unnamed(Grid(join_headers(header_rows, width), columns, numbers, [], sheet, epoch, other_sheets, plain))


def _filled_rows(body: Iterable[tuple[int, Sequence[str]]]) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield rows that hold anything, as long as all of them together fit into memory."""
    count = 0
    for number, cells in body:
        count += len(cells)
        if count > MOST_CELLS:
            raise ReadProblem("file_too_large", f"more than {MOST_CELLS / 1e6:.0f} million cells")
        if any(cells):
            yield number, cells


def _text_column(values: Sequence[str]) -> pd.Categorical:
    """Return text as a categorical, missing where empty or blank."""
    array = np.empty(len(values), dtype=object)
    array[:] = [value if value and not value.isspace() else None for value in values]
    codes, texts = pd.factorize(array)
    return pd.Categorical.from_codes(codes, categories=pd.Index(texts, dtype=object))


def categorical_text(texts: Sequence[str], codes: np.ndarray) -> pd.Categorical:
    """Return a categorical from distinct cell texts and their positions; blank and equal texts are put together.

    `codes` are the positions in `texts`, negative where the cell is empty.
    """
    index = pd.Index(texts, dtype=object)
    if not index.is_unique or any(not text or text.isspace() for text in texts):
        positions, distinct = pd.factorize(np.array([text if text.strip() else None for text in texts], dtype=object))
        codes, index = np.append(positions, -1)[codes], pd.Index(distinct, dtype=object)
    return pd.Categorical.from_codes(codes, categories=index)


def drop_unnamed(grid: Grid) -> Grid:
    """Leave out columns that have neither a header nor a value."""
    named = zip(grid.headers, grid.columns, strict=True)
    keep = [i for i, (name, column) in enumerate(named) if name or len(column.categories)]
    if len(keep) == len(grid.headers):
        return grid
    plain = tuple(grid.plain_headers[i] for i in keep) if grid.plain_headers else ()
    headers, columns = [grid.headers[i] for i in keep], [grid.columns[i] for i in keep]
    return replace(grid, headers=headers, columns=columns, plain_headers=plain, positions=tuple(keep))
