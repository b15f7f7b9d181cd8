"""lifelines finds, this package verifies: what is accepted, what is handed over, and that both give one answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test

from timetoevent.cox import fit_cox, newton
from timetoevent.kaplan_meier import curve, kaplan_meier
from timetoevent.lifelines_engine import cox_coefficients, product_limit
from timetoevent.logrank import logrank, statistics

NAMES = {"time": "t", "event": "d"}


@pytest.fixture
def cohort() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    n = 120
    frame = pd.DataFrame({"x": rng.normal(size=n), "z": rng.integers(0, 2, n), "s": rng.choice(["u", "v"], n)})
    time = np.ceil(20 * rng.exponential(np.exp(-0.5 * frame["x"])))
    return frame.assign(t=time, d=rng.random(n) < 0.7, start=np.floor(time * rng.random(n) * 0.9))


def refuse(*_: object, **__: object) -> None:
    raise AssertionError("lifelines was asked")


def test_curve_is_that_of_lifelines(cohort: pd.DataFrame) -> None:
    theirs = KaplanMeierFitter().fit(cohort["t"], cohort["d"]).survival_function_.iloc[1:, 0]
    np.testing.assert_allclose(kaplan_meier(cohort["t"], cohort["d"])["survival"], theirs, rtol=1e-13)


def test_curve_has_no_noise_that_prints() -> None:
    # 3/4 * 3/4 = 0.5625 stands between 56.2 and 56.3; by logarithms it is 0.5625000000000001
    quarters = kaplan_meier([1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3], [1, 1, 1, 1, 1, 1, 1, *[0] * 9])
    assert quarters["survival"].tolist()[:2] == [0.75, 0.5625]


@pytest.mark.parametrize("field", ["survival", "ci_lower", "n_at_risk", "n_events"])
def test_curve_with_other_limits_or_counts_is_refused(
    cohort: pd.DataFrame, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = kaplan_meier(cohort["t"], cohort["d"])

    def wrong(*arguments: object) -> object:
        found = product_limit(*arguments)
        return replace(found, **{field: getattr(found, field) * (1 + 1e-6)})

    monkeypatch.setattr(curve, "product_limit", wrong)
    found = kaplan_meier(cohort["t"], cohort["d"])
    pd.testing.assert_frame_equal(found, expected, rtol=1e-12)


def test_curves_that_lifelines_does_not_give_are_ours(cohort: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curve, "product_limit", refuse)
    assert not kaplan_meier(cohort["t"], cohort["d"], entry=cohort["start"]).empty
    assert not kaplan_meier(cohort["t"], cohort["d"], weights=np.full(len(cohort), 0.5)).empty
    assert kaplan_meier([], []).empty


@pytest.mark.parametrize(
    ("weighting", "name"), [("logrank", None), ("gehan", "wilcoxon"), ("tarone-ware",) * 2, ("peto",) * 2]
)
def test_rank_test_is_that_of_lifelines(cohort: pd.DataFrame, weighting: str, name: str | None) -> None:
    theirs = multivariate_logrank_test(cohort["t"], cohort["z"], cohort["d"], weightings=name)
    found = logrank(cohort["t"], cohort["d"], cohort["z"], weighting=weighting)
    assert (found.statistic, found.p_value) == (theirs.test_statistic, theirs.p_value)


def test_another_statistic_is_refused(cohort: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = logrank(cohort["t"], cohort["d"], cohort["z"]).statistic
    monkeypatch.setattr(statistics, "logrank_statistic", lambda *_: 3.0)
    assert logrank(cohort["t"], cohort["d"], cohort["z"]).statistic == pytest.approx(expected, rel=1e-12)


def test_rank_tests_that_lifelines_does_not_give_are_ours(
    cohort: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "logrank_statistic", refuse)
    subjects = {"time": cohort["t"], "event": cohort["d"], "group": cohort["z"]}
    for option in ({"strata": cohort["s"]}, {"entry": cohort["start"]}, {"weighting": "fleming-harrington", "rho": 1}):
        assert logrank(**subjects, **option).status == "ok"


@pytest.mark.parametrize("option", [{}, {"strata": "s"}, {"entry": "start"}, {"entry": "start", "strata": "s"}])
def test_cox_of_lifelines_and_our_search_agree(cohort: pd.DataFrame, option: dict[str, str]) -> None:
    found, own = (fit_cox(cohort, **NAMES, terms=["x", "z"], **option, is_repeated=again) for again in (False, True))
    np.testing.assert_allclose(found.beta, own.beta, rtol=1e-10)
    np.testing.assert_allclose(found.covariance, own.covariance, rtol=1e-10)
    columns = ["x", "z", "t", "d", *option.values()]
    roles = {"entry_col": option.get("entry"), "strata": [option["strata"]] if "strata" in option else None}
    theirs = CoxPHFitter().fit(cohort[columns], "t", "d", **roles).params_
    np.testing.assert_allclose(found.beta, theirs, rtol=1e-3)


def test_coefficients_that_a_newton_step_moves_are_searched_for_here(
    cohort: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = fit_cox(cohort, **NAMES, terms=["x", "z"]).beta
    monkeypatch.setattr(newton, "cox_coefficients", lambda *a, **k: cox_coefficients(*a, **k) + 1e-5)
    np.testing.assert_allclose(fit_cox(cohort, **NAMES, terms=["x", "z"]).beta, expected, rtol=1e-11)


def test_what_lifelines_does_not_fit_as_r_does_is_ours(cohort: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newton, "cox_coefficients", refuse)
    monkeypatch.setattr(newton, "MOST_ROWS", 100)
    small = cohort.iloc[:100].assign(w=2)
    for frame, option in ((small, {"ties": "breslow"}), (small, {"weights": "w"}), (cohort, {})):
        assert fit_cox(frame, **NAMES, terms=["x"], **option).status == "ok"


@pytest.mark.parametrize(
    ("change", "terms", "words"),
    [
        ({"x": lambda f: -f["t"]}, ["x"], "separates"),
        ({"y": lambda f: 2 * f["x"]}, ["x", "y"], "collinear"),
        ({"x": 1.0}, ["x"], "does not vary"),
        ({"g": lambda f: np.where(f["d"], "a", "b")}, ["g"], "no events in level"),
    ],
)
def test_data_without_an_answer_keep_their_reason_and_no_warning_escapes(
    cohort: pd.DataFrame, change: dict[str, object], terms: list[str], words: str
) -> None:
    fit = fit_cox(cohort.assign(**change), **NAMES, terms=terms)
    assert fit.status == "not_estimable"
    assert words in fit.note
