"""A curve that falls and then flattens, watched for a short time: where medians are not reached."""

from __future__ import annotations

import numpy as np
import pandas as pd

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
    n : int
        Patients.
    longest_follow_up : float
        Months; each patient is followed for between 4 and so many months, whatever happens.
    speed : float
        Multiplies the hazard at all times; 1 gives 54 percent free of progression at a year.
    seed : int or Generator
        Same seed, same patients.

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
    return pd.DataFrame(
        {
            "time_months": np.minimum(progression, follow_up),
            "event": progression <= follow_up,
            "follow_up_months": follow_up,
        }
    )


def true_plateau_curve(until_months: float, speed: float = 1.0) -> pd.DataFrame:
    """Return the true curve: `time`, `survival`.

    Examples
    --------
    >>> round(float(true_plateau_curve(12)["survival"].iloc[-1]), 2)
    0.54
    """
    time = np.linspace(0, until_months, 121)
    area = _EARLY * np.minimum(time, TURN_MONTHS) + _LATE * np.maximum(time - TURN_MONTHS, 0)
    return pd.DataFrame({"time": time, "survival": np.exp(-area * speed)})
