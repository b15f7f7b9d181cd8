"""Landmark data and split follow-up: rows worked by hand, and the immortal time that they take away."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from timetoevent.cox import fit_cox
from timetoevent.landmark import make_landmark_data, split_at_change

NAN = np.nan
# follow-up, event, time of response, time of transplant
SUBJECTS = pd.DataFrame(
    {
        "t": [10.0, 6.0, 4.0, 4.0, 8.0, 3.0, 0.0],
        "d": [1, 0, 1, 1, 0, 1, 1],
        "response": [2.0, NAN, 4.0, 0.0, 9.0, 1.0, NAN],
        "transplant": [5.0, 3.0, NAN, NAN, 9.0, 1.0, NAN],
    },
    index=list("abcdefg"),
)


class TestLandmark:
    def test_who_is_kept_and_what_is_known(self):
        data = make_landmark_data(
            SUBJECTS, time="t", event="d", landmark=4, changes={"responder": "response", "grafted": "transplant"}
        )
        assert data.frame.index.tolist() == ["a", "b", "e"]
        assert data.frame.t.tolist() == [6, 2, 4]
        assert data.frame.responder.tolist() == [True, False, False]
        assert data.frame.grafted.tolist() == [False, True, False]
        assert (data.n, data.n_before, data.n_event_before, data.n_censored_before) == (3, 7, 4, 0)

    def test_state_that_begins_at_the_landmark_is_known(self):
        data = make_landmark_data(SUBJECTS, time="t", event="d", landmark=2, changes={"r": "response"})
        assert data.frame.loc["a", "r"]

    def test_landmark_zero_keeps_all_with_follow_up(self):
        assert make_landmark_data(SUBJECTS, time="t", event="d", landmark=0).n == 6

    def test_landmark_after_everyone(self):
        data = make_landmark_data(SUBJECTS, time="t", event="d", landmark=99, changes={"r": "response"})
        assert (data.n, data.n_event_before, data.n_censored_before) == (0, 5, 2)
        assert fit_cox(data.frame, time="t", event="d", terms=["r"]).note == "no rows"

    def test_wrong_use(self):
        with pytest.raises(ValueError, match="landmark"):
            make_landmark_data(SUBJECTS, time="t", event="d", landmark=-1)
        with pytest.raises(KeyError, match="nothing"):
            make_landmark_data(SUBJECTS, time="t", event="d", landmark=1, changes={"r": "nothing"})


class TestSplit:
    def test_rows(self):
        long = split_at_change(SUBJECTS, time="t", event="d", changes={"r": "response", "g": "transplant"})
        rows = [tuple(row) for row in long[["start", "stop", "d", "r", "g"]].itertuples()]
        assert rows == [
            ("a", 0, 2, False, False, False),
            ("a", 2, 5, False, True, False),
            ("a", 5, 10, True, True, True),
            ("b", 0, 3, False, False, False),
            ("b", 3, 6, False, False, True),
            ("c", 0, 4, True, False, False),  # begins at the very end: the state is that just before
            ("d", 0, 4, True, True, False),  # there from the origin
            ("e", 0, 8, False, False, False),  # begins after follow-up
            ("f", 0, 1, False, False, False),
            ("f", 1, 3, True, True, True),  # both at once: one cut
            ("g", 0, 0, True, False, False),  # no follow-up: one row, which a fit leaves out and says so
        ]

    def test_follow_up_and_events_are_conserved(self):
        rng = np.random.default_rng(1)
        n = 200
        frame = pd.DataFrame({"t": rng.exponential(5, n), "d": rng.random(n) < 0.5})
        frame["e"] = frame.t * rng.random(n)
        frame["c"] = np.where(rng.random(n) < 0.3, NAN, rng.exponential(4, n))
        long = split_at_change(frame, time="t", event="d", entry="e", changes={"s": "c"})
        length = (long.stop - long.start).groupby(level=0).sum()
        np.testing.assert_allclose(length, frame.t - frame.e)
        assert long.d.groupby(level=0).sum().tolist() == frame.d.astype(int).tolist()
        assert (long.stop[long.s] > frame.c.reindex(long.index)[long.s]).all()
        assert (long.stop[~long.s] <= frame.c.reindex(long.index)[~long.s].fillna(np.inf)).all()

    def test_input_is_not_modified_and_names_are_guarded(self):
        before = SUBJECTS.copy(deep=True)
        split_at_change(SUBJECTS, time="t", event="d", changes={"r": "response"})
        pd.testing.assert_frame_equal(SUBJECTS, before)
        with pytest.raises(ValueError, match="already has"):
            split_at_change(SUBJECTS, time="t", event="d", changes={"d": "response"})

    def test_empty_frame(self):
        assert split_at_change(SUBJECTS.iloc[:0], time="t", event="d", changes={"r": "response"}).empty


def test_immortal_time_is_removed():
    """A state without any association: naive protects, the split and the landmark do not."""
    rng = np.random.default_rng(11)
    n = 3000
    death, change = rng.exponential(10, n), rng.exponential(8, n)
    frame = pd.DataFrame({"t": np.minimum(death, 15), "d": death < 15})
    frame["c"] = np.where(change < frame.t, change, NAN)
    frame["ever"] = frame.c.notna()

    def limits(data: pd.DataFrame, term: str, **options: str) -> tuple[float, float]:
        names = {"time": "t", "event": "d", **options}
        return tuple(fit_cox(data, terms=[term], **names).coefficients[["ci_lower", "ci_upper"]].iloc[0])

    assert limits(frame, "ever")[1] < 0.7
    long = split_at_change(frame, time="t", event="d", changes={"after": "c"})
    lower, upper = limits(long, "after", time="stop", entry="start")
    assert lower < 1 < upper
    data = make_landmark_data(frame, time="t", event="d", landmark=3, changes={"by_landmark": "c"})
    lower, upper = limits(data.frame, "by_landmark")
    assert lower < 1 < upper
