"""What a center answers: one pure function from a request and the center's tables to numbers, all of them sums.

A request asks in blocks. Each block gives sums by name; its `contributors` say 0 or 1 for each cell (or coefficient)
that could be shown: "I contribute".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fhrmm.pool.likelihood import DayTable, Sums, count_days, evaluate, fit_alone
from timetoevent.checks import FloatArray

Block = Mapping[str, Any]
# Units in which numbers are sent, so that sums of a hundred centers of a million patients fit into 64 bits.
_UNITS = {"contributors": 1.0} | dict.fromkeys(("counts", "events", "months", "log_likelihood"), 1024.0)
_UNIT = 16.0


def answer(request: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> FloatArray:
    """Return everything that a request asks of one center, block after block, in the units of sending.

    Of the request nothing is read but its blocks; `tables` are as `fhrmm.pool.files.read_tables` gives them.
    """
    parts = [np.zeros(0)]
    for block in request["ask"]:
        found = _KINDS[block["kind"]](block, tables[block["table"]])
        parts += [np.ravel(part) / _UNITS.get(name, _UNIT) for name, part in found.items()]
    return np.concatenate(parts)


def answer_nothing(block: Block) -> Sums:
    """Return what a center without any patient answers to a block: names and shapes of its sums."""
    columns = [axis["column"] for axis in block.get("axes") or block["terms"]]
    used = dict.fromkeys([*columns, "days", "time_months", "event", "n"])
    nobody = pd.DataFrame(columns=list(used), dtype=float)
    return _KINDS[block["kind"]](block, nobody)


def split_sums(ask: Sequence[Block], numbers: FloatArray) -> dict[str, Sums]:
    """Return the sums of each block by its name, in their own units and shapes."""
    found: dict[str, Sums] = {}
    start = 0
    for block in ask:
        found[block["name"]] = {}
        for name, like in answer_nothing(block).items():
            part = numbers[start : start + like.size] * _UNITS.get(name, _UNIT)
            found[block["name"]][name] = part.reshape(like.shape)
            start += like.size
    return found


def label_cells(axis: Block) -> list[str]:
    """Name the cells of an axis; the last is for what is in none of them.

    Examples
    --------
    >>> label_cells({"levels": ["I", "II"]}), label_cells({"column": "week", "edges": [1, 2]})
    (['I', 'II', 'missing'], ['week below 1', 'week 1 to 2', 'week 2 or more', 'missing'])
    """
    if "levels" in axis:
        return [*axis["levels"], "missing"]
    name, edges = axis["column"], axis["edges"]
    between = [f"{name} {a:g} to {b:g}" for a, b in pairwise(edges)]
    return [f"{name} below {edges[0]:g}", *between, f"{name} {edges[-1]:g} or more", "missing"]


def _codes(rows: pd.DataFrame, axis: Block) -> NDArray[np.int64]:
    """Return the cell of each row on one axis."""
    values = rows[axis["column"]]
    if "edges" in axis:
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        places = np.searchsorted(axis["edges"], numbers, side="right")
        return np.where(np.isnan(numbers), len(axis["edges"]) + 1, places)
    categories = values.astype("category").cat
    of_category = pd.Index(axis["levels"]).get_indexer(categories.categories.astype(str))
    found = np.append(of_category, -1)[categories.codes.to_numpy()]
    return np.where(found < 0, len(axis["levels"]), found)


def _count(block: Block, rows: pd.DataFrame) -> Sums:
    """Count rows by the cells of the axes (or add up a column of counts); contributions are to windows of cells."""
    shape = [len(label_cells(axis)) for axis in block["axes"]]
    cell = np.ravel_multi_index([_codes(rows, axis) for axis in block["axes"]], shape)
    weights = rows[block["weight"]].to_numpy(float) if "weight" in block else None
    counts = np.bincount(cell, weights, math.prod(shape)).reshape(shape).astype(float)
    windows = block["windows"] or [[place, place + 1] for place in range(shape[-1])]
    flags = np.stack([counts[..., a:b].sum(axis=-1) > 0 for a, b in windows], axis=-1)
    return {"counts": counts, "contributors": flags.astype(float)}


def _patterns(block: Block, rows: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.int64], FloatArray]:
    """Return times of the complete rows, the pattern of levels of each, and the covariates of all patterns."""
    levels = [len(term["levels"]) for term in block["terms"]]
    codes = np.array([_codes(rows, term) for term in block["terms"]])
    complete = (codes < np.array(levels)[:, None]).all(axis=0)
    pattern = np.ravel_multi_index(list(codes[:, complete]), levels)
    return rows.filter(["days", "time_months", "event"])[complete], pattern, pattern_covariates(levels)


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
    used, pattern, x = _patterns(block, rows)
    return count_days(used["days"].to_numpy(np.int64), used["event"].to_numpy(bool), pattern, x)


def _cox(block: Block, rows: pd.DataFrame) -> Sums:
    """Log partial likelihood and derivatives of the center's own stratum, at the coefficients asked."""
    more = {name: block[name] for name in ("third", "drift", "weight")}
    found = evaluate(_day_table(block, rows), np.array(block["at"]), **more)
    return found | {"contributors": (np.diag(found["information"]) > 0).astype(float)}


def _alone(block: Block, rows: pd.DataFrame) -> Sums:
    """What a meta-analysis of local fits needs: inverse variances, and those times the local estimates."""
    beta, variance = fit_alone(_day_table(block, rows))
    weight = np.nan_to_num(1 / variance)
    return {"weight": weight, "product": weight * np.nan_to_num(beta), "contributors": np.isfinite(beta).astype(float)}


def _logrank(block: Block, rows: pd.DataFrame) -> Sums:
    """Observed and expected events by level within the center, and the covariance of their differences."""
    table = _day_table(block, rows)
    n, d = table.at_risk.sum(axis=1), table.events.sum(axis=1)
    share = table.at_risk / n[:, None]
    scale = d * (n - d) / np.maximum(n - 1, 1)
    covariance = np.diag(scale @ share) - (share.T * scale) @ share
    found = {"observed": table.events.sum(axis=0), "expected": d @ share, "covariance": covariance}
    return found | {"contributors": (np.diag(covariance) > 0).astype(float)}


def _rates(block: Block, rows: pd.DataFrame) -> Sums:
    """Events and person-months by pattern of covariates and interval of time."""
    used, pattern, x = _patterns(block, rows)
    months, event = used["time_months"].to_numpy(float), used["event"].to_numpy(bool)
    starts = [0.0, *block["cuts"]]
    within = [np.clip(months - a, 0, b - a) for a, b in zip(starts, [*block["cuts"], np.inf], strict=True)]
    exposure = np.stack([np.bincount(pattern, part, len(x)) for part in within], axis=1)
    interval = np.searchsorted(block["cuts"], months[event], side="left")
    events = np.bincount(pattern[event] * len(starts) + interval, minlength=exposure.size).reshape(exposure.shape)
    return {"events": events, "months": exposure, "contributors": (events > 0).astype(float)}


_KINDS: Mapping[str, Callable[[Block, pd.DataFrame], Sums]] = {
    "count": _count, "rates": _rates, "logrank": _logrank, "cox": _cox, "alone": _alone,
}  # fmt: skip
