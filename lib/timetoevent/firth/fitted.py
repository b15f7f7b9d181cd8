"""What a penalized fit returns, and how a design and an objective become one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from timetoevent.checks import FloatArray
from timetoevent.cox.design import Design
from timetoevent.cox.table import chi_squared_test, coefficient_table, describe
from timetoevent.firth.penalized import Objective, Peak, climb, profile_limits, profile_root
from timetoevent.results import NOT_ESTIMABLE, OK, Estimate, not_estimable
from timetoevent.tails import normal_tails


@dataclass(frozen=True)
class FirthFit:
    """A regression fitted by Firth's penalized likelihood.

    Attributes
    ----------
    coefficients : DataFrame
        As of `timetoevent.cox.CoxFit` (``odds_ratio`` in place of ``hazard_ratio`` for a logistic model).
        Limits are of the profile penalized likelihood; ``statistic`` is the signed root of the profile
        penalized likelihood ratio, ``p_value`` its two-sided p; a limit that is not reached is NaN.
    covariance : DataFrame
        Inverse information at the estimates.
    log_likelihood : tuple of float
        Penalized log likelihood at 0 (of all but an intercept) and at the maximum.
    likelihood_ratio, wald : Estimate
        Tests of all coefficients (but an intercept).
    concordance : Estimate
        Of the linear predictor, for a Cox model.
    """

    coefficients: pd.DataFrame
    covariance: pd.DataFrame
    log_likelihood: tuple[float, float]
    likelihood_ratio: Estimate
    wald: Estimate
    concordance: Estimate
    n: int
    n_events: int
    status: str
    note: str
    method: str
    ci_level: float
    beta: FloatArray = field(repr=False)


@dataclass(frozen=True)
class Problem:
    """A penalized likelihood to maximize over scaled coefficients.

    Attributes
    ----------
    objective : Objective or None
        Of the coefficients `free`, in scaled units; None if there is nothing to maximize.
    scale : float array
        Divisors from scaled to reported coefficients, of all positions.
    notes : mapping
        Why a position has no coefficient.
    intercept : int
        Number of leading coefficients that tests leave out.
    profiled : bool array, optional
        Positions whose profile is followed; all without it.
    """

    design: Design
    objective: Objective | None
    free: np.ndarray
    scale: FloatArray
    notes: Mapping[int, str]
    n: int
    n_events: int
    method: str
    ci_level: float
    ratio: str = "hazard_ratio"
    intercept: int = 0
    remark: str = ""
    profiled: np.ndarray | None = None


def solve(problem: Problem) -> FirthFit:
    """Maximize, profile every coefficient and tabulate."""
    p = len(problem.design.coefficients)
    if problem.objective is None or not len(problem.free):
        return _nothing(problem)
    start = np.zeros(len(problem.free))
    null = climb_null(problem, start)
    peak = climb(problem.objective, null.beta)
    places = problem.free
    columns = np.full((p, 5), np.nan)
    covariance = np.full((p, p), np.nan)
    covariance[np.ix_(places, places)] = np.linalg.inv(peak.information)
    columns[places, 0] = peak.beta
    for k, place in enumerate(places):
        if problem.profiled is not None and not problem.profiled[place]:
            continue
        columns[place, 1:3] = profile_limits(problem.objective, peak, k, problem.ci_level)
        columns[place, 3] = profile_root(problem.objective, peak, k)
    columns[:, :3] /= problem.scale[:, None]
    covariance /= np.outer(problem.scale, problem.scale)
    return _fit(problem, columns, covariance, (null, peak))


def climb_null(problem: Problem, start: FloatArray) -> Peak:
    """Return the maximum over the intercept alone, or the point 0 without one."""
    objective = problem.objective
    if not problem.intercept:
        return Peak(start, *objective(start))
    held = np.arange(problem.intercept, len(start))

    def of_intercept(beta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        value, gradient, information = objective(np.concatenate([beta, start[held]]))
        first = slice(0, problem.intercept)
        return value, gradient[first], information[first, first]

    peak = climb(of_intercept, start[: problem.intercept])
    beta = np.concatenate([peak.beta, start[held]])
    return Peak(beta, *objective(beta))


def _fit(problem: Problem, columns: FloatArray, covariance: FloatArray, peaks: tuple[Peak, Peak]) -> FirthFit:
    table = coefficient_table(
        problem.design,
        columns[:, 0],
        np.sqrt(np.diag(covariance)),
        problem.notes,
        ci_level=problem.ci_level,
        ratio=problem.ratio,
        limits=columns[:, 1:3],
        statistic=columns[:, 3],
        p_value=normal_tails(columns[:, 3]),
    )
    coefficients = problem.design.coefficients
    reasons = [f"{describe(coefficients[j])}: {reason}" for j, reason in problem.notes.items()]
    # the penalty is half a log determinant, so units add the logarithm of their scale
    units = float(np.log(problem.scale[problem.free]).sum())
    gain = 2 * (peaks[1].value - peaks[0].value)
    beta = np.nan_to_num(columns[:, 0])
    return FirthFit(
        coefficients=table,
        covariance=_labelled(covariance, problem.design),
        log_likelihood=(peaks[0].value + units, peaks[1].value + units),
        likelihood_ratio=_test(problem, gain, "Penalized likelihood ratio test"),
        wald=_test(problem, _quadratic(problem, beta, covariance), "Wald test"),
        concordance=not_estimable("not computed", n=problem.n, n_events=problem.n_events),
        n=problem.n,
        n_events=problem.n_events,
        status=NOT_ESTIMABLE if reasons else OK,
        note="; ".join([*reasons, *([problem.remark] if problem.remark else [])]),
        method=problem.method,
        ci_level=problem.ci_level,
        beta=beta,
    )


def _quadratic(problem: Problem, beta: FloatArray, covariance: FloatArray) -> float:
    tested = problem.free[problem.intercept :]
    block = covariance[np.ix_(tested, tested)]
    return float(beta[tested] @ np.linalg.solve(block, beta[tested])) if len(tested) else np.nan


def _test(problem: Problem, statistic: float, method: str) -> Estimate:
    df = len(problem.free) - problem.intercept
    return chi_squared_test(statistic, df, n=problem.n, n_events=problem.n_events, method=method)


def _nothing(problem: Problem) -> FirthFit:
    p = len(problem.design.coefficients)
    empty = np.full(p, np.nan)
    table = coefficient_table(
        problem.design, empty, empty, problem.notes, ci_level=problem.ci_level, ratio=problem.ratio
    )
    reasons = list(dict.fromkeys([*problem.notes.values(), *([problem.remark] if problem.remark else [])]))
    note = "; ".join(reasons) or "no terms"
    nothing = not_estimable(note, n=problem.n, n_events=problem.n_events, method=problem.method)
    return FirthFit(
        coefficients=table,
        covariance=_labelled(np.full((p, p), np.nan), problem.design),
        log_likelihood=(np.nan, np.nan),
        likelihood_ratio=nothing,
        wald=nothing,
        concordance=nothing,
        n=problem.n,
        n_events=problem.n_events,
        status=NOT_ESTIMABLE,
        note=note,
        method=problem.method,
        ci_level=problem.ci_level,
        beta=np.zeros(p),
    )


def _labelled(covariance: FloatArray, design: Design) -> pd.DataFrame:
    names = [column.term + column.level for column in design.coefficients]
    return pd.DataFrame(covariance, index=names, columns=names)
