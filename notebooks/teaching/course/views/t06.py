"""Views of T06: the same patients, transplant counted in three ways."""

from __future__ import annotations

import pandas as pd

from course.figures import plot_intervals
from course.rows import side_by_side
from course.view import View
from course.worlds.transplant import transplant_patients
from timetoevent.cox import CoxFit, fit_cox
from timetoevent.landmark import make_landmark_data, split_at_change

_STATE = {"after_transplant": "transplant_months"}


def fit_three_ways(patients: pd.DataFrame, landmark: float, *, adjusted: bool = False) -> dict[str, CoxFit]:
    """Fit transplant as known beforehand, as known at a landmark, and as it happened.

    Parameters
    ----------
    patients : DataFrame
        `time_months`, `event`, `transplant_months`, and `is_fit` if adjusted.
    landmark : float
        Months.
    adjusted : bool
        Whether fitness is in the models.

    Examples
    --------
    >>> list(fit_three_ways(transplant_patients(300), 6.0))
    ['naive', 'landmark at 6 months', 'time-dependent']
    """
    terms = ["after_transplant", *(["is_fit"] if adjusted else [])]
    naive = patients.assign(after_transplant=patients["transplant_months"].notna())
    kept = make_landmark_data(patients, time="time_months", event="event", landmark=landmark, changes=_STATE).frame
    long = split_at_change(patients, time="time_months", event="event", changes=_STATE)
    return {
        "naive": fit_cox(naive, time="time_months", event="event", terms=terms),
        f"landmark at {landmark:.0f} months": fit_cox(kept, time="time_months", event="event", terms=terms),
        "time-dependent": fit_cox(long, entry="start", time="stop", event="event", terms=terms),
    }


def compare(true_hazard_ratio: float, landmark_months: float, is_for_the_fit: bool = False) -> View:
    """Show the three estimates beside the truth.

    Examples
    --------
    >>> "true hazard ratio 1" in compare(1.0, 6.0).caption
    True
    """
    patients = transplant_patients(hazard_ratio=true_hazard_ratio, is_for_the_fit=is_for_the_fit)
    rows = side_by_side(fit_three_ways(patients, landmark_months))
    kept = int((patients["time_months"] > landmark_months).sum())
    given = "to the fit" if is_for_the_fit else "regardless of fitness"
    caption = (
        f"Transplant given {given}, true hazard ratio {true_hazard_ratio:g}: estimates with 95% intervals in "
        f"{len(patients)} patients, of whom {kept} reach the landmark."
    )
    return View(plot_intervals(rows, truth=true_hazard_ratio, label="Hazard ratio, transplant against none"), caption)
