"""Cumulative incidence of competing events by Aalen-Johansen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from timetoevent.checks import check_cause, check_same_length, check_time, tie_times
from timetoevent.event_table import EventTable, FloatArray, Subjects, check_subjects, tabulate_events
from timetoevent.intervals import probability_limits
from timetoevent.results import NOT_ESTIMABLE, OK

VARIANCES = ("aalen", "jackknife")


@dataclass(frozen=True, slots=True)
class _CauseTable:
    """Counts at each distinct time for one cause, with the Kaplan-Meier curve of any event just before it."""

    counts: EventTable
    n_of_cause: FloatArray
    survival: FloatArray
    before: FloatArray
    incidence: FloatArray


def cumulative_incidence(
    time: ArrayLike,
    cause: ArrayLike,
    *,
    causes: Sequence[int] | None = None,
    ci_level: float = 0.95,
    at: ArrayLike | None = None,
    variance: str = "aalen",
    ci_type: str = "log-log",
) -> pd.DataFrame:
    """Estimate the cumulative incidence of each cause by Aalen-Johansen.

    Parameters
    ----------
    time : array_like of float, shape (n_subjects,)
        Time to the first event of any cause or to censoring, finite and >= 0.
    cause : array_like of int, shape (n_subjects,)
        0 if censored, otherwise the cause of the event.
    causes : sequence of int, optional
        Causes to report; all that occur by default. Causes not named still compete.
    ci_level : float, default 0.95
        Level of the interval.
    at : array_like of float, optional
        Times at which to report, in place of every distinct time.
    variance : {"aalen", "jackknife"}
        "aalen" is the variance of ``cuminc`` in R's cmprsk, "jackknife" the infinitesimal jackknife of
        ``survfit`` in R's survival. They differ in the third digit on small samples.
    ci_type : {"log-log", "log", "plain", "logit", "arcsin"}
        Scale of the pointwise interval.

    Returns
    -------
    DataFrame
        One row per cause and time: ``cause, time, n_at_risk, n_events`` (of that cause, at that time;
        cumulative when `at` is given)``, cumulative_incidence, std_error, ci_lower, ci_upper, status,
        note``. Beyond the last observed time the incidence is known only if nobody was left event-free.

    Raises
    ------
    ValueError
        If inputs are missing, negative or of another coding, lengths differ, or an option is unknown.

    References
    ----------
    Aalen OO, Johansen S. An empirical transition matrix for nonhomogeneous Markov chains based on censored
    observations. Scand J Stat 1978;5:141-50. Aalen OO. Nonparametric estimation of partial transition
    probabilities in multiple decrement models. Ann Stat 1978;6:534-45.

    Examples
    --------
    >>> cumulative_incidence([0, 1, 2, 3], [1, 1, 2, 0], causes=[1], at=[1])["cumulative_incidence"].tolist()
    [0.5]
    """
    if variance not in VARIANCES:
        raise ValueError(f"variance: found {variance!r}, expected one of {', '.join(VARIANCES)}")
    codes = check_cause(cause)
    subjects = check_subjects(time, codes > 0)
    check_same_length(time=subjects.time, cause=codes)
    wanted = sorted(set(codes[codes > 0].tolist())) if causes is None else list(causes)
    counts = tabulate_events(subjects)
    frames = []
    for number in wanted or [0]:
        table = _tabulate_cause(subjects, codes == number, counts)
        std_error = _aalen_se(table) if variance == "aalen" else _jackknife_se(subjects, codes == number, table)
        frames.append(_frame(table, number, std_error, ci_type, ci_level))
    curves = pd.concat(frames, ignore_index=True)
    if not wanted:
        return curves.iloc[:0]
    if at is None:
        return curves
    asked = check_time(at, name="at")
    parts = [_read_at(curves[curves["cause"] == number], number, asked, counts) for number in wanted]
    return pd.concat(parts, ignore_index=True)


def _tabulate_cause(subjects: Subjects, of_cause: NDArray[np.bool_], counts: EventTable) -> _CauseTable:
    """Return the counts, survival and incidence of one cause; `of_cause` marks the subjects with that event.

    Examples
    --------
    >>> subjects = check_subjects([1, 2], [1, 1])
    >>> _tabulate_cause(subjects, np.array([True, False]), tabulate_events(subjects)).incidence.tolist()
    [0.5, 0.5]
    """
    times = np.sort(subjects.time[of_cause])
    n_of_cause = np.diff(np.searchsorted(times, counts.time, side="right"), prepend=0).astype(float)
    survival = np.cumprod((counts.n_at_risk - counts.n_events) / counts.n_at_risk)
    before = np.concatenate([[1.0], survival[:-1]])[: len(survival)]
    return _CauseTable(counts, n_of_cause, survival, before, np.cumsum(before * n_of_cause / counts.n_at_risk))


def _aalen_se(table: _CauseTable) -> FloatArray:
    """Aalen's estimator with the finite-population factor for ties, as cmprsk computes it."""
    n, d1 = table.counts.n_at_risk, table.n_of_cause
    d2 = table.counts.n_events - d1
    alive = table.survival > 0
    inverse = np.divide(1.0, table.survival, out=np.zeros_like(n), where=alive)
    incidence = table.incidence
    own = table.before**2 * _binomial(d1, n)
    other = np.where(alive, table.before**2 * _binomial(d2, n), 0.0)
    gain = 1 + inverse * incidence
    loss = inverse * incidence
    v1 = np.cumsum(loss**2 * other + gain**2 * own)
    v2 = np.cumsum(inverse * loss * other + inverse * gain * own)
    v3 = np.cumsum(inverse**2 * (other + own))
    return np.sqrt(np.maximum(v1 + incidence**2 * v3 - 2 * incidence * v2, 0.0))


def _binomial(d: FloatArray, n: FloatArray) -> FloatArray:
    return d * (1 - np.maximum(d - 1, 0) / np.maximum(n - 1, 1)) / n**2


def _jackknife_se(subjects: Subjects, of_cause: NDArray[np.bool_], table: _CauseTable) -> FloatArray:
    """Root of the sum of squared influences: of subjects still at risk (all alike) and of those gone.

    The influence of a subject gone is linear in the incidence at t, so three running sums are enough.
    """
    counts, incidence, n_rows = table.counts, table.incidence, len(table.incidence)
    n, left = counts.n_at_risk, counts.n_at_risk - counts.n_events
    row = np.searchsorted(counts.time, subjects.time)
    hazard = np.cumsum(np.divide(counts.n_events, n * left, out=np.zeros_like(n), where=left > 0))
    own = np.divide(1.0, left, out=np.zeros_like(n), where=left > 0)
    lag = np.concatenate([[0.0], hazard[:-1]])[:n_rows]
    common = np.cumsum(table.before * table.n_of_cause / n * (lag - 1 / n))
    slope = hazard[row] - np.where(subjects.event, own[row], 0.0)
    level = common[row] + np.where(of_cause, (table.before / n)[row], 0.0) - incidence[row] * slope
    sums = [np.cumsum(np.bincount(row, values, n_rows)) for values in (level**2, level * slope, slope**2)]
    staying = n - np.bincount(row, minlength=n_rows)
    square = staying * common**2 + sums[0] + 2 * incidence * sums[1] + incidence**2 * sums[2]
    return np.sqrt(np.maximum(square, 0.0))


def _frame(table: _CauseTable, cause: int, std_error: FloatArray, ci_type: str, ci_level: float) -> pd.DataFrame:
    started = table.incidence > 0
    relative = np.divide(std_error, table.incidence, out=np.zeros_like(std_error), where=started)
    lower, upper = probability_limits(table.incidence, relative, ci_type=ci_type, ci_level=ci_level)
    return pd.DataFrame(
        {
            "cause": cause,
            "time": table.counts.time,
            "n_at_risk": table.counts.n_at_risk.astype(int),
            "n_events": table.n_of_cause.astype(int),
            "cumulative_incidence": table.incidence,
            "std_error": std_error,
            "ci_lower": lower,
            "ci_upper": upper,
            "status": OK,
            "note": "",
        }
    )


def _read_at(curve: pd.DataFrame, cause: int, at: FloatArray, counts: EventTable) -> pd.DataFrame:
    """Return the values of one cause in force at the times asked for."""
    known, asked = tie_times(counts.time, at)
    row = np.searchsorted(known, asked, side="right")
    next_row = np.searchsorted(known, asked, side="left")
    someone_left = not len(known) or counts.n_at_risk[-1] > counts.n_events[-1]
    unknown = (row == len(known)) & (asked > known.max(initial=-1.0)) & someone_left
    reason = f"beyond the last observed time ({known[-1]:g}); nobody is at risk" if len(known) else "no subjects"
    before = {"cumulative_incidence": 0.0, "std_error": 0.0, "ci_lower": np.nan, "ci_upper": np.nan}
    values = {
        name: np.where(unknown, np.nan, np.concatenate([[start], curve[name].to_numpy(float)])[row])
        for name, start in before.items()
    }
    return pd.DataFrame(
        {
            "cause": cause,
            "time": at,
            "n_at_risk": np.concatenate([counts.n_at_risk, [0.0]])[next_row].astype(int),
            "n_events": np.concatenate([[0], np.cumsum(curve["n_events"].to_numpy(int))])[row],
            **values,
            "status": np.where(unknown, NOT_ESTIMABLE, OK),
            "note": np.where(unknown, reason, ""),
        }
    )
