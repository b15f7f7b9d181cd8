"""Counts at each distinct time: the table from which every curve and rank test is computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from timetoevent.checks import BoolArray, FloatArray, check_event, check_same_length, check_time, tie_times


@dataclass(frozen=True, slots=True)
class Subjects:
    """Checked input, one element per subject; near-equal times are tied.

    Attributes
    ----------
    time : ndarray of float
        End of observation.
    event : ndarray of bool
        True if the event was observed at `time`.
    entry : ndarray of float or None
        Start of observation (delayed entry); None if everyone is observed from the beginning, time 0
        included.
    weights : ndarray of float or None
        Case weights; None if every subject counts once.
    """

    time: FloatArray
    event: BoolArray
    entry: FloatArray | None = None
    weights: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.time)

    @property
    def is_weighted_by_fractions(self) -> bool:
        """Whether a weight is no whole number: then R's survfit turns to the robust variance."""
        return self.weights is not None and bool((self.weights != np.floor(self.weights)).any())


@dataclass(frozen=True, slots=True)
class EventTable:
    """One row per distinct time of leaving observation, in increasing order.

    Attributes
    ----------
    time : ndarray of float
        Distinct times at which someone had the event or was censored.
    n_at_risk : ndarray of float
        Subjects (or sum of weights) with entry < time <= end of observation.
    n_events, n_censored : ndarray of float
        Subjects (or sum of weights) with the event, or censored, at that time.
    """

    time: FloatArray
    n_at_risk: FloatArray
    n_events: FloatArray
    n_censored: FloatArray


def check_subjects(
    time: ArrayLike, event: ArrayLike, *, entry: ArrayLike | None = None, weights: ArrayLike | None = None
) -> Subjects:
    """Return checked copies of the inputs of a time-to-event estimator, with near-equal times tied.

    Parameters
    ----------
    time : array_like of float, shape (n_subjects,)
        Time from the origin to event or censoring, >= 0.
    event : array_like of bool, shape (n_subjects,)
        True (or 1) if the event was observed.
    entry : array_like of float, optional
        Time at which observation starts; must be before `time` for every subject.
    weights : array_like of float, optional
        Case weights, finite and > 0.

    Raises
    ------
    ValueError
        If a value is missing, infinite or negative, an event is not 0/1, lengths differ, a subject leaves
        at or before entry, or a weight is not positive.

    Examples
    --------
    >>> len(check_subjects([1.0, 2.0], [True, False]))
    2
    """
    times, events = check_time(time), check_event(event)
    check_same_length(time=times, event=events)
    checked_weights = None if weights is None else _check_weights(weights, times)
    if entry is None:
        (times,) = tie_times(times)
        return Subjects(times, events, None, checked_weights)
    entries = check_time(entry, name="entry")
    check_same_length(time=times, entry=entries)
    times, entries = tie_times(times, entries)
    n_empty = int((entries >= times).sum())
    if n_empty:
        raise ValueError(f"entry: {n_empty} subjects leave at or before they enter; exclude or mend them first")
    return Subjects(times, events, entries, checked_weights)


def tabulate_events(subjects: Subjects) -> EventTable:
    """Count subjects at risk, events and censorings at each distinct time.

    Examples
    --------
    >>> table = tabulate_events(check_subjects([2, 1, 2], [1, 0, 0]))
    >>> table.time.tolist(), table.n_at_risk.tolist(), table.n_events.tolist()
    ([1.0, 2.0], [3.0, 2.0], [0.0, 1.0])
    """
    counts = _count(subjects)
    if subjects.weights is None:
        return counts
    weighted = _count_weights(subjects, counts.time)
    all_leave = counts.n_events == counts.n_at_risk
    at_risk = np.where(all_leave, weighted.n_events, weighted.n_at_risk)
    return EventTable(counts.time, at_risk, weighted.n_events, weighted.n_censored)


def _check_weights(weights: ArrayLike, times: FloatArray) -> FloatArray:
    numbers = np.array(weights, dtype=float).ravel()
    check_same_length(time=times, weights=numbers)
    n_bad = int((~(np.isfinite(numbers) & (numbers > 0))).sum())
    if n_bad:
        raise ValueError(f"weights: {n_bad} values are missing, infinite or not above 0")
    return numbers


def _count(subjects: Subjects) -> EventTable:
    """Count without weights, by sorting alone: no index array is built, which halves time and memory."""
    ordered = np.sort(subjects.time)
    is_first = np.ones(len(ordered), dtype=bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    n_left_before = np.flatnonzero(is_first).astype(float)
    distinct = ordered[is_first]
    n_leaving = np.diff(n_left_before, append=float(len(ordered)))
    event_times = np.sort(subjects.time[subjects.event])
    until = np.searchsorted(event_times, distinct, side="right").astype(float)
    n_events = np.diff(until, prepend=0.0)
    n_entered = (
        float(len(ordered))
        if subjects.entry is None
        else np.searchsorted(np.sort(subjects.entry), distinct, side="left")
    )
    return EventTable(distinct, n_entered - n_left_before, n_events, n_leaving - n_events)


def _count_weights(subjects: Subjects, distinct: FloatArray) -> EventTable:
    weights, n_rows = subjects.weights, len(distinct)
    row = np.searchsorted(distinct, subjects.time)
    leaving = np.bincount(row, weights, n_rows)
    n_events = np.bincount(row, np.where(subjects.event, weights, 0.0), n_rows)
    n_censored = np.bincount(row, np.where(subjects.event, 0.0, weights), n_rows)
    at_risk = np.cumsum(leaving[::-1])[::-1]
    if subjects.entry is not None:
        first_row = np.searchsorted(distinct, subjects.entry, side="right")
        entering = np.bincount(first_row, weights, n_rows + 1)
        at_risk = at_risk - np.cumsum(entering[:0:-1])[::-1]
    return EventTable(distinct, at_risk, n_events, n_censored)
