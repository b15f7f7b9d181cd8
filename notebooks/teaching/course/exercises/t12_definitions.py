"""T12 How a definition moves a result, one center at a time."""

from __future__ import annotations

import pandas as pd

from course.exercise import Exercise, Mistake
from course.worlds.definitions import center_patients, relapsing_patients

_RELAPSE = relapsing_patients()["relapse_months"]
_CENTERS = center_patients()


def _counts(*edges: float) -> tuple[int, ...]:
    return tuple(int((edge >= _RELAPSE).sum()) for edge in edges)


def _shifts() -> pd.Series:
    pooled = _CENTERS["is_alive"].mean()
    without = {
        name: _CENTERS.loc[_CENTERS["center"] != name, "is_alive"].mean() for name in _CENTERS["center"].unique()
    }
    return (pd.Series(without) - pooled).abs()


EXERCISES = (
    Exercise(
        "T12.1",
        lambda: (True, False, False),
        "The anniversary itself is the case in point. February of that year has a twenty-ninth: count the days.",
        (
            Mistake(
                lambda: (True, True, True),
                "Strictly less than twelve months leaves the anniversary out, and there is a leap day in between.",
            ),
            Mistake(lambda: (True, False, True), "There are 366 days in between, and twelve average months are fewer."),
            Mistake(
                lambda: (False, False, False), "In calendar months the anniversary is month twelve, and inclusive."
            ),
        ),
        scale="several",
        because="Three readings of 'within twelve months', two answers for one patient.",
    ),
    Exercise(
        "T12.2",
        lambda: _counts(12, 18, 24),
        "Each window contains the one before.",
        (
            Mistake(
                lambda: (_counts(12)[0], _counts(18)[0] - _counts(12)[0], _counts(24)[0] - _counts(18)[0]),
                "Those are the patients each step adds. A window of eighteen months contains that of twelve.",
            ),
            Mistake(
                lambda: tuple(len(_RELAPSE) - count for count in _counts(12, 18, 24)),
                "Those are the patients left out.",
            ),
        ),
        scale="several",
        decimals=0,
        because="The cohort more than doubles, and every further number is about other patients.",
    ),
    Exercise(
        "T12.3",
        lambda: (40 * 0.60 + 60 * 0.80) / 100,
        "Weigh each rate with the number of patients behind it.",
        (
            Mistake(lambda: (0.60 + 0.80) / 2, "The plain mean: but the second group is larger."),
            Mistake(lambda: 0.80, "That is the rate of those who were added, not of the whole cohort."),
            Mistake(lambda: (60 * 0.60 + 40 * 0.80) / 100, "The weights are exchanged."),
        ),
        scale="probability",
        because="No patient does better than before. The wider definition lets in patients who do.",
    ),
    Exercise(
        "T12.4",
        lambda: "immortal time",
        "What must a patient of the later group have survived, to be in it?",
        (
            Mistake(lambda: "a real difference", "There is one, seen from the relapse; most of this one is not it."),
            Mistake(lambda: "confounding", "Perhaps that, too. But look at the flat beginning of a curve."),
            Mistake(lambda: "chance", "Six hundred patients, narrow intervals: no."),
        ),
        scale="choice",
        choices=("immortal time", "confounding", "a real difference", "chance"),
        because="A relapse after month twelve needs twelve months of survival. Count from the relapse.",
    ),
    Exercise(
        "T12.5",
        lambda: float(_shifts().max()),
        "Leave out each center in turn, take the rate of the rest, and its distance from the pooled rate.",
        (
            Mistake(
                lambda: float(
                    (_CENTERS.groupby("center")["is_alive"].mean() - _CENTERS["is_alive"].mean()).abs().max()
                ),
                "That is the distance of the most unusual center itself. Leave it out, and see how the rest moves.",
            ),
            Mistake(lambda: float(_shifts().mean()), "That is the mean shift; the largest is asked for."),
        ),
        decimals=3,
        because="A fraction of the width of the pooled interval: no center carries the result.",
    ),
)
