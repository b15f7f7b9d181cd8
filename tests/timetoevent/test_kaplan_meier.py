"""Kaplan-Meier: what it refuses, what small cohorts get, and what must not change the answer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timetoevent.kaplan_meier import (
    kaplan_meier,
    median_follow_up,
    numbers_at_risk,
    survival_at,
    survival_quantile,
)
from timetoevent.results import NOT_ESTIMABLE, NOT_REACHED, OK

FUNCTIONS = {
    "kaplan_meier": kaplan_meier,
    "survival_at": lambda time, event, **options: survival_at(time, event, at=[1], **options),
    "survival_quantile": survival_quantile,
    "numbers_at_risk": lambda time, event, **options: numbers_at_risk(time, event, at=[1], **options),
}
SUBJECTS = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=25)


def split(subjects):
    return [time for time, _ in subjects], [event for _, event in subjects]


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize(
    ("time", "event", "words"),
    [
        ([1, np.nan, np.nan], [1, 0, 1], "2 missing"),
        ([1, -1, 2], [1, 0, 1], "1 negative"),
        ([1, np.inf, 2], [1, 0, 1], "1 infinite"),
        ([1, 2, 3], [1, 2, 1], "expected only 0/1"),
        ([1, 2, 3], [1, -1, 1], "expected only 0/1"),
        ([1, 2, 3], ["1", "0", "1"], "found text"),
        ([1, 2, 3], [1, None, 1], "1 missing"),
        ([1, 2, 3], [1, 0], "lengths differ"),
    ],
)
def test_bad_input_is_refused_with_the_count(function, time, event, words):
    with pytest.raises(ValueError, match=words):
        function(time, event)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_leaving_at_entry_is_refused(function):
    with pytest.raises(ValueError, match="2 subjects leave at or before they enter"):
        function([1, 2, 3], [1, 0, 1], entry=[1, 3, 0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ci_type": "loglog"}, "ci_type"),
        ({"ci_level": 95}, "ci_level"),
        ({"weights": [1, 0, 1]}, "weights: 1"),
        ({"weights": [1, np.nan, 1]}, "weights: 1"),
        ({"weights": [1, 1]}, "lengths differ"),
        ({"entry": [0, 0]}, "lengths differ"),
        ({"entry": [0, np.nan, 0]}, "entry: 1 missing"),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        kaplan_meier([1, 2, 3], [1, 0, 1], **options)


def test_bad_quantile_options_are_refused():
    with pytest.raises(ValueError, match="probability"):
        survival_quantile([1], [1], probability=1.5)
    with pytest.raises(ValueError, match="flat_end"):
        survival_quantile([1], [1], flat_end="last")


def test_no_subjects():
    assert kaplan_meier([], []).empty
    assert survival_quantile([], []).status == NOT_ESTIMABLE
    assert median_follow_up([], []).status == NOT_ESTIMABLE
    assert survival_at([], [], at=[1])[0].status == NOT_ESTIMABLE
    assert numbers_at_risk([], [], at=[0])["n_at_risk"].tolist() == [0]


def test_one_subject():
    assert survival_quantile([3], [1]).estimate == 3
    assert survival_quantile([3], [0]).status == NOT_REACHED
    assert median_follow_up([3], [0]).estimate == 3


def test_no_events_is_not_reached_and_says_so():
    result = survival_quantile([1, 2, 3], [0, 0, 0])
    assert (result.status, result.note, result.n, result.n_events) == (NOT_REACHED, "no events", 3, 0)
    assert np.isnan(result.estimate)


def test_a_curve_that_stays_high_says_where_it_ends():
    assert survival_quantile([1, 2, 3, 4], [1, 0, 0, 0]).note == "the curve ends at 0.750, above 0.5"


def test_follow_up_without_censoring():
    result = median_follow_up([1, 2], [1, 1])
    assert result.status == NOT_REACHED
    assert "nobody is censored" in result.note


def test_follow_up_counts_events_of_interest():
    assert median_follow_up([1, 2, 3], [1, 0, 0]).n_events == 1


def test_beyond_the_last_time():
    known, unknown = survival_at([1, 2, 3], [1, 0, 0], at=[3, 3.1])
    assert known.status == OK
    assert unknown.status == NOT_ESTIMABLE
    assert "beyond the last observed time (3)" in unknown.note
    assert survival_at([1, 2], [1, 1], at=[9])[0].estimate == 0


def test_requested_times_keep_their_order_and_tie_with_observed_ones():
    late, early = survival_at([0.1 + 0.2, 1.0], [1, 0], at=[1.0, 0.3])
    assert (late.estimate, early.estimate) == (0.5, 0.5)
    assert numbers_at_risk([0.1 + 0.2, 1.0], [1, 0], at=[0.3])["n_at_risk"].tolist() == [2]


def test_times_equal_up_to_rounding_are_one():
    assert kaplan_meier([0.3, 0.1 + 0.2], [1, 1])["n_events"].tolist() == [2]


@pytest.mark.parametrize("n", range(2, 201, 6))
def test_half_is_found_despite_rounding(n):
    """The first half has the event: the curve reaches one half, whatever its product of fractions is."""
    event = np.arange(n) < n // 2
    result = survival_quantile(np.arange(1, n + 1), event)
    assert result.estimate == (n // 2 + n) / 2
    assert survival_quantile(np.arange(1, n + 1), event, flat_end="first").estimate == n // 2
    assert survival_quantile(np.arange(1, n + 1), np.ones(n)).estimate == n / 2 + 0.5


def test_upper_limit_of_a_curve_ending_at_zero_is_not_reached():
    result = survival_quantile([1, 2, 3], [1, 1, 1])
    assert result.status == OK
    assert np.isnan(result.ci_upper)


def test_shuffled_index_of_a_series_changes_nothing():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"time": rng.integers(1, 9, 40), "event": rng.random(40) < 0.5})
    shuffled = frame.sample(frac=1, random_state=2)
    expected = kaplan_meier(frame["time"], frame["event"])
    pd.testing.assert_frame_equal(kaplan_meier(shuffled["time"], shuffled["event"]), expected)


def test_inputs_and_the_global_random_state_are_left_alone():
    time, event, weights = np.array([3.0, 1.0, 1.0]), np.array([1, 0, 1]), np.array([1.0, 0.5, 2.0])
    before = [values.copy() for values in (time, event, weights)]
    np.random.seed(5)  # noqa: NPY002 - the global state is what is tested
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    kaplan_meier(time, event, weights=weights)
    assert all((one == other).all() for one, other in zip(before, (time, event, weights), strict=True))
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


@settings(max_examples=40)
@given(SUBJECTS)
def test_whole_weights_are_replicates(subjects):
    time, event = split(subjects)
    counts = [1 + index % 3 for index in range(len(time))]
    weighted = kaplan_meier(time, event, weights=counts)
    replicated = kaplan_meier(np.repeat(time, counts), np.repeat(event, counts))
    pd.testing.assert_frame_equal(weighted, replicated)


@settings(max_examples=40)
@given(SUBJECTS)
def test_entry_before_everything_changes_nothing(subjects):
    time, event = split(subjects)
    later = np.array(time) + 1
    pd.testing.assert_frame_equal(kaplan_meier(later, event), kaplan_meier(later, event, entry=np.zeros(len(time))))


@settings(max_examples=40)
@given(SUBJECTS)
def test_order_and_unit_do_not_matter(subjects):
    time, event = split(subjects)
    one, other = survival_quantile(time, event), survival_quantile(np.array(time[::-1]) * 30.4375, event[::-1])
    assert other.estimate == pytest.approx(one.estimate * 30.4375, nan_ok=True)
    assert other.ci_lower == pytest.approx(one.ci_lower * 30.4375, nan_ok=True)


@settings(max_examples=40)
@given(SUBJECTS, st.lists(st.floats(0, 15), min_size=1, max_size=4))
def test_rows_of_the_risk_table_add_up(subjects, at):
    time, event = split(subjects)
    table = numbers_at_risk(time, event, at=at)
    assert (table[["n_at_risk", "n_events", "n_censored"]].sum(axis=1) == len(time)).all()


@settings(max_examples=40)
@given(SUBJECTS)
def test_curve_is_a_decreasing_probability_within_its_limits(subjects):
    for ci_type in ("log-log", "log", "plain", "logit", "arcsin"):
        curve = kaplan_meier(*split(subjects), ci_type=ci_type)
        assert (curve["survival"].diff().dropna() <= 0).all()
        known = curve.dropna()
        assert (known["ci_lower"] <= known["survival"] + 1e-12).all()
        assert (known["survival"] <= known["ci_upper"] + 1e-12).all()
