"""T06 Immortal time: second-line transplant."""

from __future__ import annotations

from course.exercise import Exercise, Mistake
from course.worlds.transplant import eight_patients

_EIGHT = eight_patients()
_TIME, _EVENT, _TRANSPLANT = _EIGHT["time_months"], _EIGHT["event"], _EIGHT["transplant_months"]
_EVER = _TRANSPLANT.notna()
_LANDMARK = 6.0


def _waiting() -> float:
    return float(_TRANSPLANT.sum())


def _rate_ratio(months_after: float, months_without: float) -> float:
    return float((_EVENT[_EVER].sum() / months_after) / (_EVENT[~_EVER].sum() / months_without))


def _after() -> float:
    return float((_TIME - _TRANSPLANT).sum())


def _ever_months() -> float:
    return float(_TIME[_EVER].sum())


def _never_months() -> float:
    return float(_TIME[~_EVER].sum())


def _at_landmark(*, inclusive: bool = True) -> tuple[int, int]:
    kept = _TIME > _LANDMARK
    state = (_TRANSPLANT <= _LANDMARK) if inclusive else (_TRANSPLANT < _LANDMARK)
    return int(kept.sum()), int((kept & state).sum())


EXERCISES = (
    Exercise(
        "T06.1",
        _waiting,
        "Add up, over the transplanted, the months from start to transplant: the thin part of their lines.",
        (
            Mistake(_ever_months, "That is all the time of the transplanted, before and after."),
            Mistake(_after, "That is the time after transplant, when they could progress as transplanted patients."),
        ),
        scale="months",
        decimals=0,
        because="In all these months nobody counted as transplanted could progress: whoever does is counted as never "
        "transplanted.",
    ),
    Exercise(
        "T06.2",
        lambda: _rate_ratio(_after(), _never_months() + _waiting()),
        "Rate = events / months. The waiting months belong to the denominator of the patients without transplant.",
        (
            Mistake(
                lambda: _rate_ratio(_ever_months(), _never_months()),
                "That is the naive ratio: the waiting months are still counted as time after transplant.",
            ),
            Mistake(
                lambda: _rate_ratio(_after(), _never_months()),
                "You took the waiting months out, but they are not lost: in them the patients were at risk without "
                "transplant. Give them to the other group.",
            ),
        ),
        scale="ratio",
        because="From a striking benefit to none, and no patient and no date has changed.",
    ),
    Exercise(
        "T06.3",
        _at_landmark,
        "Keep those followed and free of progression beyond six months; then ask who had the transplant by then.",
        (
            Mistake(
                lambda: (int((_TIME > _LANDMARK).sum()), int((_EVER & (_TIME > _LANDMARK)).sum())),
                "One of them is transplanted after the landmark: at the landmark nobody knows that yet.",
            ),
            Mistake(
                lambda: _at_landmark(inclusive=False),
                "A transplant on the day of the landmark has happened by the landmark.",
            ),
            Mistake(
                lambda: (len(_EIGHT), int(_EVER.sum())),
                "That is everybody. Those who progressed or left before the landmark cannot be compared from there on.",
            ),
        ),
        scale="several",
        because="Three who left before it are not used at all: that is the price.",
    ),
    Exercise(
        "T06.4",
        lambda: "confounding",
        "What differs between the groups besides the transplant, and was there before it?",
        (
            Mistake(
                lambda: "immortal time",
                "The time-dependent analysis counts the waiting months where they belong. Something else is left.",
            ),
            Mistake(
                lambda: "too few patients",
                "More patients would narrow the interval around the same wrong value.",
            ),
            Mistake(lambda: "a real effect", "The truth is written in the simulation: transplant does nothing here."),
        ),
        scale="choice",
        choices=("immortal time", "confounding", "too few patients", "a real effect"),
        because="Those who could be transplanted were the fit ones. Only with fitness in the model does it vanish.",
    ),
)
