"""A proportion with its interval."""

from __future__ import annotations

import math

from scipy.special import betainccinv, betaincinv

from timetoevent.intervals import normal_quantile
from timetoevent.results import Estimate, not_estimable

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
    if successes != int(successes) or n != int(n) or not 0 <= successes <= n:
        raise ValueError(f"found {successes} of {n}, expected whole numbers, 0 <= successes <= n")
    successes, n = int(successes), int(n)
    if n == 0:
        return not_estimable("the denominator is 0", method=METHODS[method])
    limits = _wilson(successes, n, z) if method == "wilson" else _clopper_pearson(successes, n, ci_level)
    value = successes / n
    error = math.sqrt(value * (1 - value) / n)
    return Estimate(value, *limits, error, ci_level=ci_level, n=n, n_events=successes, method=METHODS[method])


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
