"""Concordance of a risk score with survival, in n log n array operations, with R's standard error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from timetoevent.checks import BoolArray, FloatArray
from timetoevent.cox.data import IntArray
from timetoevent.intervals import normal_quantile
from timetoevent.results import Estimate, not_estimable

METHOD = "Concordance (Harrell), infinitesimal jackknife standard error"


def concordance_index(
    time: FloatArray,
    event: BoolArray,
    score: FloatArray,
    *,
    entry: FloatArray | None = None,
    weights: FloatArray | None = None,
    strata: IntArray | None = None,
    cluster: IntArray | None = None,
    ci_level: float = 0.95,
) -> Estimate:
    """Return the probability that of two comparable subjects the one with the higher score fails first.

    A pair is comparable if one has the event while the other is at risk and goes on (a subject censored at
    that very time goes on); pairs tied in the score count one half. Comparisons are within strata.

    Parameters
    ----------
    time, event, score : array of shape (n,)
        Times (ties exact), events, risk scores.
    entry, weights, strata, cluster : array of shape (n,), optional
        Delayed entry, case weights, codes of strata and of clusters.

    References
    ----------
    Harrell F. E. et al. (1982). Evaluating the yield of medical tests. JAMA 247:2543-2546.
    Therneau T., Watson D. (2015). The concordance statistic and the Cox model. Mayo Clinic report 85.

    Examples
    --------
    >>> result = concordance_index(np.array([1.0, 2.0, 3.0]), np.array([True, True, False]),
    ...                            np.array([0.9, 0.1, 0.5]))
    >>> round(result.estimate, 6)
    0.666667
    """
    counts = {"n": len(time), "n_events": int(event.sum()), "method": METHOD}
    if not counts["n_events"]:
        return not_estimable("no events", **counts)
    weights = np.ones(len(time)) if weights is None else weights
    strata = np.zeros(len(time), dtype=np.int64) if strata is None else strata
    # scores that differ by rounding alone are one rank
    digits = 12 - int(np.ceil(np.log10(max(float(np.abs(score).max(initial=0)), 1e-300))))
    rank = np.unique(np.round(score, min(digits, 300)), return_inverse=True)[1]
    excess, pairs = _pair_sums(time, event, rank, entry, weights, strata)
    # every pair is met twice, once from either side
    n_pairs = float(weights @ pairs) / 2
    if n_pairs <= 0:
        return not_estimable("no comparable pairs", **counts)
    somers_d = float(weights @ excess) / 2 / n_pairs
    influence = weights * (excess - somers_d * pairs) / n_pairs
    if cluster is not None:
        influence = np.bincount(cluster, weights=influence)
    std_error = float(np.sqrt(influence @ influence)) / 2
    estimate = (somers_d + 1) / 2
    half = normal_quantile(ci_level) * std_error
    return Estimate(
        estimate=estimate,
        ci_lower=max(estimate - half, 0.0),
        ci_upper=min(estimate + half, 1.0),
        std_error=std_error,
        ci_level=ci_level,
        **counts,
    )


def _pair_sums(
    time: FloatArray,
    event: BoolArray,
    rank: IntArray,
    entry: FloatArray | None,
    weights: FloatArray,
    strata: IntArray,
) -> tuple[FloatArray, FloatArray]:
    """For each subject, over its comparable pairs: weight concordant less discordant, and total weight.

    Numbering the distinct event times, a case at time k is comparable with a subject that leaves after
    `passed` event times, and had entered after `missed` of them, if missed <= k < passed.
    """
    passed = _n_event_times_passed(time, event)
    case = np.flatnonzero(event)
    missed = None if entry is None else np.searchsorted(np.unique(time[event]), entry, "right")
    excess, pairs = np.zeros(len(time)), np.zeros(len(time))
    for sign, bound in ((1, passed), (-1, missed)):
        if bound is None:
            continue
        cases = _Side(strata[case], passed[case], rank[case], weights[case])
        others = _Side(strata, bound, rank, weights)
        for total, (of_case, of_other) in ((excess, _excess(cases, others)), (pairs, _totals(cases, others))):
            total[case] += sign * of_case
            total += sign * of_other
    return excess, pairs


def _n_event_times_passed(time: FloatArray, event: BoolArray) -> IntArray:
    """Distinct event times before each time, and at it for those who are censored then."""
    order = np.argsort(time, kind="stable")
    ordered = time[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    has_event = np.logical_or.reduceat(event[order], starts)
    sizes = np.diff(np.append(starts, len(time)))
    before = np.cumsum(has_event) - has_event
    passed = np.empty(len(time), dtype=np.int64)
    passed[order] = np.repeat(before, sizes) + (np.repeat(has_event, sizes) & ~event[order])
    return passed


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of the pairs: a case of `place` k pairs with the others of its stratum of `place` > k."""

    stratum: IntArray
    place: IntArray
    rank: IntArray
    weight: FloatArray


def _totals(cases: _Side, others: _Side) -> tuple[FloatArray, FloatArray]:
    """Weight of the partners of each case, and of each of the others."""
    width = int(max(cases.place.max(initial=0), others.place.max(initial=0))) + 1
    key, other_key = cases.stratum * width + cases.place, others.stratum * width + others.place
    up_to_end = _weight_up_to(other_key, others.weight, (cases.stratum + 1) * width - 1)
    of_case = up_to_end - _weight_up_to(other_key, others.weight, key)
    before = _weight_up_to(key, cases.weight, others.stratum * width - 1)
    return of_case, _weight_up_to(key, cases.weight, other_key - 1) - before


def _weight_up_to(keys: IntArray, weight: FloatArray, bounds: IntArray) -> FloatArray:
    """Sum of the weights whose key is at most each bound (-1 or more)."""
    largest = int(max(keys.max(initial=0), bounds.max(initial=0)))
    if largest <= 8 * (len(keys) + len(bounds)):
        total = np.concatenate([[0.0], np.cumsum(np.bincount(keys, weights=weight, minlength=largest + 1))])
        return total[bounds + 1]
    order = np.argsort(keys, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(weight[order])])
    return total[np.searchsorted(keys[order], bounds, "right")]


def _tied_totals(cases: _Side, others: _Side) -> tuple[FloatArray, FloatArray]:
    """The same over partners of equal rank: each stratum and rank that occurs again is a stratum."""
    n_ranks = int(others.rank.max(initial=0)) + 1
    group, other_group = (side.stratum * n_ranks + side.rank for side in (cases, others))
    _, code, count = np.unique(other_group, return_inverse=True, return_counts=True)
    of_case, of_other = np.zeros(len(group)), np.zeros(len(other_group))
    if count.max(initial=0) < 2:
        return of_case, of_other
    repeated = np.flatnonzero(count[code] > 1)
    distinct = np.unique(other_group[repeated])
    met = np.flatnonzero(np.isin(group, distinct))
    one = _Side(np.searchsorted(distinct, group[met]), cases.place[met], cases.rank[met], cases.weight[met])
    two = _Side(
        np.searchsorted(distinct, other_group[repeated]),
        others.place[repeated],
        others.rank[repeated],
        others.weight[repeated],
    )
    of_case[met], of_other[repeated] = _totals(one, two)
    return of_case, of_other


def _excess(cases: _Side, others: _Side) -> tuple[FloatArray, FloatArray]:
    """Weight of partners with the lower rank less that of those with the higher, seen from the case."""
    n_cases = len(cases.rank)
    place = np.concatenate([2 * cases.place + 1, 2 * others.place])
    stratum = np.concatenate([cases.stratum, others.stratum])
    n_bits = int(place.max(initial=1)).bit_length()
    label = (stratum << n_bits) | place
    rank = np.concatenate([cases.rank, others.rank])
    weight = np.concatenate([cases.weight, others.weight])
    # cases before others of the same rank: ties are counted one way, and taken out below
    order = np.lexsort((rank, stratum)) if stratum.any() else np.argsort(rank, kind="stable")
    balance = _balance(label, weight, np.arange(len(label)) < n_cases, order, n_bits)
    tied_case, tied_other = _tied_totals(cases, others)
    return balance[:n_cases] + tied_case, -(balance[n_cases:] - tied_other)


def _balance(label: IntArray, weight: FloatArray, is_case: BoolArray, order: IntArray, n_bits: int) -> FloatArray:
    """For each item, weight of its partners earlier in `order` less that of those later.

    Partners are a case and another with a higher label that share the bits above `n_bits`. Labels are
    divided by their bits, the highest first: a pair is met once, where its labels part, and there the
    partners before an item are a cumulative sum. A stable partition by the bit keeps items that share
    the higher bits together and in order.
    """
    label, weight, is_case = label[order], weight[order], is_case[order]
    gain = np.zeros(len(label))
    for bit in range(n_bits - 1, -1, -1):
        block = label >> (bit + 1)
        is_upper = (label >> bit) & 1 == 1
        bounds = np.flatnonzero(np.concatenate([[True], block[1:] != block[:-1], [True]]))
        lower_cases, upper_others = np.flatnonzero(is_case & ~is_upper), np.flatnonzero(~is_case & is_upper)
        for giver, taker in ((lower_cases, upper_others), (upper_others, lower_cases)):
            before = np.zeros(len(label) + 1)
            before[giver + 1] = weight[giver]
            before = np.cumsum(before, out=before)
            edges = before[bounds]
            middle = np.repeat(edges[1:] + edges[:-1], np.diff(bounds))
            gain[taker] += 2 * before[taker] - middle[taker]
        part = np.concatenate([np.flatnonzero(~is_upper), np.flatnonzero(is_upper)])
        label, weight, is_case, gain, order = (v[part] for v in (label, weight, is_case, gain, order))
    balance = np.empty(len(label))
    balance[order] = gain
    return balance
