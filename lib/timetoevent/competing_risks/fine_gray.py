"""Fine-Gray regression on the subdistribution hazard, as ``crr`` of R's cmprsk fits it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from timetoevent.checks import check_cause, check_same_length
from timetoevent.event_table import FloatArray, check_subjects, tabulate_events
from timetoevent.intervals import normal_quantile
from timetoevent.results import NOT_ESTIMABLE, OK

MAXIMUM_ITERATIONS = 50
COLUMNS = ["variable", "coefficient", "std_error", "hazard_ratio", "ci_lower", "ci_upper", "statistic", "p_value"]


@dataclass(frozen=True, slots=True)
class FineGray:
    """A fitted Fine-Gray model.

    Attributes
    ----------
    coefficients : DataFrame
        One row per covariate: ``variable, coefficient, std_error, hazard_ratio, ci_lower, ci_upper,
        statistic, p_value``; the ratio is that of subdistribution hazards, the error robust.
    covariance : ndarray
        Robust covariance of the coefficients.
    log_likelihood, log_likelihood_null : float
        Pseudo log likelihood at the estimate and at 0.
    n, n_events : int
        Subjects, and events of the cause of interest.
    ci_level : float
        Level of the intervals.
    status, note : str
        As in `timetoevent.results.Estimate`.
    """

    coefficients: pd.DataFrame
    covariance: FloatArray
    log_likelihood: float
    log_likelihood_null: float
    n: int
    n_events: int
    ci_level: float = 0.95
    status: str = OK
    note: str = ""
    method: str = field(default="Fine-Gray, robust standard error")


@dataclass(frozen=True, slots=True)
class _SortedSubjects:
    """Sorted subjects and what does not depend on the coefficients.

    Attributes
    ----------
    x : ndarray, shape (n_subjects, n_covariates)
        Covariates, rows in order of time.
    of_cause, competing, censored : ndarray of bool
        What ended observation.
    censoring : ndarray of float
        Censoring survival just before each subject's own time.
    at : ndarray of float
        Distinct times with an event of interest; ``n_at`` events at each; ``censoring_at`` the censoring
        survival just before.
    start : ndarray of int
        First subject (in order) with time >= each of `at`.
    """

    time: FloatArray
    x: FloatArray
    of_cause: NDArray[np.bool_]
    competing: NDArray[np.bool_]
    censored: NDArray[np.bool_]
    censoring: FloatArray
    at: FloatArray
    n_at: FloatArray
    censoring_at: FloatArray
    start: NDArray[np.intp]


def fine_gray(
    time: ArrayLike,
    cause: ArrayLike,
    covariates: pd.DataFrame,
    *,
    cause_of_interest: int = 1,
    ci_level: float = 0.95,
) -> FineGray:
    """Fit a proportional model for the subdistribution hazard of one cause.

    Subjects with a competing event stay at risk with weight G(t-) / G(T-), G being the Kaplan-Meier
    estimate of the censoring distribution in all subjects. At a tied time, subjects with an event count as
    at risk of censoring (``cmprsk::crr``; ``survival::finegray`` takes them out first).

    Parameters
    ----------
    time, cause
        As in `cumulative_incidence`.
    covariates : DataFrame, shape (n_subjects, n_covariates)
        Numeric covariates; factors already as indicator columns; rows are matched by position.
    cause_of_interest : int, default 1
        Cause modeled.
    ci_level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    FineGray
        Status ``not_estimable`` without events of the cause, with linearly dependent covariates, or where the
        likelihood has no maximum (separation).

    Raises
    ------
    ValueError
        If inputs are invalid, or a covariate is missing or infinite.

    References
    ----------
    Fine JP, Gray RJ. A proportional hazards model for the subdistribution of a competing risk. J Am Stat
    Assoc 1999;94:496-509.

    Examples
    --------
    >>> x = pd.DataFrame({"x": [0, 1, 0, 1, 1, 0]})
    >>> fit = fine_gray([1, 2, 3, 4, 5, 6], [1, 1, 2, 0, 1, 1], x)
    >>> fit.coefficients["coefficient"].round(4).tolist()
    [0.7512]
    """
    codes = check_cause(cause)
    subjects = check_subjects(time, codes > 0)
    x = np.asarray(covariates, float)
    check_same_length(time=subjects.time, cause=codes, covariates=x)
    if not np.isfinite(x).all():
        raise ValueError(f"covariates: {int((~np.isfinite(x)).sum())} values are missing or infinite")
    names = [str(name) for name in covariates.columns]
    problem = _problem(x, codes == cause_of_interest)
    if problem:
        return _failed(names, problem, codes, cause_of_interest, ci_level)
    center, scale = x.mean(axis=0), x.std(axis=0)
    sets = _risk_sets(subjects.time, codes, (x - center) / scale, cause_of_interest)
    beta, information, log_likelihood, converged = _newton(sets)
    if not converged:
        return _failed(names, "the likelihood has no maximum (separation)", codes, cause_of_interest, ci_level)
    null = _likelihood(sets, np.zeros(x.shape[1]))[0]
    covariance = _sandwich(sets, beta, information) / np.outer(scale, scale)
    table = _coefficient_table(names, beta / scale, np.sqrt(np.diag(covariance)), ci_level)
    n_events = int(sets.of_cause.sum())
    return FineGray(table, covariance, log_likelihood, null, len(codes), n_events, ci_level)


def _problem(x: FloatArray, of_cause: NDArray[np.bool_]) -> str:
    if not of_cause.any():
        return "no events of the cause"
    centered = x - x.mean(axis=0)
    if not (centered.std(axis=0) > 1e-12 * (1 + np.abs(x).max(axis=0))).all():
        return "a covariate is constant"
    rank = np.linalg.matrix_rank(centered / centered.std(axis=0), tol=1e-9 * len(x) ** 0.5)
    return "covariates are linearly dependent" if rank < x.shape[1] else ""


def _risk_sets(time: FloatArray, codes: NDArray[np.int64], x: FloatArray, cause_of_interest: int) -> _SortedSubjects:
    order = np.argsort(time, kind="stable")
    time, codes, x = time[order], codes[order], x[order]
    censored, of_cause = codes == 0, codes == cause_of_interest
    counts = tabulate_events(check_subjects(time, censored))
    survival = np.cumprod((counts.n_at_risk - counts.n_events) / counts.n_at_risk)
    before = np.concatenate([[1.0], survival])
    at, n_at = np.unique(time[of_cause], return_counts=True)
    return _SortedSubjects(
        time,
        x,
        of_cause,
        ~censored & ~of_cause,
        censored,
        before[np.searchsorted(counts.time, time, side="left")],
        at,
        n_at.astype(float),
        before[np.searchsorted(counts.time, at, side="left")],
        np.searchsorted(time, at, side="left"),
    )


def _tail(values: FloatArray, sets: _SortedSubjects) -> FloatArray:
    """Sum over subjects with time >= each event time."""
    return np.cumsum(values[::-1], axis=0)[::-1][sets.start]


def _earlier(values: FloatArray, sets: _SortedSubjects) -> FloatArray:
    """Sum over subjects with a competing event before each event time, weighted up to that time."""
    competing = sets.competing.reshape(-1, *[1] * (values.ndim - 1))
    weight = sets.censoring.reshape(competing.shape)
    running = np.cumsum(np.where(competing, values / weight, 0.0), axis=0)
    running = np.concatenate([np.zeros((1, *values.shape[1:])), running])
    return running[sets.start] * sets.censoring_at.reshape(-1, *[1] * (values.ndim - 1))


def _sums(sets: _SortedSubjects, beta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Relative hazards, their sum over each risk set, and the mean covariates of each risk set."""
    risk = np.exp(sets.x @ beta)
    total = _tail(risk, sets) + _earlier(risk, sets)
    weighted = risk[:, None] * sets.x
    return risk, total, (_tail(weighted, sets) + _earlier(weighted, sets)) / total[:, None]


def _likelihood(sets: _SortedSubjects, beta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    risk, total, mean = _sums(sets, beta)
    log_likelihood = float((sets.x[sets.of_cause] @ beta).sum() - sets.n_at @ np.log(total))
    score = sets.x[sets.of_cause].sum(axis=0) - sets.n_at @ mean
    share = sets.n_at / total
    # Each subject's second moment is weighted by the hazard increments of the risk sets it belongs to.
    reach = np.concatenate([[0.0], np.cumsum(share)])
    later = np.concatenate([np.cumsum((share * sets.censoring_at)[::-1])[::-1], [0.0]])
    row = np.searchsorted(sets.at, sets.time, side="right")
    weight = risk * (reach[row] + np.where(sets.competing, later[row] / sets.censoring, 0.0))
    information = sets.x.T @ (weight[:, None] * sets.x) - mean.T @ (sets.n_at[:, None] * mean)
    return log_likelihood, score, information


def _newton(sets: _SortedSubjects) -> tuple[FloatArray, FloatArray, float, bool]:
    """Maximize by Newton steps, halved while the likelihood falls; standardized covariates."""
    beta = np.zeros(sets.x.shape[1])
    value, score, information = _likelihood(sets, beta)
    for _ in range(MAXIMUM_ITERATIONS):
        if np.linalg.cond(information) > 1e12 or np.abs(beta).max() > 30:
            return beta, information, value, False
        step = np.linalg.solve(information, score)
        if np.abs(step).max() < 1e-10:
            return beta + step, information, value, True
        for halving in range(30):
            trial = _likelihood(sets, beta + step / 2**halving)
            if trial[0] >= value - 1e-10 * abs(value):
                break
        beta = beta + step / 2**halving
        value, score, information = trial
    return beta, information, value, False


def _sandwich(sets: _SortedSubjects, beta: FloatArray, information: FloatArray) -> FloatArray:
    """Robust covariance: influence through the model plus influence through the censoring weights."""
    risk, total, mean = _sums(sets, beta)
    hazard = sets.n_at / total
    row = np.searchsorted(sets.at, sets.time, side="right")
    before, before_mean = _prefix(hazard), _prefix(hazard[:, None] * mean)
    after = _suffix(hazard * sets.censoring_at)
    after_mean = _suffix((hazard * sets.censoring_at)[:, None] * mean)
    relative = np.where(sets.competing, risk / sets.censoring, 0.0)[:, None]
    late = relative * (sets.x * after[row][:, None] - after_mean[row])
    seen = np.where(sets.of_cause[:, None], sets.x - mean[np.maximum(row - 1, 0)], 0.0)
    eta = seen - risk[:, None] * (sets.x * before[row][:, None] - before_mean[row]) - late
    from_here = np.searchsorted(sets.at, sets.time, side="left")
    psi = _censoring_influence(sets, relative, after[from_here], after_mean[from_here])
    inverse = np.linalg.inv(information)
    influence = (eta + psi) @ inverse
    return influence.T @ influence


def _prefix(values: FloatArray) -> FloatArray:
    return np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])


def _suffix(values: FloatArray) -> FloatArray:
    return np.concatenate([np.cumsum(values[::-1], axis=0)[::-1], np.zeros((1, *values.shape[1:]))])


def _censoring_influence(
    sets: _SortedSubjects, relative: FloatArray, after: FloatArray, after_mean: FloatArray
) -> FloatArray:
    """Influence of each subject through the estimated censoring distribution.

    A censoring at u moves the weights of those with a competing event before u, at all event times from u
    on: the convention of cmprsk for ties.
    """
    n = len(sets.time)
    first = np.searchsorted(sets.time, sets.time, side="left")
    last = np.searchsorted(sets.time, sets.time, side="right")
    n_at_risk = (n - first).astype(float)
    gone, gone_x = _prefix(relative)[first], _prefix(relative * sets.x)[first]
    slope = (gone_x * after[:, None] - gone * after_mean) / n_at_risk[:, None]
    own = np.where(sets.censored[:, None], slope, 0.0)
    return own - _prefix(own / n_at_risk[:, None])[last]


def _coefficient_table(names: list[str], beta: FloatArray, std_error: FloatArray, ci_level: float) -> pd.DataFrame:
    width = normal_quantile(ci_level) * std_error
    z = beta / std_error
    values = [
        names,
        beta,
        std_error,
        np.exp(beta),
        np.exp(beta - width),
        np.exp(beta + width),
        z,
        2 * stats.norm.sf(np.abs(z)),
    ]
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


def _failed(
    names: list[str], reason: str, codes: NDArray[np.int64], cause_of_interest: int, ci_level: float
) -> FineGray:
    nothing = np.full(len(names), np.nan)
    table = _coefficient_table(names, nothing, nothing, ci_level)
    n_events = int((codes == cause_of_interest).sum())
    covariance = np.full((len(names), len(names)), np.nan)
    return FineGray(table, covariance, np.nan, np.nan, len(codes), n_events, ci_level, NOT_ESTIMABLE, reason)
