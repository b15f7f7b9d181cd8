"""T08 Confounding by indication: KRd, lenalidomide exposure, weights, E-value.

Second-line regimen by indication: those who get KRd differ in what bears on the course.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from course.exercise import Mistake, ask
from course.figures import plot_intervals, plot_lines
from course.lesson import View
from course.rows import Found, side_by_side
from course.simulated import end_follow_up
from timetoevent.cox import fit_cox
from timetoevent.sensitivity import e_value
from timetoevent.weighting import compare_weighted

LABELS = {
    "age_decades": "Age, decades from the mean",
    "ecog_2_or_more": "ECOG 2 or more",
    "iss_iii": "ISS III",
    "lenalidomide_refractory": "Refractory to lenalidomide",
}
MEASURED = tuple(LABELS)
_HAZARD_PER_MONTH = 0.03
_EFFECTS = {"age_decades": 0.15, "ecog_2_or_more": 0.7, "iss_iii": 0.5, "lenalidomide_refractory": 0.7}
_CHOICE = {"age_decades": -0.3, "ecog_2_or_more": -1.1, "iss_iii": -0.3, "lenalidomide_refractory": -3.2}


def regimen_patients(
    n: int = 2000, *, hazard_ratio: float = 1.0, unmeasured: float = 1.0, only_in_naive: bool = False, seed: int = 8
) -> pd.DataFrame:
    """Simulate patients whose chance of KRd falls with age, poor performance, stage, and lenalidomide refractoriness.

    All four also raise the hazard of progression. A fifth trait, `frail`, may do both as well and is not measured.

    Parameters
    ----------
    hazard_ratio : float
        The true ratio of KRd against other regimens in the same patient; 1 for no effect.
    unmeasured : float
        Odds ratio of frailty with *not* getting KRd, and its hazard ratio; 1 for a frailty without consequences.
    only_in_naive : bool
        True: the effect exists only in patients who are not refractory to lenalidomide.

    Returns
    -------
    DataFrame
        One row per patient: the four traits, `frail`, `krd`, `time_months`, `event`.

    Examples
    --------
    >>> patients = regimen_patients(500)
    >>> shares = patients.groupby("krd")["ecog_2_or_more"].mean()
    >>> bool(shares[True] < shares[False])
    True
    """
    rng = np.random.default_rng(seed)
    traits = pd.DataFrame(
        {
            "age_decades": rng.normal(0, 0.9, n),
            "ecog_2_or_more": rng.random(n) < 0.3,
            "iss_iii": rng.random(n) < 0.37,
            "lenalidomide_refractory": rng.random(n) < 0.3,
        }
    )
    frail = rng.random(n) < 0.4
    values = traits.to_numpy(dtype=float)
    choice = 0.9 + values @ list(_CHOICE.values()) - np.log(unmeasured) * frail
    krd = rng.random(n) < 1 / (1 + np.exp(-choice))
    helped = krd & ~(only_in_naive & traits["lenalidomide_refractory"].to_numpy())
    logs = values @ list(_EFFECTS.values()) + np.log(unmeasured) * frail + np.log(hazard_ratio) * helped
    progression, follow_up = rng.exponential(1, n) / (_HAZARD_PER_MONTH * np.exp(logs)), rng.uniform(6, 36, n)
    return traits.assign(frail=frail, krd=krd, **end_follow_up(progression, follow_up))


def compare(patients: pd.DataFrame, terms: Sequence[str] = MEASURED) -> dict[str, Found]:
    """Compare KRd with other regimens in four ways.

    Parameters
    ----------
    patients : DataFrame
        As of `regimen_patients`.
    terms : sequence of str
        What is adjusted for.

    Examples
    --------
    >>> list(compare(regimen_patients(300)))
    ['crude', 'Cox model, adjusted', 'inverse probability weights', 'overlap weights']
    """
    common = {"time": "time_months", "event": "event"}
    weighted = {**common, "treatment": "krd", "terms": list(terms)}
    return {
        "crude": fit_cox(patients, **common, terms=["krd"]),
        "Cox model, adjusted": fit_cox(patients, **common, terms=["krd", *terms]),
        "inverse probability weights": compare_weighted(patients, **weighted, kind="inverse_probability").hazard_ratio,
        "overlap weights": compare_weighted(patients, **weighted, kind="overlap").hazard_ratio,
    }


def unmeasured(strength: float, patients: int) -> View:
    """Show the comparisons when a trait of the given strength bears on choice and course, and nobody measured it."""
    rows = side_by_side(compare(regimen_patients(patients, unmeasured=strength)))
    caption = (
        f"{patients} patients, true hazard ratio one. An unmeasured frailty of strength {strength:g} (odds ratio "
        "with the choice, hazard ratio with progression) is left out of every analysis; 95% intervals."
    )
    return View(plot_intervals(rows, truth=1.0, label="Hazard ratio, KRd against other"), caption)


def e_value_curve() -> View:
    """Show how strong a confounder must be to explain a hazard ratio away."""
    ratios = np.linspace(0.2, 1.0, 41)
    lines = {
        "common outcome": (ratios, [e_value(r, r, r).estimate for r in ratios]),
        "rare outcome": (ratios, [e_value(r, r, r, rare=True).estimate for r in ratios]),
    }
    figure = plot_lines(lines, x_label="Hazard ratio", y_label="E-value")
    return View(figure, "E-value of a hazard ratio below one, for outcomes that most patients have, and for rare ones.")


_PROPENSITY = 0.2
_TREATED, _CONTROL = 0.1, 0.3
_BEFORE = {"age", "ecog", "lenalidomide exposure"}


def _standardized(first: float, second: float) -> float:
    variance = (first * (1 - first) + second * (1 - second)) / 2
    return (first - second) / math.sqrt(variance)


EXERCISES = (
    ask(
        "T08.1",
        lambda: frozenset(_BEFORE),
        "Which of them are known on the day the regimen is chosen?",
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
        scale="several",
        because="Everything that bears on choice and on course, known before the choice; nothing that comes after it.",
    ),
    ask(
        "T08.2",
        lambda: _standardized(_TREATED, _CONTROL),
        "Difference of the two shares, over the root of the mean of the two variances p (1 - p).",
        Mistake(lambda: _TREATED - _CONTROL, "That is the plain difference: divide by a standard deviation."),
        Mistake(
            lambda: (_TREATED - _CONTROL) / ((_TREATED * (1 - _TREATED) + _CONTROL * (1 - _CONTROL)) / 2),
            "You divided by the variance. Take its root.",
        ),
        Mistake(lambda: -_standardized(_TREATED, _CONTROL), "Treated minus control, not the other way round."),
        because="Five times the usual yardstick of one tenth: the groups are not comparable as they are.",
    ),
    ask(
        "T08.3",
        lambda: (1 / _PROPENSITY, 1 - _PROPENSITY),
        "Inverse probability: one over the probability of what the patient got. Overlap: the probability of the other.",
        Mistake(
            lambda: (1 / (1 - _PROPENSITY), _PROPENSITY),
            "Those are the weights of a patient of that propensity who did not get KRd.",
        ),
        Mistake(lambda: (1 / _PROPENSITY, _PROPENSITY), "The overlap weight is the probability of the other regimen."),
        Mistake(lambda: (_PROPENSITY, 1 - _PROPENSITY), "The first is an inverse: rare patients count more."),
        scale="several",
        because="One grows without bounds as the propensity goes to zero, the other never exceeds one.",
    ),
    ask(
        "T08.4",
        lambda: e_value(0.6, 0.6, 0.6).estimate,
        "`e_value(hazard_ratio, ci_lower, ci_upper)` takes the outcome as common; look at its field `estimate`.",
        Mistake(
            lambda: e_value(0.6, 0.6, 0.6, rare=True).estimate,
            "That takes the hazard ratio as a risk ratio, which is right only where the outcome is rare.",
        ),
        Mistake(lambda: e_value(0.85, 0.85, 0.85).estimate, "That is for the limit nearer to one."),
        Mistake(lambda: 1 / 0.6, "That is the inverted ratio, not yet its E-value."),
        decimals=1,
        because="Frailty could well be that strong, twice. And the E-value of the interval is lower still.",
    ),
)
