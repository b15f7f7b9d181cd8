"""Suppression in tables of counts: any frame, the attrition table, a mapping of counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from fhrmm.disclosure.audit import Ledger, Sum
from fhrmm.disclosure.protect import protect
from fhrmm.formats import is_missing

PROTECTED = "protected"
_GRAND = "column total"
_ATTRITION = ["n_before", "n_excluded", "n_remaining"]
_Place = tuple[object, object]


def suppress_table(frame: pd.DataFrame, threshold: int) -> pd.DataFrame:
    """Suppress small counts in a frame, and what would give them away.

    Parameters
    ----------
    frame : DataFrame
        Whole-number columns are counts; the other columns are kept as they are. Column totals are taken to be
        known to the reader; where one column is the sum of others in every row, or the last row the sum of the
        others, that too.
    threshold : int
        Counts of 1 to threshold - 1 are suppressed; 0 is shown.

    Returns
    -------
    DataFrame
        A suppressed count is missing, whatever the reason; ``attrs["protected"]`` is set.

    Examples
    --------
    >>> suppress_table(pd.DataFrame({"level": ["a", "b", "c"], "n": [2, 9, 30]}), 5)["n"].tolist()
    [<NA>, <NA>, 30]
    """
    counts = [name for name in frame.columns if pd.api.types.is_integer_dtype(frame[name].dtype)]
    values = {
        (place, name): int(value)
        for name in counts
        for place, value in enumerate(frame[name].tolist())
        if not is_missing(value)
    }
    was_protected = any(frame[name].isna().any() for name in counts)
    sums = [] if was_protected else _all_sums(values, counts, len(frame))
    totals = {part.total: sum(values[key] for key in part.parts) for part in sums if part.total not in values}
    hidden = _hide(values, {**values, **totals}, sums, frozenset(totals), threshold)
    return _mark(frame, {name: [_cell(values, hidden, (row, name)) for row in range(len(frame))] for name in counts})


def suppress_mapping(counts: Mapping[str, object], threshold: int) -> dict[str, int | None]:
    """Suppress small counts in a mapping of name to count; as `suppress_table` with one column.

    Examples
    --------
    >>> suppress_mapping({"a": 2, "b": 9, "c": 30}, 5)
    {'a': None, 'b': None, 'c': 30}
    """
    column = pd.array(list(counts.values()), dtype="Int64")
    frame = suppress_table(pd.DataFrame({"n": column}), threshold)
    return {
        name: None if is_missing(count) else int(count) for name, count in zip(counts, frame["n"].tolist(), strict=True)
    }


def suppress_attrition(attrition: pd.DataFrame, threshold: int) -> pd.DataFrame:
    """Suppress small exclusions of an attrition table, and the counts around them that would give them away.

    The first and the last count are kept as long as possible: they are told elsewhere.

    Parameters
    ----------
    attrition : DataFrame
        Columns n_before, n_excluded, n_remaining; row i starts from what row i - 1 left.
    threshold : int
        Counts of 1 to threshold - 1 are suppressed; criteria that exclude nobody are shown.

    Returns
    -------
    DataFrame
        A suppressed count is missing; ``attrs["protected"]`` is set.
    """
    if attrition.empty:
        return _mark(attrition, {})
    values = _attrition_values(attrition[_ATTRITION].to_dict("records"))
    n_rows = len(attrition)
    steps = [Sum(("left", at - 1), (("left", at), ("out", at))) for at in range(1, n_rows + 1)]
    sums = [step for step in steps if all(key in values for key in step.keys)]
    ends = {("left", 0), ("left", n_rows)} | ({("left", 1)} if values.get(("out", 1)) == 0 else set())
    hidden = _hide(values, values, sums, frozenset(), threshold, frozenset(ends))
    return _mark(
        attrition,
        {
            "n_before": [_cell(values, hidden, ("left", row)) for row in range(n_rows)],
            "n_excluded": [_cell(values, hidden, ("out", row + 1)) for row in range(n_rows)],
            "n_remaining": [_cell(values, hidden, ("left", row + 1)) for row in range(n_rows)],
        },
    )


def _attrition_values(rows: Sequence[Mapping[str, object]]) -> dict[_Place, int]:
    """Counts by place; what one row leaves is what the next starts from, so one of the two missing hides both."""
    places: dict[_Place, list[object]] = {}
    for at, row in enumerate(rows):
        places.setdefault(("left", at), []).append(row["n_before"])
        places.setdefault(("out", at + 1), []).append(row["n_excluded"])
        places.setdefault(("left", at + 1), []).append(row["n_remaining"])
    return {place: int(found[0]) for place, found in places.items() if not any(map(is_missing, found))}  # type: ignore[call-overload]


def _mark(frame: pd.DataFrame, columns: Mapping[str, Sequence[int | None]]) -> pd.DataFrame:
    protected = frame.assign(
        **{name: pd.Series(pd.array(cells, dtype="Int64"), index=frame.index) for name, cells in columns.items()}
    )
    protected.attrs = {**frame.attrs, PROTECTED: True}
    return protected


def _hide(
    shown: Mapping[_Place, int],
    values: Mapping[_Place, int],
    sums: Sequence[Sum],
    given: frozenset[_Place],
    threshold: int,
    kept: frozenset[_Place] = frozenset(),
) -> set[_Place]:
    places = list(shown)
    ledger = Ledger(values, sums, [frozenset([place]) for place in places], given, dict.fromkeys(kept, 1))
    small = sorted((place for place in places if 0 < shown[place] < threshold), key=lambda place: shown[place])
    return {places[line] for line in protect(ledger, small, threshold)}


def _cell(values: Mapping[_Place, int], hidden: set[_Place], place: _Place) -> int | None:
    return None if place in hidden else values.get(place)


def _all_sums(values: Mapping[_Place, int], counts: Sequence[str], n_rows: int) -> list[Sum]:
    last = n_rows - 1
    if n_rows > 2 and all(values[last, name] == sum(values[row, name] for row in range(last)) for name in counts):
        columns = [Sum((last, name), tuple((row, name) for row in range(last))) for name in counts]
    else:
        columns = [Sum((_GRAND, name), tuple((row, name) for row in range(n_rows))) for name in counts]
    return columns + _row_sums(values, counts, n_rows)


def _row_sums(values: Mapping[_Place, int], counts: Sequence[str], n_rows: int) -> list[Sum]:
    """Sums that hold in every row: a column against all others together, or against any pair of them."""
    if n_rows == 0 or len(counts) < 3:
        return []
    found = []
    for total in counts:
        others = [name for name in counts if name != total]
        pairs = [(first, second) for at, first in enumerate(others) for second in others[at + 1 :]]
        for parts in dict.fromkeys([tuple(others), *pairs]):
            if all(values[row, total] == sum(values[row, part] for part in parts) for row in range(n_rows)):
                found += [Sum((row, total), tuple((row, part) for part in parts)) for row in range(n_rows)]
    return found
