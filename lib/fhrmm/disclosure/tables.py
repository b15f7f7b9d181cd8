"""Suppression in tables of counts: any frame, the attrition table, a mapping of counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from fhrmm.disclosure.audit import Ledger, Sum, protect
from fhrmm.formats import SUPPRESSED, is_missing

_GRAND = "column total"


def suppress_table(frame: pd.DataFrame, threshold: int) -> pd.DataFrame:
    """Suppress small counts in a frame, and what would give them away.

    Parameters
    ----------
    frame : DataFrame
        Whole-number columns are counts; the other columns are kept as they are. Column totals are taken to be
        known to the reader; where one column is the sum of others in every row, that too.
    threshold : int
        Counts of 1 to threshold - 1 are suppressed; 0 is shown.

    Returns
    -------
    DataFrame
        Suppressed cells hold the word "suppressed", whatever the reason.

    Examples
    --------
    >>> suppress_table(pd.DataFrame({"level": ["a", "b", "c"], "n": [2, 9, 30]}), 5)["n"].tolist()
    ['suppressed', 'suppressed', 30]
    """
    counts = [name for name in frame.columns if pd.api.types.is_integer_dtype(frame[name].dtype)]
    values = {
        (place, name): int(value)
        for name in counts
        for place, value in enumerate(frame[name].tolist())
        if not is_missing(value)
    }
    sums = _column_sums(values, counts, len(frame)) + _row_sums(values, counts, len(frame))
    totals = {relation.total: sum(values[part] for part in relation.parts) for relation in sums[: len(counts)]}
    hidden = _hide(values, {**values, **totals}, sums, frozenset(totals), threshold)
    shown = {
        name: [SUPPRESSED if (place, name) in hidden else value for place, value in enumerate(frame[name].tolist())]
        for name in counts
    }
    return frame.assign(**{name: pd.Series(cells, index=frame.index, dtype=object) for name, cells in shown.items()})


def suppress_mapping(counts: Mapping[str, int], threshold: int) -> dict[str, int | str]:
    """Suppress small counts in a mapping of name to count; as `suppress_table` with one column."""
    frame = suppress_table(
        pd.DataFrame({"name": list(counts), "n": pd.array(list(counts.values()), "int64")}), threshold
    )
    return dict(zip(frame["name"], frame["n"], strict=True))


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
        Suppressed cells hold the word "suppressed".
    """
    rows = attrition[["n_before", "n_excluded", "n_remaining"]].astype("int64").to_dict("records")
    if not rows:
        return attrition
    values = {("left", 0): rows[0]["n_before"]}
    for place, row in enumerate(rows, start=1):
        values |= {("out", place): row["n_excluded"], ("left", place): row["n_remaining"]}
    sums = [Sum(("left", at - 1), (("left", at), ("out", at))) for at in range(1, len(rows) + 1)]
    ends = frozenset({("left", 0), ("left", len(rows))})
    same = {("left", 1)} if rows[0]["n_excluded"] == 0 else set()
    hidden = _hide(values, values, sums, frozenset(), threshold, reluctant=ends | same)
    cells = {
        "n_before": [_cell(values, hidden, ("left", place)) for place in range(len(rows))],
        "n_excluded": [_cell(values, hidden, ("out", place + 1)) for place in range(len(rows))],
        "n_remaining": [_cell(values, hidden, ("left", place + 1)) for place in range(len(rows))],
    }
    return attrition.assign(
        **{name: pd.Series(shown, index=attrition.index, dtype=object) for name, shown in cells.items()}
    )


Place = tuple[object, object]


def _hide(
    shown: Mapping[Place, int],
    values: Mapping[Place, int],
    sums: Sequence[Sum],
    given: frozenset[Place],
    threshold: int,
    reluctant: frozenset[Place] = frozenset(),
) -> set[Place]:
    places = list(shown)
    ledger = Ledger(values, sums, [frozenset([place]) for place in places], given, reluctant)
    small = [place for place in places if 0 < shown[place] < threshold]
    return {places[line] for line in protect(ledger, small, threshold)}


def _cell(values: Mapping[Place, int], hidden: set[Place], place: Place) -> int | str:
    return SUPPRESSED if place in hidden else values[place]


def _column_sums(values: Mapping[Place, int], counts: Sequence[str], n_rows: int) -> list[Sum]:
    return [
        Sum((_GRAND, name), tuple((place, name) for place in range(n_rows) if (place, name) in values))
        for name in counts
    ]


def _row_sums(values: Mapping[Place, int], counts: Sequence[str], n_rows: int) -> list[Sum]:
    """Sums that hold in every row: the largest column against the others together, or against any pair."""
    complete = n_rows > 0 and all((place, name) in values for place in range(n_rows) for name in counts)
    if not complete or len(counts) < 3:
        return []
    found = []
    for total in counts:
        others = [name for name in counts if name != total]
        pairs = [(first, second) for at, first in enumerate(others) for second in others[at + 1 :]]
        for parts in {tuple(others), *pairs}:
            if all(values[row, total] == sum(values[row, part] for part in parts) for row in range(n_rows)):
                found += [Sum((row, total), tuple((row, part) for part in parts)) for row in range(n_rows)]
    return found
