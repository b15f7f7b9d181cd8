"""T03 Medians, follow-up, and what "not reached" means.

A curve that falls and then flattens, watched for a short time: where medians are not reached.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from course.exercise import Mistake, ask, choose
from course.figures import plot_curves
from course.lesson import View
from course.lessons.t02 import seven_patients
from course.simulated import end_follow_up
from timetoevent.kaplan_meier import kaplan_meier, median_follow_up, survival_at, survival_quantile
from timetoevent.rmst import rmst

FREE_AT_TURN, TURN_MONTHS = 0.54, 12.0
_EARLY = -np.log(FREE_AT_TURN) / TURN_MONTHS
_LATE = _EARLY / 4
TRUE_MEDIAN_MONTHS = float(TURN_MONTHS + np.log(FREE_AT_TURN / 0.5) / _LATE)


def plateau_patients(
    n: int = 62, *, longest_follow_up: float = 20.0, speed: float = 1.0, seed: int | np.random.Generator = 9
) -> pd.DataFrame:
    """Simulate patients whose hazard of progression drops to a quarter after a year.

    Parameters
    ----------
    longest_follow_up : float
        Months; each patient is followed for between 4 and so many months, whatever happens.
    speed : float
        Multiplies the hazard at all times; 1 gives 54 percent free of progression at a year.

    Returns
    -------
    DataFrame
        One row per patient: `time_months`, `event`, `follow_up_months` (for how long the patient would have been
        followed without progression: in real data known for the censored only).

    Examples
    --------
    >>> len(plateau_patients())
    62
    """
    rng = np.random.default_rng(seed)
    area = rng.exponential(1, n) / speed
    turn = _EARLY * TURN_MONTHS
    progression = np.where(area <= turn, area / _EARLY, TURN_MONTHS + (area - turn) / _LATE)
    follow_up = rng.uniform(4, longest_follow_up, n)
    return pd.DataFrame(end_follow_up(progression, follow_up) | {"follow_up_months": follow_up})


def _true_plateau_curve(until_months: float, speed: float = 1.0) -> pd.DataFrame:
    """Return the true curve: `time`, `survival`.

    Examples
    --------
    >>> round(float(_true_plateau_curve(12)["survival"].iloc[-1]), 2)
    0.54
    """
    time = np.linspace(0, until_months, 121)
    area = _EARLY * np.minimum(time, TURN_MONTHS) + _LATE * np.maximum(time - TURN_MONTHS, 0)
    return pd.DataFrame({"time": time, "survival": np.exp(-area * speed)})


def curve_and_median(patients: int, longest_follow_up: int) -> View:
    """Show one sample's curve with the height of one half, and say its median."""
    sample = plateau_patients(patients, longest_follow_up=longest_follow_up)
    curve = kaplan_meier(sample["time_months"], sample["event"])
    found = survival_quantile(sample["time_months"], sample["event"])
    median = f"{found.estimate:.1f} months" if found.status == "ok" else "not reached"
    lower = f"{found.ci_lower:.1f}" if not np.isnan(found.ci_lower) else "not reached"
    upper = f"{found.ci_upper:.1f}" if not np.isnan(found.ci_upper) else "not reached"
    figure = plot_curves(
        {"Kaplan-Meier": curve},
        truth={"truth": _true_plateau_curve(36)},
        limit=36,
        label="Free of progression, %",
        has_half=True,
    )
    caption = (
        f"{patients} patients followed for 4 to {longest_follow_up} months; pointwise 95% interval. Median {median} "
        f"(95% CI {lower} to {upper}); true median {TRUE_MEDIAN_MONTHS:.1f} months."
    )
    return View(figure, caption)


@cache
def medians_of_many(samples: int, longest_follow_up: float, n: int = 62) -> tuple[np.ndarray, float]:
    """Return the medians of those samples that reach theirs, and the share that does.

    Examples
    --------
    >>> medians, share = medians_of_many(20, 20.0)
    >>> len(medians) == round(20 * share)
    True
    """
    rng = np.random.default_rng(33)
    found = []
    for _ in range(samples):
        sample = plateau_patients(n, longest_follow_up=longest_follow_up, seed=rng)
        found.append(survival_quantile(sample["time_months"], sample["event"]))
    medians = np.array([estimate.estimate for estimate in found if estimate.status == "ok"])
    return medians, len(medians) / samples


_SEVEN = seven_patients()
_TIME, _EVENT = _SEVEN["time_months"], _SEVEN["event"]
_COHORT = plateau_patients()
_OF_COHORT = (_COHORT["time_months"].to_numpy(), _COHORT["event"].to_numpy())


EXERCISES = (
    ask(
        "T03.1",
        lambda: survival_quantile(_TIME, _EVENT).estimate,
        "Go along the curve until it is at one half or lower for the first time.",
        Mistake(lambda: float(_TIME.median()), "That is the middle of all observed times, censored or not."),
        Mistake(lambda: float(_TIME[_EVENT].median()), "That is the middle of the times with an event alone."),
        Mistake(
            lambda: float(_TIME[_EVENT].max()), "There the curve reaches zero; you want the first time at one half."
        ),
        scale="months",
        decimals=1,
        because="The curve is above one half before and below it after.",
    ),
    choose(
        "T03.2",
        "the curve stayed above one half while it could be watched",
        "What does the data end with: the patients' disease, or our looking?",
        {
            "most patients will never progress": "Follow-up ended, not the risk. What comes after it, nobody has seen.",
            "the curve stayed above one half while it could be watched": (
                "It is a statement about the data, and a result: report it with its lower limit and a survival rate."
            ),
            "the true median is longer than the longest follow-up": (
                "It may well be shorter: the estimated curve is above one half, the true one need not be."
            ),
            "fewer than half had the event": (
                "That is often so, yet not what it means: with much censoring the curve can pass one half although "
                "fewer than half had the event."
            ),
        },
    ),
    ask(
        "T03.3",
        lambda: survival_quantile(*_OF_COHORT).ci_lower,
        "The result of `survival_quantile` has `ci_lower`, also where the estimate itself is not reached.",
        Mistake(
            lambda: float(_COHORT.loc[_COHORT["event"], "time_months"].median()),
            "That is the middle of the event times, which knows nothing of those still free of progression.",
        ),
        Mistake(
            lambda: float(np.median(_OF_COHORT[0])),
            "That is the middle of the observed times, whatever they ended with.",
        ),
        Mistake(
            lambda: survival_at(*_OF_COHORT, at=[12])[0].ci_lower,
            "That is the lower limit of the survival rate at a year, a probability.",
        ),
        scale="months",
        decimals=1,
        because="So the data are hard to reconcile with a much shorter median, and say nothing of a longer one.",
    ),
    ask(
        "T03.5",
        lambda: median_follow_up(_TIME, _EVENT).estimate,
        "Turn events and censorings around, then take the Kaplan-Meier median. At a tie the progression goes first.",
        Mistake(lambda: float(_TIME.median()), "That is the naive one: progression cuts follow-up short."),
        Mistake(
            lambda: survival_quantile(_TIME, _EVENT).estimate,
            "That is the median time to progression: turn events and censorings around.",
        ),
        scale="months",
        decimals=1,
        because="Longer than the naive median: those who progressed would have been followed on.",
    ),
    ask(
        "T03.4",
        lambda: rmst(*_OF_COHORT, horizon=12).estimate,
        "Restricted mean survival time: the area under the curve up to the horizon; function `rmst`.",
        Mistake(lambda: rmst(*_OF_COHORT, horizon=6).estimate, "The horizon is a year."),
        Mistake(
            lambda: 12 - rmst(*_OF_COHORT, horizon=12).estimate,
            "That is the time lost within the year; the time lived free of progression is asked for.",
        ),
        Mistake(
            lambda: float(np.minimum(_OF_COHORT[0], 12).mean()),
            "That is the mean of the observed times: the censored patients count as if they had progressed.",
        ),
        scale="months",
        decimals=1,
        because="It exists whether or not a median is reached, and needs no assumption about hazards.",
    ),
)
