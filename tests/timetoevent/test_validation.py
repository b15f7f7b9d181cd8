"""Optimism: what overfitting shows, what a true model keeps, and data without an answer."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest

from timetoevent.cox import fit_cox
from timetoevent.validation import leave_one_group_out, validate_cox

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

NAMES = {"time": "t", "event": "d"}


def cohort(n: int, seed: int, n_noise: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    time = rng.exponential(np.exp(-0.8 * x))
    noise = {f"u{k}": rng.normal(size=n) for k in range(n_noise)}
    return pd.DataFrame({"t": np.minimum(time, 2), "d": time < 2, "x": x, "center": rng.integers(0, 4, n), **noise})


def validate(frame: pd.DataFrame, *terms: str, seed: int = 0, **options: object):
    return validate_cox(frame, **NAMES, terms=list(terms), rng=np.random.default_rng(seed), **options)


def test_noise_is_exposed():
    frame = cohort(60, seed=1, n_noise=8)
    found = validate(frame, *[f"u{k}" for k in range(8)], n_bootstrap=60)
    assert found.concordance["apparent"].estimate > 0.58
    assert found.concordance["corrected"].estimate < found.concordance["apparent"].estimate - 0.04
    assert found.slope["apparent"].estimate == pytest.approx(1, rel=1e-9)
    assert found.slope["corrected"].estimate < 0.6


def test_a_true_model_in_many_patients_keeps_what_it_shows():
    found = validate(cohort(800, seed=2), "x", n_bootstrap=30)
    assert abs(found.concordance["optimism"].estimate) < 0.01
    assert found.slope["corrected"].estimate == pytest.approx(1, abs=0.05)
    assert found.stability.share_same_sign.tolist() == [1.0]
    assert found.n_usable == 30


def test_same_generator_same_numbers():
    frame = cohort(50, seed=3, n_noise=1)
    one, other = (validate(frame, "x", "u0", n_bootstrap=25) for _ in range(2))
    pd.testing.assert_frame_equal(one.stability, other.stability)
    assert one.concordance == other.concordance


def test_rare_level_is_counted_and_firth_gets_through():
    frame = cohort(40, seed=4).assign(g=lambda f: pd.Categorical(np.where(f.index < 3, "rare", "usual")))
    plain = validate(frame, "x", "g", n_bootstrap=60)
    assert plain.stability.share_estimable.iloc[1] < 1
    assert plain.n_usable < 60
    penalized = validate(frame, "x", "g", n_bootstrap=60, penalized=True)
    assert penalized.n_usable >= plain.n_usable
    assert penalized.status == "ok"


@pytest.mark.parametrize(
    ("change", "reason"), [({"d": 0}, "no events"), ({"x": np.nan}, "x has 40 missing"), ({"x": 1.0}, "x: does not")]
)
@pytest.mark.parametrize("penalized", [False, True])
def test_no_answer(change, reason, penalized):
    found = validate(cohort(40, 5).assign(**change), "x", n_bootstrap=3, penalized=penalized)
    assert found.status == "not_estimable"
    assert found.note.startswith(reason)
    assert found.concordance["corrected"].status == "not_estimable"


def test_too_few_samples():
    found = validate(cohort(40, 6), "x", n_bootstrap=3)
    assert found.note == "only 3 bootstrap samples were estimable"
    assert found.concordance["apparent"].status == "ok"


def test_leave_one_group_out():
    frame = cohort(80, 7)
    table = leave_one_group_out(frame, group="center", fit=partial(fit_cox, **NAMES, terms=["x"]))
    assert table.left_out.tolist() == ["", "0", "1", "2", "3"]
    assert table.n_all.iloc[1:].tolist() == [int((frame.center != k).sum()) for k in range(4)]
    without = fit_cox(frame[frame.center != 2], **NAMES, terms=["x"]).coefficients
    assert table.coefficient[3] == without.coefficient[0]
