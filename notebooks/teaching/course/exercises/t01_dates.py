"""T01 From dates to a survival time."""

from __future__ import annotations

import pandas as pd

from course.exercise import Exercise, Mistake
from course.worlds.dates import six_records
from fhrmm.study import load_study

_MONTH = load_study().time.days_per_month
_RECORDS = six_records().set_index("patient")


def _months(patient: str, end: str, *, days_per_month: float = _MONTH) -> float:
    start = pd.Timestamp(_RECORDS.loc[patient, "start"])
    return (pd.Timestamp(_RECORDS.loc[patient, end] if end in _RECORDS else end) - start).days / days_per_month


EXERCISES = (
    Exercise(
        "T01.1",
        lambda: _months("A", "progression"),
        f"Days from start to progression, over {_MONTH:g}, which is a year of {12 * _MONTH:g} days in twelve parts.",
        (
            Mistake(
                lambda: _months("A", "progression", days_per_month=30.0),
                "You divided by thirty. Twelve such months are not a year; over years the error grows.",
            ),
            Mistake(lambda: _months("A", "last_contact"), "That is the time to last contact. Progression came before."),
            Mistake(lambda: 6.0, "You counted months by their names. Durations are days over a fixed length."),
        ),
        scale="months",
    ),
    Exercise(
        "T01.2",
        lambda: (4, 2),
        "PFS ends with progression or death, whichever is first. OS ends with death alone.",
        (
            Mistake(
                lambda: (3, 2),
                "Progression-free survival has death in it: the patient who died without progression had the event.",
            ),
            Mistake(
                lambda: (5, 2),
                "One patient has both progression and death: that is one event of PFS, the first of the two.",
            ),
            Mistake(lambda: (2, 4), "The other way round: PFS first."),
        ),
        scale="several",
        because="Each patient has at most one event per endpoint.",
    ),
    Exercise(
        "T01.3",
        lambda: "2023-11-20",
        "On which day did somebody last *look* for progression?",
        (
            Mistake(
                lambda: "2024-02-01",
                "On that day the patient was known to be alive, right for OS. Nobody looked for progression.",
            ),
            Mistake(
                lambda: "never",
                "Then the patient would vanish: a year without progression was seen and counts.",
            ),
        ),
        scale="choice",
        choices=("2023-11-20", "2024-02-01", "never"),
        because="PFS is censored at the last assessment, OS at the last contact: the same patient, two dates.",
    ),
    Exercise(
        "T01.4",
        lambda: _months("F", "2023-05-16"),
        f"The middle of the possible dates, here from the first to the last day of May; then days over {_MONTH:g}.",
        (
            Mistake(
                lambda: _months("F", "2023-05-01"), "That is the first possible day: progression as early as can be."
            ),
            Mistake(
                lambda: _months("F", "2023-05-31"), "That is the last possible day: progression as late as can be."
            ),
            Mistake(
                lambda: _months("F", "last_assessment"),
                "You treated the partial date as missing: an event was turned into a censoring.",
            ),
        ),
        scale="months",
        decimals=1,
        because="The rule matters less than having one, written down, the same for all, and trying the other two.",
    ),
)
