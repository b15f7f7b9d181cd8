"""Second-line regimen by indication: those who get KRd differ in what bears on the course."""

from __future__ import annotations

import numpy as np
import pandas as pd

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
    n: int = 2000,
    *,
    hazard_ratio: float = 1.0,
    unmeasured: float = 1.0,
    only_in_naive: bool = False,
    seed: int = 8,
) -> pd.DataFrame:
    """Simulate patients whose chance of KRd falls with age, poor performance, stage, and lenalidomide refractoriness.

    All four also raise the hazard of progression. A fifth trait, `frail`, may do both as well and is not measured.

    Parameters
    ----------
    n : int
        Patients.
    hazard_ratio : float
        The true ratio of KRd against other regimens in the same patient; 1 for no effect.
    unmeasured : float
        Odds ratio of frailty with *not* getting KRd, and its hazard ratio; 1 for a frailty without consequences.
    only_in_naive : bool
        True: the effect exists only in patients who are not refractory to lenalidomide.
    seed : int
        Same seed, same patients.

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
    times = {"time_months": np.minimum(progression, follow_up), "event": progression <= follow_up}
    return traits.assign(frail=frail, krd=krd, **times)
