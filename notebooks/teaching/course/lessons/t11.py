"""T11 Competing risks.

Progression and death without progression: two events, of which only the first can happen.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from course.exercise import Mistake, ask, choose
from course.figures import plot_curves
from course.lesson import View
from timetoevent.competing_risks import cumulative_incidence
from timetoevent.kaplan_meier import kaplan_meier

CENSORED, PROGRESSION, DEATH = 0, 1, 2
PROGRESSION_PER_MONTH, DEATH_PER_MONTH = 0.04, 0.01


def seven_endings() -> pd.DataFrame:
    """Return seven invented patients with what their time ended with."""
    words = ["progression", "death", "progression", "censored", "progression", "death", "censored"]
    codes = {"censored": CENSORED, "progression": PROGRESSION, "death": DEATH}
    return pd.DataFrame(
        {
            "patient": list("ABCDEFG"),
            "time_months": [2.0, 3.0, 4.0, 5.0, 7.0, 8.0, 9.0],
            "ended_with": words,
            "cause": [codes[word] for word in words],
        }
    )


def competing_patients(
    n: int = 1000,
    *,
    death_per_month: float = DEATH_PER_MONTH,
    death_ratio: float = 1.0,
    progression_ratio: float = 1.0,
    seed: int = 11,
) -> pd.DataFrame:
    """Simulate patients with constant hazards of progression and of death without it.

    Parameters
    ----------
    n : int
        Patients, every other one older.
    death_per_month : float
        Hazard of death without progression of the younger; 0 for none.
    death_ratio, progression_ratio : float
        True cause-specific hazard ratios of the older against the younger.

    Returns
    -------
    DataFrame
        One row per patient: `time_months`, `cause` (0 censored, 1 progression, 2 death), `older`.

    Examples
    --------
    >>> sorted(competing_patients(200)["cause"].unique().tolist())
    [0, 1, 2]
    """
    rng = np.random.default_rng(seed)
    older = np.arange(n) % 2 == 1
    progression = rng.exponential(1, n) / (PROGRESSION_PER_MONTH * np.where(older, progression_ratio, 1.0))
    area = rng.exponential(1, n)
    never = np.full(n, np.inf)
    death = area / (death_per_month * np.where(older, death_ratio, 1.0)) if death_per_month else never
    follow_up = rng.uniform(12, 48, n)
    cause = np.where(progression < death, PROGRESSION, DEATH)
    first = np.minimum(progression, death)
    time = np.minimum(first, follow_up)
    return pd.DataFrame({"time_months": time, "cause": np.where(first <= follow_up, cause, CENSORED), "older": older})


def _true_incidence(until_months: float, death_per_month: float = DEATH_PER_MONTH) -> pd.DataFrame:
    """Return the true cumulative incidence of progression of the younger: `time`, `cumulative_incidence`.

    Examples
    --------
    >>> round(float(_true_incidence(12)["cumulative_incidence"].iloc[-1]), 3)
    0.361
    """
    time = np.linspace(0, until_months, 121)
    total = PROGRESSION_PER_MONTH + death_per_month
    return pd.DataFrame(
        {"time": time, "cumulative_incidence": PROGRESSION_PER_MONTH / total * (1 - np.exp(-total * time))}
    )


def incidence_of(patients: pd.DataFrame, cause: int = PROGRESSION) -> pd.DataFrame:
    """Return the cumulative incidence of one cause by Aalen-Johansen.

    Examples
    --------
    >>> bool(incidence_of(competing_patients(100))["cumulative_incidence"].is_monotonic_increasing)
    True
    """
    found = cumulative_incidence(patients["time_months"], patients["cause"])
    return found[found["cause"] == cause].reset_index(drop=True)


def one_minus_kaplan_meier(patients: pd.DataFrame, cause: int = PROGRESSION) -> pd.DataFrame:
    """Return one minus the Kaplan-Meier curve with other events censored: the naive answer.

    Examples
    --------
    >>> list(one_minus_kaplan_meier(competing_patients(50)))
    ['time', 'cumulative_incidence']
    """
    curve = kaplan_meier(patients["time_months"], patients["cause"] == cause)
    return pd.DataFrame({"time": curve["time"], "cumulative_incidence": 1 - curve["survival"]})


def naive_and_right(death_per_month: float) -> View:
    """Show both estimates beside the truth."""
    patients = competing_patients(death_per_month=death_per_month)
    curves = {"one minus Kaplan-Meier": one_minus_kaplan_meier(patients), "Aalen-Johansen": incidence_of(patients)}
    figure = plot_curves(
        curves,
        truth={"truth": _true_incidence(36, death_per_month)},
        value="cumulative_incidence",
        label="Progressed, %",
        limit=36,
    )
    died = int((patients["cause"] == 2).sum())
    caption = (
        f"Share of patients who progress, {died} of {len(patients)} die without progression "
        f"({100 * death_per_month:g}% a month)."
    )
    return View(figure, caption)


_SEVEN, _AT = seven_endings(), 7.0


def _by(at: float, curve: pd.DataFrame) -> float:
    return float(curve.loc[curve["time"] <= at, "cumulative_incidence"].iloc[-1])


def _both_causes(estimate: Callable[[pd.DataFrame, int], pd.DataFrame]) -> float:
    patients = competing_patients(death_per_month=0.04)
    return _by(36, estimate(patients, PROGRESSION)) + _by(36, estimate(patients, DEATH))


EXERCISES = (
    ask(
        "T11.1",
        lambda: _by(_AT, incidence_of(_SEVEN)),
        "At each progression: the chance of being free of everything just before, times one over the number at risk.",
        Mistake(
            lambda: _by(_AT, one_minus_kaplan_meier(_SEVEN)),
            "That is one minus Kaplan-Meier: it lets the dead progress later, with the others.",
        ),
        Mistake(lambda: 3 / 7, "That divides by everybody, as if the censored patient had been watched on."),
        Mistake(
            lambda: 3 / 5, "You left those who died out. They were at risk, and they are patients who did not progress."
        ),
        scale="probability",
        because="Less than one minus Kaplan-Meier, as always when anybody dies first.",
    ),
    ask(
        "T11.2",
        lambda: _both_causes(one_minus_kaplan_meier),
        "Add the two values of `one_minus_kaplan_meier` at month thirty-six, for cause one and for cause two.",
        Mistake(
            lambda: _both_causes(incidence_of),
            "That is by Aalen-Johansen, and can be a probability. Add the naive ones.",
        ),
        Mistake(
            lambda: _both_causes(one_minus_kaplan_meier) / 2,
            "That is their mean. Every patient has one ending; the shares should add up.",
        ),
        because="More than one: more patients end than there are. That alone shows that it cannot be right.",
    ),
    choose(
        "T11.3",
        "more of them die first",
        "Look at the true cause-specific hazard ratio of progression in this world, and at what else differs.",
        {
            "age protects from progression": (
                "While alive and free of progression, older patients progress at exactly the same rate here."
            ),
            "more of them die first": (
                "Fewer progress, because fewer are left to. Both numbers are right; they answer different questions."
            ),
            "chance": "The interval is narrow and excludes one.",
            "their follow-up is shorter": "Follow-up is the same, and censoring is handled by the method.",
        },
    ),
    ask(
        "T11.4",
        lambda: ("cumulative incidence", "cause-specific hazard"),
        "One asks how many patients will be affected; the other, what acts on those who are still at risk.",
        Mistake(
            lambda: ("cause-specific hazard", "cumulative incidence"),
            "The other way round: numbers of patients need incidence, mechanisms need hazards.",
        ),
        Mistake(
            lambda: ("cause-specific hazard", "cause-specific hazard"),
            "A hazard among survivors does not say how many patients will be affected.",
        ),
        Mistake(
            lambda: ("cumulative incidence", "cumulative incidence"),
            "An incidence mixes what the drug does to progression with what it does to death.",
        ),
        scale="several",
        because="Report both, for both events: that is the only complete picture.",
    ),
)
