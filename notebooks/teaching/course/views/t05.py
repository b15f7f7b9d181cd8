"""Views of T05: the likelihood of four patients, and one hazard ratio for hazards that are not proportional."""

from __future__ import annotations

import numpy as np
import pandas as pd

from course.figures import plot_curves, plot_lines
from course.view import View
from course.worlds.hazards import SHAPES, four_patients, two_groups
from timetoevent.cox import fit_cox
from timetoevent.kaplan_meier import kaplan_meier


def partial_likelihood(hazard_ratio: float, patients: pd.DataFrame | None = None) -> float:
    """Multiply, over the events, the patient's share of the hazard of all at risk (no ties).

    Examples
    --------
    >>> round(partial_likelihood(1.0), 4)
    0.0417
    """
    patients = four_patients() if patients is None else patients
    weight = np.where(patients["treated"], hazard_ratio, 1.0)
    time = patients["time_months"].to_numpy()
    shares = [weight[k] / weight[time >= time[k]].sum() for k in np.flatnonzero(patients["event"])]
    return float(np.prod(shares))


def one_number(shape: str, follow_up_months: int) -> View:
    """Show both curves, and the single hazard ratio that a Cox model makes of them.

    Examples
    --------
    >>> "Hazard ratio" in one_number("waning", 12).caption
    True
    """
    patients = two_groups(shape, follow_up_months=follow_up_months)
    curves = {
        name: kaplan_meier(part["time_months"], part["event"])
        for name, part in (("treated", patients[patients["treated"]]), ("control", patients[~patients["treated"]]))
    }
    found = fit_cox(patients, time="time_months", event="event", terms=["treated"]).coefficients.iloc[0]
    early, late, change = SHAPES[shape]
    truth = f"{early:g} throughout" if early == late else f"{early:g} until month {change:.0f}, {late:g} after"
    caption = (
        f"Followed for up to {follow_up_months} months. Hazard ratio of the Cox model {found['hazard_ratio']:.2f} "
        f"(95% CI {found['ci_lower']:.2f} to {found['ci_upper']:.2f}); true hazard ratio {truth}."
    )
    return View(plot_curves(curves, limit=36, label="Free of the event, %"), caption)


def drifting_ratio(frailty_variance: float) -> View:
    """Show how the hazard ratio between groups runs over time when patients are unequal for unmeasured reasons.

    Examples
    --------
    >>> drifting_ratio(0.5).caption.startswith("Each")
    True
    """
    month = np.linspace(0, 36, 73)
    lines = {"within each patient": (month, np.full(month.shape, 0.5))}
    control = 1 + frailty_variance * 0.06 * month
    treated = 1 + frailty_variance * 0.06 * 0.5 * month
    lines["between the groups"] = (month, 0.5 * control / treated)
    figure = plot_lines(lines, x_label="Months", y_label="Hazard ratio")
    caption = (
        "Each patient's hazard is halved by treatment, at all times; patients differ by an unmeasured factor with "
        f"variance {frailty_variance:g}. "
        "The ratio between the groups drifts towards one as the frail controls leave."
    )
    return View(figure, caption)
