"""E-values: published numbers and the formula's own symmetries."""

from __future__ import annotations

import math

import pytest

from timetoevent.sensitivity import e_value


@pytest.mark.parametrize(("hazard_ratio", "expected"), [(1.9, 2.49), (2.25, 2.89)])
def test_common_outcome(hazard_ratio, expected):
    assert e_value(hazard_ratio, 1.1, 5).estimate == pytest.approx(expected, abs=0.005)


def test_rare_outcome_is_the_published_example():
    # VanderWeele and Ding 2017: risk ratio 3.9 (1.8 to 8.7) gives 7.26 and 3.0
    result = e_value(3.9, 1.8, 8.7, rare=True)
    assert result.estimate == pytest.approx(7.26, abs=0.005)
    assert result.ci_lower == pytest.approx(3.0, abs=0.005)


def test_by_hand():
    # HR 4: risk ratio (1 - 1/4) / (1 - 1/sqrt(2)) = 2.5607; E = RR + sqrt(RR (RR - 1))
    ratio = 0.75 / (1 - 0.5**0.5)
    assert e_value(4, 4, 4).estimate == pytest.approx(ratio + math.sqrt(ratio * (ratio - 1)), rel=1e-14)
    assert e_value(4, 4, 4, rare=True).estimate == pytest.approx(4 + math.sqrt(12), rel=1e-14)


def test_protective_is_the_inverse():
    harmful, protective = e_value(2.0, 1.25, 3.2), e_value(0.5, 1 / 3.2, 0.8)
    assert protective.estimate == pytest.approx(harmful.estimate, rel=1e-14)
    assert protective.ci_lower == pytest.approx(harmful.ci_lower, rel=1e-14)


def test_null():
    assert e_value(1, 1, 1).estimate == 1
    crossing = e_value(1.4, 0.8, 2.5)
    assert (crossing.ci_lower, crossing.note) == (1.0, "the interval includes 1")


@pytest.mark.parametrize(
    "numbers", [(math.nan, 1, 2), (1.5, math.nan, 2), (-1, 0.5, 2), (0, 0, 1), (2, 3, 4), (1, 0.5, math.inf)]
)
def test_no_answer(numbers):
    result = e_value(*numbers)
    assert result.status == "not_estimable"
    assert math.isnan(result.estimate)
    assert result.note
