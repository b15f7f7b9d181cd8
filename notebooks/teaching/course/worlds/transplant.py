"""Second-line transplant: given to those still free of progression, so that waiting for it looks like an effect."""

from __future__ import annotations

import numpy as np
import pandas as pd

PROGRESSION_PER_MONTH = 0.06
_UNFIT_RATIO = 3.0
_NEVER = 1e6


def eight_patients() -> pd.DataFrame:
    """Return eight invented patients, four of them transplanted: months to the end, event, months to transplant.

    Examples
    --------
    >>> int(eight_patients()["transplant_months"].notna().sum())
    4
    """
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
    n : int
        Patients.
    hazard_ratio : float
        The true effect of transplant; 1 for none.
    is_for_the_fit : bool
        True: four in five fit patients are planned and one in ten others, and those who are not fit progress three
        times as fast. False: three in five of everybody, fit or not, and fitness does not bear on progression.
    seed : int
        Same seed, same patients.

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
    time = np.minimum(progression, follow_up)
    return pd.DataFrame(
        {
            "time_months": time,
            "event": progression <= follow_up,
            "transplant_months": np.where(planned < time, planned, np.nan),
            "is_fit": is_fit,
        }
    )
