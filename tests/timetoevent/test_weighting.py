"""Weighted comparison: balance by construction, what is known to be true, and lack of overlap."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from timetoevent.cox import fit_cox
from timetoevent.weighting import (
    balance_table,
    compare_weighted,
    effective_sample_size,
    fit_propensity,
    make_weights,
)

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

NAMES = {"time": "t", "event": "d", "treatment": "a", "terms": ["x", "g"]}


def confounded(n: int, seed: int, log_hazard_ratio: float = 0.0) -> pd.DataFrame:
    """Return subjects whose x raises both the chance of treatment and the hazard."""
    rng = np.random.default_rng(seed)
    x, g = rng.normal(size=n), rng.choice(["u", "v", "w"], n)
    treated = rng.random(n) < 1 / (1 + np.exp(-(0.9 * x + 0.5 * (g == "v"))))
    time = rng.exponential(1 / np.exp(0.8 * x + log_hazard_ratio * treated))
    return pd.DataFrame({"t": np.minimum(time, 2), "d": time < 2, "a": treated, "x": x, "g": g})


@pytest.fixture
def frame():
    return confounded(150, seed=5)


class TestWeights:
    def test_saturated_propensity_is_the_share_treated(self):
        # of 4 with x = 0 one is treated, of 6 with x = 1 four are: scores 1/4 and 2/3
        frame = pd.DataFrame({"a": [1, 0, 0, 0, 1, 1, 1, 1, 0, 0], "x": [0] * 4 + [1] * 6})
        fit = fit_propensity(frame, treatment="a", terms=["x"])
        assert fit.scores.to_numpy() == pytest.approx([1 / 4] * 4 + [2 / 3] * 6, rel=1e-9)
        unstabilized = make_weights(fit, kind="inverse_probability", stabilized=False)
        assert unstabilized.to_numpy() == pytest.approx([4] + [4 / 3] * 3 + [3 / 2] * 4 + [3] * 2, rel=1e-9)
        stabilized = make_weights(fit, kind="inverse_probability")
        assert stabilized.to_numpy() == pytest.approx(unstabilized / 2, rel=1e-9)
        treated = make_weights(fit, kind="treated")
        assert treated.to_numpy() == pytest.approx([1] + [1 / 3] * 3 + [1] * 4 + [2] * 2, rel=1e-9)
        # overlap: control 1/4 and 2/3, treated 3/4 and 1/3
        overlap = make_weights(fit)
        assert overlap.to_numpy() == pytest.approx([3 / 4] + [1 / 4] * 3 + [1 / 3] * 4 + [2 / 3] * 2, rel=1e-9)
        size = effective_sample_size(fit, overlap).effective_n
        total = 3 / 4 + 4 / 3
        assert size[0] == pytest.approx(total**2 / (9 / 16 + 4 / 9), rel=1e-9)

    def test_overlap_weights_balance_exactly(self, frame):
        fit = fit_propensity(frame, treatment="a", terms=["x", "g"])
        table = balance_table(fit, make_weights(fit))
        assert table.difference_before.abs().max() > 0.5
        assert table.difference_after.abs().max() < 1e-9
        assert table.level.tolist() == ["", "u", "v", "w"]

    def test_truncation_bounds_the_weights(self, frame):
        fit = fit_propensity(frame, treatment="a", terms=["x", "g"])
        whole = make_weights(fit, kind="inverse_probability")
        cut = make_weights(fit, kind="inverse_probability", truncate=(0.05, 0.95))
        assert cut.max() == pytest.approx(np.quantile(whole, 0.95))
        assert cut.min() == pytest.approx(np.quantile(whole, 0.05))

    def test_wrong_use(self, frame):
        fit = fit_propensity(frame, treatment="a", terms=["x"])
        with pytest.raises(ValueError, match="kind"):
            make_weights(fit, kind="matching")
        with pytest.raises(ValueError, match="truncate"):
            make_weights(fit, truncate=(0.9, 0.1))


class TestComparison:
    def test_recovers_no_association_that_confounding_hides(self):
        frame = confounded(6000, seed=1)
        naive = fit_cox(frame, time="t", event="d", terms=["a"]).coefficients.iloc[0]
        weighted = compare_weighted(frame, **NAMES).hazard_ratio
        assert naive.ci_lower > 1.3
        assert weighted.ci_lower < 1 < weighted.ci_upper
        assert abs(np.log(weighted.estimate)) < 0.1

    def test_difference_is_treated_less_control(self, frame):
        found = compare_weighted(frame, **NAMES, at=[0.5, 1.0])
        treated, control, difference = (estimate for _, at, estimate in found.survival if at == 1.0)
        assert difference.estimate == pytest.approx(treated.estimate - control.estimate)
        assert difference.std_error == pytest.approx(np.hypot(treated.std_error, control.std_error))
        assert difference.n == len(frame)

    def test_frame_index_does_not_matter(self, frame):
        shuffled = frame.sample(frac=1, random_state=0)
        one, other = compare_weighted(frame, **NAMES), compare_weighted(shuffled, **NAMES)
        assert other.hazard_ratio.estimate == pytest.approx(one.hazard_ratio.estimate, rel=1e-9)
        assert other.weights.sort_index().to_numpy() == pytest.approx(one.weights.to_numpy(), rel=1e-8)


class TestNoAnswer:
    def test_no_overlap(self, frame):
        found = compare_weighted(frame.assign(x=frame.a * 1.0 + frame.x / 1e3), **NAMES, at=[1])
        assert "no overlap" in found.hazard_ratio.note
        assert found.hazard_ratio.status == found.survival[0][2].status == "not_estimable"
        assert found.weights.isna().all()
        assert found.balance.difference_before.isna().all()

    @pytest.mark.parametrize(
        ("change", "reason"),
        [({"a": 1}, "everyone is treated"), ({"a": 0}, "nobody is treated"), ({"x": np.nan}, "x has 150 missing")],
    )
    def test_treatment_or_covariates(self, frame, change, reason):
        found = compare_weighted(frame.assign(**change), **NAMES)
        assert found.hazard_ratio.note.startswith(reason)
        assert found.sample_size.effective_n.isna().any()

    def test_missing_outcome_and_no_events(self, frame):
        assert "t has 150 missing" in compare_weighted(frame.assign(t=np.nan), **NAMES).hazard_ratio.note
        assert compare_weighted(frame.assign(d=0), **NAMES).hazard_ratio.note == "no events"

    def test_empty_frame(self, frame):
        assert compare_weighted(frame.iloc[:0], **NAMES).hazard_ratio.status == "not_estimable"

    def test_redundant_covariate_is_named(self, frame):
        fit = fit_propensity(frame.assign(y=2 * frame.x), treatment="a", terms=["x", "y"])
        assert fit.status == "ok"
        assert fit.note == "y: determined by x (collinear)"
