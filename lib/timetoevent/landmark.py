"""Covariates that are known only later: landmark data sets, and intervals split where a state changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from timetoevent.checks import FloatArray, check_event, check_time
from timetoevent.cox.data import describe_missing


@dataclass(frozen=True)
class LandmarkData:
    """Subjects still followed at a landmark, with what was known of them then.

    Attributes
    ----------
    frame : DataFrame
        One row per subject with follow-up beyond the landmark; its time counts from the landmark.
    landmark : float
        The landmark, in the unit of the original time.
    n_before, n_event_before, n_censored_before : int
        Subjects in all, and those left out for an event or the end of follow-up by the landmark.
    """

    frame: pd.DataFrame = field(repr=False)
    landmark: float
    n_before: int
    n_event_before: int
    n_censored_before: int

    @property
    def n(self) -> int:
        """Subjects kept."""
        return len(self.frame)


def make_landmark_data(
    frame: pd.DataFrame,
    *,
    time: str,
    event: str,
    landmark: float,
    changes: Mapping[str, str] | None = None,
) -> LandmarkData:
    """Keep those followed beyond the landmark and fix their states there.

    Comparing groups by what happens after the origin (a response, a transplant) gives the time until it
    happened to the group as time that its members could not die in. From a landmark on, groups are by
    what was known at the landmark.

    Parameters
    ----------
    frame : DataFrame
        One row per subject.
    time, event : str
        Columns of follow-up time from the origin and of the event (0/1 or boolean).
    landmark : float
        Time at which states are fixed. Follow-up that ends at the landmark is not beyond it.
    changes : mapping of str to str, optional
        Name of each new boolean state, and the column of the time at which it begins (missing: never). It
        is true if it began by the landmark.

    Raises
    ------
    KeyError
        If a column does not exist.
    ValueError
        If a time or event is missing or wrongly coded, or the landmark is negative.

    References
    ----------
    Anderson J. R., Cain K. C., Gelber R. D. (1983). Analysis of survival by tumor response. Journal of
    Clinical Oncology 1:710-719.

    Examples
    --------
    >>> frame = pd.DataFrame({"t": [2.0, 5.0, 9.0], "d": [1, 0, 1], "response": [1.0, None, 6.0]})
    >>> data = make_landmark_data(frame, time="t", event="d", landmark=3, changes={"responded": "response"})
    >>> data.frame[["t", "responded"]].values.tolist(), data.n_event_before
    ([[2.0, False], [6.0, False]], 1)
    """
    if not landmark >= 0:
        raise ValueError(f"landmark: {landmark} is not a time")
    began = _change_times(frame, dict(changes or {}), time, event)
    follow_up = check_time(frame[time], name=time)
    observed = check_event(frame[event], name=event)
    is_kept = follow_up > landmark
    kept = frame.loc[is_kept].assign(**{time: follow_up[is_kept] - landmark})
    kept = kept.assign(**{state: times[is_kept] <= landmark for state, times in began.items()})
    return LandmarkData(
        frame=kept,
        landmark=float(landmark),
        n_before=len(frame),
        n_event_before=int((~is_kept & observed).sum()),
        n_censored_before=int((~is_kept & ~observed).sum()),
    )


def split_at_change(
    frame: pd.DataFrame,
    *,
    time: str,
    event: str,
    changes: Mapping[str, str],
    entry: str | None = None,
    start: str = "start",
    stop: str = "stop",
) -> pd.DataFrame:
    """Split each subject's follow-up where a state begins, for a Cox model with delayed entry.

    Parameters
    ----------
    frame : DataFrame
        One row per subject.
    time, event : str
        Columns of the time at the end of follow-up and of the event.
    changes : mapping of str to str
        Name of each new boolean state, and the column of the time from the origin at which it begins
        (missing: never). A state that begins at the end of follow-up never counts, for at the time of an
        event the state is that just before.
    entry : str, optional
        Column of the time at which follow-up begins; 0 otherwise.
    start, stop : str
        Names of the columns of the interval's ends (open on the left).

    Returns
    -------
    DataFrame
        One row per interval, by subject and time: the columns of `frame` (its index repeated, `event` true
        only in the last interval), `start`, `stop` and a boolean column per state.

    Raises
    ------
    KeyError
        If a column does not exist.
    ValueError
        If a time or event is missing or wrongly coded, or a new column would replace one of the frame.

    References
    ----------
    Therneau T., Crowson C., Atkinson E. Using time dependent covariates and time dependent coefficients in
    the Cox model. Vignette of R's survival.

    Examples
    --------
    >>> frame = pd.DataFrame({"t": [4.0, 3.0], "d": [1, 1], "transplant": [1.0, None]})
    >>> long = split_at_change(frame, time="t", event="d", changes={"after": "transplant"})
    >>> long[["start", "stop", "d", "after"]].values.tolist()
    [[0.0, 1.0, False, False], [1.0, 4.0, True, True], [0.0, 3.0, True, False]]
    """
    taken = sorted({start, stop, *changes} & set(frame.columns))
    if taken:
        raise ValueError(f"the frame already has a column {taken}")
    began = _change_times(frame, dict(changes), time, event, *([entry] if entry else []))
    end = check_time(frame[time], name=time)
    begin = check_time(frame[entry], name=entry) if entry else np.zeros(len(frame))
    observed = check_event(frame[event], name=event)
    inner = np.array([np.clip(times, begin, np.maximum(begin, end)) for times in began.values()])
    edges = np.vstack([begin, np.sort(inner.reshape(len(began), len(frame)), axis=0), end])
    left, right = edges[:-1].T, edges[1:].T
    # an interval without length is nothing, unless the subject has no other
    is_kept = left < right
    is_kept[:, 0] |= ~is_kept.any(axis=1)
    subject, _ = np.nonzero(is_kept)
    left, right = left[is_kept], right[is_kept]
    is_last = np.append(subject[1:] != subject[:-1], True) if len(subject) else np.empty(0, dtype=bool)
    long = frame.iloc[subject].assign(**{event: observed[subject] & is_last, start: left, stop: right})
    return long.assign(**{state: times[subject] <= left for state, times in began.items()})


def _change_times(frame: pd.DataFrame, changes: Mapping[str, str], *others: str) -> dict[str, FloatArray]:
    """Return the time at which each state begins, infinite if it never does."""
    describe_missing(frame, [*others, *changes.values()])
    times = {}
    for state, column in changes.items():
        began = frame[column].to_numpy(dtype=float, na_value=np.nan)
        times[state] = np.where(np.isnan(began), np.inf, began)
    return times
