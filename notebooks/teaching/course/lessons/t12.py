"""T12 How a definition moves a result, one center at a time.

Relapse after transplant: the window that calls it early, and the centers that see it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from course.exercise import Mistake, ask, choose
from course.figures import plot_curves, plot_intervals
from course.lesson import View
from course.rows import curves_of, side_by_side
from course.simulated import end_follow_up
from timetoevent.proportions import proportion

_CENTER_SIZES = (14, 10, 9, 8, 6, 5, 4, 3, 2, 1)
_TRUE_RATE = 0.72
_DEATH_PER_MONTH = 0.03


def relapsing_patients(n: int = 600, *, seed: int = 5) -> pd.DataFrame:
    """Simulate patients who relapse after front-line transplant; the later the relapse, the better what follows.

    Returns
    -------
    DataFrame
        One row per patient: `relapse_months` after transplant; `time_months` and `event` (death), counted from the
        relapse; `from_transplant_months`, the same end counted from the transplant.

    Examples
    --------
    >>> patients = relapsing_patients(100)
    >>> bool((patients["from_transplant_months"] > patients["time_months"]).all())
    True
    """
    rng = np.random.default_rng(seed)
    relapse = np.exp(rng.normal(np.log(20), 0.6, n))
    hazard = _DEATH_PER_MONTH * np.exp(-0.04 * (np.minimum(relapse, 40) - 12))
    death, follow_up = rng.exponential(1, n) / hazard, rng.uniform(12, 48, n)
    seen = end_follow_up(death, follow_up)
    from_transplant = {"from_transplant_months": relapse + seen["time_months"]}
    return pd.DataFrame({"relapse_months": relapse} | seen | from_transplant)


def center_patients(seed: int = 3) -> pd.DataFrame:
    """Simulate the ten centers of the embedded data: equal truth, unequal size, everybody followed for a year.

    Returns
    -------
    DataFrame
        One row per patient: `center`, `is_alive` at a year.

    Examples
    --------
    >>> len(center_patients())
    62
    """
    rng = np.random.default_rng(seed)
    center = np.repeat([f"center {k + 1}" for k in range(len(_CENTER_SIZES))], _CENTER_SIZES)
    return pd.DataFrame({"center": center, "is_alive": rng.random(center.size) < _TRUE_RATE})


_COLUMNS = {"relapse": "time_months", "transplant": "from_transplant_months"}


def early_against_late(window_months: int, clock_from: str) -> View:
    """Show survival of early and late relapse for a window, counted from relapse or from transplant."""
    patients = relapsing_patients()
    is_early = patients["relapse_months"] <= window_months
    column = _COLUMNS[clock_from]
    parts = {"early relapse": patients[is_early], "later relapse": patients[~is_early]}
    curves = curves_of(parts, column)
    caption = (
        f"Overall survival from {clock_from}; early: within {window_months} months of transplant "
        f"({is_early.sum()} of {len(patients)} patients); pointwise 95% intervals."
    )
    figure = plot_curves(curves, limit=48, label="Alive, %", time_label=f"Months from {clock_from}")
    return View(figure, caption)


def centers(draw: int) -> View:
    """Show the rate of each center with its exact interval, all drawn from one truth."""
    patients = center_patients(draw)
    groups = {f"{name}, n = {len(part)}": part["is_alive"] for name, part in patients.groupby("center", sort=False)}
    rates = {name: proportion(int(alive.sum()), len(alive)) for name, alive in groups.items()}
    rates["all centers, n = 62"] = proportion(int(patients["is_alive"].sum()), len(patients))
    figure = plot_intervals(side_by_side(rates), truth=_TRUE_RATE, label="Alive at 12 months", is_log=False)
    caption = f"Ten centers with the same true rate, draw {draw}: share alive at 12 months, exact 95% intervals."
    return View(figure, caption)


_RELAPSE = relapsing_patients()["relapse_months"]
_CENTERS = center_patients()
_POOLED, _OF_CENTERS = _CENTERS["is_alive"].mean(), _CENTERS.groupby("center", sort=False)["is_alive"]
_WITHOUT = (_CENTERS["is_alive"].sum() - _OF_CENTERS.sum()) / (len(_CENTERS) - _OF_CENTERS.size())
_SHIFTS = (_WITHOUT - _POOLED).abs()


def _counts(*edges: float) -> tuple[int, ...]:
    return tuple(int((edge >= _RELAPSE).sum()) for edge in edges)


EXERCISES = (
    ask(
        "T12.1",
        lambda: (True, False, False),
        "The anniversary itself is the case in point. February of that year has a twenty-ninth: count the days.",
        Mistake(
            lambda: (True, True, True),
            "Strictly less than twelve months leaves the anniversary out, and there is a leap day in between.",
        ),
        Mistake(lambda: (True, False, True), "There are 366 days in between, and twelve average months are fewer."),
        Mistake(lambda: (False, False, False), "In calendar months the anniversary is month twelve, and inclusive."),
        scale="several",
        because="Three readings of 'within twelve months', two answers for one patient.",
    ),
    ask(
        "T12.2",
        lambda: _counts(12, 18, 24),
        "Each window contains the one before.",
        Mistake(
            lambda: (_counts(12)[0], _counts(18)[0] - _counts(12)[0], _counts(24)[0] - _counts(18)[0]),
            "Those are the patients each step adds. A window of eighteen months contains that of twelve.",
        ),
        Mistake(
            lambda: tuple(len(_RELAPSE) - count for count in _counts(12, 18, 24)), "Those are the patients left out."
        ),
        scale="several",
        decimals=0,
        because="The cohort more than doubles, and every further number is about other patients.",
    ),
    ask(
        "T12.3",
        lambda: (40 * 0.60 + 60 * 0.80) / 100,
        "Weigh each rate with the number of patients behind it.",
        Mistake(lambda: (0.60 + 0.80) / 2, "The plain mean: but the second group is larger."),
        Mistake(lambda: 0.80, "That is the rate of those who were added, not of the whole cohort."),
        Mistake(lambda: (60 * 0.60 + 40 * 0.80) / 100, "The weights are exchanged."),
        scale="probability",
        because="No patient does better than before. The wider definition lets in patients who do.",
    ),
    choose(
        "T12.4",
        "immortal time",
        "What must a patient of the later group have survived, to be in it?",
        {
            "immortal time": "A relapse after month twelve needs twelve months of survival. Count from the relapse.",
            "confounding": "Perhaps that, too. But look at the flat beginning of a curve.",
            "a real difference": "There is one, seen from the relapse; most of this one is not it.",
            "chance": "Six hundred patients, narrow intervals: no.",
        },
    ),
    ask(
        "T12.5",
        lambda: float(_SHIFTS.max()),
        "Leave out each center in turn, take the rate of the rest, and its distance from the pooled rate.",
        Mistake(
            lambda: float((_OF_CENTERS.mean() - _POOLED).abs().max()),
            "That is the distance of the most unusual center itself. Leave it out, and see how the rest moves.",
        ),
        Mistake(lambda: float(_SHIFTS.mean()), "That is the mean shift; the largest is asked for."),
        decimals=3,
        because="A fraction of the width of the pooled interval: no center carries the result.",
    ),
)
