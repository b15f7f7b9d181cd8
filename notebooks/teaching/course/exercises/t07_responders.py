"""T07 Responders against non-responders."""

from __future__ import annotations

import pandas as pd

from course.exercise import Exercise, Mistake
from course.worlds.response import responding_patients
from timetoevent.landmark import make_landmark_data
from timetoevent.rmst import rmst_difference

_PATIENTS = responding_patients()
_EVER = _PATIENTS["response_months"].notna()
_EARLY = _PATIENTS["event"] & (_PATIENTS["time_months"] <= 1)
_LANDMARK = 6.0


def _gain(landmark: float) -> float:
    if landmark:
        state = {"responded": "response_months"}
        kept = make_landmark_data(_PATIENTS, time="time_months", event="event", landmark=landmark, changes=state).frame
    else:
        kept = _PATIENTS.assign(responded=_EVER)
    return rmst_difference(kept["time_months"], kept["event"], kept["responded"], horizon=12, reference=False).estimate


def _unused() -> pd.Series:
    return _PATIENTS["time_months"] <= _LANDMARK


EXERCISES = (
    Exercise(
        "T07.1",
        lambda: 0,
        "No response is seen before month one. Could such a patient have become a responder?",
        (
            Mistake(
                lambda: int(_EARLY.sum()), "These are all progressions in the first month. In which group are they?"
            ),
            Mistake(
                lambda: int((_EVER & _PATIENTS["event"]).sum()),
                "Those are the progressions of responders at any time. Only the first month is asked for.",
            ),
        ),
        scale="count",
        because="It cannot be otherwise: every progression of the first month is a non-responder's.",
    ),
    Exercise(
        "T07.2",
        lambda: float(_unused().mean()),
        "Those whose follow-up ends by month six, with or without progression, over all.",
        (
            Mistake(
                lambda: float((_unused() & _PATIENTS["event"]).sum() / _PATIENTS["event"].sum()),
                "You divided by the progressions. The share of patients is asked for.",
            ),
            Mistake(
                lambda: float((_PATIENTS["time_months"] <= 3).mean()),
                "That is for month three.",
            ),
        ),
        scale="probability",
        because="A landmark analysis is about those who reach the landmark, and says nothing about these.",
    ),
    Exercise(
        "T07.3",
        lambda: _gain(_LANDMARK),
        "`make_landmark_data` with the landmark, then `rmst_difference` over its frame, grouped by `responded`.",
        (
            Mistake(lambda: _gain(0), "That is from the start, with the immortal time still in it."),
            Mistake(
                lambda: _gain(3.0),
                "That is from month three.",
            ),
        ),
        decimals=1,
        because="Next to nothing, as it should be: response does nothing here.",
    ),
    Exercise(
        "T07.4",
        lambda: "marker",
        "Would the patient's course change if we could make the patient respond, everything else being the same?",
        (
            Mistake(
                lambda: "cause",
                "In this world nothing changes when a response is given or taken away. Its biology does both.",
            ),
            Mistake(
                lambda: "bias",
                "The immortal time is gone from the landmark analysis. What remains is true of these patients.",
            ),
            Mistake(lambda: "chance", "The interval is narrow and excludes one."),
        ),
        scale="choice",
        choices=("cause", "marker", "bias", "chance"),
        because="Useful to tell a patient at month six what to expect; no argument for treating until response.",
    ),
)
