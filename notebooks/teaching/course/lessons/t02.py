"""T02 Kaplan-Meier by hand, by library, and the difference.

One hazard, one way to leave: how estimates behave when patients are censored.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from course.exercise import Mistake, ask, choose
from course.figures import plot_intervals
from course.lesson import View
from course.rows import side_by_side
from course.simulated import constant_hazard_curve
from timetoevent.kaplan_meier import kaplan_meier, survival_at
from timetoevent.proportions import proportion


def seven_patients() -> pd.DataFrame:
    """Return seven invented patients: months under observation, and whether progression was seen.

    One row is one patient. Two share a time, one of them with an event; the last time of all is an event.
    """
    return pd.DataFrame(
        {
            "patient": ["A", "B", "C", "D", "E", "F", "G"],
            "time_months": [2.0, 4.0, 4.0, 5.0, 8.0, 9.0, 12.0],
            "event": [True, True, False, False, True, False, True],
        }
    )


PROGRESSION_PER_MONTH = 0.05
_STUDY_END_MONTHS = 36.0


def censored_patients(
    n: int, *, dropout_per_month: float, share_lost_before_progression: float = 0.0, seed: int = 2
) -> pd.DataFrame:
    """Simulate patients with a constant hazard of progression, censored at a constant rate.

    Parameters
    ----------
    dropout_per_month : float
        Hazard of being censored; 0 for nobody before the end of the study at 36 months.
    share_lost_before_progression : float
        Share of progressions that are not seen because the patient stops coming just before: with any, censoring
        tells about prognosis.

    Returns
    -------
    DataFrame
        One row per patient: `time_months`, `event`.

    Examples
    --------
    >>> patients = censored_patients(1000, dropout_per_month=0.05)
    >>> bool(0.4 < patients["event"].mean() < 0.6)
    True
    """
    rng = np.random.default_rng(seed)
    progression = rng.exponential(1 / PROGRESSION_PER_MONTH, n)
    dropout = rng.exponential(1, n) / dropout_per_month if dropout_per_month else np.full(n, np.inf)
    end = np.minimum(dropout, _STUDY_END_MONTHS)
    is_lost = rng.random(n) < share_lost_before_progression
    event = (progression <= end) & ~is_lost
    return pd.DataFrame({"time_months": np.minimum(progression, end), "event": event})


_AT_MONTHS = 12.0


def three_ways(dropout_per_month: float, patients: int) -> View:
    """Show two naive proportions and Kaplan-Meier beside the truth."""
    sample = censored_patients(patients, dropout_per_month=dropout_per_month)
    truth = float(constant_hazard_curve(PROGRESSION_PER_MONTH, _AT_MONTHS)["survival"].iloc[-1])
    progressed = int((sample["event"] & (sample["time_months"] <= _AT_MONTHS)).sum())
    censored = int((~sample["event"] & (sample["time_months"] < _AT_MONTHS)).sum())
    rows = {
        "as if watched to the end": proportion(patients - progressed, patients),
        "censored left out": proportion(patients - progressed - censored, patients - censored),
        "Kaplan-Meier": survival_at(sample["time_months"], sample["event"], at=[_AT_MONTHS])[0],
    }
    figure = plot_intervals(
        side_by_side(rows), truth=truth, label=f"Free of progression at {_AT_MONTHS:.0f} months", is_log=False
    )
    caption = (
        f"Free of progression at {_AT_MONTHS:.0f} months, three ways, with 95% intervals: {patients} patients, of whom "
        f"{censored} were censored before; dropout {100 * dropout_per_month:.0f}% a month."
    )
    return View(figure, caption)


_SEVEN = seven_patients()
_TIME, _EVENT = _SEVEN["time_months"].to_numpy(), _SEVEN["event"].to_numpy()


def _probability(at: float) -> float:
    return survival_at(_TIME, _EVENT, at=[at])[0].estimate


def _standard_error(at: float) -> float:
    curve = kaplan_meier(_TIME, _EVENT)
    return float(curve.loc[curve["time"] <= at, "std_error"].iloc[-1])


EXERCISES = (
    ask(
        "T02.1",
        lambda: int((_TIME >= 5).sum()),
        "Count the patients whose time is five months or longer: whoever leaves exactly then is there just before.",
        Mistake(lambda: int((_TIME > 5).sum()), "You left out the patient who is censored exactly at five months."),
        Mistake(lambda: len(_TIME), "That is everybody. Some have left before."),
        Mistake(
            lambda: int(((_TIME > 5) & _EVENT).sum()),
            "You counted those who will have the event. At risk is everybody who still could.",
        ),
        scale="count",
        because="The patient censored exactly at five months is still at risk there.",
    ),
    ask(
        "T02.2",
        lambda: _probability(8.0),
        "Multiply the shares passing at the event times up to and including eight months.",
        Mistake(
            lambda: 1 - _EVENT[_TIME <= 8].sum() / len(_TIME),
            "You divided the events by everybody, as if the censored patients had been watched to the end.",
        ),
        Mistake(
            lambda: 1 - _EVENT[_TIME <= 8].sum() / (_EVENT | (_TIME >= 8)).sum(),
            "You left the censored patients out altogether: while they were there, they were at risk.",
        ),
        Mistake(lambda: _probability(7.9), "You stopped one step early: the event at eight months counts."),
        Mistake(lambda: 2 / 3, "That is the share passing at eight months alone; the earlier steps multiply it."),
        scale="probability",
        because="Between the two naive answers, as it must be.",
    ),
    ask(
        "T02.3",
        lambda: _standard_error(5.0),
        "Two event times lie before five months. Sum d / (n (n - d)) over them, take the root, multiply by the curve.",
        Mistake(
            lambda: _standard_error(5.0) / _probability(5.0),
            "That is the square root alone: the standard error of the logarithm. Multiply it by the curve.",
        ),
        Mistake(lambda: float(_standard_error(5.0) ** 2 / _probability(5.0)), "You forgot the square root."),
        Mistake(lambda: float(_probability(5.0) * np.sqrt(1 / 7 + 1 / 6)), "The denominators are n (n - d), not n."),
        decimals=3,
        because="Nobody was censored before the last event so far, so it equals that of a simple proportion.",
    ),
    choose(
        "T02.4",
        "too high",
        "Which patients disappear from the denominators, and what do the ones who stay look like?",
        {
            "too high": "Events vanish, and those who stay are healthier. No method can see this in the data alone.",
            "too low": "Those who leave were about to progress. Their events are never counted.",
            "still right": "Those who leave are sicker than those who stay: censoring tells about prognosis.",
        },
    ),
)
