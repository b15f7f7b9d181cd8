"""Chained imputation and Rubin's rules: by hand, against known truth, and where nothing can be imputed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from timetoevent.cox import fit_cox
from timetoevent.firth import fit_firth_cox
from timetoevent.imputation import impute_chained, pool_fits, pool_rubin

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

NAMES = {"time": "t", "event": "d"}


def cohort(n: int, seed: int, share: float = 0.35) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return complete data and data in which x is missing more often for high z."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    x = 0.6 * z + rng.normal(size=n)
    g = pd.Categorical(np.array(list("abc"))[np.digitize(x + rng.normal(size=n), [-0.7, 0.7])])
    time = rng.exponential(np.exp(-0.7 * x + 0.3 * z))
    whole = pd.DataFrame(
        {"t": np.minimum(time, 2), "d": time < 2, "x": x, "z": z, "g": g, "yes": x + rng.normal(size=n) > 0}
    )
    gone = rng.random(n) < 2 * share / (1 + np.exp(-1.5 * z))
    holes = whole.assign(
        x=whole.x.mask(gone), g=whole.g.mask(rng.random(n) < 0.2), yes=whole.yes.astype(object).mask(gone)
    )
    return whole, holes


def impute(frame: pd.DataFrame, *variables: str, seed: int = 0, **options: int):
    return impute_chained(frame, **NAMES, variables=list(variables), rng=np.random.default_rng(seed), **options)


class TestRubin:
    def test_by_hand(self):
        # estimates 1, 2, 3 with variances 1, 2, 3: within 2, between 1, total 2 + 4/3
        pooled = pool_rubin([[1.0], [2.0], [3.0]], [[1.0], [2.0], [3.0]], df_complete=20)
        assert pooled.estimate[0] == 2
        assert pooled.std_error[0] == pytest.approx((10 / 3) ** 0.5, rel=1e-14)
        share = (4 / 3) / (10 / 3)
        old, observed = 2 / share**2, 21 / 23 * 20 * (1 - share)
        assert pooled.df[0] == pytest.approx(old * observed / (old + observed), rel=1e-14)
        assert pooled.relative_increase[0] == pytest.approx(2 / 3, rel=1e-14)

    def test_no_missing_information(self):
        frame, _ = cohort(60, 1)
        fit = fit_cox(frame, **NAMES, terms=["x", "z"])
        pooled = pool_fits([fit, fit, fit])
        assert pooled.coefficients.std_error.to_numpy() == pytest.approx(fit.coefficients.std_error.to_numpy())
        assert pooled.coefficients.fraction_missing.max() < 0.1
        assert pooled.wald.statistic == pytest.approx(fit.wald.statistic, rel=1e-9)

    def test_shapes(self):
        with pytest.raises(ValueError, match="two data sets"):
            pool_rubin([[1.0]], [[1.0]])
        with pytest.raises(ValueError, match="none"):
            pool_fits([])

    def test_coefficient_that_one_data_set_lacks(self):
        frame = pd.DataFrame({"t": range(1, 9), "d": [1, 1, 1, 0, 1, 0, 1, 0], "g": list("aabbabab")})
        other = frame.assign(g=list("aaabaaab"))
        pooled = pool_fits([fit_cox(f, **NAMES, terms=["g"]) for f in (frame, other)])
        assert pooled.status == "not_estimable"
        assert pooled.coefficients.note.tolist() == ["reference", "not estimable in 1 of 2 completed data sets"]
        assert pooled.wald.status == "not_estimable"

    def test_one_data_set(self):
        frame, _ = cohort(30, 1)
        pooled = pool_fits([fit_cox(frame, **NAMES, terms=["x"])])
        assert pooled.coefficients.note[0] == "needs two completed data sets"

    def test_firth_fits_pool(self):
        _, holes = cohort(40, 3)
        frames = impute(holes, "x", "z", n_imputations=3).frames
        pooled = pool_fits([fit_firth_cox(f, **NAMES, terms=["x", "z"]) for f in frames])
        assert pooled.status == "ok"
        assert pooled.coefficients.df.between(1, 40).all()


class TestChained:
    def test_only_the_missing_change_and_types_stay(self):
        _, holes = cohort(80, 2)
        before = holes.copy(deep=True)
        found = impute(holes, "x", "z", "g", "yes", n_imputations=2, n_iterations=2)
        pd.testing.assert_frame_equal(holes, before)
        for frame in found.frames:
            assert not frame.isna().any().any()
            for name in ("x", "z"):
                known = holes[name].notna()
                assert (frame.loc[known, name] == holes.loc[known, name]).all()
            assert frame.g.dtype == holes.g.dtype
            assert frame.yes.dtype == bool
            assert set(frame.x) <= set(holes.x.dropna())

    def test_same_generator_same_data(self):
        _, holes = cohort(50, 4)
        one, other = (impute(holes, "x", "z", "g", seed=5, n_imputations=2) for _ in range(2))
        for left, right in zip(one.frames, other.frames, strict=True):
            pd.testing.assert_frame_equal(left, right)
        assert not one.frames[0].equals(one.frames[1])

    def test_global_random_state_is_not_touched(self):
        np.random.seed(1)  # noqa: NPY002
        state = np.random.get_state()[1].copy()  # noqa: NPY002
        impute(cohort(40, 1)[1], "x", "z", n_imputations=2)
        assert (np.random.get_state()[1] == state).all()  # noqa: NPY002

    def test_recovers_the_association_that_complete_cases_have_with_less_precision(self):
        whole, holes = cohort(1500, 6)
        frames = impute(holes, "x", "z", n_imputations=8, n_iterations=5).frames
        pooled = pool_fits([fit_cox(f, **NAMES, terms=["x", "z"]) for f in frames]).coefficients
        truth = fit_cox(whole, **NAMES, terms=["x", "z"]).coefficients
        cases = fit_cox(holes.dropna(subset=["x"]), **NAMES, terms=["x", "z"]).coefficients
        assert np.abs(pooled.coefficient - truth.coefficient).max() < 0.1
        assert pooled.std_error[1] < cases.std_error[1]
        assert (pooled.std_error > truth.std_error).all()

    def test_margins_of_a_factor_and_of_a_boolean(self):
        whole, holes = cohort(1500, 7)
        frames = impute(holes, "x", "z", "g", "yes", n_imputations=3, n_iterations=4).frames
        share = np.mean([frame.g.value_counts(normalize=True) for frame in frames], axis=0)
        assert share == pytest.approx(whole.g.value_counts(normalize=True).to_numpy(), abs=0.03)
        assert np.mean([frame.yes.mean() for frame in frames]) == pytest.approx(whole.yes.mean(), abs=0.03)

    def test_separated_boolean_stays_imputable(self):
        _, holes = cohort(60, 8)
        holes = holes.assign(yes=(holes.z > 0).astype(object).mask(holes.index % 5 == 0))
        assert impute(holes, "z", "yes", n_imputations=2).status == "ok"


class TestNoAnswer:
    def test_all_missing(self):
        _, holes = cohort(30, 1)
        found = impute(holes.assign(x=np.nan), "x", "z")
        assert (found.status, found.frames) == ("not_estimable", ())
        assert found.note == "x has only 0 observed values"

    def test_missing_outcome(self):
        _, holes = cohort(30, 1)
        assert impute(holes.assign(t=np.nan), "x").note.startswith("t has 30 missing values")

    def test_nothing_missing(self):
        whole, _ = cohort(30, 1)
        found = impute(whole, "x", "z", n_imputations=2)
        assert all(frame.equals(whole) for frame in found.frames)

    def test_constant_and_copies(self):
        _, holes = cohort(40, 2)
        holes = holes.assign(one=1.0, copy=2 * holes.z, level="a")
        holes.loc[:5, "one"] = np.nan
        holes.loc[:5, "level"] = None
        found = impute(holes, "x", "z", "copy", "one", "level", n_imputations=2, n_iterations=2)
        assert found.status == "ok"
        assert (found.frames[0]["one"] == 1).all()
        assert (found.frames[0]["level"] == "a").all()

    def test_wrong_use(self):
        _, holes = cohort(30, 1)
        with pytest.raises(KeyError, match="nothing"):
            impute(holes, "nothing")
        with pytest.raises(ValueError, match="at least 1"):
            impute(holes, "x", n_imputations=0)
