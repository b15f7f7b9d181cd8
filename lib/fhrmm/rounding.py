"""Counts rounded to the midpoint of a base, and follow-up whose every count is: what a release is computed from."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

ROUNDED = "rounded counts"  # named in the method of what was made from them


def midpoint(count: float, base: int) -> int:
    """Round a count up to a multiple of the base and down by half of it; none is not told from one to the base.

    Examples
    --------
    >>> [midpoint(count, 6) for count in (0, 1, 6, 7, 12, 62)]
    [3, 3, 3, 9, 9, 63]
    """
    return max(math.ceil(round(count, 9) / base), 1) * base - base // 2


def band(shown: float, base: int) -> tuple[int, int]:
    """Return the smallest and the largest count that are shown as this midpoint.

    Examples
    --------
    >>> band(3, 6), band(63, 6)
    ((0, 6), (61, 66))
    """
    highest = int(shown) + base // 2
    return (0 if highest == base else highest - base + 1), highest


def is_few(count: float, base: int) -> bool:
    """Say whether a count is in the lowest band, which may be empty; false where there is none."""
    return bool(count <= base)


def round_times(time: np.ndarray, cause: np.ndarray, base: int) -> tuple[np.ndarray, np.ndarray]:
    """Return follow-up made from rounded counts, on which curves, rates, medians and numbers at risk are computed.

    Nothing of the times is used but the month in which the 1st patient left, and then each `base`-th: by cause, and
    among the censored. In between, events are spread evenly; in simulated cohorts this errs least
    (`docs/decisions.md`).

    Parameters
    ----------
    time : ndarray
        Months.
    cause : ndarray
        Whether there was an event, or the number of its cause; 0 is censored.
    base : int
        Base of rounding.

    Returns
    -------
    time, cause : ndarray
        As many patients, and of each cause as many, as the midpoint of their number; the rest is censored.

    References
    ----------
    OpenSAFELY. Midpoint 6 rounding of counts and of Kaplan-Meier estimates.

    Examples
    --------
    >>> time, event = round_times(np.arange(1.0, 21.0), np.arange(20) < 8, 6)
    >>> len(time), int(event.sum()), time[event].tolist()[:4]
    (21, 9, [0.5, 1.5, 2.5, 3.5])
    """
    n = midpoint(len(time), base)
    end = float(_months_of_each(time, base)[-1])
    found: list[tuple[np.ndarray, object]] = []
    left = n
    for one in sorted(set(cause[cause != 0].tolist())):
        of_cause = time[cause == one]
        size = min(midpoint(len(of_cause), base), left)
        found.append((_spread(of_cause, size, end, base), one))
        left -= size
    found.append((_spread(time[cause == 0], left, end, base), 0))
    causes = [np.full(len(times), one, dtype=cause.dtype) for times, one in found]
    return np.concatenate([times for times, _ in found]), np.concatenate(causes)


def _months_of_each(time: np.ndarray, base: int) -> np.ndarray:
    """The months in which the 1st, then each `base`-th further patient left; the first month where nobody did."""
    months = np.maximum(np.ceil(np.sort(time)), 1.0)[::base]
    return months if len(months) else np.ones(1)


def _spread(time: np.ndarray, size: int, end: float, base: int) -> np.ndarray:
    """Spread `size` patients over the time in which they left; beyond the last known month as fast as before it."""
    if not len(time):
        return np.full(size, end)
    known = _months_of_each(time, base) - 0.5
    numbers = 1 + base * np.arange(len(known))
    pace = (known[-1] - known[-2]) / base if len(known) > 1 else known[0]
    order = np.arange(1, size + 1)
    beyond = known[-1] + pace * (order - numbers[-1])
    return np.minimum(np.where(order <= numbers[-1], np.interp(order, numbers, known), beyond), end)


def round_significant(value: float, digits: int = 2) -> float:
    """Round a number to significant decimals.

    Examples
    --------
    >>> [round_significant(value) for value in (0.0437, 2.46, 66.5, math.inf)]
    [0.044, 2.5, 66.0, inf]
    """
    if not math.isfinite(value) or value == 0:
        return value
    return float(f"{value:.{digits - 1}e}")


def round_table(table: Sequence[Sequence[int]], base: int) -> np.ndarray:
    """Return a table of counts with the midpoint of each.

    Examples
    --------
    >>> round_table([[0, 7], [12, 30]], 6).tolist()
    [[3, 9], [9, 27]]
    """
    return np.array([[midpoint(count, base) for count in row] for row in table])
