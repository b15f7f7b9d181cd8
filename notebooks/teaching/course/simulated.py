"""What the invented worlds share: follow-up that ends before the event, and curves that are known."""

from __future__ import annotations

import numpy as np
import pandas as pd


def end_follow_up(time: np.ndarray, until: np.ndarray) -> dict[str, np.ndarray]:
    """Return what is seen of times to an event when each patient is followed until then: `time_months`, `event`.

    Examples
    --------
    >>> end_follow_up(np.array([2.0, 9.0]), np.array([5.0, 5.0]))["time_months"].tolist()
    [2.0, 5.0]
    """
    return {"time_months": np.minimum(time, until), "event": time <= until}


def constant_hazard_curve(per_month: float, until_months: float) -> pd.DataFrame:
    """Return the true curve of patients with a constant hazard: `time`, `survival`.

    Examples
    --------
    >>> round(float(constant_hazard_curve(0.05, 12)["survival"].iloc[-1]), 3)
    0.549
    """
    time = np.linspace(0, until_months, 121)
    return pd.DataFrame({"time": time, "survival": np.exp(-per_month * time)})
