"""Tail areas and quantiles are those of scipy.stats."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from timetoevent.intervals import normal_quantile
from timetoevent.tails import chi_squared_tail, normal_tails, t_quantile, t_tails

Z = np.array([0.0, 1e-9, 0.5, -0.5, 1.96, -5.0, 9.0, 30.0, np.inf, -np.inf, np.nan])
CHI_SQUARED = np.array([0.0, 1e-12, 0.1, 3.84, 50.0, 800.0, np.inf, np.nan])
DF = [1.0, 2.0, 3.5, 10.0, 300.0]


def test_normal() -> None:
    assert np.array_equal(normal_tails(Z), 2 * stats.norm.sf(np.abs(Z)), equal_nan=True)
    assert [normal_quantile(level) for level in (0.8, 0.95, 0.999)] == [
        stats.norm.isf((1 - level) / 2) for level in (0.8, 0.95, 0.999)
    ]


@pytest.mark.parametrize("df", DF)
def test_chi_squared(df: float) -> None:
    assert np.array_equal(chi_squared_tail(CHI_SQUARED, df), stats.chi2.sf(CHI_SQUARED, df), equal_nan=True)
    assert chi_squared_tail(-1e-16, df) == 1.0


@pytest.mark.parametrize("df", [*DF, np.inf])
def test_student(df: float) -> None:
    probability = np.array([0.5, 0.9, 0.975, 0.9995])
    np.testing.assert_allclose(t_tails(Z, df), 2 * stats.t.sf(np.abs(Z), df), rtol=1e-12)
    np.testing.assert_allclose(t_quantile(probability, df), stats.t.ppf(probability, df), rtol=1e-14, atol=1e-16)


def test_each_coefficient_can_have_its_own_degrees_of_freedom() -> None:
    df = np.array([3.0, np.inf])
    np.testing.assert_allclose(t_tails([2.0, 2.0], df), 2 * stats.t.sf([2.0, 2.0], df), rtol=1e-14)
    np.testing.assert_allclose(t_quantile(0.975, df), stats.t.ppf(0.975, df), rtol=1e-14)


@pytest.mark.parametrize(("successes", "n"), [(1, 1), (1, 10), (5, 8), (38, 62), (999, 1000)])
def test_quantiles_that_exact_limits_use(successes: int, n: int) -> None:
    lower, upper = (successes, n - successes + 1), (successes + 1, n - successes)
    assert special.betaincinv(*lower, 0.025) == stats.beta.ppf(0.025, *lower)
    if successes < n:
        assert special.betainccinv(*upper, 0.025) == stats.beta.isf(0.025, *upper)


def test_quantile_that_profile_limits_use() -> None:
    assert normal_quantile(0.95) ** 2 == pytest.approx(stats.chi2.ppf(0.95, 1), rel=1e-14)
