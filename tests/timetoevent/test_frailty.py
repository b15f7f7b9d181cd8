"""Frailty: likelihoods written out, known truth, boundaries, and data without an answer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.integrate import quad

from timetoevent.cox import fit_cox
from timetoevent.frailty import fit_frailty_cox

NAMES = {"time": "t", "event": "d"}


def grouped(variance: float, seed: int, n_groups: int = 30, size: int = 15) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    shared = rng.gamma(1 / variance, variance, n_groups) if variance else np.ones(n_groups)
    group = np.repeat(np.arange(n_groups), size)
    x = rng.normal(size=len(group))
    time = rng.exponential(1 / (shared[group] * np.exp(0.5 * x)))
    return pd.DataFrame({"t": np.minimum(time, 2), "d": time < 2, "x": x, "center": group})


def integrated_both_ways(frame: pd.DataFrame, variance: float) -> tuple[float, float]:
    """Return the fit's integrated likelihood, and the one that quadrature gives at the same hazard."""
    fit = fit_frailty_cox(frame, **NAMES, terms=["x"], group="center", variance=variance, ties="breslow")
    point, sets = fit.peak.point, fit.peak.point.sets
    fixed = np.exp(fit.peak.beta[0] * point.x[0])
    exposure = point.x[1:] @ (fixed * point.cumulative())
    total = np.log(point.hazard).sum() + np.log(fixed[sets.death_row]).sum()
    law = stats.gamma(1 / variance, scale=variance)
    for d, lived in zip(fit.frailties.n_events, exposure, strict=True):
        total += np.log(quad(lambda z, d=d, a=lived: z**d * np.exp(-z * a) * law.pdf(z), 0, 60, limit=500)[0])
    return fit.integrated_log_likelihood, float(total)


class TestFrailty:
    def test_approximation_that_is_no_information_gives_way_to_the_whole(self):
        rng = np.random.default_rng(0)
        group = np.repeat(np.arange(12), 3)
        frame = pd.DataFrame({"t": rng.exponential(size=36) * np.exp(rng.normal(0, 2, 12))[group], "d": True})
        frame = frame.assign(x=(group % 2).astype(float), center=group)
        fit = fit_frailty_cox(frame, **NAMES, terms=["x"], group="center", variance=6.0)
        assert "whole information" in fit.note
        whole = np.sqrt(np.diag(np.linalg.inv(fit.peak.hessian)))
        units = fit.peak.beta[0] / fit.coefficients.coefficient[0]
        assert fit.coefficients.std_error[0] == pytest.approx(whole[0] / units, rel=1e-12)
        assert fit.frailties.std_error.to_numpy() == pytest.approx(whole[1:], rel=1e-12)

    def test_penalized_likelihood_of_two_groups_by_hand(self):
        # events at 1 (group a), 2 (b), 3 (a); all at risk until their own time; no covariate, variance 1
        frame = pd.DataFrame({"t": [1, 2, 3], "d": [1, 1, 1], "g": list("aba")})
        fit = fit_frailty_cox(frame, **NAMES, terms=[], group="g", variance=1.0)
        a, b = fit.frailties.log_frailty

        def penalized(a: float, b: float) -> float:
            ra, rb = np.exp(a), np.exp(b)
            partial = 2 * a + b - np.log(2 * ra + rb) - np.log(ra + rb) - a
            return partial - (ra - a - 1) - (rb - b - 1)

        h = 1e-6
        assert (penalized(a + h, b) - penalized(a - h, b)) / (2 * h) == pytest.approx(0, abs=1e-8)
        assert (penalized(a, b + h) - penalized(a, b - h)) / (2 * h) == pytest.approx(0, abs=1e-8)
        assert np.exp(a) + np.exp(b) == pytest.approx(2)

    def test_integrated_likelihood_is_the_integral(self):
        """Differences over the variance are those of the full likelihood, frailties integrated numerically."""
        frame = grouped(0.6, seed=9, n_groups=6, size=8)
        found = [integrated_both_ways(frame, variance) for variance in (0.2, 0.6, 1.5)]
        for own, numeric in found[1:]:
            assert own - found[0][0] == pytest.approx(numeric - found[0][1], rel=1e-6)

    @pytest.mark.parametrize("distribution", ["gamma", "normal"])
    def test_recovers_a_large_variance(self, distribution):
        fit = fit_frailty_cox(grouped(0.8, 3), **NAMES, terms=["x"], group="center", distribution=distribution)
        assert 0.4 < fit.variance.estimate < 1.6
        row = fit.coefficients.iloc[0]
        assert row.ci_lower < np.exp(0.5) < row.ci_upper
        assert fit.frailties.hazard_ratio.mean() == pytest.approx(1, abs=0.6)
        if distribution == "gamma":
            assert fit.variance.p_value < 1e-6

    @pytest.mark.parametrize("distribution", ["gamma", "normal"])
    def test_no_heterogeneity_is_the_plain_model(self, distribution):
        frame = grouped(0.0, seed=11)
        fit = fit_frailty_cox(frame, **NAMES, terms=["x"], group="center", distribution=distribution)
        plain = fit_cox(frame, **NAMES, terms=["x"])
        if fit.variance.estimate == 0:
            assert "boundary" in fit.variance.note
            assert fit.coefficients.hazard_ratio[0] == plain.coefficients.hazard_ratio[0]
            assert (fit.frailties.hazard_ratio == 1).all()
        assert fit.variance.estimate < 0.1

    def test_tiny_fixed_variance_approaches_the_plain_model(self):
        frame = grouped(0.5, seed=2)
        plain = fit_cox(frame, **NAMES, terms=["x"])
        for distribution in ("gamma", "normal"):
            fit = fit_frailty_cox(frame, **NAMES, terms=["x"], group="center", distribution=distribution, variance=1e-5)
            assert fit.coefficients.coefficient[0] == pytest.approx(plain.beta[0], abs=1e-3)

    def test_redundant_column_keeps_its_reason(self):
        frame = grouped(0.5, seed=4).assign(y=lambda f: 2 * f.x)
        table = fit_frailty_cox(frame, **NAMES, terms=["x", "y"], group="center").coefficients
        assert table.status.tolist() == ["ok", "not_estimable"]
        assert table.note[1] == "determined by x (collinear)"

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"center": 1}, "a single group"),
            ({"d": 0}, "no events"),
            ({"x": np.nan}, "x has 450 missing"),
            ({"center": None}, "center has 450 missing"),
        ],
    )
    def test_no_answer(self, change, reason):
        fit = fit_frailty_cox(grouped(0.5, 1).assign(**change), **NAMES, terms=["x"], group="center")
        assert fit.status == fit.variance.status == "not_estimable"
        assert fit.note.startswith(reason)
        assert fit.coefficients.hazard_ratio.isna().all()

    def test_monotone_likelihood_is_refused(self):
        frame = grouped(0.5, 1).assign(x=lambda f: np.where(f.d, 1.0, 0.0))
        fit = fit_frailty_cox(frame, **NAMES, terms=["x"], group="center")
        assert "monotone" in fit.note

    def test_wrong_use(self):
        with pytest.raises(ValueError, match="distribution"):
            fit_frailty_cox(grouped(0.5, 1), **NAMES, terms=["x"], group="center", distribution="stable")
        with pytest.raises(ValueError, match="negative"):
            fit_frailty_cox(grouped(0.5, 1), **NAMES, terms=["x"], group="center", variance=-1)
