"""Robust (infinitesimal jackknife) standard errors of a weighted curve, in one pass over sorted subjects."""

from __future__ import annotations

import numpy as np

from timetoevent.event_table import EventTable, FloatArray, Subjects


def robust_se_log(subjects: Subjects, counts: EventTable) -> FloatArray:
    """Return the robust standard error of log S(t) at each distinct time, 0 once the curve is 0.

    A subject moves log S(t) by its expected share of the steps it was at risk for, minus its own event; the sum of
    (weight * influence)**2 is split into those gone and those at risk.

    Examples
    --------
    >>> from timetoevent.event_table import check_subjects, tabulate_events
    >>> subjects = check_subjects([1, 2], [1, 0], weights=[0.5, 0.5])
    >>> float(robust_se_log(subjects, tabulate_events(subjects))[0].round(4))
    0.7071
    """
    n_rows, left = len(counts.time), counts.n_at_risk - counts.n_events
    step = np.divide(counts.n_events, counts.n_at_risk * left, out=np.zeros_like(left), where=left > 0)
    own = np.divide(1.0, left, out=np.zeros_like(left), where=left > 0)
    expected = np.cumsum(step)
    row = np.searchsorted(counts.time, subjects.time)
    squared = subjects.weights**2
    entry_row = np.zeros(len(subjects), dtype=int)
    if subjects.entry is not None:
        entry_row = np.searchsorted(counts.time, subjects.entry, side="right")
    before = np.concatenate([[0.0], expected])[entry_row]
    final = expected[row] - before - np.where(subjects.event, own[row], 0.0)
    gone = np.cumsum(np.bincount(row, squared * final**2, n_rows))
    sums = []
    for power in (0, 1, 2):
        values = squared * before**power
        entered = np.cumsum(np.bincount(entry_row, values, n_rows + 1))[:n_rows]
        sums.append(entered - np.cumsum(np.bincount(row, values, n_rows)))
    staying = expected**2 * sums[0] - 2 * expected * sums[1] + sums[2]
    std_error = np.sqrt(np.maximum(gone + staying, 0.0))
    # the value of the last event time is repeated: rounding must not make steps where nothing happens
    last_event = np.maximum.accumulate(np.where(counts.n_events > 0, np.arange(n_rows), -1))
    return np.where((last_event < 0) | (np.cumsum(left <= 0) > 0), 0.0, std_error[last_event])
