"""One hazard, one way to leave: how estimates behave when patients are censored."""

from __future__ import annotations

import numpy as np
import pandas as pd

PROGRESSION_PER_MONTH = 0.05
_STUDY_END_MONTHS = 36.0


def censored_patients(
    n: int, *, dropout_per_month: float, share_lost_before_progression: float = 0.0, seed: int = 2
) -> pd.DataFrame:
    """Simulate patients with a constant hazard of progression, censored at a constant rate.

    Parameters
    ----------
    n : int
        Patients.
    dropout_per_month : float
        Hazard of being censored; 0 for nobody before the end of the study at 36 months.
    share_lost_before_progression : float
        Share of progressions that are not seen because the patient stops coming just before: with any, censoring
        tells about prognosis.
    seed : int
        Same seed, same patients.

    Returns
    -------
    DataFrame
        One row per patient: `time_months`, `event`.

    Examples
    --------
    >>> patients = censored_patients(1000, dropout_per_month=0.05)
    >>> bool(0.4 < patients["event"].mean() < 0.6)
    True
    """
    rng = np.random.default_rng(seed)
    progression = rng.exponential(1 / PROGRESSION_PER_MONTH, n)
    dropout = rng.exponential(1, n) / dropout_per_month if dropout_per_month else np.full(n, np.inf)
    end = np.minimum(dropout, _STUDY_END_MONTHS)
    is_lost = rng.random(n) < share_lost_before_progression
    event = (progression <= end) & ~is_lost
    return pd.DataFrame({"time_months": np.minimum(progression, end), "event": event})


def true_survival_curve(until_months: float) -> pd.DataFrame:
    """Return the true curve of these patients: `time`, `survival`.

    Examples
    --------
    >>> round(float(true_survival_curve(12)["survival"].iloc[-1]), 3)
    0.549
    """
    time = np.linspace(0, until_months, 121)
    return pd.DataFrame({"time": time, "survival": np.exp(-PROGRESSION_PER_MONTH * time)})
