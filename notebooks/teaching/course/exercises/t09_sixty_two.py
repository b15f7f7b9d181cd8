"""T09 Sixty-two patients: power, events per variable, separation, Firth, type M error."""

from __future__ import annotations

import math

import numpy as np

from course.exercise import Exercise, Mistake
from course.worlds.small_cohorts import repeat_study
from timetoevent.power import required_events, schoenfeld_power

_EVENTS, _PREVALENCE, _RATIO = 25, 0.35, 1.9
_TRUE = 1.6


def _power() -> float:
    return schoenfeld_power(_RATIO, _EVENTS, _PREVALENCE)


def _exaggeration(*, of_logs: bool = True, only_small: bool = True) -> float:
    studies = repeat_study(300)
    found = studies.loc[studies["p_value"] < 0.05, "hazard_ratio"] if only_small else studies["hazard_ratio"]
    return float(np.log(found).abs().mean() / np.log(_TRUE)) if of_logs else float(found.mean() / _TRUE)


EXERCISES = (
    Exercise(
        "T09.1",
        lambda: math.ceil(required_events(2.0, 0.3)),
        "Schoenfeld: (z for alpha/2 + z for power) squared, over (log hazard ratio) squared times q (1 - q). Round up.",
        (
            Mistake(
                lambda: math.floor(required_events(2.0, 0.3)), "Rounded down: with that few the power is just missed."
            ),
            Mistake(
                lambda: math.ceil(required_events(2.0, 0.5)),
                "That is for a factor that half of the patients have. Three in ten have it.",
            ),
            Mistake(
                lambda: math.ceil(required_events(2.0, 0.3, alpha=0.1)),
                "That is one-sided: take z for half of alpha.",
            ),
            Mistake(
                lambda: math.ceil(required_events(2.0, 0.3) * 0.3 * 0.7),
                "You left out that the groups are not of equal size: q (1 - q) in the denominator.",
            ),
        ),
        scale="count",
        because="Three times what a cohort of sixty-two usually has after a year or so.",
    ),
    Exercise(
        "T09.2",
        lambda: _power() ** 6,
        "Each factor is found with the power of one; all of them: multiply.",
        (
            Mistake(_power, "That is the chance of finding one given factor. All six are asked for."),
            Mistake(lambda: 1 - (1 - _power()) ** 6, "That is the chance of finding at least one."),
            Mistake(lambda: 6 * _power(), "That is the expected number of factors found, not a probability."),
        ),
        decimals=3,
        scale="probability",
        because="Six out of six in a cohort this small is next to impossible, unless effects were far larger or the "
        "factors were found by looking.",
    ),
    Exercise(
        "T09.3",
        lambda: 25 / 6,
        "Count coefficients, not variables and not patients: a factor of three levels takes two.",
        (
            Mistake(lambda: 25 / 5, "You counted variables. The pathway has three levels and takes two coefficients."),
            Mistake(lambda: 62 / 6, "You divided patients. Only events carry information on hazards."),
            Mistake(lambda: 25 / 7, "A factor of three levels takes two coefficients: the reference level takes none."),
        ),
        decimals=1,
        because="Far from the ten of the old rule, and the rule itself is lenient.",
    ),
    Exercise(
        "T09.4",
        _exaggeration,
        "Keep the studies with a p-value below 0.05; mean of the absolute log hazard ratios, over the true log.",
        (
            Mistake(
                lambda: _exaggeration(only_small=False),
                "That is over all studies. Only those that get noticed are asked for.",
            ),
            Mistake(
                lambda: _exaggeration(of_logs=False),
                "You divided hazard ratios. Effects add on the log scale: take logarithms first.",
            ),
        ),
        decimals=1,
        because="Nothing was done wrong in any of these studies. They were only small, and chosen by their p-value.",
    ),
    Exercise(
        "T09.5",
        lambda: "large, with wide uncertainty",
        "Look at the upper limit of the interval, not at the estimate alone.",
        (
            Mistake(lambda: "infinite", "That the likelihood has no maximum is a property of seven patients."),
            Mistake(
                lambda: "absent", "The interval allows that, too, but it is not what the estimate says. Report both."
            ),
            Mistake(lambda: "proven", "Seven patients without event prove little; the interval says how little."),
        ),
        scale="choice",
        choices=("infinite", "absent", "proven", "large, with wide uncertainty"),
        because="And remember T06: a second transplant is immortal time, which no penalty mends.",
    ),
)
