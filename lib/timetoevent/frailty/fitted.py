"""What a frailty model returns, and what it returns where there is none."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from timetoevent.cox.fitted import CoxFit
from timetoevent.cox.table import coefficient_table
from timetoevent.frailty.penalized import PenalizedPeak
from timetoevent.results import NOT_ESTIMABLE, Estimate, not_estimable


@dataclass(frozen=True)
class FrailtyFit:
    """A Cox model with a random multiplier of the hazard for each group.

    Attributes
    ----------
    coefficients : DataFrame
        As of `timetoevent.cox.CoxFit`, given the frailties.
    frailties : DataFrame
        One row per group: ``group, n, n_events, log_frailty, std_error, hazard_ratio``.
    variance : Estimate
        Variance of the frailty (gamma) or of its logarithm (normal); for a gamma frailty with the
        likelihood ratio test of variance 0, whose p-value is half a chi-squared's (the null is a boundary).
    log_likelihood : tuple of float
        Log partial likelihood without frailty, and at the estimates given the frailties.
    integrated_log_likelihood : float
        With the frailties integrated out (gamma), NaN for a normal one.
    """

    coefficients: pd.DataFrame
    covariance: pd.DataFrame
    frailties: pd.DataFrame
    variance: Estimate
    log_likelihood: tuple[float, float]
    integrated_log_likelihood: float
    n: int
    n_events: int
    status: str
    note: str
    method: str
    ci_level: float
    peak: PenalizedPeak | None = field(repr=False)


def method_name(fit: CoxFit, distribution: str) -> str:
    """Name the method with its conventions."""
    how = "integrated likelihood" if distribution == "gamma" else "restricted maximum likelihood"
    return f"{fit.method}, {distribution} frailty ({how})"


def no_fit(fit: CoxFit, distribution: str, problem: str) -> FrailtyFit:
    """Return a fit that says why there are no numbers."""
    nothing = np.full(len(fit.covariance), np.nan)
    table = coefficient_table(
        fit.data.design, nothing, nothing, dict.fromkeys(range(len(nothing)), problem), ci_level=fit.ci_level
    )
    method = method_name(fit, distribution)
    columns = ["group", "n", "n_events", "log_frailty", "std_error", "hazard_ratio"]
    return FrailtyFit(
        coefficients=table,
        covariance=fit.covariance * np.nan,
        frailties=pd.DataFrame(columns=columns),
        variance=not_estimable(problem, n=fit.n, n_events=fit.n_events, method=method),
        log_likelihood=(np.nan, np.nan),
        integrated_log_likelihood=np.nan,
        n=fit.n,
        n_events=fit.n_events,
        status=NOT_ESTIMABLE,
        note=problem,
        method=method,
        ci_level=fit.ci_level,
        peak=None,
    )
