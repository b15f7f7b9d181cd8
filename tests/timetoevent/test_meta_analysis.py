"""Meta-analysis: no studies, one study, no heterogeneity, and what must not change the answer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timetoevent.meta_analysis import METHODS, meta_analysis
from timetoevent.results import NOT_ESTIMABLE

STUDIES = st.lists(st.tuples(st.floats(-3, 3), st.floats(0.05, 2)), min_size=2, max_size=12)


def test_no_studies():
    assert meta_analysis([], []).pooled.note == "no studies"


@pytest.mark.parametrize("method", METHODS)
def test_one_study_is_itself(method):
    result = meta_analysis([0.4], [0.3], method=method)
    assert (result.pooled.estimate, result.pooled.std_error, result.tau_squared) == pytest.approx((0.4, 0.3, 0))
    assert math.isnan(result.prediction_lower)
    assert meta_analysis([0.4], [0.3], method=method, test="hksj").pooled.status == NOT_ESTIMABLE


def test_heterogeneity_is_never_below_zero():
    for method in METHODS:
        result = meta_analysis([0.3, 0.31, 0.3], [0.2, 0.2, 0.3], method=method)
        assert result.tau_squared == 0
        assert result.pooled.std_error == pytest.approx(math.sqrt(1 / (25 + 25 + 1 / 0.09)))


def test_fixed_effect_predicts_nothing():
    assert math.isnan(meta_analysis([0.1, 0.5], [0.2, 0.2], method="fixed").prediction_upper)


def test_identical_estimates_have_no_test_after_hartung_and_knapp():
    pooled = meta_analysis([0.5, 0.5], [0.2, 0.2], test="hksj").pooled
    assert pooled.status == NOT_ESTIMABLE
    assert "identical" in pooled.note


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([0.1, np.nan], [0.2, 0.2]), "1 studies"),
        (([0.1, 0.2], [0.2, 0.0]), "1 studies"),
        (([0.1, 0.2], [0.2]), "lengths differ"),
    ],
)
def test_bad_input_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        meta_analysis(*arguments)


@pytest.mark.parametrize("option", ["method", "test", "prediction"])
def test_unknown_options_are_refused(option):
    with pytest.raises(ValueError, match=option):
        meta_analysis([0.1], [0.2], **{option: "unknown"})


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=40)
@given(STUDIES)
def test_shift_order_and_weights(method, studies):
    y, error = (np.array(column) for column in zip(*studies, strict=True))
    one, other = meta_analysis(y, error, method=method), meta_analysis(y[::-1] + 5, error[::-1], method=method)
    assert other.pooled.estimate == pytest.approx(one.pooled.estimate + 5, abs=1e-6)
    assert other.tau_squared == pytest.approx(one.tau_squared, rel=1e-5, abs=1e-7)
    assert one.weights.sum() == pytest.approx(100)
    assert y.min() - 1e-9 <= one.pooled.estimate <= y.max() + 1e-9


def test_reml_where_the_usual_iteration_cycles():
    """Five imprecise studies against one precise: metafor stops here with "did not converge"."""
    y, error = [0, 0, 0, 0, 0, 2], [2, 2, 2, 2, 2, 0.5]
    tau_squared = meta_analysis(y, error).tau_squared
    assert tau_squared == pytest.approx(meta_analysis(np.add(y, 5)[::-1], error[::-1]).tau_squared, rel=1e-9)
    assert 0.4 < tau_squared < 0.8


@settings(max_examples=40)
@given(STUDIES)
def test_reml_is_a_maximum(studies):
    y, variance = np.array([study[0] for study in studies]), np.array([study[1] for study in studies]) ** 2
    tau_squared = meta_analysis(y, np.sqrt(variance)).tau_squared

    def log_likelihood(tau: float) -> float:
        w = 1 / (variance + tau)
        center = w @ y / w.sum()
        return float(np.log(w).sum() / 2 - np.log(w.sum()) / 2 - w @ (y - center) ** 2 / 2)

    step = 1e-3 * (1 + tau_squared)
    assert log_likelihood(tau_squared) >= log_likelihood(tau_squared + step) - 1e-9
    assert log_likelihood(tau_squared) >= log_likelihood(max(0.0, tau_squared - step)) - 1e-9
