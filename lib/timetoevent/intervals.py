"""Pointwise confidence limits of a survival probability, in the five transformations R's survival offers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtri

from timetoevent.checks import FloatArray

Limits = tuple[FloatArray, FloatArray]


def normal_quantile(ci_level: float) -> float:
    """Return the standard normal quantile of a two-sided interval, refusing levels outside (0, 1).

    Examples
    --------
    >>> round(normal_quantile(0.95), 6)
    1.959964
    """
    if not 0 < ci_level < 1:
        raise ValueError(f"ci_level: found {ci_level}, expected a level between 0 and 1, such as 0.95")
    return float(-ndtri((1 - ci_level) / 2))


def probability_limits(probability: FloatArray, se_log: FloatArray, *, ci_type: str, ci_level: float) -> Limits:
    """Return lower and upper limits of probabilities from the standard error of their logarithm.

    Parameters
    ----------
    probability : ndarray of float
        Survival probabilities (or other probabilities in [0, 1]).
    se_log : ndarray of float
        Standard error of log(probability): infinite where Greenwood's formula divides by zero.
    ci_type : {"log-log", "log", "plain", "logit", "arcsin"}
        Scale on which the interval is symmetric.
    ci_level : float
        Level of the interval.

    Returns
    -------
    tuple of ndarray
        Lower and upper limits; NaN exactly where R returns NA.

    Raises
    ------
    ValueError
        If `ci_type` or `ci_level` is not one of those above.

    References
    ----------
    Kalbfleisch JD, Prentice RL. The Statistical Analysis of Failure Time Data. 2nd ed. Wiley, 2002.

    Examples
    --------
    >>> lower, upper = probability_limits(np.array([0.75]), np.array([0.29]), ci_type="log", ci_level=0.95)
    >>> lower.round(3).tolist(), upper.tolist()
    ([0.425], [1.0])
    """
    if ci_type not in _LIMITS:
        raise ValueError(f"ci_type: found {ci_type!r}, expected one of {', '.join(_LIMITS)}")
    half_width = normal_quantile(ci_level)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return _LIMITS[ci_type](np.asarray(probability, float), half_width * np.asarray(se_log, float))


def _log_log(probability: FloatArray, width: FloatArray) -> Limits:
    inner = np.where((probability == 0) | (probability == 1), np.nan, probability)
    spread = width / np.log(inner)
    center = np.log(-np.log(inner))
    return np.exp(-np.exp(center - spread)), np.exp(-np.exp(center + spread))


def _log(probability: FloatArray, width: FloatArray) -> Limits:
    inner = np.where(probability == 0, np.nan, probability)
    return np.exp(np.log(inner) - width), np.minimum(np.exp(np.log(inner) + width), 1)


def _plain(probability: FloatArray, width: FloatArray) -> Limits:
    spread = width * probability
    return np.maximum(probability - spread, 0), np.minimum(probability + spread, 1)


def _logit(probability: FloatArray, width: FloatArray) -> Limits:
    inner = np.where(probability == 0, np.nan, probability)
    spread = width * (1 + inner / (1 - inner))
    center = np.log(inner / (1 - inner))
    return 1 - 1 / (1 + np.exp(center - spread)), 1 - 1 / (1 + np.exp(center + spread))


def _arcsin(probability: FloatArray, width: FloatArray) -> Limits:
    inner = np.where(probability == 0, np.nan, probability)
    spread = 0.5 * width * np.sqrt(inner / (1 - inner))
    center = np.arcsin(np.sqrt(inner))
    lower, upper = np.maximum(0, center - spread), np.minimum(np.pi / 2, center + spread)
    return np.sin(lower) ** 2, np.sin(upper) ** 2


_LIMITS: dict[str, Callable[[FloatArray, FloatArray], Limits]] = {
    "log-log": _log_log,
    "log": _log,
    "plain": _plain,
    "logit": _logit,
    "arcsin": _arcsin,
}
