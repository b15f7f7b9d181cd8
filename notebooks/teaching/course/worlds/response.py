"""Response that tells nothing of progression, yet must be reached before it."""

from __future__ import annotations

import numpy as np
import pandas as pd

PROGRESSION_PER_MONTH = 0.07


def responding_patients(
    n: int = 2000, *, link: float = 0.0, slowest_response: float = 6.0, seed: int = 7
) -> pd.DataFrame:
    """Simulate patients of whom some would respond, at a month between one and the slowest, if then still on therapy.

    Parameters
    ----------
    n : int
        Patients.
    link : float
        How much a better course and a response go together, through the biology of the disease: 0 for not at all. The
        patients themselves are the same with and without their response: it has no effect of its own.
    slowest_response : float
        Months.
    seed : int
        Same seed, same patients.

    Returns
    -------
    DataFrame
        One row per patient: `time_months`, `event`, `response_months` (missing: no response before the end).

    Examples
    --------
    >>> patients = responding_patients(400)
    >>> responders = patients.dropna()
    >>> bool((responders["response_months"] < responders["time_months"]).all())
    True
    """
    rng = np.random.default_rng(seed)
    biology = rng.normal(0, 1, n)
    progression = rng.exponential(1, n) / (PROGRESSION_PER_MONTH * np.exp(-link * biology))
    would_respond = rng.random(n) < 1 / (1 + np.exp(-(0.8 + 2 * link * biology)))
    response, follow_up = rng.uniform(1, slowest_response, n), rng.uniform(12, 30, n)
    time = np.minimum(progression, follow_up)
    return pd.DataFrame(
        {
            "time_months": time,
            "event": progression <= follow_up,
            "response_months": np.where(would_respond & (response < time), response, np.nan),
        }
    )
