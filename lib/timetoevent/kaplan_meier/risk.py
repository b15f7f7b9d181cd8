"""Numbers at risk, with the event and censored, as they stand under a survival plot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from timetoevent.checks import check_time, tie_times
from timetoevent.event_table import FloatArray, check_subjects


def numbers_at_risk(
    time: ArrayLike, event: ArrayLike, *, at: Sequence[float] | ArrayLike, entry: ArrayLike | None = None
) -> pd.DataFrame:
    """Count subjects at risk, with the event and censored at the ticks of a survival plot.

    At risk at a tick are those with time >= tick, the number just before it (and, under delayed entry,
    entry < tick); events and censorings are cumulative over time < tick. Each row therefore adds up to the
    number of subjects (under delayed entry, to those who have entered), which tables that count after the
    events at the tick do not.

    Parameters
    ----------
    time, event, entry
        As in `kaplan_meier`.
    at : array_like of float
        Ticks, >= 0.

    Returns
    -------
    DataFrame
        One row per tick: ``at, n_at_risk, n_events, n_censored``, integers.

    Raises
    ------
    ValueError
        As in `kaplan_meier`, and if a tick is missing or negative.

    References
    ----------
    Morris TP, et al. Proposals on Kaplan-Meier plots in medical research. BMJ Open 2019;9:e030215.

    Examples
    --------
    >>> numbers_at_risk([1, 2, 2], [1, 1, 0], at=[0, 2]).to_numpy().tolist()
    [[0.0, 3.0, 0.0, 0.0], [2.0, 2.0, 1.0, 0.0]]
    """
    subjects = check_subjects(time, event, entry=entry)
    ticks = check_time(at, name="at")
    times, snapped = tie_times(subjects.time, ticks)

    def n_before(values: FloatArray) -> np.ndarray:
        return np.searchsorted(np.sort(values), snapped, side="left")

    entered = len(subjects) if subjects.entry is None else n_before(subjects.entry)
    n_events, n_censored = n_before(times[subjects.event]), n_before(times[~subjects.event])
    return pd.DataFrame(
        {
            "at": ticks,
            "n_at_risk": entered - n_events - n_censored,
            "n_events": n_events,
            "n_censored": n_censored,
        }
    )
