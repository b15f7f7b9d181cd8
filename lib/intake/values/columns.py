"""A whole column: its distinct texts read once each, and the results put back in every row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from fhrmm.schema import Variable
from intake.values.cells import CellDialect, parse_cell
from intake.values.parsed import MISSING

PRECISIONS = ("day", "month", "year")
MANY = 2_000
PLAIN_TEXT = r"^[!-~]+( [!-~]+)*$"
PLAIN_NUMBER = r"^-?[0-9]{1,15}(\.[0-9]{1,15})?$"
POWER_OF_TEN = r"(?i)^[0-9][.,][0-9]+e\+[0-9]+$"


@dataclass(frozen=True, slots=True)
class ColumnValues:
    """One column of one file, read.

    Every array but `codes` has one element per distinct text, and a last one for the empty cell.

    Attributes
    ----------
    variable : Variable
        The canonical column.
    texts, clean_texts : numpy.ndarray of object
        The distinct cells as the file has them, and in canonical notation.
    typed : numpy.ndarray of object
        The typed values; None (or NaN) where missing or not readable.
    changes, problems, expected, advice : numpy.ndarray of object
        What `Parsed` says about each; empty where nothing.
    codes : numpy.ndarray of int, shape (n_rows,)
        Which distinct text stands in each row; -1 is the empty cell.
    """

    variable: Variable
    texts: np.ndarray
    clean_texts: np.ndarray
    typed: np.ndarray
    changes: np.ndarray
    problems: np.ndarray
    expected: np.ndarray
    advice: np.ndarray
    codes: np.ndarray

    def rows_where(self, distinct: np.ndarray) -> np.ndarray:
        """Return the row positions whose distinct text is selected by a boolean array."""
        return np.flatnonzero(distinct[self.codes]) if distinct.any() else np.empty(0, dtype=np.intp)

    @property
    def is_missing(self) -> np.ndarray:
        """Which distinct texts have no value."""
        return pd.isna(self.typed)

    def canonical(self) -> dict[str, object]:
        """Return the typed column, and for a date its bounds and precision, by canonical name."""
        name, kind, codes = self.variable.column, self.variable.type, self.codes
        if kind == "date":
            return _build_date(self)
        if kind in ("category", "yes_no"):
            return _build_category(self)
        if kind == "integer":
            values = np.where(self.is_missing, 0, self.typed).astype(np.int64)
            return {name: pd.arrays.IntegerArray(values[codes], self.is_missing[codes])}
        return {name: (self.typed.astype(float) if kind == "number" else self.typed)[codes]}


def parse_column(column: pd.Series, variable: Variable, dialect: CellDialect) -> ColumnValues:
    """Read a column of text."""
    texts = np.append(column.cat.categories.to_numpy(dtype=object), "")
    plain, values = _parse_plain(texts, variable, dialect)
    rest = np.flatnonzero(~plain)
    parsed = [parse_cell(texts[position], variable, dialect) if texts[position] else MISSING for position in rest]
    arrays = [_filled(len(texts), rest, [item[place] for item in parsed]) for place in (2, 3, 4, 5)]
    clean = texts.copy()
    clean[rest] = _objects([item.text for item in parsed])
    values[rest] = _objects([item.value for item in parsed])
    return ColumnValues(variable, texts, clean, values, *arrays, column.cat.codes.to_numpy())


def _parse_plain(texts: np.ndarray, variable: Variable, dialect: CellDialect) -> tuple[np.ndarray, np.ndarray]:
    """Return which texts of a large column are canonical as they stand, and the values with those filled in."""
    none = np.zeros(len(texts), dtype=bool), np.full(len(texts), None, dtype=object)
    if len(texts) < MANY or dialect.mapping or dialect.choices:
        return none
    if variable.type == "id":
        return _plain_texts(texts, dialect)
    if variable.type == "number" and dialect.is_plain:
        return _plain_numbers(texts, variable, dialect)
    return none


def _plain_texts(texts: np.ndarray, dialect: CellDialect) -> tuple[np.ndarray, np.ndarray]:
    """Take identifiers without anything to tidy."""
    array = pa.array(texts, type=pa.string())
    plain = pc.and_not(pc.match_substring_regex(array, PLAIN_TEXT), pc.match_substring_regex(array, POWER_OF_TEN))
    selected = plain.to_numpy(zero_copy_only=False) & ~_declared_missing(texts, dialect)
    return selected, np.where(selected, texts, None)


def _plain_numbers(texts: np.ndarray, variable: Variable, dialect: CellDialect) -> tuple[np.ndarray, np.ndarray]:
    """Take numbers in canonical notation and inside the plausible range."""
    array = pa.array(texts, type=pa.string())
    plain = pc.match_substring_regex(array, PLAIN_NUMBER)
    numbers = pc.cast(pc.if_else(plain, array, None), pa.float64()).to_numpy(zero_copy_only=False)
    low = -np.inf if variable.minimum is None else variable.minimum
    high = np.inf if variable.maximum is None else variable.maximum
    selected = (numbers >= low) & (numbers <= high) & ~_declared_missing(texts, dialect)
    values = np.full(len(texts), None, dtype=object)
    values[selected] = numbers[selected]
    return selected, values


def _declared_missing(texts: np.ndarray, dialect: CellDialect) -> np.ndarray:
    """Return which texts are, literally or without case, a code that the center declares."""
    codes = dialect.missing | dialect.missing_keys
    if not codes:
        return np.zeros(len(texts), dtype=bool)
    lowered = pc.utf8_lower(pa.array(texts, type=pa.string()))
    return pc.is_in(lowered, value_set=pa.array(sorted({x.lower() for x in codes}))).to_numpy(zero_copy_only=False)


def _filled(size: int, places: np.ndarray, items: list[str]) -> np.ndarray:
    array = np.full(size, "", dtype=object)
    array[places] = _objects(items)
    return array


def _objects(items: list) -> np.ndarray:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def _build_category(column: ColumnValues) -> dict[str, object]:
    levels = list(column.variable.levels)
    positions = {level: position for position, level in enumerate(levels)}
    codes = np.array([positions.get(value, -1) for value in column.typed], dtype=np.int8)
    return {column.variable.column: pd.Categorical.from_codes(codes[column.codes], dtype=pd.CategoricalDtype(levels))}


def _build_date(column: ColumnValues) -> dict[str, object]:
    name, dates = column.variable.column, column.typed
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
