"""What a center answers: one pure function from a request and the center's tables to numbers, all of them sums.

A request asks in blocks. Each block gives values, and for each cell that could be shown a 0/1: "I contribute".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fhrmm.pool.likelihood import DayTable, count_days, evaluate, fit_alone, pack, packed_shapes
from timetoevent.checks import FloatArray

Block = Mapping[str, Any]
# Units in which numbers are sent, so that sums of a hundred centers of a million patients fit into 64 bits.
COUNT_UNIT, MOMENT_UNIT = 1024.0, 16.0


def answer(request: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> FloatArray:
    """Return everything that a request asks of one center, block after block, in the units of sending.

    Parameters
    ----------
    request : mapping
        Its `ask` is a list of blocks; nothing else is read.
    tables : mapping of str to DataFrame
        As `fhrmm.pool.files.read_tables` gives them.

    Returns
    -------
    float array
        Values of each block divided by their units, then its contributions.
    """
    parts = [np.zeros(0)]
    for block in request["ask"]:
        values, contributes = _KINDS[block["kind"]](block, tables[block["table"]])
        parts += [np.ravel(values) / units(block), np.ravel(contributes).astype(float)]
    return np.concatenate(parts)


@dataclass(frozen=True)
class Sums:
    """The sums of one block over all centers, and how many centers contribute to each cell (or window of cells)."""

    numbers: FloatArray
    contributors: FloatArray


def split_sums(ask: Sequence[Block], numbers: FloatArray) -> dict[str, Sums]:
    """Return the sums of each block by its name, in their own units and shapes."""
    found, start = {}, 0
    for block in ask:
        (n_values, n_flags), shape = sizes(block), value_shape(block)
        values = numbers[start : start + n_values] * units(block)
        flags = numbers[start + n_values : start + n_values + n_flags]
        if block["kind"] == "count":
            values, flags = values.reshape(shape), flags.reshape(*shape[:-1], -1)
        found[block["name"]] = Sums(values, flags)
        start += n_values + n_flags
    return found


def sizes(block: Block) -> tuple[int, int]:
    """Return how many values and how many contributions a block has."""
    kind, p = block["kind"], n_coefficients(block)
    if kind == "count":
        shape = value_shape(block)
        return math.prod(shape), math.prod(shape[:-1]) * len(_windows(block))
    if kind == "rates":
        n_cells = math.prod(len(term["levels"]) for term in block["terms"]) * (len(block["cuts"]) + 1)
        return 2 * n_cells, n_cells
    if kind == "logrank":
        return 2 * (p + 1) + (p + 1) ** 2, p + 1
    if kind == "alone":
        return 2 * p, p
    return sum(map(math.prod, packed_shapes(block))), p


def units(block: Block) -> FloatArray:
    """Return the unit of each value of a block."""
    unit = np.full(sizes(block)[0], COUNT_UNIT if block["kind"] in ("count", "rates") else MOMENT_UNIT)
    if block["kind"] == "cox":
        unit[0] = COUNT_UNIT
    return unit


def n_coefficients(block: Block) -> int:
    """Return the number of coefficients of the terms of a block: levels beyond the reference."""
    return sum(len(term["levels"]) - 1 for term in block.get("terms", ()))


def value_shape(block: Block) -> tuple[int, ...]:
    """Return the shape of a block of counts: per axis its cells, and one for what is in none of them."""
    return tuple(_axis_size(axis) for axis in block.get("axes", ()))


def _axis_size(axis: Block) -> int:
    if "levels" in axis:
        return len(axis["levels"]) + 1
    return axis["up_to"] + 3 if "up_to" in axis else len(axis["edges"]) + 2


def _windows(block: Block) -> list[list[int]]:
    return block["windows"] or [[cell, cell + 1] for cell in range(value_shape(block)[-1])]


def _codes(rows: pd.DataFrame, axis: Block) -> NDArray[np.int64]:
    """Return the cell of each row on one axis; the last cell is for missing or unknown values."""
    values, last = rows[axis["column"]], _axis_size(axis) - 1
    if "levels" in axis:
        if not isinstance(values.dtype, pd.CategoricalDtype):
            values = values.astype("category")
        of_category = pd.Index(axis["levels"]).get_indexer(values.cat.categories.astype(str))
        found = np.append(of_category, -1)[values.cat.codes.to_numpy()]
        return np.where(found < 0, last, found)
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    missing = np.isnan(numbers)
    if "up_to" in axis:
        return np.where(missing, last, np.clip(np.nan_to_num(numbers), 0, axis["up_to"] + 1)).astype(np.int64)
    return np.where(missing, last, np.searchsorted(axis["edges"], numbers, side="right"))


def _count(block: Block, rows: pd.DataFrame) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Count rows by the cells of the axes (or add up a column of counts); contributions are to windows of cells."""
    shape = value_shape(block)
    cell = np.ravel_multi_index([_codes(rows, axis) for axis in block["axes"]], shape)
    weights = rows[block["weight"]].to_numpy(float) if "weight" in block else None
    counts = np.bincount(cell, weights, math.prod(shape)).reshape(shape).astype(float)
    return counts, np.stack([counts[..., a:b].sum(axis=-1) > 0 for a, b in _windows(block)], axis=-1)


def _patterns(block: Block, rows: pd.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.int64], FloatArray]:
    """Return which rows are complete, the pattern of levels of each of them, and the covariates of all patterns."""
    levels = [len(term["levels"]) for term in block["terms"]]
    codes = [_codes(rows, term) for term in block["terms"]]
    complete = np.logical_and.reduce([code < n for code, n in zip(codes, levels, strict=True)])
    pattern = np.ravel_multi_index([code[complete] for code in codes], levels)
    return complete, pattern, pattern_covariates(levels)


def pattern_covariates(levels: Sequence[int]) -> FloatArray:
    """Return the 0/1 covariates of every combination of levels, the first level of each term being the reference.

    Examples
    --------
    >>> pattern_covariates([2, 2]).tolist()
    [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    """
    places = np.unravel_index(np.arange(math.prod(levels)), levels)
    return np.hstack([np.eye(n)[place][:, 1:] for n, place in zip(levels, places, strict=True)])


def _day_table(block: Block, rows: pd.DataFrame) -> DayTable:
    complete, pattern, x = _patterns(block, rows)
    days, event = rows["days"].to_numpy(np.int64)[complete], rows["event"].to_numpy(bool)[complete]
    return count_days(days, event, pattern, x)


def _cox(block: Block, rows: pd.DataFrame) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Log partial likelihood, score and information of the center's own stratum, at the coefficients asked."""
    at = np.array(block["at"])
    moments = evaluate(_day_table(block, rows), at, third=block["third"], drift=block["drift"])
    return pack(moments), np.diag(moments.information) > 0


def _alone(block: Block, rows: pd.DataFrame) -> tuple[FloatArray, NDArray[np.bool_]]:
    """What a meta-analysis of local fits needs: inverse variances, and those times the local estimates."""
    beta, variance = fit_alone(_day_table(block, rows))
    can_fit = np.isfinite(beta)
    weight = np.where(can_fit, 1 / np.where(can_fit, variance, 1.0), 0.0)
    return np.concatenate([weight, weight * np.nan_to_num(beta)]), can_fit


def _logrank(block: Block, rows: pd.DataFrame) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Observed and expected events by level within the center, and the covariance of their differences."""
    table = _day_table(block, rows)
    n, d = table.at_risk.sum(axis=1), table.events.sum(axis=1)
    share = table.at_risk / n[:, None]
    scale = d * (n - d) / np.maximum(n - 1, 1)
    covariance = np.diag(scale @ share) - (share.T * scale) @ share
    parts = [table.events.sum(axis=0), d @ share, covariance.ravel()]
    return np.concatenate(parts), np.diag(covariance) > 0


def _rates(block: Block, rows: pd.DataFrame) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Events and person-months by pattern of covariates and interval of time."""
    complete, pattern, x = _patterns(block, rows)
    months, event = rows["time_months"].to_numpy(float)[complete], rows["event"].to_numpy(bool)[complete]
    starts = [0.0, *block["cuts"]]
    within = [np.clip(months - a, 0, b - a) for a, b in zip(starts, [*block["cuts"], np.inf], strict=True)]
    exposure = np.stack([np.bincount(pattern, part, len(x)) for part in within], axis=1)
    interval = np.searchsorted(block["cuts"], months[event], side="left")
    events = np.bincount(pattern[event] * len(starts) + interval, minlength=exposure.size)
    return np.concatenate([events, exposure.ravel()]), events > 0


_KINDS: Mapping[str, Callable[[Block, pd.DataFrame], tuple[FloatArray, NDArray[np.bool_]]]] = {
    "count": _count, "rates": _rates, "logrank": _logrank, "cox": _cox, "alone": _alone,
}  # fmt: skip
