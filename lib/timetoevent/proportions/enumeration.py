"""Exact p-value of an r x c table: all tables with its margins, walked column by column as a network.

A node is what is left of the row totals after some columns; tables that pass through one node share all
that follows. The value of a table is minus the sum of its log factorials, its log probability up to a
constant. Paths of one value through one node are counted together; a path whose every continuation is as
extreme as the table observed is closed with the known total of its node, one of which none is is dropped.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from timetoevent.event_table import FloatArray

MAXIMUM_STEPS = 25_000_000
CHUNK = 500
RELATIVE_ERROR = 1e-7
VALUE_SCALE = 1e8

IntArray = NDArray[np.int64]


class TooLargeError(Exception):
    """The table would need more steps than allowed."""


class _Stage(NamedTuple):
    """The arcs one column adds, sorted by source: node before, node after, value added, and how many alike.

    The nodes are the row totals left after the column, shape (n_nodes, n_rows).
    """

    source: IntArray
    target: IntArray
    gain: FloatArray
    ways: FloatArray
    nodes: IntArray


def table_p_value(table: NDArray[np.int64], *, maximum_steps: int = MAXIMUM_STEPS) -> float:
    """Return the two-sided exact p-value of a table of counts with no empty row or column.

    It is the probability of all tables with these margins that are no more probable than this one.

    Raises
    ------
    TooLargeError
        If it takes more arcs, or paths carried over arcs, than `maximum_steps`.

    Examples
    --------
    >>> round(table_p_value(np.array([[3, 0, 1], [0, 2, 2]])), 4)
    0.2286
    """
    counts = table if table.shape[0] <= table.shape[1] else table.T
    log_factorial = gammaln(np.arange(counts.sum() + 1) + 1.0)
    limit = float(-log_factorial[counts].sum()) + np.log1p(RELATIVE_ERROR)
    columns = np.sort(counts.sum(axis=0))  # the last column follows from the rest: let it be the largest
    rows = np.sort(counts.sum(axis=1))
    stages = _network(rows, columns, log_factorial, maximum_steps)
    least, most = _bounds(stages)
    constant = log_factorial[rows].sum() + log_factorial[columns].sum() - log_factorial[columns.sum()]
    totals = [
        log_factorial[stage.nodes.sum(axis=1)] - log_factorial[stage.nodes].sum(axis=1) - log_factorial[rest].sum()
        for stage, rest in zip(stages, (columns[k + 1 :] for k in range(len(columns))), strict=True)
    ]
    return min(1.0, _walk(stages, least, most, totals, limit, float(constant), maximum_steps))


def _network(rows: IntArray, columns: IntArray, log_factorial: FloatArray, maximum_steps: int) -> list[_Stage]:
    base = int(rows.sum()) + 1
    if len(rows) * np.log2(base) > 62:
        raise TooLargeError(f"{len(rows)} x {len(columns)} tables of {base - 1} subjects are not enumerated")
    digits = base ** np.arange(len(rows), dtype=np.int64)
    nodes, stages, n_arcs = rows[None, :], [], 0
    for size in columns:
        parts = []
        for start in range(0, len(nodes), CHUNK):
            source, filled = _fillings(nodes[start : start + CHUNK], int(size), maximum_steps - n_arcs)
            n_arcs += len(source)
            codes = np.sort(nodes[start + source] - filled, axis=1) @ digits
            # arcs alike, which differ only in which of two equal rows they fill, are one
            reached, target = np.unique(codes, return_inverse=True)
            gain = -log_factorial[filled].sum(axis=1)
            source, target, gain, ways = _merge(start + source, target, gain, np.ones(len(gain)))
            parts.append((source, reached[target], gain, ways))
        source, codes, gain, ways = (np.concatenate(column) for column in zip(*parts, strict=True))
        reached, target = np.unique(codes, return_inverse=True)
        nodes = reached[:, None] // digits % base
        stages.append(_Stage(source, target, gain, ways, nodes))
    return stages


def _fillings(nodes: IntArray, size: int, maximum_steps: int) -> tuple[IntArray, IntArray]:
    """Return every way to fill a column of a given total from the row totals of each node."""
    source, remaining = np.arange(len(nodes)), np.full(len(nodes), size)
    room = np.cumsum(nodes[:, ::-1], axis=1)[:, ::-1]
    filled = np.empty((len(nodes), 0), dtype=np.int64)
    for row in range(nodes.shape[1]):
        later = room[source, row + 1] if row + 1 < nodes.shape[1] else np.zeros(len(source), dtype=np.int64)
        least = np.maximum(0, remaining - later)
        n_choices = np.minimum(remaining, nodes[source, row]) - least + 1
        if int(n_choices.sum()) > maximum_steps:
            raise TooLargeError("the table needs too many steps of exact enumeration")
        repeated = np.repeat(np.arange(len(source)), n_choices)
        offset = np.arange(len(repeated)) - np.repeat(np.cumsum(n_choices) - n_choices, n_choices)
        chosen = least[repeated] + offset
        source, remaining = source[repeated], remaining[repeated] - chosen
        filled = np.column_stack([filled[repeated], chosen])
    return source, filled


def _merge(
    first: IntArray, second: IntArray, value: FloatArray, mass: FloatArray
) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Add up the mass of entries equal in both keys and, to rounding, in value; sorted by the first key."""
    levels, level = np.unique(np.rint(value * VALUE_SCALE), return_inverse=True)
    key = (first * (second.max(initial=0) + 1) + second) * len(levels) + level
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    kept = order[starts]
    return first[kept], second[kept], value[kept], np.add.reduceat(mass[order], starts)


def _bounds(stages: list[_Stage]) -> tuple[list[FloatArray], list[FloatArray]]:
    """Return the least and the greatest value of what follows each node, stage by stage."""
    least, most = [np.zeros(1)], [np.zeros(1)]
    for stage, before in zip(stages[:0:-1], stages[-2::-1], strict=True):
        low, high = np.full(len(before.nodes), np.inf), np.full(len(before.nodes), -np.inf)
        np.minimum.at(low, stage.source, stage.gain + least[0][stage.target])
        np.maximum.at(high, stage.source, stage.gain + most[0][stage.target])
        least, most = [low, *least], [high, *most]
    return least, most


def _walk(
    stages: list[_Stage],
    least: list[FloatArray],
    most: list[FloatArray],
    totals: list[FloatArray],
    limit: float,
    constant: float,
    maximum_steps: int,
) -> float:
    """Carry all undecided paths through the network and add up the probability of the extreme ones."""
    node, value, ways = np.zeros(1, dtype=np.int64), np.zeros(1), np.ones(1)
    p_value, n_steps = 0.0, 0
    for stage, low, high, total in zip(stages, least, most, totals, strict=True):
        first = np.searchsorted(stage.source, node, side="left")
        n_arcs = np.searchsorted(stage.source, node, side="right") - first
        n_steps += int(n_arcs.sum())
        if n_steps > maximum_steps:
            raise TooLargeError("the table needs too many steps of exact enumeration")
        path = np.repeat(np.arange(len(node)), n_arcs)
        arc = first[path] + np.arange(len(path)) - np.repeat(np.cumsum(n_arcs) - n_arcs, n_arcs)
        target, new_value = stage.target[arc], value[path] + stage.gain[arc]
        new_ways = ways[path] * stage.ways[arc]
        closed = new_value + high[target] <= limit
        p_value += float((new_ways[closed] * np.exp(constant + new_value[closed] + total[target[closed]])).sum())
        open_ = ~closed & (new_value + low[target] <= limit)
        if not open_.any():
            break
        node, _, value, ways = _merge(target[open_], np.zeros(open_.sum(), int), new_value[open_], new_ways[open_])
    return p_value
