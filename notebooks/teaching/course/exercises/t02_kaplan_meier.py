"""T02 Kaplan-Meier by hand, by library, and the difference."""

from __future__ import annotations

import numpy as np

from course.exercise import Exercise, Mistake
from course.worlds.small import seven_patients
from timetoevent.kaplan_meier import kaplan_meier, survival_at

_SEVEN = seven_patients()
_TIME, _EVENT = _SEVEN["time_months"].to_numpy(), _SEVEN["event"].to_numpy()


def _probability(at: float) -> float:
    return survival_at(_TIME, _EVENT, at=[at])[0].estimate


def _standard_error(at: float) -> float:
    curve = kaplan_meier(_TIME, _EVENT)
    return float(curve.loc[curve["time"] <= at, "std_error"].iloc[-1])


EXERCISES = (
    Exercise(
        "T02.1",
        lambda: int((_TIME >= 5).sum()),
        "Count the patients whose time is five months or longer: whoever leaves exactly then is there just before.",
        (
            Mistake(lambda: int((_TIME > 5).sum()), "You left out the patient who is censored exactly at five months."),
            Mistake(lambda: len(_TIME), "That is everybody. Some have left before."),
            Mistake(
                lambda: int(((_TIME > 5) & _EVENT).sum()),
                "You counted those who will have the event. At risk is everybody who still could.",
            ),
        ),
        scale="count",
        because="The patient censored exactly at five months is still at risk there.",
    ),
    Exercise(
        "T02.2",
        lambda: _probability(8.0),
        "Multiply the shares passing at the event times up to and including eight months.",
        (
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
        ),
        scale="probability",
        because="Between the two naive answers, as it must be.",
    ),
    Exercise(
        "T02.3",
        lambda: _standard_error(5.0),
        "Two event times lie before five months. Sum d / (n (n - d)) over them, take the root, multiply by the curve.",
        (
            Mistake(
                lambda: _standard_error(5.0) / _probability(5.0),
                "That is the square root alone: the standard error of the logarithm. Multiply it by the curve.",
            ),
            Mistake(
                lambda: float(_standard_error(5.0) ** 2 / _probability(5.0)),
                "You forgot the square root.",
            ),
            Mistake(
                lambda: float(_probability(5.0) * np.sqrt(1 / 7 + 1 / 6)),
                "The denominators are n (n - d), not n.",
            ),
        ),
        decimals=3,
        because="Nobody was censored before the last event so far, so it equals that of a simple proportion.",
    ),
    Exercise(
        "T02.4",
        lambda: "too high",
        "Which patients disappear from the denominators, and what do the ones who stay look like?",
        (
            Mistake(
                lambda: "too low",
                "Those who leave were about to progress. Their events are never counted.",
            ),
            Mistake(
                lambda: "still right",
                "Those who leave are sicker than those who stay: censoring tells about prognosis.",
            ),
        ),
        scale="choice",
        choices=("too high", "too low", "still right"),
        because="Events vanish, and those who stay are healthier. No method can see this in the data alone.",
    ),
)
