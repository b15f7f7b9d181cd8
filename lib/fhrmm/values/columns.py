"""A whole column: its distinct texts read once each, and the results put back in every row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from fhrmm.schema import Variable
from fhrmm.values.cells import CellDialect, parse_cell
from fhrmm.values.parsed import MISSING, Parsed

EPOCH_DAY = np.datetime64("1970-01-01", "D")
PRECISIONS = ("day", "month", "year")


@dataclass(frozen=True)
class ColumnValues:
    """One column of one file, read.

    Attributes
    ----------
    variable : Variable
        The canonical column.
    texts : numpy.ndarray of object, shape (n_distinct + 1,)
        The distinct cells as the file has them; the last is the empty cell.
    parsed : list of Parsed, length n_distinct + 1
        What each of them is.
    codes : numpy.ndarray of int, shape (n_rows,)
        Which of them stands in each row.
    """

    variable: Variable
    texts: np.ndarray
    parsed: list[Parsed]
    codes: np.ndarray

    @cached_property
    def problems(self) -> np.ndarray:
        """The rule each distinct text breaks, as object array; empty where none."""
        return _objects([item.problem for item in self.parsed])

    @cached_property
    def changes(self) -> np.ndarray:
        """The rule that changed each distinct text; empty where none."""
        return _objects([item.change for item in self.parsed])

    @cached_property
    def clean_texts(self) -> np.ndarray:
        """Each distinct text in canonical notation."""
        return _objects([item.text for item in self.parsed])

    def rows_where(self, distinct: np.ndarray) -> np.ndarray:
        """Return the row positions whose distinct text is selected by a boolean array."""
        return np.flatnonzero(distinct[self.codes]) if distinct.any() else np.empty(0, dtype=np.intp)

    def canonical(self) -> dict[str, object]:
        """Return the typed column, and for a date its bounds and precision, by canonical name."""
        return _BUILDERS.get(self.variable.type, _build_text)(self)


def parse_column(column: pd.Series, variable: Variable, dialect: CellDialect) -> ColumnValues:
    """Read a column of text.

    Parameters
    ----------
    column : Series
        Categorical text, one row per row of the file; missing where the cell is empty.
    variable : Variable
        The canonical column.
    dialect : CellDialect
        How the file writes.

    Returns
    -------
    ColumnValues
        Every distinct text parsed once.
    """
    categories = column.cat.categories
    parsed = [parse_cell(text, variable, dialect) for text in categories]
    texts = np.append(np.asarray(categories, dtype=object), "")
    return ColumnValues(variable, texts, [*parsed, MISSING], column.cat.codes.to_numpy())


def _objects(items: list) -> np.ndarray:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def _build_number(column: ColumnValues) -> dict[str, object]:
    values = np.array([np.nan if item.value is None else item.value for item in column.parsed], dtype=float)
    return {column.variable.column: values[column.codes]}


def _build_integer(column: ColumnValues) -> dict[str, object]:
    values = np.array([0 if item.value is None else item.value for item in column.parsed], dtype=np.int64)
    missing = np.array([item.value is None for item in column.parsed])
    return {column.variable.column: pd.arrays.IntegerArray(values[column.codes], missing[column.codes])}


def _build_category(column: ColumnValues) -> dict[str, object]:
    levels = list(column.variable.levels)
    positions = {level: position for position, level in enumerate(levels)}
    codes = np.array([positions.get(item.value, -1) for item in column.parsed], dtype=np.int8)
    return {column.variable.column: pd.Categorical.from_codes(codes[column.codes], dtype=pd.CategoricalDtype(levels))}


def _build_date(column: ColumnValues) -> dict[str, object]:
    name = column.variable.column
    dates = [item.value for item in column.parsed]
    lower = np.array([None if x is None else x.lower for x in dates], dtype="datetime64[D]").astype("datetime64[ns]")
    upper = np.array([None if x is None else x.upper for x in dates], dtype="datetime64[D]").astype("datetime64[ns]")
    codes = np.array([-1 if x is None else PRECISIONS.index(x.precision) for x in dates], dtype=np.int8)
    dtype = pd.CategoricalDtype(PRECISIONS, ordered=True)
    return {
        name: lower[column.codes],
        f"{name}_lower": lower[column.codes],
        f"{name}_upper": upper[column.codes],
        f"{name}_precision": pd.Categorical.from_codes(codes[column.codes], dtype=dtype),
    }


def _build_text(column: ColumnValues) -> dict[str, object]:
    values = _objects([item.value for item in column.parsed])
    return {column.variable.column: values[column.codes]}


_BUILDERS = {
    "number": _build_number,
    "integer": _build_integer,
    "category": _build_category,
    "yes_no": _build_category,
    "date": _build_date,
}
