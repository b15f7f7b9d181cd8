"""T05 Cox, proportional hazards, and what breaks them."""

from __future__ import annotations

import numpy as np

from course.exercise import Exercise, Mistake
from course.worlds.hazards import two_groups
from timetoevent.kaplan_meier import survival_at, survival_quantile
from timetoevent.rmst import rmst_difference

_CROSSING = two_groups("crossing")


def _difference(horizon: float) -> float:
    data = _CROSSING
    return rmst_difference(
        data["time_months"], data["event"], data["treated"], horizon=horizon, reference=False
    ).estimate


def _at_a_year() -> float:
    parts = [_CROSSING[_CROSSING["treated"] == arm] for arm in (True, False)]
    first, second = (survival_at(part["time_months"], part["event"], at=[24])[0].estimate for part in parts)
    return first - second


def _medians() -> float:
    parts = [_CROSSING[_CROSSING["treated"] == arm] for arm in (True, False)]
    first, second = (survival_quantile(part["time_months"], part["event"]).estimate for part in parts)
    return first - second


EXERCISES = (
    Exercise(
        "T05.1",
        lambda: 2 / 6,
        "A's share of the hazard of all four: treated weigh two, the others one.",
        (
            Mistake(lambda: 1 / 4, "That is with equal hazards: the treated weigh twice as much."),
            Mistake(lambda: 4 / 6, "That is the chance that it is one of the treated. There are two of them."),
            Mistake(lambda: 2 / 5, "The sum over those at risk includes A."),
        ),
        scale="probability",
        because="And the times themselves do not enter: only who, out of whom.",
    ),
    Exercise(
        "T05.2",
        lambda: float(np.sqrt(0.54)),
        "With proportional hazards the curve of one group is that of the other raised to the hazard ratio.",
        (
            Mistake(lambda: 1 - 0.46 * 0.5, "You halved the probability of the event. A hazard is not a probability."),
            Mistake(lambda: 0.54 * 0.5, "You halved the survival itself."),
            Mistake(lambda: 0.54**2, "Raised to the inverse: half the hazard means better survival."),
        ),
        scale="probability",
        because="The shorter the time, the closer hazards and probabilities; at a year they differ visibly.",
    ),
    Exercise(
        "T05.3",
        lambda: "too little information to see a departure",
        "What could sixty-two patients have found, had the hazards crossed?",
        (
            Mistake(
                lambda: "hazards are proportional", "Absence of evidence. With so few events the test sees little."
            ),
            Mistake(lambda: "hazards are not proportional", "A large p-value speaks for nothing in particular."),
            Mistake(
                lambda: "the hazard ratio is one", "This tests whether the ratio changes with time, not what it is."
            ),
        ),
        scale="choice",
        choices=(
            "hazards are proportional",
            "hazards are not proportional",
            "too little information to see a departure",
            "the hazard ratio is one",
        ),
        because="So look at the residuals and the curves, whatever the test says.",
    ),
    Exercise(
        "T05.4",
        lambda: _difference(24.0),
        "`rmst_difference(time, event, group, horizon=..., reference=False)`; mind which group comes first.",
        (
            Mistake(lambda: _difference(12.0), "The horizon is twenty-four months."),
            Mistake(_medians, "That is the difference of the medians."),
            Mistake(_at_a_year, "That is the difference of the survival rates at the horizon, a probability."),
            Mistake(lambda: -_difference(24.0), "Treated minus control, not the other way round."),
        ),
        decimals=1,
        because="A difference in months can be told to a patient, and needs no proportional hazards.",
    ),
)
