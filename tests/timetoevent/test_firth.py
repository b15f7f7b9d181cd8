"""Firth's penalized likelihood: closed forms, firthmodels, separation, and data without an answer."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from firthmodels import FirthCoxPH
from scipy.optimize import minimize_scalar

from timetoevent.firth import fit_firth_cox

MONOTONE = pd.DataFrame({"t": [1, 2, 3, 4], "d": [1, 1, 0, 0], "x": [1, 1, 0, 0]})


def simulated(seed: int, n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": rng.normal(size=n), "z": rng.integers(0, 2, n), "rare": rng.random(n) < 0.1})
    time = rng.exponential(1 / np.exp(0.7 * frame.x - 0.4 * frame.z))
    return frame.assign(t=np.ceil(10 * np.minimum(time, 1.5)), d=time < 1.5)


class TestClosedForms:
    def test_monotone_cox(self):
        # at time 1 two with x = 1 and two without, at time 2 one and two; r = exp(beta)
        def penalized(beta: float) -> float:
            r = np.exp(beta)
            information = r / (r + 1) ** 2 + 2 * r / (r + 2) ** 2
            return 2 * beta - np.log(2 * r + 2) - np.log(r + 2) + np.log(information) / 2

        best = minimize_scalar(lambda b: -penalized(b), bounds=(0, 8), options={"xatol": 1e-10})
        fit = fit_firth_cox(MONOTONE, time="t", event="d", terms=["x"])
        row = fit.coefficients.iloc[0]
        assert row.coefficient == pytest.approx(best.x, rel=1e-6)
        assert fit.log_likelihood == pytest.approx((penalized(0.0), penalized(row.coefficient)), rel=1e-12)
        # both limits lie where the penalized likelihood is lower by half of 3.8415
        for limit in (row.ci_lower, row.ci_upper):
            assert penalized(np.log(limit)) == pytest.approx(fit.log_likelihood[1] - 3.841458821 / 2, rel=1e-7)


class TestFirthmodels:
    """firthmodels is checked by its authors against coxphf, logistf and brglm2."""

    @pytest.mark.parametrize("seed", range(4))
    def test_cox(self, seed):
        frame = simulated(seed)
        fit = fit_firth_cox(frame, time="t", event="d", terms=["x", "z", "rare"])
        other = FirthCoxPH(gtol=1e-7, xtol=1e-8, max_iter=500)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its step halving gives up at the last digits
            other.fit(frame[["x", "z", "rare"]].astype(float), (frame.d.to_numpy(), frame.t.to_numpy()))
            limits = other.lrt().conf_int(method="pl")
        assert fit.beta == pytest.approx(other.coef_, rel=1e-6, abs=1e-7)
        assert fit.coefficients.std_error.to_numpy() == pytest.approx(other.bse_, rel=1e-6)
        known = np.isfinite(other.lrt_pvalues_)
        assert fit.coefficients.p_value[known].to_numpy() == pytest.approx(other.lrt_pvalues_[known], rel=1e-5)
        found = np.log(fit.coefficients[["ci_lower", "ci_upper"]].to_numpy())
        known = np.isfinite(limits)
        assert found[known] == pytest.approx(limits[known], rel=1e-4, abs=1e-5)


def test_adding_a_constant_and_changing_units_changes_nothing_else():
    frame = simulated(1)
    scaled = frame.assign(x=frame.x * 1e3 + 5e4)
    one, other = (fit_firth_cox(f, time="t", event="d", terms=["x", "z"]) for f in (frame, scaled))
    assert other.beta[0] * 1e3 == pytest.approx(one.beta[0], rel=1e-6)
    assert other.coefficients.p_value.to_numpy() == pytest.approx(one.coefficients.p_value.to_numpy(), rel=1e-6)
    assert one.log_likelihood[1] - np.log(1e-3) == pytest.approx(other.log_likelihood[1], rel=1e-9)


def test_level_without_events_has_a_finite_estimate():
    frame = simulated(2).assign(g=lambda f: np.where(f.d, "a", np.where(f.index % 2, "a", "b")))
    fit = fit_firth_cox(frame, time="t", event="d", terms=["g", "x"])
    assert fit.status == "ok"
    row = fit.coefficients[fit.coefficients.level == "b"].iloc[0]
    assert 0 < row.ci_lower < row.hazard_ratio < row.ci_upper < 1
    assert row.n_events == 0
    assert fit.concordance.status == "ok"


class TestNoAnswer:
    def test_redundant_column(self):
        frame = simulated(3).assign(copy=lambda f: 2 * f.x, one=1.0)
        table = fit_firth_cox(frame, time="t", event="d", terms=["x", "copy", "one"]).coefficients
        assert table.status.tolist() == ["ok", "not_estimable", "not_estimable"]
        assert table.note[1] == "determined by x (collinear)"

    @pytest.mark.parametrize("change", [{"d": 0}, {"x": np.nan}])
    def test_cox_without_data(self, change):
        fit = fit_firth_cox(MONOTONE.assign(**change), time="t", event="d", terms=["x"])
        assert fit.status == fit.likelihood_ratio.status == fit.concordance.status == "not_estimable"
        assert fit.coefficients.note[0] in ("no events", "x has 4 missing values; decide on them before estimating")

    def test_no_rows(self):
        assert fit_firth_cox(MONOTONE.iloc[:0], time="t", event="d", terms=["x"]).note == "no rows"


def test_profiles_of_chosen_terms_alone():
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"x": rng.normal(size=40), "y": rng.normal(size=40), "d": rng.random(40) < 0.6})
    frame["t"] = rng.exponential(size=40)
    whole = fit_firth_cox(frame, time="t", event="d", terms=["x", "y"]).coefficients.set_index("term")
    chosen = fit_firth_cox(frame, time="t", event="d", terms=["x", "y"], profile_terms=["y"]).coefficients
    chosen = chosen.set_index("term")
    pd.testing.assert_series_equal(chosen.loc["y"], whole.loc["y"])
    assert chosen.loc["x", "coefficient"] == whole.loc["x", "coefficient"]
    assert chosen.loc["x", ["ci_lower", "ci_upper", "p_value"]].isna().all()
