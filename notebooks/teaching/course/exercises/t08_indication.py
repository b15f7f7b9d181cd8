"""T08 Confounding by indication: KRd, lenalidomide exposure, weights, E-value."""

from __future__ import annotations

import math

from course.exercise import Exercise, Mistake
from timetoevent.sensitivity import e_value

_PROPENSITY = 0.2
_TREATED, _CONTROL = 0.1, 0.3
_BEFORE = {"age", "ecog", "lenalidomide exposure"}


def _standardized(first: float, second: float) -> float:
    variance = (first * (1 - first) + second * (1 - second)) / 2
    return (first - second) / math.sqrt(variance)


EXERCISES = (
    Exercise(
        "T08.1",
        lambda: frozenset(_BEFORE),
        "Which of them are known on the day the regimen is chosen?",
        (
            Mistake(
                lambda: _BEFORE | {"best response"},
                "Response comes after the choice, through which the regimen acts: adjusting for it takes away what you "
                "look for.",
            ),
            Mistake(
                lambda: _BEFORE | {"second-line transplant"},
                "The transplant comes after the choice; adjusting for it also brings immortal time.",
            ),
            Mistake(
                lambda: _BEFORE | {"best response", "second-line transplant"},
                "Two of these happen after the choice of the regimen.",
            ),
            Mistake(
                lambda: {"age", "ecog"},
                "Lenalidomide exposure decides on a regimen with lenalidomide more than anything else.",
            ),
        ),
        scale="several",
        because="Everything that bears on choice and on course, known before the choice; nothing that comes after it.",
    ),
    Exercise(
        "T08.2",
        lambda: _standardized(_TREATED, _CONTROL),
        "Difference of the two shares, over the root of the mean of the two variances p (1 - p).",
        (
            Mistake(lambda: _TREATED - _CONTROL, "That is the plain difference: divide by a standard deviation."),
            Mistake(
                lambda: (_TREATED - _CONTROL) / ((_TREATED * (1 - _TREATED) + _CONTROL * (1 - _CONTROL)) / 2),
                "You divided by the variance. Take its root.",
            ),
            Mistake(lambda: -_standardized(_TREATED, _CONTROL), "Treated minus control, not the other way round."),
        ),
        because="Five times the usual yardstick of one tenth: the groups are not comparable as they are.",
    ),
    Exercise(
        "T08.3",
        lambda: (1 / _PROPENSITY, 1 - _PROPENSITY),
        "Inverse probability: one over the probability of what the patient got. Overlap: the probability of the other.",
        (
            Mistake(
                lambda: (1 / (1 - _PROPENSITY), _PROPENSITY),
                "Those are the weights of a patient of that propensity who did not get KRd.",
            ),
            Mistake(
                lambda: (1 / _PROPENSITY, _PROPENSITY), "The overlap weight is the probability of the other regimen."
            ),
            Mistake(lambda: (_PROPENSITY, 1 - _PROPENSITY), "The first is an inverse: rare patients count more."),
        ),
        scale="several",
        because="One grows without bounds as the propensity goes to zero, the other never exceeds one.",
    ),
    Exercise(
        "T08.4",
        lambda: e_value(0.6, 0.6, 0.6).estimate,
        "`e_value(hazard_ratio, ci_lower, ci_upper)` takes the outcome as common; look at its field `estimate`.",
        (
            Mistake(
                lambda: e_value(0.6, 0.6, 0.6, rare=True).estimate,
                "That takes the hazard ratio as a risk ratio, which is right only where the outcome is rare.",
            ),
            Mistake(lambda: e_value(0.85, 0.85, 0.85).estimate, "That is for the limit nearer to one."),
            Mistake(lambda: 1 / 0.6, "That is the inverted ratio, not yet its E-value."),
        ),
        decimals=1,
        because="Frailty could well be that strong, twice. And the E-value of the interval is lower still.",
    ),
)
