"""Two groups whose hazards are proportional, or are not: waning, crossing, or mixed from unequal patients."""

from __future__ import annotations

import numpy as np
import pandas as pd

CONTROL_PER_MONTH = 0.06
# hazard ratio of treated against control until the change, after it, and the month of the change
SHAPES = {"proportional": (0.6, 0.6, 6.0), "waning": (0.4, 1.0, 6.0), "crossing": (2.0, 0.35, 4.0)}


def four_patients() -> pd.DataFrame:
    """Return four invented patients for a partial likelihood by hand.

    Examples
    --------
    >>> four_patients()["event"].tolist()
    [True, True, True, False]
    """
    return pd.DataFrame(
        {
            "patient": list("ABCD"),
            "time_months": [1.0, 2.0, 3.0, 4.0],
            "event": [True, True, True, False],
            "treated": [True, False, True, False],
        }
    )


def two_groups(
    shape: str, n: int = 1000, *, follow_up_months: float = 36.0, frailty_variance: float = 0.0, seed: int = 10
) -> pd.DataFrame:
    """Simulate treated patients and controls.

    Parameters
    ----------
    shape : {"proportional", "waning", "crossing"}
        How the hazard ratio runs over time.
    n : int
        Patients, half of them treated.
    follow_up_months : float
        Longest follow-up; everybody still free of the event is censored between half of it and its end.
    frailty_variance : float
        Variance of an unmeasured factor that multiplies each patient's hazard (gamma, mean one); 0 for none.
    seed : int
        Same seed, same patients, whatever the follow-up.

    Returns
    -------
    DataFrame
        One row per patient: `treated`, `time_months`, `event`.

    Examples
    --------
    >>> two_groups("waning", 10)["treated"].sum()
    np.int64(5)
    """
    rng = np.random.default_rng(seed)
    treated = np.arange(n) % 2 == 1
    area, share = rng.exponential(1, n), rng.random(n)
    if frailty_variance:
        area = area / rng.gamma(1 / frailty_variance, frailty_variance, n)
    early, late, change = SHAPES[shape]
    first = CONTROL_PER_MONTH * np.where(treated, early, 1.0)
    then = CONTROL_PER_MONTH * np.where(treated, late, 1.0)
    time = np.where(area <= first * change, area / first, change + (area - first * change) / then)
    follow_up = follow_up_months * (1 + share) / 2
    return pd.DataFrame({"treated": treated, "time_months": np.minimum(time, follow_up), "event": time <= follow_up})
