"""Meta-analysis of one estimate per study or center: fixed effect, random effects, heterogeneity,
prediction."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.optimize import brentq

from timetoevent.checks import check_same_length
from timetoevent.event_table import FloatArray
from timetoevent.intervals import normal_quantile
from timetoevent.results import Estimate, not_estimable

METHODS = {
    "fixed": "fixed effect, inverse variance",
    "dersimonian-laird": "random effects, DerSimonian-Laird truncated at 0",
    "reml": "random effects, restricted maximum likelihood",
}
TESTS = {"z": "normal interval", "hksj": "Hartung-Knapp-Sidik-Jonkman interval"}
PREDICTIONS = ("same", "riley")
GRID_POINTS = 200


@dataclass(frozen=True, slots=True)
class MetaAnalysis:
    """A pooled estimate with what the studies disagree about.

    Attributes
    ----------
    pooled : Estimate
        Pooled estimate on the scale given (log hazard ratio, say); ``n`` is the number of studies.
    tau_squared : float
        Variance between studies; 0 for the fixed effect.
    q, q_df, q_p_value : float
        Cochran's heterogeneity statistic (inverse-variance weights), its degrees of freedom and p-value.
    i_squared : float
        Percentage of variance between studies. Random effects: from tau_squared and the typical within-study
        variance, as in metafor; fixed effect: max(0, (Q - df) / Q).
    i_squared_from_q : float
        max(0, (Q - df) / Q) in percent for every method, the other convention in use.
    h_squared : float
        Total over within-study variance.
    prediction_lower, prediction_upper : float
        Interval for the true value in a new study; NaN for the fixed effect or a single study.
    weights : ndarray
        Weights of the studies, in percent, in the order given.
    """

    pooled: Estimate
    tau_squared: float
    q: float
    q_df: float
    q_p_value: float
    i_squared: float
    i_squared_from_q: float
    h_squared: float
    prediction_lower: float
    prediction_upper: float
    weights: FloatArray


def meta_analysis(
    estimate: ArrayLike,
    std_error: ArrayLike,
    *,
    method: str = "reml",
    test: str = "z",
    prediction: str = "same",
    ci_level: float = 0.95,
) -> MetaAnalysis:
    """Pool estimates of several studies, as ``rma`` of R's metafor does.

    Parameters
    ----------
    estimate, std_error : array_like of float, shape (n_studies,)
        Estimates on a scale where they are normal (log ratios), and their standard errors, > 0. A study
        without an estimate is left out by the caller, who knows why.
    method : {"reml", "dersimonian-laird", "fixed"}
        How the variance between studies is estimated, never below 0.
    test : {"z", "hksj"}
        Interval and p-value from the normal distribution, or with the Hartung-Knapp-Sidik-Jonkman variance
        and t with n - 1 degrees of freedom (``test="knha"``; not truncated at the normal variance).
    prediction : {"same", "riley"}
        Distribution of the prediction interval: that of `test`, or t with n - 2 degrees of freedom (metafor takes one
        for two studies, where the formula has none: such an interval is not worth showing).
    ci_level : float, default 0.95
        Level of both intervals.

    Returns
    -------
    MetaAnalysis
        ``pooled.status`` is ``not_estimable`` without studies; with "hksj" also for one study, or if
        all estimates are identical.

    Raises
    ------
    ValueError
        If inputs are missing, infinite, of different lengths, a standard error is not above 0, or an option
        is unknown.

    References
    ----------
    DerSimonian R, Laird N. Meta-analysis in clinical trials. Control Clin Trials 1986;7:177-88.
    Viechtbauer W. Conducting meta-analyses in R with the metafor package. J Stat Softw 2010;36(3):1-48.
    Riley RD, Higgins JPT, Deeks JJ. Interpretation of random effects meta-analyses. BMJ 2011;342:d549.

    Examples
    --------
    >>> result = meta_analysis([0.1, 0.5, 0.9], [0.2, 0.2, 0.2], method="dersimonian-laird")
    >>> round(result.pooled.estimate, 4), round(result.tau_squared, 4), round(result.i_squared, 1)
    (0.5, 0.12, 75.0)
    """
    _check_options(method, test, prediction)
    normal_quantile(ci_level)
    y, error = np.asarray(estimate, float).ravel(), np.asarray(std_error, float).ravel()
    check_same_length(estimate=y, std_error=error)
    n_bad = int((~np.isfinite(y) | ~np.isfinite(error) | ~(error > 0)).sum())
    if n_bad:
        raise ValueError(f"{n_bad} studies have no finite estimate with a standard error above 0")
    words = f"{METHODS[method]}, {TESTS[test]}"
    if not len(y):
        return MetaAnalysis(not_estimable("no studies", method=words), *[math.nan] * 9, np.empty(0))
    variance = error**2
    tau_squared = {"fixed": lambda *_: 0.0, "dersimonian-laird": _dersimonian_laird, "reml": _reml}[method](y, variance)
    pooled = _pool(y, variance + tau_squared, test, ci_level, words)
    return _describe(y, variance, tau_squared, pooled, method, (test, prediction))


def _check_options(method: str, test: str, prediction: str) -> None:
    options = {"method": (method, METHODS), "test": (test, TESTS), "prediction": (prediction, PREDICTIONS)}
    for name, (found, known) in options.items():
        if found not in known:
            raise ValueError(f"{name}: found {found!r}, expected one of {', '.join(known)}")


def _dersimonian_laird(y: FloatArray, variance: FloatArray) -> float:
    if len(y) == 1:
        return 0.0
    w = 1 / variance
    excess = _cochran_q(y, variance) - (len(y) - 1)
    return max(0.0, float(excess / (w.sum() - (w**2).sum() / w.sum())))


def _reml(y: FloatArray, variance: FloatArray) -> float:
    """Return the highest maximum of the restricted likelihood, 0 included.

    Roots of the score are bracketed on a grid and solved: the usual scoring iteration can cycle when
    standard errors are very different, and the likelihood can have two maxima.
    """
    if len(y) == 1:
        return 0.0
    top = max(float(y.var(ddof=1)), float(variance.min()))
    while _score(y, variance, [top])[0] > 0:
        top *= 2
    grid = np.concatenate([[0.0], np.geomspace(1e-8 * top, top, GRID_POINTS)])
    score = _score(y, variance, grid)
    turns = np.flatnonzero((score[:-1] > 0) & (score[1:] <= 0))
    maxima = [0.0] if score[0] <= 0 else []
    for left, right in zip(grid[turns], grid[turns + 1], strict=True):
        maxima.append(brentq(lambda tau: _score(y, variance, [tau])[0], left, right, xtol=1e-300, rtol=1e-14))

    def likelihood(tau: float) -> float:
        w = 1 / (variance + tau)
        return float(np.log(w).sum() - np.log(w.sum()) - _cochran_q(y, variance + tau)) / 2

    return float(max(maxima, key=likelihood))


def _score(y: FloatArray, variance: FloatArray, tau_squared: ArrayLike) -> FloatArray:
    """Return (twice) the derivative of the restricted log likelihood at each of several values."""
    w = 1 / (variance + np.asarray(tau_squared)[:, None])
    share = w / w.sum(axis=1, keepdims=True)
    residual = y - (share @ y)[:, None]
    return ((w * residual) ** 2).sum(axis=1) - w.sum(axis=1) + (w * share).sum(axis=1)


def _cochran_q(y: FloatArray, variance: FloatArray) -> float:
    w = 1 / variance
    return float(w @ (y - (w @ y) / w.sum()) ** 2)


def _pool(y: FloatArray, variance: FloatArray, test: str, ci_level: float, words: str) -> Estimate:
    w, k = 1 / variance, len(y)
    center = float((w @ y) / w.sum())
    error = math.sqrt(1 / w.sum())
    if test == "hksj":
        if k == 1:
            return not_estimable("one study: no variance between studies", n=1, method=words)
        spread = float(w @ (y - center) ** 2) / (k - 1)
        if spread <= np.finfo(float).eps:
            return not_estimable("the estimates are identical: their variance is 0", n=k, method=words)
        error *= math.sqrt(spread)
    critical = _critical(test, k - 1, ci_level)
    statistic = center / error
    df = math.inf if test == "z" else float(k - 1)
    return Estimate(
        center,
        center - critical * error,
        center + critical * error,
        error,
        statistic=statistic,
        df=math.nan if test == "z" else float(k - 1),
        p_value=float(2 * stats.t.sf(abs(statistic), df)),
        ci_level=ci_level,
        n=k,
        method=words,
    )


def _critical(test: str, df: int, ci_level: float) -> float:
    return normal_quantile(ci_level) if test == "z" else float(stats.t.ppf(0.5 + ci_level / 2, df))


def _describe(
    y: FloatArray, variance: FloatArray, tau_squared: float, pooled: Estimate, method: str, options: tuple[str, str]
) -> MetaAnalysis:
    k, w = len(y), 1 / variance
    q, df = _cochran_q(y, variance), k - 1
    from_q = max(0.0, 100 * (q - df) / q) if q > 0 else 0.0
    if k == 1:
        i_squared, h_squared = 0.0, 1.0
    elif method == "fixed":
        i_squared, h_squared = from_q, q / df
    else:
        typical = df / float(w.sum() - (w**2).sum() / w.sum())
        i_squared, h_squared = 100 * tau_squared / (typical + tau_squared), tau_squared / typical + 1
    total = 1 / (variance + tau_squared)
    lower, upper = _prediction(pooled, tau_squared, k, options) if method != "fixed" else (math.nan, math.nan)
    p_value = float(stats.chi2.sf(q, df)) if df else 1.0
    return MetaAnalysis(
        pooled,
        tau_squared,
        q,
        float(df),
        p_value,
        i_squared,
        from_q,
        h_squared,
        lower,
        upper,
        100 * total / total.sum(),
    )


def _prediction(pooled: Estimate, tau_squared: float, k: int, options: tuple[str, str]) -> tuple[float, float]:
    test, prediction = options
    if k == 1:
        return math.nan, math.nan
    if prediction == "riley":
        critical = _critical("t", max(k - 2, 1), pooled.ci_level)
    else:
        critical = _critical(test, k - 1, pooled.ci_level)
    width = critical * math.sqrt(pooled.std_error**2 + tau_squared)
    return pooled.estimate - width, pooled.estimate + width
