"""Observed and expected events of each group: the weighted log-rank score and its covariance."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from timetoevent.checks import check_groups, check_same_length
from timetoevent.event_table import EventTable, FloatArray, Subjects, check_subjects, tabulate_events

WEIGHTINGS = ("logrank", "gehan", "tarone-ware", "peto", "fleming-harrington")


@dataclass(frozen=True, slots=True)
class Weighting:
    """Which member of the weighted log-rank family, with the two Fleming-Harrington exponents."""

    name: str = "logrank"
    rho: float = 0.0
    gamma: float = 0.0

    def describe(self) -> str:
        """Return words fit for a table."""
        exponents = f" (rho {self.rho:g}, gamma {self.gamma:g})" if self.name == "fleming-harrington" else ""
        return f"{self.name.replace('logrank', 'log-rank')}{exponents}"


@dataclass(frozen=True, slots=True)
class RankScores:
    """Observed and expected (weighted) events per group, added over strata.

    Attributes
    ----------
    labels : list
        Group labels, in the order of the arrays.
    n : ndarray of int
        Subjects per group.
    observed, expected : ndarray of float
        Weighted events seen, and expected if all groups shared one hazard.
    covariance : ndarray of float, shape (n_groups, n_groups)
        Covariance of observed - expected (hypergeometric).
    n_events : int
        Events in all groups, unweighted.
    """

    labels: list[Hashable]
    n: NDArray[np.intp]
    observed: FloatArray
    expected: FloatArray
    covariance: FloatArray
    n_events: int


def rank_scores(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    strata: ArrayLike | None,
    entry: ArrayLike | None,
    weighting: Weighting,
) -> RankScores:
    """Check the inputs and return the weighted log-rank scores, added over strata.

    Examples
    --------
    >>> options = {"strata": None, "entry": None, "weighting": Weighting()}
    >>> rank_scores([1, 2], [1, 1], ["a", "b"], **options).expected.tolist()
    [0.5, 1.5]
    """
    subjects = check_subjects(time, event, entry=entry)
    codes, labels = check_groups(group)
    check_same_length(time=subjects.time, group=codes)
    n_groups = len(labels)
    totals = (np.zeros(n_groups), np.zeros(n_groups), np.zeros((n_groups, n_groups)))
    for rows in _strata_rows(strata, len(codes)):
        part = _stratum_scores(_subset(subjects, rows), codes[rows], n_groups, weighting)
        totals = tuple(total + new for total, new in zip(totals, part, strict=True))
    return RankScores(labels, np.bincount(codes, minlength=n_groups), *totals, int(subjects.event.sum()))


def check_weighting(name: str, rho: float, gamma: float) -> Weighting:
    """Return the member of the weighted log-rank family, or raise naming the members there are.

    Examples
    --------
    >>> check_weighting("fleming-harrington", 1, 0).describe()
    'fleming-harrington (rho 1, gamma 0)'
    """
    if name not in WEIGHTINGS:
        raise ValueError(f"weighting: found {name!r}, expected one of {', '.join(WEIGHTINGS)}")
    if rho < 0 or gamma < 0:
        raise ValueError(f"rho and gamma: found {rho:g} and {gamma:g}, expected values >= 0")
    if (rho or gamma) and name != "fleming-harrington":
        raise ValueError(f"rho and gamma belong to 'fleming-harrington', not to {name!r}")
    return Weighting(name, rho, gamma)


def _strata_rows(strata: ArrayLike | None, n_subjects: int) -> list[NDArray[np.intp]]:
    if strata is None:
        return [np.arange(n_subjects)]
    stratum, names = check_groups(strata, name="strata")
    if len(stratum) != n_subjects:
        raise ValueError(f"lengths differ: {{'time': {n_subjects}, 'strata': {len(stratum)}}}")
    return [np.flatnonzero(stratum == number) for number in range(len(names))]


def _subset(subjects: Subjects, rows: NDArray[np.intp]) -> Subjects:
    if len(rows) == len(subjects):
        return subjects
    entry = None if subjects.entry is None else subjects.entry[rows]
    return Subjects(subjects.time[rows], subjects.event[rows], entry)


def _stratum_scores(
    subjects: Subjects, codes: NDArray[np.intp], n_groups: int, weighting: Weighting
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Observed, expected and covariance within one stratum, from event times alone."""
    table = tabulate_events(subjects)
    weights = _weights(table, weighting)
    happens = table.n_events > 0
    at, n, d, weights = table.time[happens], table.n_at_risk[happens], table.n_events[happens], weights[happens]
    share = np.empty((len(at), n_groups))
    observed = np.empty(n_groups)
    for number in range(n_groups):
        member = codes == number
        own = _subset(subjects, np.flatnonzero(member))
        left = np.searchsorted(np.sort(own.time), at, side="left")
        entered = len(own) if own.entry is None else np.searchsorted(np.sort(own.entry), at, side="left")
        share[:, number] = (entered - left) / n
        times = np.sort(own.time[own.event])
        n_events = np.searchsorted(times, at, side="right") - np.searchsorted(times, at, side="left")
        observed[number] = weights @ n_events
    expected = (weights * d) @ share
    scale = weights**2 * d * (n - d) / np.maximum(n - 1, 1)
    covariance = np.diag(scale @ share) - share.T @ (scale[:, None] * share)
    return observed, expected, covariance


def _weights(table: EventTable, weighting: Weighting) -> FloatArray:
    """Weight of each distinct time, from counts of all groups together."""
    if weighting.name == "logrank":
        return np.ones_like(table.time)
    if weighting.name == "gehan":
        return table.n_at_risk
    if weighting.name == "tarone-ware":
        return np.sqrt(table.n_at_risk)
    if weighting.name == "peto":
        return np.cumprod(1 - table.n_events / (table.n_at_risk + 1))
    survival = np.cumprod((table.n_at_risk - table.n_events) / table.n_at_risk)
    before = np.concatenate([[1.0], survival[:-1]]) if len(survival) else survival
    return before**weighting.rho * (1 - before) ** weighting.gamma
