"""Cox regression: fractions worked by hand, then what happens when the data have no answer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from timetoevent.cox import fit_cox

# Six rows, two tied events at time 6 (Therneau and Grambsch 2000, appendix E, first data set).
SIX = pd.DataFrame({"time": [1, 1, 6, 6, 8, 9], "event": [1, 0, 1, 1, 0, 1], "x": [1, 1, 1, 0, 0, 0]})


def fit_six(ties: str, **options: object):
    return fit_cox(SIX, time="time", event="event", terms=["x"], ties=ties, **options)


def log_likelihood_by_hand(beta: float, ties: str) -> float:
    """Risk sets: at 1 three with x = 1 and three without; at 6 one and three; at 9 one without."""
    r = np.exp(beta)
    tied = 2 * np.log(r + 3) if ties == "breslow" else np.log(r + 3) + np.log(r / 2 + 5 / 2)
    return float(2 * beta - np.log(3 * r + 3) - tied)


class TestByHand:
    def test_breslow_root(self):
        # score 2 - r/(r+1) - 2r/(r+3) = 0  <=>  r^2 - 3r - 6 = 0
        r = (3 + np.sqrt(33)) / 2
        assert fit_six("breslow").coefficients.hazard_ratio[0] == pytest.approx(r, rel=1e-12)

    def test_efron_root(self):
        # score 2 - r/(r+1) - r/(r+3) - r/(r+5) = 0  <=>  r^3 - 23r - 30 = 0
        (root,) = [z.real for z in np.roots([1, 0, -23, -30]) if abs(z.imag) < 1e-12 and z.real > 0]
        assert fit_six("efron").coefficients.hazard_ratio[0] == pytest.approx(root, rel=1e-12)

    @pytest.mark.parametrize("ties", ["efron", "breslow"])
    def test_log_likelihood(self, ties):
        fit = fit_six(ties)
        expected = [log_likelihood_by_hand(beta, ties) for beta in (0.0, fit.beta[0])]
        assert fit.log_likelihood == pytest.approx(expected, rel=1e-12)

    def test_information_and_score_test(self):
        # at 0: score 1 - 1/2 + 1 - 2/4 = 1; Breslow information 1/4 + 2 * 3/16 = 5/8
        assert fit_six("breslow").score.statistic == pytest.approx(8 / 5, rel=1e-12)
        # Efron: score 2 - 1/2 - 1/4 - 1/6 = 13/12; information 1/4 + 3/16 + 5/36 = 83/144
        assert fit_six("efron").score.statistic == pytest.approx((13 / 12) ** 2 / (83 / 144), rel=1e-12)

    def test_standard_error(self):
        r = (3 + np.sqrt(33)) / 2
        information = r / (r + 1) ** 2 + 6 * r / (r + 3) ** 2
        assert fit_six("breslow").coefficients.std_error[0] == pytest.approx(information**-0.5, rel=1e-12)


class TestInvariance:
    @pytest.fixture
    def frame(self):
        rng = np.random.default_rng(7)
        n = 80
        return pd.DataFrame(
            {
                "t": rng.integers(1, 12, n),
                "d": rng.random(n) < 0.6,
                "x": rng.normal(size=n),
                "g": pd.Categorical(rng.choice(list("abc"), n), categories=list("abc")),
                "s": rng.choice(["u", "v"], n),
            }
        )

    def test_row_order_does_not_matter(self, frame):
        one = fit_cox(frame, time="t", event="d", terms=["x", "g"], strata="s")
        other = fit_cox(frame[::-1], time="t", event="d", terms=["x", "g"], strata="s")
        np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-9)
        np.testing.assert_allclose(one.beta, other.beta, rtol=1e-9)

    def test_integer_weights_are_copies(self, frame):
        frame["w"] = np.arange(len(frame)) % 3 + 1
        copied = frame.loc[frame.index.repeat(frame["w"])]
        weighted = fit_cox(frame, time="t", event="d", terms=["x"], weights="w", ties="breslow")
        expanded = fit_cox(copied, time="t", event="d", terms=["x"], ties="breslow")
        np.testing.assert_allclose(weighted.covariance, expanded.covariance, rtol=1e-9)
        np.testing.assert_allclose(weighted.beta, expanded.beta, rtol=1e-9)

    def test_splitting_an_interval_changes_nothing(self, frame):
        whole = fit_cox(frame, time="t", event="d", terms=["x", "g"])
        early = frame.assign(start=0, t=np.minimum(frame.t, 5), d=frame.d & (frame.t <= 5))
        late = frame.assign(start=5)[frame.t > 5]
        split = fit_cox(pd.concat([early, late]), time="t", event="d", entry="start", terms=["x", "g"])
        np.testing.assert_allclose(split.beta, whole.beta, rtol=1e-9)
        np.testing.assert_allclose(split.covariance, whole.covariance, rtol=1e-9)
        assert split.log_likelihood == pytest.approx(whole.log_likelihood, rel=1e-12)

    def test_input_is_not_modified(self, frame):
        before = frame.copy(deep=True)
        fit_cox(frame, time="t", event="d", terms=["x", "g"], strata="s")
        pd.testing.assert_frame_equal(frame, before)

    def test_near_equal_times_are_tied(self):
        frame = pd.DataFrame({"t": [0.3, 0.1 + 0.2, 0.4, 0.5], "d": [1, 1, 0, 1], "x": [1.0, 0.0, 0.5, 2.0]})
        exact = frame.assign(t=[3, 3, 4, 5])
        fits = [fit_cox(f, time="t", event="d", terms=["x"], ties="breslow") for f in (frame, exact)]
        assert fits[0].beta == pytest.approx(fits[1].beta, rel=1e-12)


class TestTable:
    def test_rows_of_a_factor(self):
        frame = SIX.assign(g=pd.Categorical(list("ababab"), categories=["b", "a"]))
        table = fit_cox(frame, time="time", event="event", terms=["g"]).coefficients
        assert table.level.tolist() == ["b", "a"]
        assert table.reference.tolist() == ["b", "b"]
        assert table.n.tolist() == [3, 3]
        assert table.n_events.tolist() == [2, 2]
        assert table.note.tolist() == ["reference", ""]
        assert table.hazard_ratio[0] == 1.0
        assert table.status.tolist() == ["ok", "ok"]

    def test_interaction_of_factor_and_number(self):
        frame = pd.concat([SIX] * 3, ignore_index=True).assign(g=list("ababababbaababbaab"), z=np.linspace(0, 1, 18))
        fit = fit_cox(frame, time="time", event="event", terms=["g", "z"], interactions=[("g", "z")])
        last = fit.coefficients.iloc[-1]
        assert (last.term, last.level, last.reference, last.n) == ("g:z", "b", "a", 9)
        assert fit.status == "ok"


def table_of(frame: pd.DataFrame, *terms: str, **options: object):
    return fit_cox(frame, time="t", event="d", terms=list(terms), **options)


class TestNoAnswer:
    frame = pd.DataFrame(
        {
            "t": [1, 2, 3, 4, 5, 6, 7, 8],
            "d": [1, 1, 1, 0, 1, 0, 1, 0],
            "x": [0.5, -1.0, 0.3, 1.2, -0.7, 0.1, 0.9, -0.2],
            "g": list("abababab"),
        }
    )

    def test_level_without_events(self):
        frame = self.frame.assign(g=list("abacabac"))
        fit = table_of(frame, "g", "x")
        row = fit.coefficients.set_index("level").loc["c"]
        assert row.status == "not_estimable"
        assert "no events in level 'c'" in row.note
        assert np.isnan(row.hazard_ratio)
        assert fit.status == "not_estimable"
        assert "g 'c' against 'a'" in fit.note
        assert fit.coefficients.set_index("level").loc["b"].status == "ok"
        assert fit.wald.status == "not_estimable"
        assert fit.likelihood_ratio.status == "ok"

    def test_reference_without_events(self):
        frame = self.frame.assign(g=list("bcbabcba"))
        table = table_of(frame, "g").coefficients.set_index("level")
        assert table.loc[["b", "c"], "status"].tolist() == ["not_estimable"] * 2
        assert table.loc["b", "note"].startswith("no events in the reference level 'a'")

    def test_separating_number(self):
        fit = table_of(self.frame.assign(x=-self.frame.t), "x")
        assert fit.coefficients.status.tolist() == ["not_estimable"]
        assert "separates" in fit.note

    def test_separation_by_a_sum_of_two(self):
        rng = np.random.default_rng(3)
        a = rng.normal(size=8)
        fit = table_of(self.frame.assign(a=a, b=-self.frame.t / 4 - a), "a", "b")
        assert fit.coefficients.status.tolist() == ["not_estimable"] * 2

    def test_collinear_and_constant(self):
        frame = self.frame.assign(y=lambda f: 2 * f.x - 1, one=3.0)
        table = table_of(frame, "x", "y", "one").coefficients
        assert table.status.tolist() == ["ok", "not_estimable", "not_estimable"]
        assert table.note.tolist() == ["", "determined by x (collinear)", "does not vary among those at risk"]
        alone = table_of(frame, "x").coefficients
        assert table.coefficient[0] == pytest.approx(alone.coefficient[0], rel=1e-12)

    def test_unused_level(self):
        frame = self.frame.assign(g=pd.Categorical(self.frame.g, categories=["a", "b", "never"]))
        table = table_of(frame, "g").coefficients
        assert table.note.tolist() == ["reference", "", "no rows with level 'never'"]

    @pytest.mark.parametrize("column", ["x", "g", "t", "d"])
    def test_missing_values_are_counted(self, column):
        frame = self.frame.astype({"t": float, "d": object}).copy()
        frame.loc[[1, 4], column] = None
        fit = table_of(frame, "x", "g")
        assert fit.status == "not_estimable"
        assert fit.note.startswith(f"{column} has 2 missing values")
        assert fit.coefficients.status.iloc[0] == "not_estimable"
        assert fit.wald.status == fit.concordance.status == "not_estimable"

    def test_no_events(self):
        fit = table_of(self.frame.assign(d=0), "x", "g")
        assert fit.note == "no events"
        assert fit.coefficients.status.tolist() == ["not_estimable", "ok", "not_estimable"]

    def test_no_rows_one_row_all_missing(self):
        assert table_of(self.frame.iloc[:0], "x").status == "not_estimable"
        assert table_of(self.frame.iloc[:1], "x").status == "not_estimable"
        assert table_of(self.frame.assign(x=np.nan), "x").status == "not_estimable"

    def test_entry_equal_to_exit_is_left_out_and_said(self):
        frame = self.frame.assign(entry=[0, 0, 3, 0, 0, 0, 0, 0])
        fit = table_of(frame, "x", entry="entry")
        assert "1 rows left out (entry equals exit; 1 with an event)" in fit.note
        assert fit.n == 7
        assert fit.beta == pytest.approx(table_of(frame.drop(index=2), "x", entry="entry").beta)

    def test_entry_after_exit(self):
        fit = table_of(self.frame.assign(entry=[0, 0, 5, 0, 0, 0, 0, 0]), "x", entry="entry")
        assert fit.note == "1 rows enter after they leave"

    def test_negative_weights(self):
        assert "1 weights" in table_of(self.frame.assign(w=[-1] + [1] * 7), "x", weights="w").note

    def test_fewer_clusters_than_coefficients(self):
        frame = self.frame.assign(c=[1, 2] * 4, y=self.frame.x**2, z=np.sin(self.frame.t))
        fit = table_of(frame, "x", "y", "z", cluster="c")
        assert fit.wald.status == "not_estimable"

    def test_wrong_use_raises(self):
        with pytest.raises(ValueError, match="ties"):
            table_of(self.frame, "x", ties="exact")
        with pytest.raises(KeyError, match="nothing"):
            table_of(self.frame, "nothing")
        with pytest.raises(ValueError, match="expected only 0/1"):
            table_of(self.frame.assign(d=self.frame.d + 1), "x")
        with pytest.raises(ValueError, match="interactions"):
            table_of(self.frame, "x", interactions=[("x", "g")])

    def test_no_terms(self):
        fit = table_of(self.frame)
        assert fit.status == "ok"
        assert fit.log_likelihood[0] == fit.log_likelihood[1]
        assert fit.likelihood_ratio.status == "not_estimable"
