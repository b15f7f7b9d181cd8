"""The fitted proportional hazards model: its numbers, its tests, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from timetoevent.checks import BoolArray, FloatArray
from timetoevent.cox.concordance import concordance_index
from timetoevent.cox.data import CoxData
from timetoevent.cox.likelihood import Point
from timetoevent.cox.newton import Maximum, find_redundant
from timetoevent.cox.table import chi_squared_test
from timetoevent.results import Estimate, not_estimable


@dataclass(frozen=True)
class CoxFit:
    """A fitted proportional hazards model.

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
        Log partial likelihood at 0 and at the maximum.
    n, n_events : int
        Rows and events used.
    status, note : str
        ``ok`` if every coefficient is estimable; otherwise ``not_estimable`` with the reasons.
    method : str
        Name of the method, fit for a table.
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
    is_robust: bool
    data: CoxData = field(repr=False)
    maximum: Maximum | None = field(repr=False)

    @property
    def beta(self) -> FloatArray:
        """Coefficients in the order of the design, 0 where redundant, far out where infinite."""
        return np.zeros(len(self.covariance)) if self.maximum is None else self.maximum.beta

    @property
    def estimable(self) -> BoolArray:
        """Which coefficients of the design have a finite, unique estimate."""
        if self.maximum is None:
            return np.zeros(len(self.covariance), dtype=bool)
        return ~(self.maximum.redundant | self.maximum.infinite)

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
    def center(self) -> FloatArray:
        """Covariates of the baseline: weighted means, but 0 for a column of only -1, 0 and 1 (as R)."""
        matrix, weights = self.data.design.matrix, self.data.weights
        is_indicator = np.isin(matrix, (-1, 0, 1)).all(axis=1)
        return np.where(is_indicator, 0.0, matrix @ weights / weights.sum())

    @property
    def linear_predictor(self) -> FloatArray:
        """Linear predictor of each row used, less that of the center; NaN without a fit."""
        matrix = self.data.design.matrix
        if self.maximum is None:
            return np.full(matrix.shape[1], np.nan)
        return self.beta @ matrix - self.beta @ self.center

    @property
    def aic(self) -> float:
        """Akaike's information criterion of the partial likelihood."""
        return -2 * self.log_likelihood[1] + 2 * self._df

    @cached_property
    def likelihood_ratio(self) -> Estimate:
        """Likelihood ratio test of all coefficients (its limit where one is infinite)."""
        null, fitted = self.log_likelihood
        return self._test(2 * (fitted - null), "Likelihood ratio test")

    @cached_property
    def wald(self) -> Estimate:
        """Wald test of all coefficients, with the robust covariance if there is one."""
        if self.maximum is not None and self.maximum.infinite.any():
            return not_estimable(self.note, n=self.n, n_events=self.n_events, method="Wald test")
        free = np.flatnonzero(self.estimable)
        beta, covariance = self.beta[free], self.covariance.to_numpy()[np.ix_(free, free)]
        if find_redundant(correlation(covariance)).any():
            reason = "the robust covariance is singular: too few clusters for the coefficients"
            return not_estimable(reason, n=self.n, n_events=self.n_events, method="Wald test")
        return self._test(_quadratic(covariance, beta), "Wald test")

    @cached_property
    def score(self) -> Estimate:
        """Score test of all coefficients, at 0."""
        if self.maximum is None:
            return self._test(np.nan, "Score test")
        free = np.flatnonzero(~self.maximum.redundant)
        information, score = self.maximum.null_information, self.maximum.null_score
        statistic = _quadratic(information[np.ix_(free, free)], score[free])
        return self._test(statistic, "Score (log-rank) test")

    @cached_property
    def concordance(self) -> Estimate:
        """Concordance of the linear predictor with the outcome, and its standard error."""
        if self.maximum is None:
            return not_estimable(self.note, n=self.n, n_events=self.n_events, method="Concordance")
        data = self.data
        return concordance_index(
            data.time,
            data.event,
            self.linear_predictor,
            entry=data.entry,
            weights=data.weights,
            strata=data.stratum,
            cluster=data.cluster,
            ci_level=self.ci_level,
        )

    @property
    def _df(self) -> int:
        return 0 if self.maximum is None else int((~self.maximum.redundant).sum())

    def _test(self, statistic: float, method: str) -> Estimate:
        note = self.note if self.maximum is None else ""
        return chi_squared_test(statistic, self._df, n=self.n, n_events=self.n_events, method=method, note=note)


def correlation(covariance: FloatArray) -> FloatArray:
    """Return a covariance scaled to a unit diagonal."""
    deviation = np.sqrt(np.diag(covariance))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(covariance / np.outer(deviation, deviation))


def _quadratic(matrix: FloatArray, vector: FloatArray) -> float:
    return float(vector @ np.linalg.solve(matrix, vector)) if len(vector) else 0.0
