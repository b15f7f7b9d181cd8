r"""Risk sets as sorted arrays: every sum over "those at risk" is one cumulative sum, without a loop over times.

Notation: row :math:`i` weighs :math:`w_i`, has risk :math:`r_i = w_i e^{x_i'\beta}` and is at risk at the
event times (groups) ``first[i] <= g < stop[i]``; groups run by stratum and, within it, from the latest time
to the earliest. The :math:`k`-th of :math:`d` tied events has the denominator
:math:`S_0 - (k / d) D_0`, with :math:`S_0` the risk of all at risk and :math:`D_0` that of the tied events
(Efron; for Breslow :math:`k` is always 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from timetoevent.checks import BoolArray, FloatArray
from timetoevent.cox.data import CoxData, IntArray


@dataclass(frozen=True)
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

    @cached_property
    def tied(self) -> IntArray:
        """Events whose denominator differs from the sum over all at risk, and those tied with them."""
        n_tied = np.diff(np.append(self.death_start, len(self.death_group)))
        return np.flatnonzero((n_tied > 1)[self.death_group]) if self.fraction.any() else np.empty(0, np.int64)

    @cached_property
    def tied_start(self) -> IntArray:
        """First of the `tied` events of each group that has any."""
        groups = self.death_group[self.tied]
        return np.flatnonzero(np.concatenate([[True], groups[1:] != groups[:-1]])[: len(groups)])

    @cached_property
    def tied_group(self) -> IntArray:
        """Groups with events whose denominators differ."""
        return self.death_group[self.tied][self.tied_start]

    @cached_property
    def tied_place(self) -> IntArray:
        """For each of the `tied` events, the place of its group in ``tied_group``."""
        sizes = np.diff(np.append(self.tied_start, len(self.tied)))
        return np.repeat(np.arange(len(sizes)), sizes)

    def sum_over_tied(self, values: FloatArray) -> FloatArray:
        """Sum of `values` (last axis: one per `tied` event) at each of the tied groups."""
        if not len(self.tied):
            return np.empty((*values.shape[:-1], 0))
        return np.add.reduceat(values, self.tied_start, axis=-1)

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
        """Sum of `values` (last axis: one per event) at each group."""
        if values.shape[-1] == self.n_groups:
            return values
        return np.add.reduceat(values, self.death_start, axis=-1)

    def sum_over_time(self, steps: FloatArray) -> FloatArray:
        """Sum of `steps` (last axis: one per event) over the groups at which each sorted row is at risk.

        At its own last group a row with the event takes the fraction 1 - k / d of each step (Efron).
        Steps are summed from the earliest time on, so that the small hazards of large risk sets are not
        lost in those of the last few at risk.
        """
        each = self.sum_over_events(steps)
        since = np.zeros((*each.shape[:-1], self.n_groups + 1))
        np.cumsum(each[..., ::-1], axis=-1, out=since[..., -2::-1])
        total = since[..., self.first] - since[..., self.stop]
        if len(self.tied):
            less = self.sum_over_tied(steps[..., self.tied] * self.fraction[self.tied])
            total[..., self.death_row[self.tied]] -= less[..., self.tied_place]
        return total


def make_risk_sets(data: CoxData) -> RiskSets | None:
    """Return the risk sets of `data`, or None if it has no event."""
    if not data.event.any():
        return None
    if len(data.stratum_levels) == 1:
        order = np.argsort(-data.time, kind="stable")
    else:
        order = np.lexsort((-data.time, data.stratum))
    first, is_start = _first_groups(data, order)
    group_stratum, group_time = data.stratum[order[is_start]], data.time[order[is_start]]
    bounds = np.searchsorted(group_stratum, np.arange(len(data.stratum_levels) + 1))
    end = bounds[1:][data.stratum[order]]
    stop = end if data.entry is None else _stop_groups(data, order, group_stratum, group_time, end)
    at_risk = first < stop
    if not at_risk.all():
        order, first, stop, end = (values[at_risk] for values in (order, first, stop, end))
    death_row = np.flatnonzero(data.event[order])
    death_group = first[death_row]
    death_start = np.searchsorted(death_group, np.arange(len(group_time)))
    n_tied = np.diff(np.append(death_start, len(death_group)))
    weight = data.weights[order]
    fraction = np.zeros(len(death_group))
    if data.model.ties == "efron":
        fraction = (np.arange(len(death_group)) - death_start[death_group]) / n_tied[death_group]
    return RiskSets(
        order=order,
        first=first,
        stop=stop,
        segment=np.searchsorted(first, np.arange(len(group_time))),
        group_stratum=group_stratum,
        group_time=group_time,
        base=bounds[:-1][group_stratum],
        early=np.flatnonzero(stop < end),
        death_row=death_row,
        death_group=death_group,
        death_start=death_start,
        fraction=fraction,
        mean_weight=np.add.reduceat(weight[death_row], death_start) / n_tied,
        weight=weight,
    )


def _first_groups(data: CoxData, order: IntArray) -> tuple[IntArray, BoolArray]:
    """Return the latest group at which each sorted row is at risk, and the rows where groups begin.

    A run is the rows of one stratum and time; it is a group if it has an event. A run without one is
    first at risk at the next group.
    """
    time, stratum, event = data.time[order], data.stratum[order], data.event[order]
    is_new = np.concatenate([[True], (time[1:] != time[:-1]) | (stratum[1:] != stratum[:-1])])
    starts = np.flatnonzero(is_new)
    has_event = np.logical_or.reduceat(event, starts)
    first = np.cumsum(has_event) - has_event
    is_start = np.zeros(len(order), dtype=bool)
    is_start[starts[has_event]] = True
    return np.repeat(first, np.diff(np.append(starts, len(order)))), is_start


def _stop_groups(
    data: CoxData, order: IntArray, group_stratum: IntArray, group_time: FloatArray, end: IntArray
) -> IntArray:
    """Return the first group of each row's stratum whose time is not after the row's entry."""
    distinct = np.unique(group_time)
    width = len(distinct)
    keys = group_stratum * width + (width - 1 - np.searchsorted(distinct, group_time))
    entered = width - np.searchsorted(distinct, data.entry[order], "right")
    return np.minimum(np.searchsorted(keys, data.stratum[order] * width + entered, "left"), end)
