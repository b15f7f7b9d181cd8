"""A proportion, the difference of two, and the trend over several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import betainccinv, betaincinv

from timetoevent.intervals import normal_quantile
from timetoevent.results import Estimate, not_estimable
from timetoevent.tails import chi_squared_tail

METHODS = {"clopper-pearson": "Clopper-Pearson interval", "wilson": "Wilson interval"}


def proportion(successes: int, n: int, *, method: str = "clopper-pearson", ci_level: float = 0.95) -> Estimate:
    """Estimate a proportion with an exact or a score interval.

    Parameters
    ----------
    successes : int
        Subjects with the property.
    n : int
        Denominator.
    method : {"clopper-pearson", "wilson"}
        Exact interval (``binom.test`` in R) or score interval without continuity correction
        (``prop.test(correct=FALSE)``).
    ci_level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        ``n_events`` is `successes`; ``std_error`` the binomial one; ``not_estimable`` if `n` is 0.

    Raises
    ------
    ValueError
        If counts are no whole numbers, negative, or `successes` exceeds `n`; if an option is unknown.

    References
    ----------
    Clopper CJ, Pearson ES. The use of confidence or fiducial limits. Biometrika 1934;26:404-13. Wilson EB.
    Probable inference, the law of succession, and statistical inference. J Am Stat Assoc 1927;22:209-12.

    Examples
    --------
    >>> result = proportion(38, 62)
    >>> round(result.ci_lower, 3), round(result.ci_upper, 3)
    (0.481, 0.734)
    """
    if method not in METHODS:
        raise ValueError(f"method: found {method!r}, expected one of {', '.join(METHODS)}")
    z = normal_quantile(ci_level)
    successes, n = _check_counts(successes, n)
    if n == 0:
        return not_estimable("the denominator is 0", method=METHODS[method])
    limits = _wilson(successes, n, z) if method == "wilson" else _clopper_pearson(successes, n, ci_level)
    value = successes / n
    error = math.sqrt(value * (1 - value) / n)
    return Estimate(value, *limits, error, ci_level=ci_level, n=n, n_events=successes, method=METHODS[method])


def proportion_difference(
    successes_1: int, n_1: int, successes_2: int, n_2: int, *, ci_level: float = 0.95
) -> Estimate:
    """Estimate the difference of two independent proportions, first minus second.

    The interval is Newcombe's hybrid score interval (his method 10, without continuity correction), built
    from the two Wilson intervals; it needs no cell to be above 0.

    Parameters
    ----------
    successes_1, n_1, successes_2, n_2 : int
        Counts and denominators of the two groups.
    ci_level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        ``std_error`` is the unpooled one; ``not_estimable`` if a denominator is 0.

    Raises
    ------
    ValueError
        As in `proportion`.

    References
    ----------
    Newcombe RG. Interval estimation for the difference between independent proportions: comparison of
    eleven methods. Stat Med 1998;17:873-90.

    Examples
    --------
    >>> result = proportion_difference(56, 70, 48, 80)
    >>> round(result.estimate, 4), round(result.ci_lower, 4), round(result.ci_upper, 4)
    (0.2, 0.0524, 0.3339)
    """
    first = proportion(successes_1, n_1, method="wilson", ci_level=ci_level)
    second = proportion(successes_2, n_2, method="wilson", ci_level=ci_level)
    n, n_events, method = first.n + second.n, first.n_events + second.n_events, "Newcombe hybrid score interval"
    if not (first.n and second.n):
        return not_estimable("a denominator is 0", n=n, n_events=n_events, method=method)
    difference = first.estimate - second.estimate
    below = math.hypot(first.estimate - first.ci_lower, second.ci_upper - second.estimate)
    above = math.hypot(first.ci_upper - first.estimate, second.estimate - second.ci_lower)
    error = math.hypot(first.std_error, second.std_error)
    return Estimate(
        difference,
        difference - below,
        difference + above,
        error,
        ci_level=ci_level,
        n=n,
        n_events=n_events,
        method=method,
    )


def cochran_armitage(successes: Sequence[int], n: Sequence[int], *, scores: Sequence[float] | None = None) -> Estimate:
    """Test for a linear trend of proportions over ordered groups.

    The variance is p(1 - p) times the sum of squares of the scores (``prop.trend.test`` in R), not that with
    N - 1.

    Parameters
    ----------
    successes, n : sequence of int
        Counts and denominators per group, in order. Groups with denominator 0 have no part.
    scores : sequence of float, optional
        Score per group; 1, 2, 3, ... by default.

    Returns
    -------
    Estimate
        ``statistic`` (chi-squared), ``df`` 1, ``p_value``; ``estimate`` is the slope per score.
        ``not_estimable`` with fewer than two groups, or if nobody or everybody has the property.

    Raises
    ------
    ValueError
        As in `proportion`, or if lengths differ.

    References
    ----------
    Armitage P. Tests for linear trends in proportions and frequencies. Biometrics 1955;11:375-86.

    Examples
    --------
    >>> round(cochran_armitage([2, 5, 8], [10, 10, 10]).statistic, 3)
    7.2
    """
    x = np.arange(1.0, len(n) + 1) if scores is None else np.asarray(scores, float)
    if not len(successes) == len(n) == len(x):
        raise ValueError(f"lengths differ: successes {len(successes)}, n {len(n)}, scores {len(x)}")
    counts = [_check_counts(*pair) for pair in zip(successes, n, strict=True)]
    events, sizes = np.array(counts, dtype=float).reshape(-1, 2).T
    total, n_events = int(sizes.sum()), int(events.sum())
    failed = not_estimable("", n=total, n_events=n_events, method="Cochran-Armitage test")
    if len(np.unique(x[sizes > 0])) < 2:
        return replace(failed, note="fewer than two groups")
    if n_events in (0, total):
        return replace(failed, note="nobody has the property" if n_events == 0 else "everybody has the property")
    p, deviation = n_events / total, x - (sizes @ x) / total
    spread = float(sizes @ deviation**2)
    slope = float(deviation @ (events - sizes * p)) / spread
    statistic = slope**2 * spread / (p * (1 - p))
    return Estimate(
        slope,
        statistic=statistic,
        df=1.0,
        p_value=float(chi_squared_tail(statistic, 1)),
        n=total,
        n_events=n_events,
        method="Cochran-Armitage test",
    )


def _check_counts(successes: float, n: float) -> tuple[int, int]:
    if successes != int(successes) or n != int(n) or not 0 <= successes <= n:
        raise ValueError(f"found {successes} of {n}, expected whole numbers, 0 <= successes <= n")
    return int(successes), int(n)


def _clopper_pearson(successes: int, n: int, ci_level: float) -> tuple[float, float]:
    tail = (1 - ci_level) / 2
    lower = betaincinv(successes, n - successes + 1, tail) if successes > 0 else 0.0
    upper = betainccinv(successes + 1, n - successes, tail) if successes < n else 1.0
    return float(lower), float(upper)


def _wilson(successes: int, n: int, z: float) -> tuple[float, float]:
    p, square = successes / n, z * z / n
    center, width = p + square / 2, z * math.sqrt(p * (1 - p) / n + square / (4 * n))
    lower, upper = (center - width) / (1 + square), (center + width) / (1 + square)
    return (0.0 if successes == 0 else lower), (1.0 if successes == n else upper)
