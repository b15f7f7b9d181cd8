"""Views of T07: responders against the others, from the start and from a landmark."""

from __future__ import annotations

import pandas as pd

from course.figures import plot_curves, plot_intervals
from course.rows import side_by_side
from course.view import View
from course.worlds.response import responding_patients
from timetoevent.cox import CoxFit, fit_cox
from timetoevent.kaplan_meier import kaplan_meier
from timetoevent.landmark import make_landmark_data, split_at_change

_STATE = {"responded": "response_months"}


def fit_three_ways(patients: pd.DataFrame, landmark: float) -> dict[str, CoxFit]:
    """Fit response as if known at the start, as known at a landmark, and as it happened.

    Examples
    --------
    >>> list(fit_three_ways(responding_patients(300), 4.0))
    ['from the start', 'landmark at 4 months', 'time-dependent']
    """
    common = {"event": "event", "terms": ["responded"]}
    naive = patients.assign(responded=patients["response_months"].notna())
    kept = make_landmark_data(patients, time="time_months", event="event", landmark=landmark, changes=_STATE).frame
    long = split_at_change(patients, time="time_months", event="event", changes=_STATE)
    return {
        "from the start": fit_cox(naive, time="time_months", **common),
        f"landmark at {landmark:.0f} months": fit_cox(kept, time="time_months", **common),
        "time-dependent": fit_cox(long, entry="start", time="stop", **common),
    }


def landmark_curves(landmark_months: float, link: float) -> View:
    """Show curves of responders and others from a landmark; at zero, the naive ones.

    Examples
    --------
    >>> "WRONG" in landmark_curves(0, 0.0).caption
    True
    """
    patients = responding_patients(link=link)
    if landmark_months:
        kept = make_landmark_data(
            patients, time="time_months", event="event", landmark=landmark_months, changes=_STATE
        ).frame
    else:
        kept = patients.assign(responded=patients["response_months"].notna())
    parts = {"responders": kept[kept["responded"]], "others": kept[~kept["responded"]]}
    curves = {name: kaplan_meier(part["time_months"], part["event"]) for name, part in parts.items()}
    since = f"month {landmark_months:g}" if landmark_months else "start of second line"
    said = "fixed at the landmark" if landmark_months else "as known at the end: WRONG on purpose"
    caption = (
        f"Free of progression since {since} by response {said}; {len(parts['responders'])} responders, "
        f"{len(parts['others'])} others, of {len(patients)}; pointwise 95% intervals."
    )
    return View(
        plot_curves(curves, limit=18, label="Free of progression, %", time_label=f"Months since {since}"), caption
    )


def linked(link: float) -> View:
    """Show the three hazard ratios when response and course share their biology.

    Examples
    --------
    >>> "does nothing" in linked(0.5).caption
    True
    """
    rows = side_by_side(fit_three_ways(responding_patients(link=link), 6.0))
    caption = f"Response and course go together with strength {link:g}; response itself does nothing. 95% intervals."
    return View(plot_intervals(rows, truth=1.0, label="Hazard ratio, responders against others"), caption)
