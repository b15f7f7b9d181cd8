"""Probabilities of the three states of an illness-death course: without illness, ill, dead."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from timetoevent.checks import check_same_length

STATES = ("well", "ill", "dead")


def state_probabilities(leave: ArrayLike, state: ArrayLike, end: ArrayLike, died: ArrayLike) -> pd.DataFrame:
    """Estimate the probability of being in each state by Aalen-Johansen, everybody starting well.

    Parameters
    ----------
    leave : array_like of float, shape (n_subjects,)
        Time at which a subject stops being observed as well.
    state : array_like of int, shape (n_subjects,)
        Where the subject goes then: 0 nowhere (censored), 1 ill, 2 dead.
    end : array_like of float, shape (n_subjects,)
        For the ill, time of death or of the end of observation; ignored for others. Who dies on the day of falling
        ill goes directly from well to dead.
    died : array_like of bool, shape (n_subjects,)
        For the ill, whether `end` is death.

    Returns
    -------
    DataFrame
        One row for time 0 and per time of a transition: ``time``, ``well``, ``ill``, ``dead``, which add up to 1, the
        state probabilities of ``survfit`` in R's survival; ``n_at_risk``, well or ill just before that time.

    References
    ----------
    Aalen OO, Johansen S. Scand J Stat 1978;5:141-150.

    Examples
    --------
    >>> state_probabilities([1, 2, 3], [1, 2, 0], [4, 0, 0], [True, False, False]).iloc[-1].round(3).tolist()
    [4.0, 0.333, 0.0, 0.667, 1.0]
    """
    leave, end = np.asarray(leave, dtype=float), np.asarray(end, dtype=float)
    state, died = np.asarray(state, dtype=int), np.asarray(died, dtype=bool)
    check_same_length(leave=leave, state=state, end=end, died=died)
    state = np.where((state == 1) & died & (end <= leave), 2, state)
    is_ill = state == 1
    times = np.unique(np.concatenate([leave[state > 0], end[is_ill & died]]))
    rows, found = [(0.0, 1.0, 0.0, 0.0, len(leave))] if len(leave) else [], np.array([1.0, 0.0, 0.0])
    for time in times:
        n_well, n_ill = (leave >= time).sum(), (is_ill & (leave < time) & (end >= time)).sum()
        step = np.eye(3)
        moved = [((leave == time) & (state == to)).sum() / n_well if n_well else 0.0 for to in (1, 2)]
        step[0] = [1 - sum(moved), *moved]
        fell = (is_ill & died & (end == time)).sum() / n_ill if n_ill else 0.0
        step[1] = [0.0, 1 - fell, fell]
        found = found @ step
        rows.append((time, *found, n_well + n_ill))
    return pd.DataFrame(rows, columns=["time", *STATES, "n_at_risk"])
