"""Restricted means: what is refused, when there is none, and the error of the estimate rather than of a
subject."""

from __future__ import annotations

import numpy as np
import pytest

from timetoevent.results import NOT_ESTIMABLE, OK
from timetoevent.rmst import rmst, rmst_difference

TWO = {"time": [1, 2, 3, 4], "event": [1, 1, 1, 1], "group": ["a", "a", "b", "b"]}


@pytest.mark.parametrize("horizon", [0, -1, np.nan, np.inf])
def test_bad_horizons_are_refused(horizon):
    with pytest.raises(ValueError, match="horizon"):
        rmst([1, 2], [1, 1], horizon=horizon)


def test_beyond_follow_up():
    result = rmst([1, 2], [1, 0], horizon=3)
    assert (result.status, result.note) == (NOT_ESTIMABLE, "the horizon is beyond the last observed time (2)")
    assert rmst([1, 2], [1, 1], horizon=3).estimate == 1.5


def test_no_subjects_and_one_subject():
    assert rmst([], [], horizon=1).status == NOT_ESTIMABLE
    assert rmst([2], [1], horizon=5).estimate == 2


def test_without_events_the_mean_is_the_horizon():
    result = rmst([5, 6], [0, 0], horizon=4)
    assert (result.estimate, result.std_error) == (4, 0)


def test_error_is_that_of_the_mean():
    """Without censoring the restricted mean is the mean of min(time, horizon), and its error s / sqrt(n)."""
    time = np.random.default_rng(4).integers(1, 40, 200)
    restricted = np.minimum(time, 20)
    result = rmst(time, np.ones(200), horizon=20)
    assert result.estimate == pytest.approx(restricted.mean())
    assert result.std_error == pytest.approx(restricted.std() / np.sqrt(200))


def test_near_equal_horizon_counts_as_reached():
    assert rmst([0.1 + 0.2, 0.2], [0, 1], horizon=0.3).status == OK


def test_reference_turns_the_sign():
    forward, backward = (rmst_difference(**TWO, horizon=2, reference=label) for label in "ab")
    assert forward.estimate == -backward.estimate == 0.5


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"group": ["a"] * 4}, "only one group"),
        ({"event": [0, 0, 0, 0], "horizon": 1}, "no events before the horizon"),
        ({"event": [1, 0, 1, 1]}, "the horizon is beyond the last observed time (2)"),
        ({"time": [], "event": [], "group": []}, "no subjects"),
    ],
)
def test_no_contrast_is_said(change, reason):
    result = rmst_difference(**(TWO | {"horizon": 3} | change))
    assert (result.status, result.note) == (NOT_ESTIMABLE, reason)
    assert result.n == len((TWO | change)["time"])


def test_bad_groups_are_refused():
    with pytest.raises(ValueError, match="found 3 groups"):
        rmst_difference([1, 2, 3], [1, 1, 1], ["a", "b", "c"], horizon=1)
    with pytest.raises(ValueError, match="reference"):
        rmst_difference(**TWO, horizon=1, reference="c")
    with pytest.raises(ValueError, match="lengths differ"):
        rmst_difference([1, 2], [1, 1], ["a"], horizon=1)
