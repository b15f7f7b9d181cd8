"""Competing risks: what is refused, when there is no answer, and what must not change it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timetoevent.competing_risks import cumulative_incidence, fine_gray, gray_test, state_probabilities
from timetoevent.kaplan_meier import kaplan_meier
from timetoevent.results import NOT_ESTIMABLE, OK

SUBJECTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("cause", "words"),
    [([1, None, 0], "1 missing"), ([1, -1, 0], "1 values"), ([1, 0.5, 0], "1 values"), (["1", "0", "2"], "found text")],
)
def test_bad_causes_are_refused_with_the_count(cause, words):
    for function in (cumulative_incidence, lambda time, codes: gray_test(time, codes, ["a", "b", "a"])):
        with pytest.raises(ValueError, match=words):
            function([1, 2, 3], cause)


def test_unknown_variance_is_refused():
    with pytest.raises(ValueError, match="variance"):
        cumulative_incidence([1], [1], variance="greenwood")


@settings(max_examples=40)
@given(SUBJECTS)
def test_incidences_and_survival_add_up_to_one(subjects):
    time, cause = zip(*subjects, strict=True)
    table = cumulative_incidence(time, cause)
    curve = kaplan_meier(time, np.array(cause) > 0)
    total = table.groupby("time")["cumulative_incidence"].sum().reindex(curve["time"], fill_value=0)
    np.testing.assert_allclose(total.to_numpy() + curve["survival"].to_numpy(), 1, atol=1e-12)


@pytest.mark.parametrize("variance", ["aalen", "jackknife"])
@settings(max_examples=40)
@given(SUBJECTS)
def test_order_and_index_do_not_matter(variance, subjects):
    time, cause = zip(*subjects, strict=True)
    frame = pd.DataFrame({"time": time, "cause": cause}).sample(frac=1, random_state=1)
    one = cumulative_incidence(time, cause, variance=variance)
    pd.testing.assert_frame_equal(one, cumulative_incidence(frame["time"], frame["cause"], variance=variance))


@settings(max_examples=40)
@given(SUBJECTS)
def test_one_cause_is_one_minus_survival_with_greenwoods_variance(subjects):
    time, cause = zip(*subjects, strict=True)
    event = np.array(cause) > 0
    table = cumulative_incidence(time, event.astype(int), causes=[1], variance="jackknife")
    curve = kaplan_meier(time, event)
    np.testing.assert_allclose(table["cumulative_incidence"], 1 - curve["survival"], atol=1e-12)
    alive = curve["survival"] > 0
    np.testing.assert_allclose(table["std_error"][alive], curve["std_error"][alive], atol=1e-7)


def test_the_global_random_state_is_left_alone():
    np.random.seed(5)  # noqa: NPY002 - the global state is what is tested
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    cumulative_incidence([1, 1, 1], [1, 2, 0])
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


def test_reading_at_times():
    table = cumulative_incidence([1, 2, 3, 4], [1, 2, 1, 0], at=[0.5, 3, 5], causes=[1])
    assert table["cumulative_incidence"].tolist()[:2] == [0, 0.5]
    assert table["n_at_risk"].tolist() == [4, 2, 0]
    assert table["n_events"].tolist() == [0, 2, 2]
    assert table["status"].tolist() == [OK, OK, NOT_ESTIMABLE]
    assert np.isnan(table["cumulative_incidence"].iloc[2])
    assert "beyond the last observed time (4)" in table["note"].iloc[2]


def test_when_nobody_is_left_the_incidence_is_final():
    table = cumulative_incidence([1, 2], [1, 2], at=[9], causes=[1])
    assert table["cumulative_incidence"].tolist() == [0.5]


def test_a_cause_that_does_not_occur_has_incidence_zero():
    assert cumulative_incidence([1, 2], [1, 0], causes=[7])["cumulative_incidence"].tolist() == [0, 0]


@pytest.mark.parametrize("at", [None, [1.0]])
def test_nothing_to_estimate_is_an_empty_frame_with_all_columns(at):
    expected = cumulative_incidence([1, 2], [1, 2]).columns.tolist()
    for time, cause in (([], []), ([1, 2], [0, 0])):
        table = cumulative_incidence(time, cause, at=at)
        assert table.empty
        assert table.columns.tolist() == expected


def test_no_subjects_but_a_cause_asked_for():
    table = cumulative_incidence([], [], causes=[1], at=[1.0])
    assert table["status"].tolist() == [NOT_ESTIMABLE]
    assert table["note"].tolist() == ["no subjects"]


@pytest.mark.parametrize(
    ("cause", "group", "reason"),
    [
        ([1, 1, 2, 0], ["a"] * 4, "only one group"),
        ([2, 2, 0, 0], list("abab"), "no events of the cause"),
        ([0, 0, 1, 1], list("aabb"), "groups are not at risk together at any event"),
    ],
)
def test_gray_without_an_answer(cause, group, reason):
    result = gray_test([1, 2, 8, 9], cause, group)
    assert (result.status, result.note) == (NOT_ESTIMABLE, reason)
    assert np.isnan(result.p_value)
    assert gray_test([], [], []).note == "no subjects"


def test_gray_refuses_missing_labels():
    with pytest.raises(ValueError, match="group: 1 missing"):
        gray_test([1, 2], [1, 1], ["a", None])


@pytest.mark.parametrize(
    ("cause", "x", "reason"),
    [
        ([2, 2, 0, 0, 2, 0], {"x": [1, 2, 3, 4, 5, 6]}, "no events of the cause"),
        ([1, 2, 1, 0, 1, 0], {"x": [3, 3, 3, 3, 3, 3]}, "a covariate is constant"),
        ([1, 2, 1, 0, 1, 0], {"x": [1, 2, 3, 4, 5, 7], "y": [3, 5, 7, 9, 11, 15]}, "covariates are linearly dependent"),
        ([1, 1, 1, 0, 0, 0], {"x": [1, 1, 1, 0, 0, 0]}, "the likelihood has no maximum (separation)"),
    ],
)
def test_fine_gray_without_an_answer(cause, x, reason):
    fit = fine_gray([1, 2, 3, 4, 5, 6], cause, pd.DataFrame(x))
    assert (fit.status, fit.note) == (NOT_ESTIMABLE, reason)
    assert fit.coefficients["variable"].tolist() == list(x)
    assert fit.coefficients["coefficient"].isna().all()


def test_fine_gray_refuses_missing_covariates():
    with pytest.raises(ValueError, match="1 values are missing or infinite"):
        fine_gray([1, 2], [1, 0], pd.DataFrame({"x": [1, np.nan]}))


def test_fine_gray_does_not_depend_on_units_or_order():
    rng = np.random.default_rng(6)
    time, cause = rng.integers(1, 20, 80), rng.integers(0, 3, 80)
    x = pd.DataFrame({"age": rng.normal(60, 9, 80), "treated": rng.integers(0, 2, 80)})
    one = fine_gray(time, cause, x).coefficients
    order = rng.permutation(80)
    scaled = x.assign(age=x["age"] / 10 + 100).iloc[order]
    other = fine_gray(time[order], cause[order], scaled).coefficients
    np.testing.assert_allclose(other["coefficient"] * [0.1, 1], one["coefficient"], rtol=1e-8)
    np.testing.assert_allclose(other["std_error"] * [0.1, 1], one["std_error"], rtol=1e-8)


def test_states_are_those_of_r():
    """``survfit(Surv(t1, t2, state) ~ 1, id = id)`` of R's survival 3.8, columns of ``pstate``."""
    leave, state = [1, 2, 2, 3, 4, 5, 5, 6, 7, 8], [1, 1, 2, 0, 1, 2, 0, 1, 0, 1]
    end, died = [4, 9, 0, 0, 6, 0, 0, 10, 0, 8.5], [True, False, False, False, True, False, False, True, False, True]
    found = state_probabilities(leave, state, end, died).set_index("time")
    in_r = {
        2.0: [0.7, 0.2, 0.1], 4.0: [0.5833333333, 0.2166666667, 0.2], 5.0: [0.4666666667, 0.2166666667, 0.3166666667],
        6.0: [0.3111111111, 0.2638888889, 0.425], 8.5: [0.0, 0.3833333333, 0.6166666667], 10.0: [0.0, 0.0, 1.0],
    }  # fmt: skip
    for time, expected in in_r.items():
        assert found.loc[time, ["well", "ill", "dead"]].tolist() == pytest.approx(expected, abs=1e-9)
    assert found[["well", "ill", "dead"]].sum(axis=1).to_numpy() == pytest.approx(1.0)


def test_states_without_illness_are_a_curve_and_its_complement():
    found = state_probabilities([1.0, 2.0, 3.0], [2, 0, 2], [0.0] * 3, [False] * 3)
    assert found["well"].tolist() == pytest.approx([1, 2 / 3, 0])
    assert found["ill"].eq(0).all()
    assert state_probabilities([], [], [], []).empty
