"""The fitted proportional hazards model, however it was fitted: its numbers, its tests, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from timetoevent.checks import BoolArray, FloatArray
from timetoevent.cox.concordance import concordance_index
from timetoevent.cox.data import CoxData
from timetoevent.cox.design import Design
from timetoevent.cox.likelihood import Point
from timetoevent.cox.newton import Maximum, find_redundant
from timetoevent.cox.table import chi_squared_test, coefficient_table
from timetoevent.results import NOT_ESTIMABLE, Estimate, not_estimable

if TYPE_CHECKING:
    from timetoevent.frailty.ascent import PenalizedPeak


@dataclass(frozen=True)
class CoxFit:
    """A fitted proportional hazards model: plain, penalized, with frailties, or pooled over completed data sets.

    Attributes
    ----------
    coefficients : DataFrame
        One row per coefficient and per reference level: ``term, level, reference, coefficient, std_error,
        hazard_ratio, ci_lower, ci_upper, statistic, p_value, n, n_events, status, note``. ``level`` is
        empty for a numeric term; ``n`` and ``n_events`` are those of the level for a factor. Limits are
        of the hazard ratio. ``status`` is ``not_estimable``, and the numbers are NaN, where the likelihood
        has no maximum or the column is redundant.
    covariance : DataFrame
        Covariance of the coefficients (robust if asked for), NaN where not estimable.
    log_likelihood : tuple of float
        Log partial likelihood at 0 and at the maximum, penalized if the fit is; with frailties without them and at
        the estimates given them; NaN if there is none.
    n, n_events : int
        Rows and events used.
    status, note : str
        ``ok`` if every coefficient is estimable; otherwise ``not_estimable`` with the reasons.
    method : str
        Name of the method, fit for a table.
    beta : float array
        Coefficients in the order of the design, 0 where redundant, far out where infinite.
    df : int
        Number of coefficients that are not redundant.
    is_penalized : bool
        Whether the likelihood is Firth's.
    data, maximum : CoxData, Maximum
        What a plain fit was made of, None where it is not plain.
    frailties : DataFrame
        One row per group: ``group, n, n_events, log_frailty, std_error, hazard_ratio``.
    variance : Estimate
        Variance of the frailty (gamma) or of its logarithm (normal); for a gamma frailty with the
        likelihood ratio test of variance 0, whose p-value is half a chi-squared's (the null is a boundary).
    integrated_log_likelihood : float
        With the frailties integrated out (gamma).
    peak : PenalizedPeak
        The penalized likelihood of a model with frailties at its maximum; None at a variance of 0.
    n_imputations : int
        Completed data sets that were pooled.
    """

    coefficients: pd.DataFrame
    covariance: pd.DataFrame
    log_likelihood: tuple[float, float]
    n: int
    n_events: int
    status: str
    note: str
    method: str
    ci_level: float
    beta: FloatArray = field(repr=False)
    df: int = 0
    is_penalized: bool = False
    data: CoxData | None = field(default=None, repr=False)
    maximum: Maximum | None = field(default=None, repr=False)
    frailties: pd.DataFrame | None = field(default=None, repr=False)
    variance: Estimate | None = None
    integrated_log_likelihood: float = np.nan
    peak: PenalizedPeak | None = field(default=None, repr=False)
    n_imputations: int = 1

    @property
    def estimable(self) -> BoolArray:
        """Which coefficients of the design have a finite, unique estimate."""
        return np.isfinite(np.diag(self.covariance.to_numpy()))

    @property
    def point(self) -> Point:
        """The likelihood at the estimates.

        Raises
        ------
        ValueError
            If the model could not be fitted at all.
        """
        if self.maximum is None:
            raise ValueError(f"there is no fit: {self.note}")
        return self.maximum.point

    @cached_property
    def likelihood_ratio(self) -> Estimate:
        """Likelihood ratio test of all coefficients (its limit where one is infinite)."""
        null, fitted = self.log_likelihood
        return self._test(2 * (fitted - null), f"{'Penalized l' if self.is_penalized else 'L'}ikelihood ratio test")

    @cached_property
    def wald(self) -> Estimate:
        """Wald test of all coefficients, with the robust covariance if there is one."""
        free = np.flatnonzero(self.estimable)
        if len(free) < self.df:
            return not_estimable(self.note, n=self.n, n_events=self.n_events, method="Wald test")
        beta, covariance = self.beta[free], self.covariance.to_numpy()[np.ix_(free, free)]
        if find_redundant(correlation(covariance)).any():
            reason = "the robust covariance is singular: too few clusters for the coefficients"
            return not_estimable(reason, n=self.n, n_events=self.n_events, method="Wald test")
        return self._test(_quadratic(covariance, beta), "Wald test")

    @cached_property
    def score(self) -> Estimate:
        """Score test of all coefficients of a plain fit, at 0."""
        if self.maximum is None:
            return self._test(np.nan, "Score test")
        free = np.flatnonzero(~self.maximum.redundant)
        information, score = self.maximum.null_information, self.maximum.null_score
        statistic = _quadratic(information[np.ix_(free, free)], score[free])
        return self._test(statistic, "Score (log-rank) test")

    @cached_property
    def concordance(self) -> Estimate:
        """Concordance of the linear predictor with the outcome, and its standard error."""
        data = self.data
        if data is None or not np.isfinite(self.log_likelihood[1]):
            return not_estimable(self.note, n=self.n, n_events=self.n_events, method="Concordance")
        return concordance_index(
            data.time,
            data.event,
            self.beta @ data.design.matrix,
            entry=data.entry,
            weights=data.weights,
            strata=data.stratum,
            cluster=data.cluster,
            ci_level=self.ci_level,
        )

    def _test(self, statistic: float, method: str) -> Estimate:
        note = "" if np.isfinite(statistic) else self.note
        return chi_squared_test(statistic, self.df, n=self.n, n_events=self.n_events, method=method, note=note)


def no_fit(data: CoxData, reason: str, *, method: str, notes: Mapping[int, str] | None = None) -> CoxFit:
    """Return a fit that says why there are no numbers, and for which coefficient if the reasons differ."""
    p = len(data.design.coefficients)
    nothing = np.full(p, np.nan)
    return CoxFit(
        coefficients=coefficient_table(
            data.design, nothing, nothing, notes or dict.fromkeys(range(p), reason), ci_level=data.model.ci_level
        ),
        covariance=label_covariance(np.full((p, p), np.nan), data.design),
        log_likelihood=(np.nan, np.nan),
        n=data.n_frame,
        n_events=data.n_events,
        status=NOT_ESTIMABLE,
        note="; ".join([reason, *([data.note] if data.note else [])]),
        method=method,
        ci_level=data.model.ci_level,
        beta=np.zeros(p),
        data=data,
    )


def label_covariance(covariance: FloatArray, design: Design) -> pd.DataFrame:
    """Return a covariance with the names of its coefficients."""
    names = [column.term + column.level for column in design.coefficients]
    return pd.DataFrame(covariance, index=names, columns=names)


def correlation(covariance: FloatArray) -> FloatArray:
    """Return a covariance scaled to a unit diagonal."""
    deviation = np.sqrt(np.diag(covariance))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(covariance / np.outer(deviation, deviation))


def _quadratic(matrix: FloatArray, vector: FloatArray) -> float:
    return float(vector @ np.linalg.solve(matrix, vector)) if len(vector) else 0.0
