"""T05 Cox, proportional hazards, and what breaks them.

Two groups whose hazards are proportional, or are not: waning, crossing, or mixed from unequal patients.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from course.exercise import Mistake, ask, choose
from course.figures import plot_curves, plot_lines
from course.lesson import View
from course.rows import curves_of
from course.simulated import end_follow_up
from timetoevent.cox import fit_cox
from timetoevent.kaplan_meier import survival_at, survival_quantile
from timetoevent.results import Estimate
from timetoevent.rmst import rmst_difference

_CONTROL_PER_MONTH = 0.06
# hazard ratio of treated against control until the change, after it, and the month of the change
SHAPES = {"proportional": (0.6, 0.6, 6.0), "waning": (0.4, 1.0, 6.0), "crossing": (2.0, 0.35, 4.0)}


def four_patients() -> pd.DataFrame:
    """Return four invented patients for a partial likelihood by hand."""
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
    first = _CONTROL_PER_MONTH * np.where(treated, early, 1.0)
    then = _CONTROL_PER_MONTH * np.where(treated, late, 1.0)
    time = np.where(area <= first * change, area / first, change + (area - first * change) / then)
    follow_up = follow_up_months * (1 + share) / 2
    return pd.DataFrame({"treated": treated} | end_follow_up(time, follow_up))


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
    """Show both curves, and the single hazard ratio that a Cox model makes of them."""
    patients = two_groups(shape, follow_up_months=follow_up_months)
    treated = patients["treated"]
    curves = curves_of({"treated": patients[treated], "control": patients[~treated]})
    found = fit_cox(patients, time="time_months", event="event", terms=["treated"]).coefficients.iloc[0]
    early, late, change = SHAPES[shape]
    truth = f"{early:g} throughout" if early == late else f"{early:g} until month {change:.0f}, {late:g} after"
    caption = (
        f"Followed for up to {follow_up_months} months. Hazard ratio of the Cox model {found['hazard_ratio']:.2f} "
        f"(95% CI {found['ci_lower']:.2f} to {found['ci_upper']:.2f}); true hazard ratio {truth}."
    )
    return View(plot_curves(curves, limit=36, label="Free of the event, %"), caption)


def drifting_ratio(frailty_variance: float) -> View:
    """Show how the hazard ratio between groups runs over time when patients are unequal for unmeasured reasons."""
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


_CROSSING = two_groups("crossing")


def _difference(horizon: float) -> float:
    data = _CROSSING
    return rmst_difference(
        data["time_months"], data["event"], data["treated"], horizon=horizon, reference=False
    ).estimate


def _between_arms(estimate: Callable[[pd.Series, pd.Series], Estimate]) -> float:
    parts = [_CROSSING[_CROSSING["treated"] == arm] for arm in (True, False)]
    first, second = (estimate(part["time_months"], part["event"]).estimate for part in parts)
    return first - second


EXERCISES = (
    ask(
        "T05.1",
        lambda: 2 / 6,
        "A's share of the hazard of all four: treated weigh two, the others one.",
        Mistake(lambda: 1 / 4, "That is with equal hazards: the treated weigh twice as much."),
        Mistake(lambda: 4 / 6, "That is the chance that it is one of the treated. There are two of them."),
        Mistake(lambda: 2 / 5, "The sum over those at risk includes A."),
        scale="probability",
        because="And the times themselves do not enter: only who, out of whom.",
    ),
    ask(
        "T05.2",
        lambda: float(np.sqrt(0.54)),
        "With proportional hazards the curve of one group is that of the other raised to the hazard ratio.",
        Mistake(lambda: 1 - 0.46 * 0.5, "You halved the probability of the event. A hazard is not a probability."),
        Mistake(lambda: 0.54 * 0.5, "You halved the survival itself."),
        Mistake(lambda: 0.54**2, "Raised to the inverse: half the hazard means better survival."),
        scale="probability",
        because="The shorter the time, the closer hazards and probabilities; at a year they differ visibly.",
    ),
    choose(
        "T05.3",
        "too little information to see a departure",
        "What could sixty-two patients have found, had the hazards crossed?",
        {
            "hazards are proportional": "Absence of evidence. With so few events the test sees little.",
            "hazards are not proportional": "A large p-value speaks for nothing in particular.",
            "too little information to see a departure": (
                "So look at the residuals and the curves, whatever the test says."
            ),
            "the hazard ratio is one": "This tests whether the ratio changes with time, not what it is.",
        },
    ),
    ask(
        "T05.4",
        lambda: _difference(24.0),
        "`rmst_difference(time, event, group, horizon=..., reference=False)`; mind which group comes first.",
        Mistake(lambda: _difference(12.0), "The horizon is twenty-four months."),
        Mistake(lambda: _between_arms(survival_quantile), "That is the difference of the medians."),
        Mistake(
            lambda: _between_arms(lambda *of: survival_at(*of, at=[24])[0]),
            "That is the difference of the survival rates at the horizon, a probability.",
        ),
        Mistake(lambda: -_difference(24.0), "Treated minus control, not the other way round."),
        decimals=1,
        because="A difference in months can be told to a patient, and needs no proportional hazards.",
    ),
)
