"""From a frame and column names to checked arrays; what cannot be used is counted and said, not raised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from timetoevent.checks import BoolArray, FloatArray, check_event, check_time, tie_times
from timetoevent.cox.design import Design, build_design, factor_levels

IntArray = NDArray[np.int64]
TIES = ("efron", "breslow")
# no smaller than the distance at which `tie_times` ties, absolute or relative to the mean time
NEAR = 1.5e-8


@dataclass(frozen=True, slots=True)
class Model:
    """What is asked of a proportional hazards model: names of columns and conventions."""

    time: str
    event: str
    terms: tuple[str, ...]
    interactions: tuple[tuple[str, str], ...] = ()
    entry: str | None = None
    strata: tuple[str, ...] = ()
    weights: str | None = None
    cluster: str | None = None
    ties: str = "efron"
    ci_level: float = 0.95

    @property
    def columns(self) -> list[str]:
        """Every column that the model reads, once, in a fixed order."""
        single = [self.time, self.event, self.entry, self.weights, self.cluster]
        names = [*single, *self.strata, *self.terms]
        return list(dict.fromkeys(name for name in names if name))


@dataclass(frozen=True, slots=True)
class CoxData:
    """Arrays of a model, one element per row of the frame that is used.

    Attributes
    ----------
    rows : int array
        Positions in the frame of the rows used (rows without time at risk or weight are left out).
    stratum, cluster : int array
        Codes; ``stratum_levels`` holds one tuple of values per stratum code.
    problem : str
        Why the data cannot be used at all; empty if they can.
    note : str
        What was left out.
    """

    model: Model
    time: FloatArray
    entry: FloatArray | None
    event: BoolArray
    weights: FloatArray
    stratum: IntArray
    stratum_levels: tuple[tuple[object, ...], ...]
    cluster: IntArray | None
    design: Design
    levels: dict[str, list[object]]
    rows: IntArray
    n_frame: int
    problem: str = ""
    note: str = ""

    @property
    def n(self) -> int:
        """Number of rows used."""
        return len(self.time)

    @property
    def n_events(self) -> int:
        """Number of observed events in the rows used."""
        return int(self.event.sum())


def make_model(
    *,
    time: str,
    event: str,
    terms: Sequence[str],
    interactions: Sequence[tuple[str, str]] = (),
    entry: str | None = None,
    strata: str | Sequence[str] | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    ties: str = "efron",
    ci_level: float = 0.95,
) -> Model:
    """Return the checked `Model`; wrong use (not wrong data) raises.

    Raises
    ------
    ValueError
        If `ties` is unknown, `ci_level` is not in (0, 1), a term is named twice, or an interaction
        names a column that is not a term.
    """
    if ties not in TIES:
        raise ValueError(f"ties: {ties!r} is not one of {TIES}")
    if not 0 < ci_level < 1:
        raise ValueError(f"ci_level: {ci_level} is not between 0 and 1")
    if isinstance(terms, str):
        raise ValueError(f"terms: expected a sequence of column names, got the text {terms!r}")
    if len(set(terms)) < len(terms):
        raise ValueError(f"terms: named twice in {list(terms)}")
    unknown = sorted({name for pair in interactions for name in pair} - set(terms))
    if unknown:
        raise ValueError(f"interactions: {unknown} are not among the terms")
    layers = (strata,) if isinstance(strata, str) else tuple(strata or ())
    pairs = tuple((left, right) for left, right in interactions)
    return Model(time, event, tuple(terms), pairs, entry, layers, weights, cluster, ties, ci_level)


def read_data(frame: pd.DataFrame, model: Model) -> CoxData:
    """Return the arrays of `model` in `frame`; near-equal times are tied.

    Raises
    ------
    KeyError
        If the frame lacks a column of the model.
    ValueError
        If the event is not coded 0/1 or a time is negative or infinite.
    """
    problem = describe_missing(frame, model.columns)
    used = frame.dropna(subset=model.columns) if problem else frame
    known = {term: factor_levels(used[term]) for term in model.terms}
    levels = {term: found for term, found in known.items() if found is not None}
    data = _arrays(used, model, levels=levels)
    problem = problem or _unusable_rows(data)
    data = data if problem else _without_empty_rows(data, used)
    return replace(data, problem=problem, n_frame=len(frame))


def describe_missing(frame: pd.DataFrame, names: Sequence[str]) -> str:
    """Say which of the named columns have missing values, and how many; empty if none has.

    Raises
    ------
    KeyError
        If a column does not exist.

    Examples
    --------
    >>> describe_missing(pd.DataFrame({"x": [1.0, None], "y": [0, 1]}), ["x", "y"])
    'x has 1 missing values; decide on them before estimating'
    """
    absent = [name for name in names if name not in frame.columns]
    if absent:
        raise KeyError(f"the frame has no column {absent}")
    counts = {name: int(frame[name].isna().sum()) for name in names}
    found = [f"{name} has {count} missing values" for name, count in counts.items() if count]
    return f"{', '.join(found)}; decide on them before estimating" if found else ""


def _arrays(frame: pd.DataFrame, model: Model, levels: dict[str, list[object]]) -> CoxData:
    time = check_time(frame[model.time], name=model.time)
    event = check_event(frame[model.event], name=model.event)
    entry = None
    if model.entry:
        entry = check_time(frame[model.entry], name=model.entry)
    entry, time = _tied(entry, time)
    stratum, stratum_levels = _stratum_codes(frame, model.strata)
    weights = np.ones(len(frame))
    if model.weights:
        weights = frame[model.weights].to_numpy(dtype=float)
    cluster = pd.factorize(frame[model.cluster])[0].astype(np.int64) if model.cluster else None
    design = build_design(frame, event, model.terms, model.interactions, levels)
    rows = np.arange(len(frame))
    return CoxData(
        model, time, entry, event, weights, stratum, stratum_levels, cluster, design, levels, rows, len(frame)
    )


def _tied(entry: FloatArray | None, time: FloatArray) -> tuple[FloatArray | None, FloatArray]:
    """Tie near-equal times; a sort tells whether there are any, far sooner than tying does."""
    pooled = np.sort(time if entry is None else np.concatenate([entry, time]))
    gap = np.diff(pooled)
    close = NEAR * max(1.0, float(pooled[-1]) if len(pooled) else 0.0)
    if not ((gap > 0) & (gap <= close)).any():
        return entry, time
    if entry is None:
        return None, tie_times(time)[0]
    return tuple(tie_times(entry, time))


def _stratum_codes(frame: pd.DataFrame, strata: tuple[str, ...]) -> tuple[IntArray, tuple[tuple[object, ...], ...]]:
    if not strata:
        return np.zeros(len(frame), dtype=np.int64), ((),)
    grouped = frame.groupby(list(strata), observed=True, sort=True)
    codes = grouped.ngroup().to_numpy().astype(np.int64)
    first = np.unique(codes, return_index=True)[1]
    picked = frame[list(strata)].iloc[first]
    return codes, tuple(picked.itertuples(index=False, name=None))


def _unusable_rows(data: CoxData) -> str:
    bad = ~np.isfinite(data.weights) | (data.weights < 0)
    if bad.any():
        return f"{int(bad.sum())} weights are negative or infinite"
    infinite = ~np.isfinite(data.design.matrix).all(axis=0)
    if infinite.any():
        return f"{int(infinite.sum())} rows have an infinite covariate"
    if data.entry is not None and (late := data.entry > data.time).any():
        return f"{int(late.sum())} rows enter after they leave"
    return ""


def _without_empty_rows(data: CoxData, frame: pd.DataFrame) -> CoxData:
    """Leave out rows that are never at risk (entry equals exit) or weigh nothing, and say so."""
    empty = np.zeros(data.n, dtype=bool) if data.entry is None else data.entry >= data.time
    idle = (data.weights == 0) & ~empty
    if not (empty | idle).any():
        return data
    parts = [
        f"{int(rows.sum())} rows left out ({reason}; {int((rows & data.event).sum())} with an event)"
        for rows, reason in ((empty, "entry equals exit"), (idle, "weight 0"))
        if rows.any()
    ]
    keep = np.flatnonzero(~(empty | idle))
    kept = _arrays(frame.iloc[keep], data.model, data.levels)
    return replace(kept, rows=keep, note="; ".join(parts))
