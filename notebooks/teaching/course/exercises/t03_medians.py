"""T03 Medians, follow-up, and what "not reached" means."""

from __future__ import annotations

import numpy as np

from course.exercise import Exercise, Mistake
from course.worlds.plateau import plateau_patients
from course.worlds.small import seven_patients
from timetoevent.kaplan_meier import median_follow_up, survival_at, survival_quantile
from timetoevent.rmst import rmst

_SEVEN = seven_patients()
_TIME, _EVENT = _SEVEN["time_months"], _SEVEN["event"]
_COHORT = plateau_patients()


def _cohort(column: str) -> np.ndarray:
    return _COHORT[column].to_numpy()


EXERCISES = (
    Exercise(
        "T03.1",
        lambda: survival_quantile(_TIME, _EVENT).estimate,
        "Go along the curve until it is at one half or lower for the first time.",
        (
            Mistake(lambda: float(_TIME.median()), "That is the middle of all observed times, censored or not."),
            Mistake(lambda: float(_TIME[_EVENT].median()), "That is the middle of the times with an event alone."),
            Mistake(
                lambda: float(_TIME[_EVENT].max()), "There the curve reaches zero; you want the first time at one half."
            ),
        ),
        scale="months",
        decimals=1,
        because="The curve is above one half before and below it after.",
    ),
    Exercise(
        "T03.2",
        lambda: "the curve stayed above one half while it could be watched",
        "What does the data end with: the patients' disease, or our looking?",
        (
            Mistake(
                lambda: "most patients will never progress",
                "Follow-up ended, not the risk. What comes after it, nobody has seen.",
            ),
            Mistake(
                lambda: "the true median is longer than the longest follow-up",
                "It may well be shorter: the estimated curve is above one half, the true one need not be.",
            ),
            Mistake(
                lambda: "fewer than half had the event",
                "That is often so, yet not what it means: with much censoring the curve can pass one half although "
                "fewer than half had the event.",
            ),
        ),
        scale="choice",
        choices=(
            "most patients will never progress",
            "the curve stayed above one half while it could be watched",
            "the true median is longer than the longest follow-up",
            "fewer than half had the event",
        ),
        because="It is a statement about the data, and a result: report it with its lower limit and a survival rate.",
    ),
    Exercise(
        "T03.3",
        lambda: survival_quantile(_cohort("time_months"), _cohort("event")).ci_lower,
        "The result of `survival_quantile` has `ci_lower`, also where the estimate itself is not reached.",
        (
            Mistake(
                lambda: float(_COHORT.loc[_COHORT["event"], "time_months"].median()),
                "That is the middle of the event times, which knows nothing of those still free of progression.",
            ),
            Mistake(
                lambda: float(np.median(_cohort("time_months"))),
                "That is the middle of the observed times, whatever they ended with.",
            ),
            Mistake(
                lambda: survival_at(_cohort("time_months"), _cohort("event"), at=[12])[0].ci_lower,
                "That is the lower limit of the survival rate at a year, a probability.",
            ),
        ),
        scale="months",
        decimals=1,
        because="So the data are hard to reconcile with a much shorter median, and say nothing of a longer one.",
    ),
    Exercise(
        "T03.5",
        lambda: median_follow_up(_TIME, _EVENT).estimate,
        "Turn events and censorings around, then take the Kaplan-Meier median. At a tie the progression goes first.",
        (
            Mistake(lambda: float(_TIME.median()), "That is the naive one: progression cuts follow-up short."),
            Mistake(
                lambda: survival_quantile(_TIME, _EVENT).estimate,
                "That is the median time to progression: turn events and censorings around.",
            ),
        ),
        scale="months",
        decimals=1,
        because="Longer than the naive median: those who progressed would have been followed on.",
    ),
    Exercise(
        "T03.4",
        lambda: rmst(_cohort("time_months"), _cohort("event"), horizon=12).estimate,
        "Restricted mean survival time: the area under the curve up to the horizon; function `rmst`.",
        (
            Mistake(
                lambda: rmst(_cohort("time_months"), _cohort("event"), horizon=6).estimate, "The horizon is a year."
            ),
            Mistake(
                lambda: 12 - rmst(_cohort("time_months"), _cohort("event"), horizon=12).estimate,
                "That is the time lost within the year; the time lived free of progression is asked for.",
            ),
            Mistake(
                lambda: float(np.minimum(_cohort("time_months"), 12).mean()),
                "That is the mean of the observed times: the censored patients count as if they had progressed.",
            ),
        ),
        scale="months",
        decimals=1,
        because="It exists whether or not a median is reached, and needs no assumption about hazards.",
    ),
)
