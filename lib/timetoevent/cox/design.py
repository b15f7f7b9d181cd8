"""Columns of a regression: treatment contrasts, numeric terms and pairwise products, with counts per level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from timetoevent.checks import BoolArray, FloatArray

INTERCEPT = "(intercept)"


@dataclass(frozen=True, slots=True)
class Column:
    """One line of the coefficient table: a coefficient, or the reference level of a factor.

    ``position`` is the row of the design matrix, or -1 for a reference level.
    """

    term: str
    level: str
    reference: str
    n: int
    n_events: int
    position: int


@dataclass(frozen=True, slots=True)
class Design:
    """Design matrix, one row per coefficient and one column per subject, and what its rows mean."""

    matrix: FloatArray
    columns: tuple[Column, ...]

    @property
    def coefficients(self) -> tuple[Column, ...]:
        """Columns that have a coefficient, in the order of the matrix."""
        return tuple(column for column in self.columns if column.position >= 0)

    def terms(self) -> dict[str, list[int]]:
        """Positions of the coefficients of each term."""
        positions: dict[str, list[int]] = {}
        for column in self.coefficients:
            positions.setdefault(column.term, []).append(column.position)
        return positions


@dataclass(frozen=True, slots=True)
class _Piece:
    """A contrast of one term: its numbers, and which rows it counts (None: all of them)."""

    level: str
    reference: str
    numbers: FloatArray
    members: BoolArray | None
    is_reference: bool = False


def factor_levels(values: pd.Series) -> list[object] | None:
    """Return the levels of a categorical or text column, first level first; None for a numeric one.

    Examples
    --------
    >>> factor_levels(pd.Series(["b", "a", "b"]))
    ['a', 'b']
    >>> factor_levels(pd.Series([1.0, 2.0])) is None
    True
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        return list(values.cat.categories)
    if pd.api.types.is_bool_dtype(values.dtype) or pd.api.types.is_numeric_dtype(values.dtype):
        return None
    known = values.dropna()
    if known.map(lambda value: isinstance(value, (bool, int, float, np.number))).all():
        return None
    return sorted(known.unique(), key=str)


def build_design(
    frame: pd.DataFrame,
    event: BoolArray,
    terms: Sequence[str],
    interactions: Sequence[tuple[str, str]] = (),
    levels: dict[str, list[object]] | None = None,
) -> Design:
    """Return the design matrix of `terms` (and products of pairs of them) over the rows of `frame`.

    Parameters
    ----------
    frame : DataFrame of shape (n, ...)
        One row per subject or per interval of a subject, nothing missing in the columns used.
    event : bool array of shape (n,)
        Observed events, for the counts per level.
    terms, interactions : sequence of str, sequence of pairs of str
        Column names; categorical and text columns give treatment contrasts against their first level.
    levels : dict, optional
        Levels of factors to use in place of those of `frame` (as fixed at an earlier fit).

    Examples
    --------
    >>> frame = pd.DataFrame({"stage": ["I", "II", "II"], "age": [50.0, 60.0, 70.0]})
    >>> design = build_design(frame, np.array([True, False, True]), ["stage", "age"])
    >>> [(c.term, c.level, c.n, c.n_events, c.position) for c in design.columns]
    [('stage', 'I', 1, 1, -1), ('stage', 'II', 2, 1, 0), ('age', '', 3, 2, 1)]
    """
    fixed = levels or {}
    pieces = {term: list(_pieces(frame[term], fixed.get(term))) for term in terms}
    named = list(pieces.items())
    named += [(f"{left}:{right}", list(_products(pieces[left], pieces[right]))) for left, right in interactions]
    parts = [(term, piece) for term, group in named for piece in group]
    matrix = np.empty((sum(not piece.is_reference for _, piece in parts), len(frame)))
    columns: list[Column] = []
    position = 0
    for term, piece in parts:
        members = np.ones(len(event), dtype=bool) if piece.members is None else piece.members
        counts = int(members.sum()), int((members & event).sum())
        columns.append(Column(term, piece.level, piece.reference, *counts, -1 if piece.is_reference else position))
        if not piece.is_reference:
            matrix[position] = piece.numbers
            position += 1
    return Design(matrix, tuple(columns))


def _pieces(values: pd.Series, levels: list[object] | None) -> Iterator[_Piece]:
    levels = factor_levels(values) if levels is None else levels
    if levels is None:
        yield _Piece("", "", values.to_numpy(dtype=float), None)
        return
    codes = pd.Index(levels).get_indexer(pd.Index(values))
    reference = str(levels[0]) if levels else ""
    for code, level in enumerate(levels):
        members = codes == code
        yield _Piece(str(level), reference, members.astype(float), members, is_reference=code == 0)


def _products(left: list[_Piece], right: list[_Piece]) -> Iterator[_Piece]:
    """Products of contrasts; the reference levels of either factor carry no product of their own."""
    for one in left:
        for other in right:
            if one.is_reference or other.is_reference:
                continue
            level = ":".join(part for part in (one.level, other.level) if part)
            reference = ":".join(part for part in (one.reference, other.reference) if part)
            known = [members for members in (one.members, other.members) if members is not None]
            members = np.logical_and.reduce(known) if known else None
            yield _Piece(level, reference, one.numbers * other.numbers, members)
