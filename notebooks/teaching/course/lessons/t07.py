"""T07 Responders against non-responders.

Response that tells nothing of progression, yet must be reached before it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from course.exercise import Mistake, ask, choose
from course.figures import plot_curves, plot_intervals
from course.lesson import View
from course.rows import curves_of, fit_three_ways, side_by_side
from course.simulated import end_follow_up
from timetoevent.landmark import make_landmark_data
from timetoevent.rmst import rmst_difference

PROGRESSION_PER_MONTH = 0.07


def responding_patients(
    n: int = 2000, *, link: float = 0.0, slowest_response: float = 6.0, seed: int = 7
) -> pd.DataFrame:
    """Simulate patients of whom some would respond, at a month between one and the slowest, if then still on therapy.

    Parameters
    ----------
    link : float
        How much a better course and a response go together, through the biology of the disease: 0 for not at all. The
        patients themselves are the same with and without their response: it has no effect of its own.
    slowest_response : float
        Months.

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
    seen = end_follow_up(progression, follow_up)
    responded = would_respond & (response < seen["time_months"])
    return pd.DataFrame(seen | {"response_months": np.where(responded, response, np.nan)})


def _by_response(patients: pd.DataFrame, landmark: float) -> pd.DataFrame:
    """Return the patients of a landmark with `responded` as known there; at zero all, as known at the end."""
    if not landmark:
        return patients.assign(responded=patients["response_months"].notna())
    changes = {"responded": "response_months"}
    return make_landmark_data(patients, time="time_months", event="event", landmark=landmark, changes=changes).frame


def landmark_curves(landmark_months: float, link: float) -> View:
    """Show curves of responders and others from a landmark; at zero, the naive ones."""
    patients = responding_patients(link=link)
    kept = _by_response(patients, landmark_months)
    parts = {"responders": kept[kept["responded"]], "others": kept[~kept["responded"]]}
    since = f"month {landmark_months:g}" if landmark_months else "start of second line"
    said = "fixed at the landmark" if landmark_months else "as known at the end: WRONG on purpose"
    caption = (
        f"Free of progression since {since} by response {said}; {len(parts['responders'])} responders, "
        f"{len(parts['others'])} others, of {len(patients)}; pointwise 95% intervals."
    )
    what = {"limit": 18, "label": "Free of progression, %", "time_label": f"Months since {since}"}
    return View(plot_curves(curves_of(parts), **what), caption)


def linked(link: float) -> View:
    """Show the three hazard ratios when response and course share their biology."""
    rows = side_by_side(fit_three_ways(responding_patients(link=link), "response_months", 6.0, first="from the start"))
    caption = f"Response and course go together with strength {link:g}; response itself does nothing. 95% intervals."
    return View(plot_intervals(rows, truth=1.0, label="Hazard ratio, responders against others"), caption)


_PATIENTS = responding_patients()
_EVER = _PATIENTS["response_months"].notna()
_EARLY = _PATIENTS["event"] & (_PATIENTS["time_months"] <= 1)
_LANDMARK = 6.0
_UNUSED = _PATIENTS["time_months"] <= _LANDMARK


def _gain(landmark: float) -> float:
    kept = _by_response(_PATIENTS, landmark)
    return rmst_difference(kept["time_months"], kept["event"], kept["responded"], horizon=12, reference=False).estimate


EXERCISES = (
    ask(
        "T07.1",
        lambda: 0,
        "No response is seen before month one. Could such a patient have become a responder?",
        Mistake(lambda: int(_EARLY.sum()), "These are all progressions in the first month. In which group are they?"),
        Mistake(
            lambda: int((_EVER & _PATIENTS["event"]).sum()),
            "Those are the progressions of responders at any time. Only the first month is asked for.",
        ),
        scale="count",
        because="It cannot be otherwise: every progression of the first month is a non-responder's.",
    ),
    ask(
        "T07.2",
        lambda: float(_UNUSED.mean()),
        "Those whose follow-up ends by month six, with or without progression, over all.",
        Mistake(
            lambda: float((_UNUSED & _PATIENTS["event"]).sum() / _PATIENTS["event"].sum()),
            "You divided by the progressions. The share of patients is asked for.",
        ),
        Mistake(lambda: float((_PATIENTS["time_months"] <= 3).mean()), "That is for month three."),
        scale="probability",
        because="A landmark analysis is about those who reach the landmark, and says nothing about these.",
    ),
    ask(
        "T07.3",
        lambda: _gain(_LANDMARK),
        "`make_landmark_data` with the landmark, then `rmst_difference` over its frame, grouped by `responded`.",
        Mistake(lambda: _gain(0), "That is from the start, with the immortal time still in it."),
        Mistake(lambda: _gain(3.0), "That is from month three."),
        decimals=1,
        because="Next to nothing, as it should be: response does nothing here.",
    ),
    choose(
        "T07.4",
        "marker",
        "Would the patient's course change if we could make the patient respond, everything else being the same?",
        {
            "cause": "In this world nothing changes when a response is given or taken away. Its biology does both.",
            "marker": "Useful to tell a patient at month six what to expect; no argument for treating until response.",
            "bias": "The immortal time is gone from the landmark analysis. What remains is true of these patients.",
            "chance": "The interval is narrow and excludes one.",
        },
    ),
)
