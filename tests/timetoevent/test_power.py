"""Schoenfeld's formula against a table worked out beforehand, and its inverse."""

from __future__ import annotations

import math

import pytest

from timetoevent.power import (
    events_per_parameter,
    minimum_detectable_hazard_ratio,
    required_events,
    schoenfeld_power,
)

# prevalence: smallest hazard ratio with 16, 25 and 28 events, 80% power, two-sided 5%
TABLE = {
    0.18: (6.3, 4.3, 4.0),
    0.23: (5.3, 3.8, 3.5),
    0.31: (4.6, 3.4, 3.2),
    0.37: (4.3, 3.2, 3.0),
    0.48: (4.1, 3.1, 2.9),
    0.58: (4.1, 3.1, 2.9),
}


@pytest.mark.parametrize(("prevalence", "expected"), TABLE.items())
def test_table(prevalence, expected):
    found = tuple(round(minimum_detectable_hazard_ratio(n, prevalence), 1) for n in (16, 25, 28))
    assert found == pytest.approx(expected, abs=0.1001)


def test_the_three_formulas_are_one():
    ratio = minimum_detectable_hazard_ratio(40, 0.3, power=0.9)
    assert required_events(ratio, 0.3, power=0.9) == pytest.approx(40)
    assert required_events(1 / ratio, 0.3, power=0.9) == pytest.approx(40)
    assert schoenfeld_power(ratio, 40, 0.3) == pytest.approx(0.9)


def test_no_events_detect_nothing():
    assert minimum_detectable_hazard_ratio(0, 0.5) == math.inf


def test_events_per_parameter():
    assert events_per_parameter(25, 4) == 6.25


@pytest.mark.parametrize(
    "call",
    [
        lambda: minimum_detectable_hazard_ratio(-1, 0.5),
        lambda: minimum_detectable_hazard_ratio(10, 0),
        lambda: minimum_detectable_hazard_ratio(10, 0.5, power=80),
        lambda: required_events(1, 0.5),
        lambda: schoenfeld_power(0, 10, 0.5),
        lambda: events_per_parameter(10, 0),
    ],
)
def test_bad_input_is_refused(call):
    with pytest.raises(ValueError, match="expected"):
        call()
