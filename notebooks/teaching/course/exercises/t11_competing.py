"""T11 Competing risks."""

from __future__ import annotations

from course.exercise import Exercise, Mistake
from course.views.t11 import incidence_of, one_minus_kaplan_meier
from course.worlds.competing import competing_patients, seven_endings
from timetoevent.kaplan_meier import survival_at

_SEVEN = seven_endings()
_AT = 7.0


def _incidence() -> float:
    curve = incidence_of(_SEVEN)
    return float(curve.loc[curve["time"] <= _AT, "cumulative_incidence"].iloc[-1])


def _naive() -> float:
    curve = one_minus_kaplan_meier(_SEVEN)
    return float(curve.loc[curve["time"] <= _AT, "cumulative_incidence"].iloc[-1])


def _free(*, of_both: bool = True) -> float:
    event = _SEVEN["cause"] > 0 if of_both else _SEVEN["cause"] == 1
    return survival_at(_SEVEN["time_months"], event, at=[_AT])[0].estimate


def _many(estimator: str) -> float:
    patients = competing_patients(death_per_month=0.04)
    make = {"right": incidence_of, "naive": one_minus_kaplan_meier}[estimator]
    found = []
    for cause in (1, 2):
        curve = make(patients, cause)
        found.append(float(curve.loc[curve["time"] <= 36, "cumulative_incidence"].iloc[-1]))
    return sum(found)


EXERCISES = (
    Exercise(
        "T11.1",
        _incidence,
        "At each progression: the chance of being free of everything just before, times one over the number at risk.",
        (
            Mistake(_naive, "That is one minus Kaplan-Meier: it lets the dead progress later, with the others."),
            Mistake(lambda: 3 / 7, "That divides by everybody, as if the censored patient had been watched on."),
            Mistake(
                lambda: 3 / 5,
                "You left those who died out. They were at risk, and they are patients who did not progress.",
            ),
        ),
        scale="probability",
        because="Less than one minus Kaplan-Meier, as always when anybody dies first.",
    ),
    Exercise(
        "T11.2",
        lambda: _many("naive"),
        "Add the two values of `one_minus_kaplan_meier` at month thirty-six, for cause one and for cause two.",
        (
            Mistake(lambda: _many("right"), "That is by Aalen-Johansen, and can be a probability. Add the naive ones."),
            Mistake(
                lambda: _many("naive") / 2,
                "That is their mean. Every patient has one ending; the shares should add up.",
            ),
        ),
        because="More than one: more patients end than there are. That alone shows that it cannot be right.",
    ),
    Exercise(
        "T11.3",
        lambda: "more of them die first",
        "Look at the true cause-specific hazard ratio of progression in this world, and at what else differs.",
        (
            Mistake(
                lambda: "age protects from progression",
                "While alive and free of progression, older patients progress at exactly the same rate here.",
            ),
            Mistake(lambda: "chance", "The interval is narrow and excludes one."),
            Mistake(
                lambda: "their follow-up is shorter", "Follow-up is the same, and censoring is handled by the method."
            ),
        ),
        scale="choice",
        choices=("age protects from progression", "more of them die first", "chance", "their follow-up is shorter"),
        because="Fewer progress, because fewer are left to. Both numbers are right; they answer different questions.",
    ),
    Exercise(
        "T11.4",
        lambda: ("cumulative incidence", "cause-specific hazard"),
        "One asks how many patients will be affected; the other, what acts on those who are still at risk.",
        (
            Mistake(
                lambda: ("cause-specific hazard", "cumulative incidence"),
                "The other way round: numbers of patients need incidence, mechanisms need hazards.",
            ),
            Mistake(
                lambda: ("cause-specific hazard", "cause-specific hazard"),
                "A hazard among survivors does not say how many patients will be affected.",
            ),
            Mistake(
                lambda: ("cumulative incidence", "cumulative incidence"),
                "An incidence mixes what the drug does to progression with what it does to death.",
            ),
        ),
        scale="several",
        because="Report both, for both events: that is the only complete picture.",
    ),
)
