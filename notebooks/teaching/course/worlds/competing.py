"""Progression and death without progression: two events, of which only the first can happen."""

from __future__ import annotations

import numpy as np
import pandas as pd

CENSORED, PROGRESSION, DEATH = 0, 1, 2
PROGRESSION_PER_MONTH, DEATH_PER_MONTH = 0.04, 0.01


def seven_endings() -> pd.DataFrame:
    """Return seven invented patients with what their time ended with.

    Examples
    --------
    >>> seven_endings()["ended_with"].value_counts().to_dict()
    {'progression': 3, 'death': 2, 'censored': 2}
    """
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
    seed : int
        Same seed, same patients.

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


def true_incidence(until_months: float, death_per_month: float = DEATH_PER_MONTH) -> pd.DataFrame:
    """Return the true cumulative incidence of progression of the younger: `time`, `cumulative_incidence`.

    Examples
    --------
    >>> round(float(true_incidence(12)["cumulative_incidence"].iloc[-1]), 3)
    0.361
    """
    time = np.linspace(0, until_months, 121)
    total = PROGRESSION_PER_MONTH + death_per_month
    return pd.DataFrame(
        {"time": time, "cumulative_incidence": PROGRESSION_PER_MONTH / total * (1 - np.exp(-total * time))}
    )
