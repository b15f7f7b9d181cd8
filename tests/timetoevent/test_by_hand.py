"""Every estimator on a handful of rows, worked by hand: fractions on the right, the package on the left."""

from __future__ import annotations

import math
from fractions import Fraction as F

import numpy as np
import pandas as pd
import pytest

from timetoevent.competing_risks import cumulative_incidence, fine_gray, gray_test
from timetoevent.kaplan_meier import (
    kaplan_meier,
    median_follow_up,
    numbers_at_risk,
    survival_at,
    survival_quantile,
)
from timetoevent.logrank import logrank, logrank_trend, observed_expected
from timetoevent.meta_analysis import meta_analysis
from timetoevent.proportions import fisher_exact, proportion
from timetoevent.rmst import rmst, rmst_difference

# Seven subjects, unsorted, with an event and a censoring tied at 2 and at 4.
#   time      1    2    3    4    5
#   at risk   7    6    4    3    1
#   events    1    1    1    1    1
#   censored  0    1    0    1    0
TIME = [4, 1, 2, 5, 2, 3, 4]
EVENT = [1, 1, 0, 1, 1, 1, 0]
SURVIVAL = [F(6, 7), F(5, 7), F(15, 28), F(5, 14), F(0)]
GREENWOOD = [F(1, 42), F(1, 42) + F(1, 30), F(1, 42) + F(1, 30) + F(1, 12), F(1, 42) + F(1, 30) + F(1, 12) + F(1, 6)]

# Six subjects in two groups; two events tied at 3, one in each group.
#   time           1     2     3     5
#   at risk        6     5     4     1
#   of group a     3     2     2     0
#   events         1     1     2     1
#   expected in a  1/2   2/5   1     0
#   variance       1/4   6/25  1/3   0
RANK_TIME = [1, 2, 3, 3, 4, 5]
RANK_EVENT = [1, 1, 1, 1, 0, 1]
RANK_GROUP = ["a", "b", "a", "b", "a", "b"]

# Six subjects with two causes.
#   time       1    2    3    4    5    6
#   cause      1    2    0    1    2    0
#   at risk    6    5    4    3    2    1
#   S before   1    5/6  2/3  2/3  4/9  2/9
CAUSE_TIME = [1, 2, 3, 4, 5, 6]
CAUSE = [1, 2, 0, 1, 2, 0]


def close(found: object, *expected: F | float) -> bool:
    return np.allclose(np.asarray(found, float), [float(value) for value in expected], rtol=1e-12, atol=1e-14)


def test_kaplan_meier():
    curve = kaplan_meier(TIME, EVENT)
    assert curve["time"].tolist() == [1, 2, 3, 4, 5]
    assert curve["n_at_risk"].tolist() == [7, 6, 4, 3, 1]
    assert curve["n_events"].tolist() == [1, 1, 1, 1, 1]
    assert curve["n_censored"].tolist() == [0, 1, 0, 1, 0]
    assert close(curve["survival"], *SURVIVAL)


def test_greenwood():
    error = kaplan_meier(TIME, EVENT)["std_error"]
    assert close(error[:4] ** 2, *(s**2 * g for s, g in zip(SURVIVAL, GREENWOOD, strict=False)))
    assert np.isnan(error[4])


def test_log_log_limits():
    z, s, se_log = 1.959963984540054, 15 / 28, math.sqrt(GREENWOOD[2])
    (result,) = survival_at(TIME, EVENT, at=[3.5])
    spread = z * se_log / abs(math.log(s))
    assert close([result.ci_lower, result.ci_upper], s ** math.exp(spread), s ** math.exp(-spread))


def test_median_is_the_first_time_at_or_below_one_half():
    assert survival_quantile(TIME, EVENT).estimate == 4


def test_median_on_a_flat_half_is_its_midpoint():
    # survival 3/4, 1/2, 1/2, 0: flat at one half from 2 to 10
    assert survival_quantile([1, 2, 3, 10], [1, 1, 0, 1]).estimate == 6


def test_reverse_kaplan_meier():
    # censorings at 2 (6 at risk) and 4 (3 at risk): 5/6, then 5/6 * 2/3 = 5/9, above one half
    assert median_follow_up(TIME, EVENT).status == "not_reached"
    assert median_follow_up(TIME, EVENT, probability=0.25).estimate == 4


def test_numbers_at_risk():
    table = numbers_at_risk(TIME, EVENT, at=[0, 2, 4, 9])
    assert table["n_at_risk"].tolist() == [7, 6, 3, 0]
    assert table["n_events"].tolist() == [0, 1, 3, 5]
    assert table["n_censored"].tolist() == [0, 0, 1, 2]


def test_delayed_entry():
    # entries 0, 1, 2; ends 2, 4, 4: at risk at 2 those who entered before 2 (two of them), at 4 two
    curve = kaplan_meier([2, 4, 4], [1, 1, 0], entry=[0, 1, 2])
    assert curve["n_at_risk"].tolist() == [2, 2]
    assert close(curve["survival"], F(1, 2), F(1, 4))


def test_restricted_mean():
    # steps of width 1 at heights 1, 6/7, 5/7, 15/28
    result = rmst(TIME, EVENT, horizon=4)
    assert close([result.estimate], F(87, 28))
    variance = F(59, 28) ** 2 * F(1, 42) + F(5, 4) ** 2 * F(1, 30) + F(15, 28) ** 2 * F(1, 12)
    assert close([result.std_error**2], variance)


def test_difference_of_restricted_means():
    # a: 1, 2 of two, all events: mean up to 2 is 3/2, variance (1/2)^2 / 2 = 1/8; b: nobody before 3: mean 2
    groups = {"time": [1, 2, 3, 4], "event": [1, 1, 1, 1], "group": ["a", "a", "b", "b"], "horizon": 2}
    difference = rmst_difference(**groups)
    assert close([difference.estimate, difference.std_error**2], F(1, 2), F(1, 8))


@pytest.mark.parametrize(
    ("weighting", "statistic"),
    [
        # (O - E)^2 / V: (1/10)^2 / (1/4 + 6/25 + 1/3)
        ({"weighting": "logrank"}, F(3, 247)),
        # weights 6, 5, 4: (3 - 2 + 0)^2 / (9 + 6 + 16/3)
        ({"weighting": "gehan"}, F(3, 61)),
        # weights 6/7, 5/7, 3/7: (1/7)^2 / (18/49)
        ({"weighting": "peto"}, F(1, 18)),
        # weights S(t-) = 1, 5/6, 2/3: (1/6)^2 / (61/108)
        ({"weighting": "fleming-harrington", "rho": 1}, F(3, 61)),
        # weights 1 - S(t-) = 0, 1/6, 1/3 and, where only b is left, 2/3: (-1/15)^2 / (1/150 + 1/27)
        ({"weighting": "fleming-harrington", "gamma": 1}, F(1, 225) / (F(1, 150) + F(1, 27))),
    ],
)
def test_rank_tests(weighting, statistic):
    assert close([logrank(RANK_TIME, RANK_EVENT, RANK_GROUP, **weighting).statistic], statistic)


def test_tarone_ware():
    # weights are square roots: (sqrt(6) / 2 - 2 sqrt(5) / 5)^2 / (6/4 + 6/5 + 4/3)
    expected = (math.sqrt(6) / 2 - 2 * math.sqrt(5) / 5) ** 2 / float(F(121, 30))
    assert close([logrank(RANK_TIME, RANK_EVENT, RANK_GROUP, weighting="tarone-ware").statistic], expected)


def test_observed_and_expected():
    table = observed_expected(RANK_TIME, RANK_EVENT, RANK_GROUP)
    assert close(table["observed"], 2, 3)
    assert close(table["expected"], F(19, 10), F(31, 10))
    assert close(table["variance"], F(247, 300), F(247, 300))


def test_two_strata_alike_double_the_statistic():
    strata = ["x"] * 6 + ["y"] * 6
    result = logrank(RANK_TIME * 2, RANK_EVENT * 2, RANK_GROUP * 2, strata=strata)
    assert close([result.statistic], F(6, 247))


def test_trend_over_two_groups_is_the_test_itself():
    assert close([logrank_trend(RANK_TIME, RANK_EVENT, RANK_GROUP, scores=[0, 5]).statistic], F(3, 247))


def test_aalen_johansen():
    table = cumulative_incidence(CAUSE_TIME, CAUSE, at=[1, 2, 4, 5])
    assert close(table.loc[table["cause"] == 1, "cumulative_incidence"], F(1, 6), F(1, 6), F(7, 18), F(7, 18))
    assert close(table.loc[table["cause"] == 2, "cumulative_incidence"], 0, F(1, 6), F(1, 6), F(7, 18))


def test_aalen_johansen_from_time_zero():
    assert close(
        cumulative_incidence([0, 1, 2, 3], [1, 1, 2, 0], causes=[1])["cumulative_incidence"],
        F(1, 4),
        F(1, 2),
        F(1, 2),
        F(1, 2),
    )


def test_variance_of_incidence():
    # before any censoring the jackknife is binomial, p (1 - p) / n; Aalen's is d / n^2 at the first time
    jackknife = cumulative_incidence(CAUSE_TIME, CAUSE, causes=[1], at=[1, 2], variance="jackknife")
    assert close(jackknife["std_error"] ** 2, F(5, 216), F(5, 216))
    aalen = cumulative_incidence(CAUSE_TIME, CAUSE, causes=[1], at=[1])
    assert close(aalen["std_error"] ** 2, F(1, 36))


def test_gray_with_one_event():
    # score 1 - 2/4; variance 2 * (1 * 1/8): the statistic is (1/4) / (1/4)
    assert close([gray_test([1, 2, 2, 2], [1, 0, 0, 0], ["a", "a", "b", "b"]).statistic], 1)


def test_fine_gray_finds_the_golden_ratio():
    # nobody is censored, so the subject with the competing event stays at risk with weight 1. With r = exp(beta):
    # 1 = 2r / (2r + 2) + r / (r + 2) + r / (r + 1), that is r^2 + r - 1 = 0
    fit = fine_gray([1, 2, 3, 4], [1, 2, 1, 1], pd.DataFrame({"x": [1, 1, 0, 0]}))
    assert close(fit.coefficients["hazard_ratio"], (math.sqrt(5) - 1) / 2)


def test_exact_interval_of_no_success():
    # (1 - p)^10 = 1/40
    assert close([proportion(0, 10).ci_lower, proportion(0, 10).ci_upper], 0, 1 - 0.025**0.1)


def test_fisher():
    # 1, 16, 36, 16, 1 of 70 tables: all but the middle ones
    assert close([fisher_exact([[3, 1], [1, 3]]).p_value], F(34, 70))
    # cells (2, 0, 1) and their six orders have 2 of 20 each, (1, 1, 1) has 8
    assert close([fisher_exact([[2, 0, 1], [0, 2, 1]]).p_value], F(12, 20))


def test_conditional_odds_ratio():
    # mean of 1, 16, 36, 16, 1 tilted by psi is 3: psi^4 - 36 psi^2 - 32 psi - 3 = 0
    psi = fisher_exact([[3, 1], [1, 3]]).estimate
    assert psi == pytest.approx(max(np.roots([1, 0, -36, -32, -3]).real), rel=1e-10)


@pytest.mark.parametrize("method", ["dersimonian-laird", "reml"])
def test_meta_analysis_of_equal_errors(method):
    # variance of the estimates 4/25, within 1/25: tau^2 = 3/25; Q = 8; I^2 = 3/4
    result = meta_analysis([0.1, 0.5, 0.9], [0.2, 0.2, 0.2], method=method, test="hksj")
    assert close([result.tau_squared, result.q, result.i_squared], F(3, 25), 8, 75)
    assert close([result.pooled.estimate, result.pooled.std_error**2], F(1, 2), F(4, 75))
