"""Gray's test for equality of cumulative incidence between groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from timetoevent.checks import check_cause, check_groups, check_same_length
from timetoevent.event_table import FloatArray, check_subjects
from timetoevent.results import Estimate, not_estimable


@dataclass(frozen=True, slots=True)
class _GroupCounts:
    """Counts at each time with an event (rows) in each group (columns)."""

    at_risk: FloatArray
    of_cause: FloatArray
    other: FloatArray


def gray_test(
    time: ArrayLike,
    cause: ArrayLike,
    group: ArrayLike,
    *,
    cause_of_interest: int = 1,
    strata: ArrayLike | None = None,
    rho: float = 0.0,
) -> Estimate:
    """Test whether groups share one cumulative incidence of a cause.

    Parameters
    ----------
    time, cause
        As in `cumulative_incidence`.
    group : array_like, shape (n_subjects,)
        Group labels, none missing.
    cause_of_interest : int, default 1
        Cause whose incidence is compared.
    strata : array_like, optional
        Stratum labels; comparisons are made within strata and added up.
    rho : float, default 0
        Weight (1 - F(t-))**rho of a time.

    Returns
    -------
    Estimate
        ``statistic`` (chi-squared), ``df`` (groups minus 1), ``p_value``: those of ``cuminc`` in R's
        cmprsk. Status ``not_estimable`` with one group, no event of that cause, or a singular covariance.

    Raises
    ------
    ValueError
        If inputs are invalid or a label is missing.

    References
    ----------
    Gray RJ. A class of K-sample tests for comparing the cumulative incidence of a competing risk. Ann Stat
    1988;16:1141-54.

    Examples
    --------
    >>> result = gray_test([1, 2, 3, 4, 5, 6], [1, 1, 1, 2, 1, 0], list("aabbab"))
    >>> result.df, round(result.statistic, 4)
    (1.0, 2.3314)
    """
    codes = check_cause(cause)
    subjects = check_subjects(time, codes > 0)
    groups, labels = check_groups(group)
    stratum = np.zeros(len(codes), int) if strata is None else check_groups(strata, name="strata")[0]
    check_same_length(time=subjects.time, cause=codes, group=groups, strata=stratum)
    of_cause = codes == cause_of_interest
    facts = {"n": len(codes), "n_events": int(of_cause.sum()), "method": f"Gray's test, cause {cause_of_interest}"}
    if len(labels) < 2 or not of_cause.any():
        reason = "only one group" if len(labels) == 1 else "no subjects" if not len(codes) else "no events of the cause"
        return not_estimable(reason, **facts)
    score, covariance = np.zeros(len(labels)), np.zeros((len(labels), len(labels)))
    for number in np.unique(stratum):
        rows = stratum == number
        counts = _count(subjects.time[rows], of_cause[rows], subjects.event[rows], groups[rows], len(labels))
        part_score, part_covariance = _score(counts, rho)
        score, covariance = score + part_score, covariance + part_covariance
    reduced = covariance[:-1, :-1]
    if np.linalg.matrix_rank(reduced, tol=1e-10 * max(float(np.abs(covariance).max()), 1e-300)) < len(reduced):
        return not_estimable("groups are not at risk together at any event", **facts)
    statistic = float(score[:-1] @ np.linalg.solve(reduced, score[:-1]))
    df = float(len(reduced))
    return Estimate(statistic=statistic, df=df, p_value=float(stats.chi2.sf(statistic, df)), **facts)


def _count(
    time: FloatArray,
    of_cause: NDArray[np.bool_],
    event: NDArray[np.bool_],
    groups: NDArray[np.intp],
    n_groups: int,
) -> _GroupCounts:
    at = np.unique(time[event])

    def n_at(rows: NDArray[np.bool_]) -> NDArray[np.intp]:
        ordered = np.sort(time[rows])
        return np.searchsorted(ordered, at, side="right") - np.searchsorted(ordered, at, side="left")

    members = [groups == number for number in range(n_groups)]
    at_risk = [member.sum() - np.searchsorted(np.sort(time[member]), at, side="left") for member in members]
    first = [n_at(member & of_cause) for member in members]
    second = [n_at(member & event & ~of_cause) for member in members]
    return _GroupCounts(*(np.column_stack(columns).astype(float) for columns in (at_risk, first, second)))


def _score(counts: _GroupCounts, rho: float) -> tuple[FloatArray, FloatArray]:
    """Score of each group and its covariance, one stratum: Gray (1988), sections 2 and 4, with ties.

    `scaled` is the number at risk had nobody left by another cause, R_i(t) of the paper before the factor 1
    - F.
    """
    n, d1, d2 = counts.at_risk, counts.of_cause, counts.other
    present = n > 0
    size = np.where(present, n, 1.0)
    survival = np.cumprod(1 - (d1 + d2) / size, axis=0)
    before = _lag(survival, 1.0)
    incidence_before = _lag(np.cumsum(before * d1 / size, axis=0), 0.0)
    scaled = np.where(present, n / np.where(present, before, 1.0), 0.0)
    total = scaled.sum(axis=1)
    expected_share = scaled * (1 - incidence_before)
    d_all = d1.sum(axis=1)
    pooled = np.cumsum(d_all / total)
    pooled_before = _lag(pooled[:, None], 0.0)[:, 0]
    weight = (1 - pooled_before) ** rho
    score = weight @ (d1 - d_all[:, None] * expected_share / expected_share.sum(axis=1)[:, None])
    return score, _covariance(counts, survival, before, scaled, pooled, pooled_before, weight)


def _lag(values: FloatArray, start: float) -> FloatArray:
    return np.vstack([np.full((1, values.shape[1]), start), values[:-1]])


def _covariance(
    counts: _GroupCounts,
    survival: FloatArray,
    before: FloatArray,
    scaled: FloatArray,
    pooled: FloatArray,
    pooled_before: FloatArray,
    weight: FloatArray,
) -> FloatArray:
    """Covariance of the scores: each group's martingale noise, through the weights of all groups.

    Group k contributes sum of (gain - ratio * running)**2 * noise over events of the cause, and (ratio *
    running)**2 * noise over events of other causes, expanded so that `running` may be counted backwards.
    """
    n, d2 = counts.at_risk, counts.other
    n_groups, d_all, total = n.shape[1], counts.of_cause.sum(axis=1), scaled.sum(axis=1)
    present, alive = n > 0, survival > 0
    size = np.where(present, n, 1.0)
    ratio = np.where(alive, (1 - pooled)[:, None] / np.where(alive, survival, 1.0), 0.0)
    ties = np.where(
        (d_all > 1)[:, None], 1 - (d_all - 1)[:, None] / np.maximum(total[:, None] * before - 1, 1e-300), 1.0
    )
    own = np.where(present, ties * before * d_all[:, None] / (total[:, None] * size), 0.0)
    other = np.where(
        present & alive, before**2 * d2 * (1 - np.maximum(d2 - 1, 0) / np.maximum(size - 1, 1)) / size**2, 0.0
    )
    covariance = np.zeros((n_groups, n_groups))
    for k in range(n_groups):
        gain = weight[:, None] * (
            scaled[:, [k]] * (np.arange(n_groups) == k) - scaled * scaled[:, [k]] / total[:, None]
        )
        running = np.cumsum(gain * (d_all / (total * (1 - pooled_before)))[:, None], axis=0)
        factor = np.where(alive[:, k], 1 - ratio[:, k], 1.0)
        # The part of `running` after a time is the final value minus the value at that time.
        later = running[-1] - running
        direct = gain + factor[:, None] * later
        indirect = -ratio[:, [k]] * later
        covariance += direct.T @ (own[:, [k]] * direct) + indirect.T @ (other[:, [k]] * indirect)
    return covariance
