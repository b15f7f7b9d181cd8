"""Patients few enough to count by eye."""

from __future__ import annotations

import pandas as pd


def seven_patients() -> pd.DataFrame:
    """Return seven invented patients: months under observation, and whether progression was seen.

    One row is one patient. Two share a time, one of them with an event; the last time of all is an event.

    Examples
    --------
    >>> int(seven_patients()["event"].sum())
    4
    """
    return pd.DataFrame(
        {
            "patient": ["A", "B", "C", "D", "E", "F", "G"],
            "time_months": [2.0, 4.0, 4.0, 5.0, 8.0, 9.0, 12.0],
            "event": [True, True, False, False, True, False, True],
        }
    )
