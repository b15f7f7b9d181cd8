r"""Risk sets as sorted arrays: every sum over "those at risk" is one cumulative sum, without a loop over times.

Notation: row :math:`i` weighs :math:`w_i`, has risk :math:`r_i = w_i e^{x_i'\beta}` and is at risk at the
event times (groups) ``first[i] <= g < stop[i]``; groups run by stratum and, within it, from the latest time
to the earliest. The :math:`k`-th of :math:`d` tied events has the denominator
:math:`S_0 - (k / d) D_0`, with :math:`S_0` the risk of all at risk and :math:`D_0` that of the tied events
(Efron; for Breslow :math:`k` is always 0).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from timetoevent.checks import BoolArray, FloatArray
from timetoevent.cox.data import CoxData, IntArray


@dataclass(frozen=True, slots=True)
class RiskSets:
    """Rows that are at risk at some event time, sorted by the latest such time.

    Attributes
    ----------
    order : int array of shape (m,)
        Positions of the sorted rows in the data.
    first, stop : int array of shape (m,)
        Half-open range of groups at which the row is at risk.
    segment : int array of shape (n_groups,)
        First sorted row of each group.
    group_stratum, group_time : array of shape (n_groups,)
        What the groups are.
    base : int array of shape (n_groups,)
        First group of the stratum of each group.
    early : int array
        Sorted rows that enter after some event time of their stratum.
    death_row, death_group, fraction : array of shape (n_events,)
        Sorted row and group of each event; k / d of Efron's denominator (0 for Breslow).
    death_start : int array of shape (n_groups,)
        First event of each group.
    mean_weight : float array of shape (n_groups,)
        Mean weight of the events of each group.
    """

    n_rows: int
    order: IntArray
    first: IntArray
    stop: IntArray
    segment: IntArray
    group_stratum: IntArray
    group_time: FloatArray
    base: IntArray
    early: IntArray
    death_row: IntArray
    death_group: IntArray
    death_start: IntArray
    fraction: FloatArray
    mean_weight: FloatArray
    weight: FloatArray

    @property
    def n_groups(self) -> int:
        """Number of distinct event times, over all strata."""
        return len(self.segment)

    @property
    def is_tied(self) -> bool:
        """Whether any denominator differs from the sum over all at risk."""
        return bool(self.fraction.any())

    def sum_at_risk(self, values: FloatArray) -> FloatArray:
        """Sum of `values` (one per sorted row) over the rows at risk at each group."""
        added = np.add.reduceat(values, self.segment)
        if len(self.early):
            left = np.bincount(self.stop[self.early], weights=values[self.early], minlength=self.n_groups)
            added = added - left
        total = np.cumsum(added)
        if self.base[-1] > 0:
            total -= np.concatenate([[0.0], total])[self.base]
        return total

    def sum_over_events(self, values: FloatArray) -> FloatArray:
        """Sum of `values` (one per event) at each group."""
        return np.add.reduceat(values, self.death_start)

    def sum_over_time(self, increments: FloatArray, last: FloatArray | None = None) -> FloatArray:
        """Sum of `increments` (one per group) over the groups at which each sorted row is at risk.

        `last` is what a row that has the event takes less at that last group (Efron).
        """
        cumulative = np.concatenate([[0.0], np.cumsum(increments)])
        total = cumulative[self.stop] - cumulative[self.first]
        if last is not None:
            total[self.death_row] -= last[self.death_group]
        return total

    def scatter(self, values: FloatArray) -> FloatArray:
        """Return sorted values (last axis) in the order of the data, 0 for rows that are never at risk."""
        full = np.zeros((*values.shape[:-1], self.n_rows))
        full[..., self.order] = values
        return full


def make_risk_sets(data: CoxData) -> RiskSets | None:
    """Return the risk sets of `data`, or None if it has no event."""
    if not data.event.any():
        return None
    distinct, code = np.unique(data.time, return_inverse=True)
    width = len(distinct)
    key = data.stratum * width + (width - 1 - code)
    groups, row_group = _event_groups(key, data.event)
    group_stratum = groups // width
    base = np.searchsorted(groups, group_stratum * width, "left")
    end = np.searchsorted(groups, (data.stratum + 1) * width, "left")
    stop = end
    if data.entry is not None:
        entered = data.stratum * width + (width - np.searchsorted(distinct, data.entry, "right"))
        stop = np.minimum(np.searchsorted(groups, entered, "left"), end)
    order = _sorted_rows(row_group, stop, data.event, len(groups))
    first, sorted_stop, sorted_end = row_group[order], stop[order], end[order]
    segment = np.searchsorted(first, np.arange(len(groups)))
    death_row = np.flatnonzero(data.event[order])
    death_group = first[death_row]
    death_start = np.searchsorted(death_group, np.arange(len(groups)))
    weight = data.weights[order]
    return RiskSets(
        n_rows=data.n,
        order=order,
        first=first,
        stop=sorted_stop,
        segment=segment,
        group_stratum=group_stratum,
        group_time=distinct[width - 1 - groups % width],
        base=base,
        early=np.flatnonzero(sorted_stop < sorted_end),
        death_row=death_row,
        death_group=death_group,
        death_start=death_start,
        fraction=_fractions(death_group, death_start, data.model.ties),
        mean_weight=_mean_weights(weight[death_row], death_start),
        weight=weight,
    )


def _event_groups(key: IntArray, event: BoolArray) -> tuple[IntArray, IntArray]:
    """Return the distinct keys with an event, and the first of them at or after each row's key."""
    groups = np.unique(key[event])
    return groups, np.searchsorted(groups, key, "left")


def _sorted_rows(first: IntArray, stop: IntArray, event: BoolArray, n_groups: int) -> IntArray:
    """Rows at risk at some group, by first group, events before the rest."""
    at_risk = np.flatnonzero(first < stop)
    rank = 2 * first[at_risk] + ~event[at_risk]
    return at_risk[np.argsort(rank, kind="stable")]


def _fractions(death_group: IntArray, death_start: IntArray, ties: str) -> FloatArray:
    if ties == "breslow":
        return np.zeros(len(death_group))
    n_tied = np.diff(np.append(death_start, len(death_group)))
    place = np.arange(len(death_group)) - death_start[death_group]
    return place / n_tied[death_group]


def _mean_weights(weight: FloatArray, death_start: IntArray) -> FloatArray:
    n_tied = np.diff(np.append(death_start, len(weight)))
    return np.add.reduceat(weight, death_start) / n_tied
