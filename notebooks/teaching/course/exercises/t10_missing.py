"""T10 Missing cytogenetics, and imputation."""

from __future__ import annotations

import math

import numpy as np

from course.exercise import Exercise, Mistake
from timetoevent.imputation import pool_rubin

_LOGS, _VARIANCE = (0.5, 0.7, 0.6), 0.04
_TESTED, _HIGH, _ALL = 41, 14, 62


def _pooled_error() -> float:
    return float(pool_rubin([[value] for value in _LOGS], [[_VARIANCE]] * len(_LOGS)).std_error[0])


EXERCISES = (
    Exercise(
        "T10.1",
        lambda: _HIGH / _TESTED,
        "Of whom do we know anything? These are the denominator.",
        (
            Mistake(lambda: _HIGH / _ALL, "That counts the untested as standard risk. Empty means unknown, never no."),
            Mistake(
                lambda: (_HIGH + _ALL - _TESTED) / _ALL, "That counts the untested as high risk: the other extreme."
            ),
            Mistake(lambda: _TESTED / _ALL, "That is the share that was tested."),
        ),
        scale="probability",
        because="And say that twenty-one are unknown: the two extremes show what that could do.",
    ),
    Exercise(
        "T10.2",
        lambda: 0.9**6,
        "A patient is complete if none of the six is missing; multiply.",
        (
            Mistake(lambda: 1 - 6 * 0.1, "Shares of patients with something missing overlap; they do not add."),
            Mistake(lambda: 0.9, "That is for one variable."),
        ),
        scale="probability",
        because="Nearly half of the cohort, and of its events, for gaps of a tenth.",
    ),
    Exercise(
        "T10.3",
        _pooled_error,
        "Total variance = mean variance within + (1 + 1/m) times the variance between the estimates; then the root.",
        (
            Mistake(
                lambda: math.sqrt(_VARIANCE),
                "That is the variance within alone: as if the imputed values were observed.",
            ),
            Mistake(
                lambda: math.sqrt(_VARIANCE + np.var(_LOGS, ddof=1)),
                "Nearly: the variance between counts (1 + 1/m) times, since only m tables were made.",
            ),
            Mistake(lambda: float(np.std(_LOGS, ddof=1)), "That is the spread between the estimates alone."),
            Mistake(lambda: _pooled_error() ** 2, "That is the variance. Take its root."),
        ),
        decimals=3,
        because="Wider than any single completed table says: the part that we do not know is in it.",
    ),
    Exercise(
        "T10.4",
        lambda: "what decides about testing is among the variables",
        "What does 'missing at random' mean, in words about doctors and patients?",
        (
            Mistake(
                lambda: "always",
                "The last figure shows a world in which it fails, and gives no sign of failing.",
            ),
            Mistake(
                lambda: "few values are missing",
                "Then little can go wrong, but it is not what makes imputation right.",
            ),
            Mistake(
                lambda: "enough tables are imputed",
                "More tables reduce the noise of the method, not its bias.",
            ),
        ),
        scale="choice",
        choices=(
            "always",
            "few values are missing",
            "enough tables are imputed",
            "what decides about testing is among the variables",
        ),
        because="Which the data cannot tell: ask those who ordered the tests, and try what if not.",
    ),
)
