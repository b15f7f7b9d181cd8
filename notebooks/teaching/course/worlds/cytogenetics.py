"""Cytogenetics that a third of the patients do not have, for one reason or another."""

from __future__ import annotations

import numpy as np
import pandas as pd

TRUE_RATIO = {"high_risk": 2.0, "iss_iii": 1.5}
MECHANISMS = ("by chance", "by stage and course", "by risk and course")
_HAZARD_PER_MONTH = 0.03


def cytogenetic_patients(
    n: int = 600, *, mechanism: str = "by chance", share: float = 0.35, seed: int = 6
) -> pd.DataFrame:
    """Simulate patients with cytogenetic risk, stage and age, of whom some were not tested.

    Parameters
    ----------
    n : int
        Patients.
    mechanism : {"by chance", "by stage and course", "by risk and course"}
        Who is not tested: anybody; those of low stage, and those who progressed early; or those of high risk
        who progressed early, so that the missing value itself decides about being missing.
    share : float
        Share not tested.
    seed : int
        Same seed, same patients; only the missing values change with mechanism and share.

    Returns
    -------
    DataFrame
        One row per patient: `high_risk_true`, `high_risk` ("yes", "no", missing), `iss_iii`, `age_decades`,
        `ldh_high`, `time_months`, `event`.

    Examples
    --------
    >>> patients = cytogenetic_patients(200, share=0.5)
    >>> bool(0.35 < patients["high_risk"].isna().mean() < 0.65)
    True
    """
    rng = np.random.default_rng(seed)
    iss = rng.random(n) < 0.37
    high = rng.random(n) < np.where(iss, 0.5, 0.25)
    ldh = rng.random(n) < np.where(high, 0.6, 0.25)
    age, area, chance = rng.normal(0, 0.9, n), rng.exponential(1, n), rng.random(n)
    hazard = _HAZARD_PER_MONTH * np.exp(np.log(TRUE_RATIO["high_risk"]) * high + np.log(TRUE_RATIO["iss_iii"]) * iss)
    progression, follow_up = area / hazard, rng.uniform(12, 36, n)
    event, time = progression <= follow_up, np.minimum(progression, follow_up)
    pull = {
        "by chance": np.zeros(n),
        "by stage and course": 1.2 * ~iss + 1.5 * (event & (time < 9)),
        "by risk and course": 2.5 * (high & event & (time < 9)),
    }[mechanism]
    # who is not tested: the given share of the patients, drawn with the odds of the mechanism
    order = np.argsort(np.log(chance) / np.exp(pull))
    is_missing = np.zeros(n, dtype=bool)
    is_missing[order[n - round(share * n) :]] = True
    words = pd.Series(np.where(high, "yes", "no")).where(~is_missing)
    return pd.DataFrame(
        {
            "high_risk_true": high,
            "high_risk": pd.Categorical(words, categories=["no", "yes"]),
            "iss_iii": iss,
            "age_decades": age,
            "ldh_high": ldh,
            "time_months": time,
            "event": event,
        }
    )
