"""What lifelines computes for this package, through its public interface, without its warnings.

Nothing here is taken on trust: who asks holds the answer against counts, limits or a Newton step of its own, and goes
on without lifelines where they differ or there is none (None).

References
----------
Davidson-Pilon C. lifelines: survival analysis in Python. J Open Source Softw 2019;4(40):1317.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.exceptions import ConvergenceError
from lifelines.statistics import multivariate_logrank_test
from numpy.typing import NDArray

from timetoevent.checks import BoolArray, FloatArray

IntArray = NDArray[np.int64]
# both, or lifelines stops at a millionth
PRECISE = {"precision": 1e-12, "r_precision": 1e-14}
MOST_KEPT = 10_000  # subjects of a curve that stays in memory
LOGRANK_NAMES = {"logrank": None, "gehan": "wilcoxon", "tarone-ware": "tarone-ware", "peto": "peto"}


@dataclass(frozen=True, slots=True)
class _ProductLimit:
    """A curve of lifelines, one element per distinct time and one for time 0."""

    time: FloatArray
    n_at_risk: FloatArray
    n_events: FloatArray
    survival: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray


def product_limit(time: FloatArray, event: BoolArray, weights: FloatArray | None, ci_level: float) -> _ProductLimit:
    """Return the Kaplan-Meier estimate with log-log limits.

    Examples
    --------
    >>> product_limit(np.array([1.0, 2.0]), np.array([True, True]), None, 0.95).survival.round(12).tolist()
    [1.0, 0.5, 0.0]
    """
    if len(time) > MOST_KEPT:
        return _fit_curve(time, event, weights, ci_level)
    arrays = (time, np.asarray(event, dtype=float), np.ones(len(time)) if weights is None else weights)
    return _kept_curve(np.array(arrays, dtype=float).tobytes(), weights is None, ci_level)


@lru_cache(maxsize=128)
def _kept_curve(arrays: bytes, is_unweighted: bool, ci_level: float) -> _ProductLimit:
    """Rates, median and mean of one curve each ask for it, and so does its figure: it is fitted once."""
    time, event, weights = np.frombuffer(arrays).reshape(3, -1)
    return _fit_curve(time, event.astype(bool), None if is_unweighted else weights, ci_level)


def _fit_curve(time: FloatArray, event: BoolArray, weights: FloatArray | None, ci_level: float) -> _ProductLimit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        curve = KaplanMeierFitter(alpha=1 - ci_level).fit(time, event, weights=weights)
    counts = curve.event_table.loc[curve.survival_function_.index]
    limits = curve.confidence_interval_survival_function_.to_numpy(float)
    return _ProductLimit(
        counts.index.to_numpy(float),
        counts["at_risk"].to_numpy(float),
        counts["observed"].to_numpy(float),
        curve.survival_function_.iloc[:, 0].to_numpy(float),
        limits[:, 0],
        limits[:, 1],
    )


def logrank_statistic(time: FloatArray, event: BoolArray, group: NDArray[np.intp], weighting: str) -> float:
    """Return the chi-squared statistic of the log-rank test or one of its family in `LOGRANK_NAMES`.

    Examples
    --------
    >>> time, event = np.array([1.0, 2.0, 3.0, 4.0]), np.ones(4, dtype=bool)
    >>> round(logrank_statistic(time, event, np.array([0, 0, 1, 1]), "logrank"), 4)
    2.8824
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = multivariate_logrank_test(time, group, event, weightings=LOGRANK_NAMES[weighting])
    return float(found.test_statistic)


def cox_coefficients(
    x: FloatArray, time: IntArray, event: BoolArray, *, entry: IntArray | None, stratum: IntArray
) -> FloatArray | None:
    """Return the coefficients of covariates `x` of shape (p, n) by Efron's partial likelihood; None without any.

    Examples
    --------
    >>> x, time, event = np.array([[0.0, 1.0, 0.0, 1.0]]), np.array([1, 2, 3, 4]), np.array([True, True, False, True])
    >>> cox_coefficients(x, time, event, entry=None, stratum=np.zeros(4, dtype=int)).round(4).tolist()
    [-0.3466]
    """
    columns = {f"x{j}": values for j, values in enumerate(x)}
    roles = {"duration_col": "time", "event_col": "event"}
    frame = pd.DataFrame({**columns, "time": time, "event": event})
    if entry is not None:
        roles["entry_col"], frame["entry"] = "entry", entry
    if stratum.min() != stratum.max():
        roles["strata"], frame["stratum"] = ["stratum"], stratum
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return CoxPHFitter().fit(frame, **roles, fit_options=PRECISE).params_.to_numpy(float)
    except (ConvergenceError, ValueError, ArithmeticError, np.linalg.LinAlgError):
        return None


def interval_censored(after: FloatArray, until: FloatArray) -> pd.Series:
    """Return Turnbull's estimate by time: an event after the first and not after the second number, infinite if unseen.

    An event on a known day has twice that day. What the data leave open within an interval lies at its end.

    Examples
    --------
    >>> interval_censored(np.array([0.0, 1, 0]), np.array([1.0, 2, 2])).loc[1.0].round(6).item()
    0.5
    """
    # to lifelines both ends belong to an interval, and only a narrow one has its step at its end
    start = np.where(after < until, after + 1e-6, after - 1e-6)
    with np.errstate(divide="ignore", invalid="ignore"):  # logarithms of masses that come to nothing
        fit = KaplanMeierFitter().fit_interval_censoring(start, until, tol=1e-14)
    curve = fit.survival_function_.iloc[:, -1]
    return curve[np.isfinite(curve.index)]
