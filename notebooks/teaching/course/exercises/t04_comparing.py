"""T04 Comparing curves, and multiplicity."""

from __future__ import annotations

from course.exercise import Exercise, Mistake
from course.worlds.many_tests import repeat_search, six_patients
from timetoevent.logrank import adjust_p_values, observed_expected

_SIX = six_patients()
_RAW = (0.010, 0.040, 0.030)


def _expected(group: str) -> float:
    table = observed_expected(_SIX["time_months"], _SIX["event"], _SIX["group"])
    return float(table.loc[table["group"] == group, "expected"].item())


def _adjusted(method: str) -> tuple[float, ...]:
    return tuple(float(value) for value in adjust_p_values(_RAW, method=method))


EXERCISES = (
    Exercise(
        "T04.1",
        lambda: _expected("two"),
        "At each event time, of either group: events times the share of group two among those at risk. Add up.",
        (
            Mistake(lambda: 3.0, "Those are the events observed in group two."),
            Mistake(lambda: 2.5, "Half of all events: but group two has fewer and fewer at risk."),
            Mistake(lambda: _expected("one"), "Those are the events expected in the other group."),
            Mistake(lambda: 0.5 + 2 / 5 + 1 / 3, "Also at the event times of group one something was expected in two."),
        ),
        because="Three were observed. The log-rank test asks whether that is more than chance.",
    ),
    Exercise(
        "T04.2",
        lambda: 1 - 0.95**20,
        "The chance that none is significant is the chance of one, multiplied with itself twenty times.",
        (
            Mistake(lambda: 0.05, "That is for one test."),
            Mistake(lambda: 20 * 0.05, "That is how many to expect. Chances of overlapping events do not add."),
        ),
        scale="probability",
        because="More likely than not, in a cohort in which nothing matters at all.",
    ),
    Exercise(
        "T04.3",
        lambda: _adjusted("holm"),
        "Smallest times three, next times two, largest times one; then none may be smaller than one before it.",
        (
            Mistake(lambda: _adjusted("bonferroni"), "That is Bonferroni: all times three. Holm is never worse."),
            Mistake(
                lambda: (0.030, 0.040, 0.060),
                "Right factors, but an adjusted p-value must not be smaller than that of a smaller raw one.",
            ),
            Mistake(
                lambda: _adjusted("benjamini-hochberg"),
                "That is Benjamini-Hochberg, which limits the share of false discoveries, not the chance of any.",
            ),
        ),
        scale="several",
        decimals=3,
        because="One of three remains below the level.",
    ),
    Exercise(
        "T04.4",
        lambda: float((repeat_search()["best"] < 0.05).mean()),
        "`searches` has one row per cohort; the mean of a comparison is a share.",
        (
            Mistake(
                lambda: float((repeat_search()["median"] < 0.05).mean()),
                "That is for the median as cut-point, fixed beforehand: near the level, as it should be.",
            ),
        ),
        scale="probability",
        because="So a cut-point found in the data needs other data to be believed, or a marker that stays continuous.",
    ),
)
