"""Dates that a record gives only to the month."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fhrmm.schema import date_columns

_CANDIDATES = ("first_line_start_date", "asct_date", "best_response_date", "next_line_start_date", "diagnosis_date")
_LATEST_RELAPSE_DAYS = 325


def blur_dates(patients: pd.DataFrame, wanted: np.ndarray, progressions: np.ndarray) -> pd.DataFrame:
    """Return the patients with one date of each wanted patient, and some progressions, known to the month.

    Only a month that holds no other date of the patient is blurred, and no transplant so close to the window's end
    that eligibility would become undetermined: the order of events stays certain.

    Parameters
    ----------
    patients : DataFrame
        Canonical, all dates to the day.
    wanted, progressions : ndarray of bool
        Per patient: blur one of `_CANDIDATES`; blur `progression_date`.
    """
    blurred = patients.copy()
    dates = patients[date_columns("patients")]
    chosen: list[tuple[int, str]] = []
    for row in np.flatnonzero(wanted):
        chosen += [(row, name) for name in np.roll(_CANDIDATES, row) if _may_blur(dates.iloc[row], name)][:1]
    chosen += [(row, "progression_date") for row in np.flatnonzero(progressions)]
    for row, name in chosen:
        if _may_blur(dates.iloc[row], name):
            for together in _blurred_together(dates.iloc[row], name):
                month_known(blurred, row, together)
    return blurred


def _may_blur(dates: pd.Series, name: str) -> bool:
    """Tell whether every date that is not blurred with this one lies in another month."""
    if pd.isna(dates[name]):
        return False
    others = dates.drop(_blurred_together(dates, name)).dropna().dt.to_period("M")
    relapse = dates["first_progression_date"] - dates["asct_date"]
    close = name == "asct_date" and relapse.days > _LATEST_RELAPSE_DAYS
    return not close and not (others == dates[name].to_period("M")).any()


def _blurred_together(dates: pd.Series, name: str) -> list[str]:
    """Return the date, those of the same day, and the second look at a progression in its month."""
    together = dates.eq(dates[name])
    if name == "progression_date":
        month = dates[name].to_period("M")
        together["last_assessment_date"] |= dates["last_assessment_date"].to_period("M") == month
    return list(dates.index[together])


def month_known(patients: pd.DataFrame, row: int, name: str) -> None:
    """Let one date be known only to the month: bounds, midpoint rounded down to the day, precision."""
    month = patients[name].iloc[row].to_period("M")
    lower, upper = month.start_time.normalize(), month.end_time.normalize()
    at = patients.index[row]
    patients.loc[at, [f"{name}_lower", f"{name}_upper"]] = lower, upper
    patients.loc[at, name] = lower + pd.Timedelta(days=(upper - lower).days // 2)
    patients.loc[at, f"{name}_precision"] = "month"
