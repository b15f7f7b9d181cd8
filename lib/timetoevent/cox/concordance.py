"""Concordance of a risk score with survival, in n log n array operations, with R's standard error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from timetoevent.checks import BoolArray, FloatArray
from timetoevent.cox.data import IntArray
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
    n, n_events = len(time), int(event.sum())
    weights = np.ones(n) if weights is None else weights
    strata = np.zeros(n, dtype=np.int64) if strata is None else strata
    excess, pairs = _pair_sums(time, event, _ranks(score), entry, weights, strata)
    # every pair is met twice, once from either side
    n_pairs = float(weights @ pairs) / 2
    if n_pairs <= 0:
        return not_estimable("no comparable pairs", n=n, n_events=n_events, method=METHOD)
    somers_d = float(weights @ excess) / 2 / n_pairs
    influence = weights * (excess - somers_d * pairs) / n_pairs
    if cluster is not None:
        influence = np.bincount(cluster, weights=influence)
    std_error = float(np.sqrt(influence @ influence)) / 2
    estimate = (somers_d + 1) / 2
    half = float(stats.norm.ppf(0.5 + ci_level / 2)) * std_error
    return Estimate(
        estimate=estimate,
        ci_lower=max(estimate - half, 0.0),
        ci_upper=min(estimate + half, 1.0),
        std_error=std_error,
        ci_level=ci_level,
        n=n,
        n_events=n_events,
        method=METHOD,
    )


def _ranks(score: FloatArray) -> IntArray:
    """Dense ranks; scores that differ by rounding alone are one rank."""
    digits = 12 - int(np.ceil(np.log10(max(float(np.abs(score).max(initial=0)), 1e-300))))
    return np.unique(np.round(score, min(digits, 300)), return_inverse=True)[1]


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
    event_times = np.unique(time[event])
    side = np.where(event, 0, 1)
    passed = np.searchsorted(event_times, time, "left")
    passed += (side == 1) & np.isin(time, event_times)
    case = np.flatnonzero(event)
    missed = None if entry is None else np.searchsorted(event_times, entry, "right")
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


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of the pairs: a case of `place` k pairs with the others of its stratum of `place` > k."""

    stratum: IntArray
    place: IntArray
    rank: IntArray
    weight: FloatArray


def _totals(cases: _Side, others: _Side, *, same_rank: bool = False) -> tuple[FloatArray, FloatArray]:
    """Weight of the partners of each case, and of each of the others (only those tied in rank, if asked)."""
    width = int(max(cases.place.max(initial=0), others.place.max(initial=0))) + 2
    n_ranks = int(max(cases.rank.max(initial=0), others.rank.max(initial=0))) + 1
    group, other_group = (
        (cases.stratum * n_ranks + cases.rank, others.stratum * n_ranks + others.rank)
        if same_rank
        else (cases.stratum, others.stratum)
    )
    other_key, key = other_group * width + others.place, group * width + cases.place
    above = _weight_up_to(other_key, others.weight, (group + 1) * width - 1)
    of_case = above - _weight_up_to(other_key, others.weight, key)
    below = _weight_up_to(key, cases.weight, other_key - 1)
    return of_case, below - _weight_up_to(key, cases.weight, other_group * width - 1)


def _weight_up_to(keys: IntArray, weight: FloatArray, bounds: IntArray) -> FloatArray:
    """Sum of the weights whose key is at most each bound."""
    order = np.argsort(keys, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(weight[order])])
    return total[np.searchsorted(keys[order], bounds, "right")]


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
    tied_case, tied_other = _totals(cases, others, same_rank=True)
    return balance[:n_cases] + tied_case, -(balance[n_cases:] - tied_other)


def _balance(label: IntArray, weight: FloatArray, is_case: BoolArray, order: IntArray, n_bits: int) -> FloatArray:
    """For each item, weight of its partners earlier in `order` less that of those later.

    Partners are a case and another with a higher label that share the bits above `n_bits`. Labels are
    divided by their bits, the highest first: a pair is met once, where its labels part, and there the
    partners before an item are a cumulative sum. A stable partition keeps the order for the next bit.
    """
    balance = np.zeros(len(label))
    for bit in range(n_bits - 1, -1, -1):
        labels, weights, cases = label[order], weight[order], is_case[order]
        block = labels >> (bit + 1)
        upper = (labels >> bit) & 1 == 1
        starts = np.flatnonzero(np.concatenate([[True], block[1:] != block[:-1]]))
        sizes = np.diff(np.append(starts, len(labels)))
        gain = np.zeros(len(labels))
        for giver, taker in ((cases & ~upper, ~cases & upper), (~cases & upper, cases & ~upper)):
            before = np.concatenate([[0.0], np.cumsum(np.where(giver, weights, 0.0))])
            first, last = before[starts], before[starts + sizes]
            middle = 2 * before[:-1] - np.repeat(first + last, sizes)
            gain[taker] += middle[taker]
        balance[order] += gain
        order = (
            order[np.argsort((block << 1) | upper, kind="stable")]
            if len(starts) > 1
            else (np.concatenate([order[~upper], order[upper]]))
        )
    return balance
