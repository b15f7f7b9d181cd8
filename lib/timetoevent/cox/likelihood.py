"""Log partial likelihood, score and information at a point, and the pieces that residuals and tests reuse."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from timetoevent.checks import FloatArray
from timetoevent.cox.risk_sets import RiskSets


@dataclass(frozen=True)
class Point:
    """The partial likelihood at given linear predictors.

    Attributes
    ----------
    sets : RiskSets
        Who is at risk when.
    x : float array of shape (p, m)
        Covariates of the sorted rows, centered.
    linear_predictor : float array of shape (m,)
        Of the sorted rows.
    """

    sets: RiskSets
    x: FloatArray
    linear_predictor: FloatArray

    @cached_property
    def risk(self) -> FloatArray:
        """Weight times relative hazard of each sorted row."""
        return self.sets.weight * np.exp(self.linear_predictor)

    @cached_property
    def inverse(self) -> FloatArray:
        """One over the denominator of each event."""
        sets = self.sets
        total = sets.sum_at_risk(self.risk)[sets.death_group]
        if len(sets.tied):
            own = sets.sum_over_tied(self.risk[sets.death_row[sets.tied]])
            total[sets.tied] -= sets.fraction[sets.tied] * own[sets.tied_place]
        return 1 / total

    @cached_property
    def log_likelihood(self) -> float:
        """Log partial likelihood."""
        sets = self.sets
        own = sets.weight[sets.death_row] @ self.linear_predictor[sets.death_row]
        return float(own + sets.mean_weight[sets.death_group] @ np.log(self.inverse))

    @cached_property
    def hazard(self) -> FloatArray:
        """Increment of the baseline cumulative hazard at each event (at covariates equal to the centers)."""
        return self.sets.mean_weight[self.sets.death_group] * self.inverse

    @cached_property
    def at_risk_sums(self) -> FloatArray:
        """Risk-weighted sums of the covariates over those at risk, shape (p, n_groups)."""
        sums = np.empty((len(self.x), self.sets.n_groups))
        for j, values in enumerate(self.x):
            sums[j] = self.sets.sum_at_risk(self.risk * values)
        return sums

    @cached_property
    def event_sums(self) -> FloatArray:
        """Risk-weighted sums of the covariates over the tied events, shape (p, n_tied_groups)."""
        rows = self.sets.death_row[self.sets.tied]
        risk = self.risk[rows]
        sums = np.empty((len(self.x), len(self.sets.tied_group)))
        for j, values in enumerate(self.x):
            sums[j] = self.sets.sum_over_tied(risk * values[rows])
        return sums

    def cumulative(self, factor: FloatArray | None = None) -> FloatArray:
        """Cumulative baseline hazard that each sorted row lived through, times `factor` (one per event)."""
        return self.sets.sum_over_time(self.hazard if factor is None else self.hazard * factor)

    def score(self) -> FloatArray:
        """Return the first derivative of the log partial likelihood, shape (p,)."""
        return self.x @ self.martingale()

    def martingale(self) -> FloatArray:
        """Return the weighted martingale residuals of the sorted rows."""
        residual = -self.risk * self.cumulative()
        residual[self.sets.death_row] += self.sets.weight[self.sets.death_row]
        return residual

    def information(self, factor: FloatArray | None = None) -> FloatArray:
        """Return minus the second derivative, each event's part times `factor`, shape (p, p).

        The second moments are summed over rows (a row counts as often as hazard passed over it),
        so that one matrix product replaces p * p cumulative sums.
        """
        mass = self.risk * self.cumulative(factor)
        second = np.empty((len(self.x), len(self.x)))
        for j, values in enumerate(self.x):
            second[j, : j + 1] = second[: j + 1, j] = self.x[: j + 1] @ (mass * values)
        return second - self._squared_means(factor)

    def _squared_means(self, factor: FloatArray | None) -> FloatArray:
        sets, all_sums = self.sets, self.at_risk_sums
        spread = self.hazard * self.inverse
        if factor is not None:
            spread = spread * factor
        squared = (all_sums * sets.sum_over_events(spread)) @ all_sums.T
        if not len(sets.tied):
            return squared
        spread, fraction = spread[sets.tied], sets.fraction[sets.tied]
        once, twice = (sets.sum_over_tied(spread * fraction**power) for power in (1, 2))
        mixed = (all_sums[:, sets.tied_group] * once) @ self.event_sums.T
        return squared - mixed - mixed.T + (self.event_sums * twice) @ self.event_sums.T

    def means(self) -> FloatArray:
        """Return the mean covariates among those at risk as each event sees them, shape (p, n_events)."""
        sets = self.sets
        sums = self.at_risk_sums[:, sets.death_group]
        if len(sets.tied):
            sums[:, sets.tied] -= sets.fraction[sets.tied] * self.event_sums[:, sets.tied_place]
        return sums * self.inverse

    def group_means(self) -> FloatArray:
        """Return the same, averaged over the events tied at each group, shape (p, n_groups)."""
        counts = np.diff(np.append(self.sets.death_start, len(self.sets.death_group)))
        return np.add.reduceat(self.means(), self.sets.death_start, axis=1) / counts

    def mean_hazard(self) -> FloatArray:
        """Return hazard times mean covariates summed over each row's time at risk, shape (p, m)."""
        return self.sets.sum_over_time(self.means() * self.hazard)


def make_point(sets: RiskSets, x: FloatArray, beta: FloatArray) -> Point:
    """Return the partial likelihood of centered covariates `x` of shape (p, m) at `beta`."""
    return Point(sets, x, beta @ x)
