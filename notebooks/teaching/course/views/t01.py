"""Views of T01: where the clock starts, when it is looked at, and where it is stopped."""

from __future__ import annotations

import numpy as np
import pandas as pd

from course.figures import plot_curves
from course.view import View
from course.worlds.dates import PROGRESSION_PER_MONTH, visited_patients
from timetoevent.kaplan_meier import kaplan_meier, survival_quantile


def true_curve(until_months: float) -> pd.DataFrame:
    """Return the true curve of the visited patients.

    Examples
    --------
    >>> float(true_curve(10.0)["survival"].iloc[0])
    1.0
    """
    time = np.linspace(0, until_months, 121)
    return pd.DataFrame({"time": time, "survival": np.exp(-PROGRESSION_PER_MONTH * time)})


def censoring_and_visits(months_between: float, censored_at: str) -> View:
    """Show the curve for a schedule of visits and a censoring rule.

    Examples
    --------
    >>> "Median" in censoring_and_visits(3, "last visit").caption
    True
    """
    patients = visited_patients(months_between=months_between)
    column = {"last visit": "last_visit_months", "last contact": "last_contact_months"}[censored_at]
    event = patients["found_months"].notna()
    time = patients["found_months"].where(event, patients[column])
    found = survival_quantile(time, event)
    median = f"{found.estimate:.1f}" if found.status == "ok" else "not reached"
    figure = plot_curves(
        {"as recorded": kaplan_meier(time, event)},
        truth={"truth": true_curve(24)},
        limit=24,
        label="Free of progression, %",
        has_half=True,
    )
    schedule = "month" if months_between == 1 else f"{months_between:g} months"
    caption = (
        f"Visits every {schedule}, patients without progression censored at their {censored_at}. Median "
        f"{median} months; true median {np.log(2) / PROGRESSION_PER_MONTH:.1f}."
    )
    return View(figure, caption)
