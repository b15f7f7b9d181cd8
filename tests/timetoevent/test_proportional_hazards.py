"""The score test for proportional hazards against the likelihood written out, and data without a test."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from timetoevent.cox import fit_cox
from timetoevent.proportional_hazards import check_proportional_hazards, scaled_schoenfeld_residuals

FRAME = pd.DataFrame(
    {
        "t": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
        "d": [1, 1, 0, 1, 1, 0, 1, 1, 0, 1],
        "x": [2.0, 0.5, 1.0, 3.0, 1.0, -1.0, 0.0, 2.0, 1.5, 0.5],
        "g": list("abcaabccba"),
    }
)


def log_likelihood(beta: float, theta: float, center: float) -> float:
    """Partial likelihood of hazard ratio exp(x (beta + theta (t - center))), without ties, written out."""
    total = 0.0
    for time, x in FRAME.loc[FRAME.d == 1, ["t", "x"]].itertuples(index=False):
        slope = beta + theta * (time - center)
        at_risk = FRAME.x[FRAME.t >= time]
        total += slope * x - np.log(np.exp(slope * at_risk).sum())
    return total


def test_score_test_from_the_likelihood_written_out():
    fit = fit_cox(FRAME, time="t", event="d", terms=["x"])
    center = FRAME.t[FRAME.d == 1].mean()
    beta, h = fit.beta[0], 1e-4

    def value(i: int, j: int) -> float:
        return log_likelihood(beta + i * h, j * h, center)

    score = (value(0, 1) - value(0, -1)) / (2 * h)
    bb = -(value(1, 0) - 2 * value(0, 0) + value(-1, 0)) / h**2
    tt = -(value(0, 1) - 2 * value(0, 0) + value(0, -1)) / h**2
    bt = -(value(1, 1) - value(1, -1) - value(-1, 1) + value(-1, -1)) / (4 * h**2)
    expected = score**2 / (tt - bt**2 / bb)
    table = check_proportional_hazards(fit, transform="identity")
    assert table.statistic.tolist() == pytest.approx([expected, expected], rel=1e-5)


def test_factor_has_one_row_with_its_degrees_of_freedom():
    fit = fit_cox(FRAME, time="t", event="d", terms=["x", "g"])
    table = check_proportional_hazards(fit)
    assert table.term.tolist() == ["x", "g", "GLOBAL"]
    assert table.df.tolist() == [1, 2, 3]
    assert table.status.tolist() == ["ok"] * 3


def test_mean_of_scaled_residuals_is_the_coefficient():
    fit = fit_cox(FRAME, time="t", event="d", terms=["x"])
    frame = scaled_schoenfeld_residuals(fit)
    assert frame.x.mean() == pytest.approx(fit.beta[0], rel=1e-9)
    by_coefficient = scaled_schoenfeld_residuals(fit_cox(FRAME, time="t", event="d", terms=["g"]), by_term=False)
    assert by_coefficient.columns.tolist()[-2:] == ["gb", "gc"]


def test_kaplan_meier_transform_is_the_value_just_before():
    frame = scaled_schoenfeld_residuals(fit_cox(FRAME, time="t", event="d", terms=["x"]))
    assert frame.transformed_time.tolist()[:4] == pytest.approx([0, 1 / 10, 2 / 10, 1 - 8 / 10 * 6 / 7])


class TestNoTest:
    def test_no_fit(self):
        table = check_proportional_hazards(fit_cox(FRAME.assign(d=0), time="t", event="d", terms=["x"]))
        assert table.status.tolist() == ["not_estimable"] * 2
        assert table.note.tolist() == ["no events"] * 2

    def test_infinite_coefficient_is_left_out(self):
        frame = FRAME.assign(g=["c" if d == 0 else g for d, g in zip(FRAME.d, "abababbaab", strict=True)])
        table = check_proportional_hazards(fit_cox(frame, time="t", event="d", terms=["x", "g"]))
        assert table.df.tolist() == [1, 1, 2]
        assert table.note.tolist() == ["", "of the estimable coefficients", "of the estimable coefficients"]

    def test_one_event(self):
        frame = FRAME.assign(d=[0, 0, 1] + [0] * 7)
        table = check_proportional_hazards(fit_cox(frame, time="t", event="d", terms=["x"]))
        assert table.status.tolist() == ["not_estimable"] * 2
        assert table.note.tolist() == ["too few events to test"] * 2

    def test_logarithm_of_time_zero(self):
        fit = fit_cox(FRAME.assign(t=FRAME.t - 1), time="t", event="d", terms=["x"])
        assert check_proportional_hazards(fit, transform="log").note[0].startswith("an event at time 0")
        assert check_proportional_hazards(fit, transform="km").status[0] == "ok"

    def test_unknown_transform(self):
        with pytest.raises(ValueError, match="transform"):
            check_proportional_hazards(fit_cox(FRAME, time="t", event="d", terms=["x"]), transform="sqrt")


@pytest.mark.parametrize("by_term", [True, False])
def test_no_coefficient_no_column(by_term):
    """Every event in one level: the only coefficient is infinite."""
    frame = pd.DataFrame({"t": [1, 2, 3, 4, 5, 6], "d": [1, 1, 1, 0, 0, 0], "x": [1, 1, 1, 0, 0, 0]})
    fit = fit_cox(frame, time="t", event="d", terms=["x"])
    assert not fit.estimable.any()
    residuals = scaled_schoenfeld_residuals(fit, by_term=by_term)
    assert len(residuals) == 3
    assert list(residuals.columns) == ["row", "stratum", "time", "transformed_time"]
