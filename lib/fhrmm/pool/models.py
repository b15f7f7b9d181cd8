"""Cox models from sums over centers: where to look next, when to stop, and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fhrmm.pool.answer import Block, Sums, pattern_covariates
from fhrmm.pool.likelihood import Moments, newton_step, unpack
from timetoevent.checks import FloatArray
from timetoevent.cox.table import chi_squared_test
from timetoevent.results import Estimate

TOLERANCE = 1e-8
NEAR = 1e-3  # so near to the maximum, a round also asks for what the test of proportional hazards needs
WIDEST = 3.0  # a longer step is cut: the likelihood may be far from a parabola there


@dataclass(frozen=True)
class Fit:
    """A model after the rounds so far.

    Attributes
    ----------
    block : dict
        What was asked last.
    beta, step : float array
        Coefficients after the last Newton step, and that step.
    moments, null : Moments
        The likelihood where it was asked last, and at coefficients of 0.
    contributors : float array
        Centers with information about each coefficient, at 0.
    """

    block: Block
    beta: FloatArray
    step: FloatArray
    moments: Moments
    null: Moments
    contributors: FloatArray

    @property
    def is_final(self) -> bool:
        """Whether the last step was so small that another round would change nothing, and no test lacks its sums."""
        lacks_drift = self.block["model"] == "primary" and self.moments.drift is None and self.moments.score.size > 0
        return bool(np.abs(self.step).max(initial=0.0) < TOLERANCE) and not lacks_drift

    def next_block(self) -> Block:
        """Return what to ask in the next round."""
        near = bool(np.abs(self.step).max() < NEAR) and self.block["model"] == "primary"
        return {**self.block, "at": self.beta.tolist(), "drift": near}

    def covariance(self) -> FloatArray:
        """Return the inverse information, NaN where there is none."""
        free = np.flatnonzero(np.diag(self.moments.information) > TOLERANCE)
        found = np.full(self.moments.information.shape, np.nan)
        if len(free):
            found[np.ix_(free, free)] = np.linalg.pinv(self.moments.information[np.ix_(free, free)])
        return found


def follow(rounds: Sequence[tuple[Block, Sums]]) -> Fit:
    """Return where a model stands after rounds of (what was asked, sums), the first at coefficients of 0."""
    history = [(np.array(block["at"]), unpack(sums.numbers, block)) for block, sums in rounds]
    block, (at, moments) = rounds[-1][0], history[-1]
    steps = np.array([newton_step(_score(past), past.information) for _, past in history])
    step = steps[-1]
    if len(history) > 1 and _objective(moments) < _objective(history[-2][1]) - TOLERANCE:
        step = (history[-2][0] - at) / 2  # too far: half the way back
    elif moments.third is not None and len(history) > 1:
        # Firth's penalty: its second derivative is not among the sums, so that Newton's steps alone shrink slowly;
        # how earlier steps changed makes up for it (Anderson)
        changed = np.diff(steps, axis=0)
        weights = np.linalg.lstsq(changed.T, step, rcond=1e-10)[0]
        step = step - weights @ (np.diff([past for past, _ in history], axis=0) + changed)
    step = step * min(1.0, WIDEST / max(np.abs(step).max(initial=0.0), WIDEST))
    return Fit(block, at + step, step, moments, history[0][1], rounds[0][1].contributors)


def _score(moments: Moments) -> FloatArray:
    """Return the score, with Firth's penalty (half the gradient of the log determinant) where it is asked for."""
    if moments.third is None:
        return moments.score
    return moments.score + np.einsum("jk,jkl->l", np.linalg.pinv(moments.information), moments.third) / 2


def _objective(moments: Moments) -> float:
    if moments.third is None:
        return moments.log_likelihood
    sign, log_determinant = np.linalg.slogdet(moments.information)
    return moments.log_likelihood + log_determinant / 2 if sign > 0 else -np.inf


def hazards_tests(fit: Fit) -> dict[str, Estimate]:
    """Test proportional hazards by term and globally (score test, time as it is)."""
    drift, mixed, squared = fit.moments.drift
    p, terms = len(drift), fit.block["terms"]
    information = np.block([[fit.moments.information, mixed], [mixed.T, squared]])
    of_term = np.repeat([term["column"] for term in terms], [len(term["levels"]) - 1 for term in terms])
    tested = {name: np.flatnonzero(of_term == name) for name in dict.fromkeys(of_term)} | {"GLOBAL": np.arange(p)}
    found = {}
    for name, places in tested.items():
        chosen = [*range(p), *(p + places)]
        score = np.concatenate([np.zeros(p), drift])[chosen]
        statistic = float(score @ np.linalg.pinv(information[np.ix_(chosen, chosen)]) @ score)
        method = "score test, time scale"
        found[str(name)] = chi_squared_test(statistic, len(places), n=0, n_events=0, method=method)
    return found


def fit_rates(block: Block, sums: Sums) -> tuple[FloatArray, FloatArray]:
    """Fit the piecewise-exponential model to events and person-months; return coefficients and their variances.

    A Poisson regression with one rate per interval, in all centers together; intervals without events are left out.
    """
    levels, n_intervals = [len(term["levels"]) for term in block["terms"]], len(block["cuts"]) + 1
    events, months = (part.reshape(-1, n_intervals) for part in np.split(sums.numbers, 2))
    used = events.sum(axis=0) > 0.5
    x = pattern_covariates(levels)
    p, k = x.shape[1], int(used.sum())
    if k == 0:
        return np.full(p, np.nan), np.full(p, np.nan)
    design = np.hstack([np.repeat(x, k, axis=0), np.tile(np.eye(k), (len(x), 1))])
    y, exposure = events[:, used].ravel(), np.maximum(months[:, used].ravel(), 0.0)
    beta = np.concatenate([np.zeros(p), np.log(y.reshape(-1, k).sum(axis=0) / exposure.reshape(-1, k).sum(axis=0))])
    for _ in range(50):
        mean = exposure * np.exp(design @ beta)
        step = newton_step((y - mean) @ design, (design.T * mean) @ design)
        beta = beta + step * min(1.0, WIDEST / max(np.abs(step).max(), WIDEST))
    information = (design.T * (exposure * np.exp(design @ beta))) @ design
    is_finite = np.abs(step) < TOLERANCE
    return np.where(is_finite, beta, np.nan)[:p], np.diag(np.linalg.pinv(information))[:p]
