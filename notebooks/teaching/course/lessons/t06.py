"""T06 Immortal time: second-line transplant.

Second-line transplant: given to those still free of progression, so that waiting for it looks like an effect.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from course.exercise import Mistake, ask, choose
from course.figures import plot_intervals
from course.lesson import View
from course.rows import fit_three_ways, side_by_side
from course.simulated import end_follow_up

PROGRESSION_PER_MONTH = 0.06
_UNFIT_RATIO = 3.0
_NEVER = 1e6


def eight_patients() -> pd.DataFrame:
    """Return eight invented patients, four of them transplanted: months to the end, event, months to transplant."""
    return pd.DataFrame(
        {
            "patient": list("ABCDEFGH"),
            "time_months": [2.0, 3.0, 5.0, 7.0, 9.0, 12.0, 15.0, 18.0],
            "event": [True, True, False, True, True, True, False, False],
            "transplant_months": [np.nan, np.nan, np.nan, 4.0, np.nan, 8.0, 5.0, 6.0],
        }
    )


def transplant_patients(
    n: int = 2000, *, hazard_ratio: float = 1.0, is_for_the_fit: bool = False, seed: int = 4
) -> pd.DataFrame:
    """Simulate patients of whom a part is planned for transplant after three to eight months.

    Transplant happens only if the patient is then still free of progression. From then on the hazard of progression is
    multiplied by `hazard_ratio`.

    Parameters
    ----------
    hazard_ratio : float
        The true effect of transplant; 1 for none.
    is_for_the_fit : bool
        True: four in five fit patients are planned and one in ten others, and those who are not fit progress three
        times as fast. False: three in five of everybody, fit or not, and fitness does not bear on progression.

    Returns
    -------
    DataFrame
        One row per patient: `time_months`, `event`, `transplant_months` (missing: never), `is_fit`.

    Examples
    --------
    >>> patients = transplant_patients(500)
    >>> bool((patients["transplant_months"].dropna() >= 3).all())
    True
    """
    rng = np.random.default_rng(seed)
    is_fit = rng.random(n) < 0.5
    chance = np.where(is_fit, 0.8, 0.1) if is_for_the_fit else 0.6
    planned = np.where(rng.random(n) < chance, rng.uniform(3, 8, n), _NEVER)
    hazard = PROGRESSION_PER_MONTH * np.where(~is_fit & is_for_the_fit, _UNFIT_RATIO, 1.0)
    area = rng.exponential(1, n)
    without = area / hazard
    with_transplant = planned + (area - hazard * planned) / (hazard * hazard_ratio)
    progression = np.where(without <= planned, without, with_transplant)
    follow_up = rng.uniform(12, 30, n)
    seen = end_follow_up(progression, follow_up)
    given = np.where(planned < seen["time_months"], planned, np.nan)
    return pd.DataFrame(seen | {"transplant_months": given, "is_fit": is_fit})


def compare(true_hazard_ratio: float, landmark_months: float, is_for_the_fit: bool = False) -> View:
    """Show the three estimates beside the truth."""
    patients = transplant_patients(hazard_ratio=true_hazard_ratio, is_for_the_fit=is_for_the_fit)
    rows = side_by_side(fit_three_ways(patients, "transplant_months", landmark_months))
    kept = int((patients["time_months"] > landmark_months).sum())
    given = "to the fit" if is_for_the_fit else "regardless of fitness"
    caption = (
        f"Transplant given {given}, true hazard ratio {true_hazard_ratio:g}: estimates with 95% intervals in "
        f"{len(patients)} patients, of whom {kept} reach the landmark."
    )
    return View(plot_intervals(rows, truth=true_hazard_ratio, label="Hazard ratio, transplant against none"), caption)


_EIGHT = eight_patients()
_TIME, _EVENT, _TRANSPLANT = _EIGHT["time_months"], _EIGHT["event"], _EIGHT["transplant_months"]
_EVER = _TRANSPLANT.notna()
_LANDMARK = 6.0
# months of waiting, after transplant, of those ever and of those never transplanted
_WAITING, _AFTER = float(_TRANSPLANT.sum()), float((_TIME - _TRANSPLANT).sum())
_EVER_MONTHS, _NEVER_MONTHS = float(_TIME[_EVER].sum()), float(_TIME[~_EVER].sum())


def _rate_ratio(months_after: float, months_without: float) -> float:
    return float((_EVENT[_EVER].sum() / months_after) / (_EVENT[~_EVER].sum() / months_without))


def _at_landmark(*, inclusive: bool = True) -> tuple[int, int]:
    kept = _TIME > _LANDMARK
    state = (_TRANSPLANT <= _LANDMARK) if inclusive else (_TRANSPLANT < _LANDMARK)
    return int(kept.sum()), int((kept & state).sum())


EXERCISES = (
    ask(
        "T06.1",
        lambda: _WAITING,
        "Add up, over the transplanted, the months from start to transplant: the thin part of their lines.",
        Mistake(lambda: _EVER_MONTHS, "That is all the time of the transplanted, before and after."),
        Mistake(
            lambda: _AFTER, "That is the time after transplant, when they could progress as transplanted patients."
        ),
        scale="months",
        decimals=0,
        because="In all these months nobody counted as transplanted could progress: whoever does is counted as never "
        "transplanted.",
    ),
    ask(
        "T06.2",
        lambda: _rate_ratio(_AFTER, _NEVER_MONTHS + _WAITING),
        "Rate = events / months. The waiting months belong to the denominator of the patients without transplant.",
        Mistake(
            lambda: _rate_ratio(_EVER_MONTHS, _NEVER_MONTHS),
            "That is the naive ratio: the waiting months are still counted as time after transplant.",
        ),
        Mistake(
            lambda: _rate_ratio(_AFTER, _NEVER_MONTHS),
            "You took the waiting months out, but they are not lost: in them the patients were at risk without "
            "transplant. Give them to the other group.",
        ),
        scale="ratio",
        because="From a striking benefit to none, and no patient and no date has changed.",
    ),
    ask(
        "T06.3",
        _at_landmark,
        "Keep those followed and free of progression beyond six months; then ask who had the transplant by then.",
        Mistake(
            lambda: (int((_TIME > _LANDMARK).sum()), int((_EVER & (_TIME > _LANDMARK)).sum())),
            "One of them is transplanted after the landmark: at the landmark nobody knows that yet.",
        ),
        Mistake(
            lambda: _at_landmark(inclusive=False),
            "A transplant on the day of the landmark has happened by the landmark.",
        ),
        Mistake(
            lambda: (len(_EIGHT), int(_EVER.sum())),
            "That is everybody. Those who progressed or left before the landmark cannot be compared from there on.",
        ),
        scale="several",
        because="Three who left before it are not used at all: that is the price.",
    ),
    choose(
        "T06.4",
        "confounding",
        "What differs between the groups besides the transplant, and was there before it?",
        {
            "immortal time": (
                "The time-dependent analysis counts the waiting months where they belong. Something else is left."
            ),
            "confounding": (
                "Those who could be transplanted were the fit ones. Only with fitness in the model does it vanish."
            ),
            "too few patients": "More patients would narrow the interval around the same wrong value.",
            "a real effect": "The truth is written in the simulation: transplant does nothing here.",
        },
    ),
)
