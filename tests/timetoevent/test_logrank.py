"""Log-rank family: what it refuses, when there is no test, and what must not change the answer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timetoevent.logrank import adjust_p_values, logrank, logrank_trend
from timetoevent.logrank.scores import WEIGHTINGS
from timetoevent.results import NOT_ESTIMABLE, OK

TIME, EVENT, GROUP = [1, 2, 3, 4, 5, 6], [1, 0, 1, 1, 0, 1], list("abbaab")
SUBJECTS = st.lists(
    st.tuples(st.integers(0, 9), st.booleans(), st.sampled_from("abc"), st.integers(0, 1)), min_size=8, max_size=40
)


@pytest.mark.parametrize(
    ("time", "event", "group", "reason"),
    [
        (TIME, [0] * 6, GROUP, "no events"),
        (TIME, EVENT, ["a"] * 6, "only one group"),
        ([], [], [], "no subjects"),
        ([1, 2, 8, 9], [0, 0, 1, 1], list("aabb"), "groups are not at risk together at any event"),
        ([1], [1], ["a"], "only one group"),
    ],
)
def test_no_test_is_said_and_never_p_one(time, event, group, reason):
    for test in (logrank, logrank_trend):
        result = test(time, event, group)
        assert (result.status, result.note) == (NOT_ESTIMABLE, reason)
        assert np.isnan(result.p_value)


def test_missing_labels_are_refused_with_the_count():
    with pytest.raises(ValueError, match="group: 2 missing"):
        logrank(TIME, EVENT, ["a", None, "b", np.nan, "a", "b"])
    with pytest.raises(ValueError, match="strata: 1 missing"):
        logrank(TIME, EVENT, GROUP, strata=[1, 1, np.nan, 2, 2, 2])


def test_missing_times_are_refused():
    with pytest.raises(ValueError, match="1 missing"):
        logrank([1, np.nan, 3, 4, 5, 6], EVENT, GROUP)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weighting": "wilcoxon"}, "weighting"),
        ({"weighting": "gehan", "rho": 1}, "belong to"),
        ({"weighting": "fleming-harrington", "rho": -1}, ">= 0"),
        ({"strata": [1, 2]}, "lengths differ"),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        logrank(TIME, EVENT, GROUP, **options)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="lengths differ"):
        logrank(TIME, EVENT, ["a", "b"])


def test_scores_must_be_one_per_group():
    with pytest.raises(ValueError, match="scores"):
        logrank_trend(TIME, EVENT, GROUP, scores=[1, 2, 3])


def test_time_zero_has_a_weight():
    result = logrank([0, 0, 1, 2], [1, 1, 1, 1], list("abab"), weighting="fleming-harrington", rho=1)
    assert result.status == OK


def test_p_value_does_not_underflow():
    n = 500
    time = np.concatenate([np.arange(1, n + 1), np.arange(1, n + 1) + 3 * n])
    result = logrank(time, np.ones(2 * n), np.repeat(["early", "late"], n))
    assert 0 < result.p_value < 1e-250


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@settings(max_examples=40)
@given(SUBJECTS)
def test_names_and_order_of_groups_do_not_matter(weighting, subjects):
    time, event, group, strata = zip(*subjects, strict=True)
    renamed = [{"a": "z", "b": "m", "c": "k"}[name] for name in group]
    one = logrank(time, event, group, strata=strata, weighting=weighting)
    other = logrank(time[::-1], event[::-1], renamed[::-1], strata=strata[::-1], weighting=weighting)
    assert (one.status, one.df) == (other.status, other.df) or one.status == other.status == NOT_ESTIMABLE
    assert other.statistic == pytest.approx(one.statistic, rel=1e-7, abs=1e-9, nan_ok=True)


def test_one_stratum_is_none():
    stratified, plain = logrank(TIME, EVENT, GROUP, strata=[1] * 6), logrank(TIME, EVENT, GROUP)
    assert stratified.statistic == pytest.approx(plain.statistic, rel=1e-12)


def test_trend_follows_the_order_of_categories():
    stage = pd.Categorical(["low", "high", "mid"] * 4, categories=["low", "mid", "high"])
    time, event = np.arange(1, 13), [1] * 12
    numbered = pd.Series(stage).map({"low": 1, "mid": 2, "high": 3}).astype(int)
    assert logrank_trend(time, event, stage).statistic == logrank_trend(time, event, numbered).statistic


def test_unknown_adjustment_is_refused():
    with pytest.raises(ValueError, match="adjustment"):
        adjust_p_values([0.1], method="sidak")
