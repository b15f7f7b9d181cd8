"""Relapse after transplant: the window that calls it early, and the centers that see it."""

from __future__ import annotations

import numpy as np
import pandas as pd

CENTER_SIZES = (14, 10, 9, 8, 6, 5, 4, 3, 2, 1)
TRUE_RATE = 0.72
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
    time = np.minimum(death, follow_up)
    return pd.DataFrame(
        {
            "relapse_months": relapse,
            "time_months": time,
            "event": death <= follow_up,
            "from_transplant_months": relapse + time,
        }
    )


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
    center = np.repeat([f"center {k + 1}" for k in range(len(CENTER_SIZES))], CENTER_SIZES)
    return pd.DataFrame({"center": center, "is_alive": rng.random(center.size) < TRUE_RATE})
