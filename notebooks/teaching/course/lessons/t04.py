"""T04 Comparing curves, and multiplicity.

Cohorts in which nothing matters, and many things are tested.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from course.exercise import Mistake, ask
from course.figures import plot_lines
from course.lesson import View
from course.simulated import end_follow_up
from timetoevent.logrank import adjust_p_values, logrank, observed_expected

_HAZARD_PER_MONTH = 0.05


def six_patients() -> pd.DataFrame:
    """Return six invented patients in two groups, for a log-rank test by hand."""
    return pd.DataFrame(
        {
            "patient": list("ABCDEF"),
            "group": ["one", "one", "one", "two", "two", "two"],
            "time_months": [3.0, 6.0, 8.0, 1.0, 2.0, 5.0],
            "event": [True, True, False, True, True, True],
        }
    )


def patients_without_effects(
    n: int = 200, factors: int = 20, *, seed: int | np.random.Generator = 44
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Simulate patients with many yes-or-no factors and one continuous marker, none of which bears on the course.

    Returns
    -------
    outcome : DataFrame
        One row per patient: `time_months`, `event`, `marker`.
    traits : DataFrame
        One row per patient, one column per factor, named by letters.

    Examples
    --------
    >>> outcome, traits = patients_without_effects(50, 3)
    >>> list(traits)
    ['A', 'B', 'C']
    """
    rng = np.random.default_rng(seed)
    progression, follow_up = rng.exponential(1 / _HAZARD_PER_MONTH, n), rng.uniform(6, 36, n)
    names = [chr(65 + k) for k in range(factors)]
    traits = pd.DataFrame(rng.random((n, factors)) < rng.uniform(0.2, 0.5, factors), columns=names)
    outcome = pd.DataFrame(end_follow_up(progression, follow_up) | {"marker": rng.normal(5, 1, n)})
    return outcome, traits


def _try_cut_points(outcome: pd.DataFrame) -> pd.DataFrame:
    """Test every cut-point of the marker between its first and its last fifth.

    Returns
    -------
    DataFrame
        One row per cut-point: `cut`, `p_value`.
    """
    cuts = np.quantile(outcome["marker"], np.linspace(0.2, 0.8, 17))
    found = [
        logrank(outcome["time_months"], outcome["event"], outcome["marker"] > cut, is_repeated=True) for cut in cuts
    ]
    return pd.DataFrame({"cut": cuts, "p_value": [test.p_value for test in found]})


@cache
def repeat_search(samples: int = 100) -> pd.DataFrame:
    """Search the best cut-point in many cohorts in which the marker does nothing.

    Returns
    -------
    DataFrame
        One row per cohort: the p-value of the best cut-point, `best`, and of the median, `median`.

    Examples
    --------
    >>> list(repeat_search(2))
    ['best', 'median']
    """
    rng = np.random.default_rng(45)
    rows = []
    for _ in range(samples):
        found = _try_cut_points(patients_without_effects(120, 1, seed=rng)[0])["p_value"]
        rows.append({"best": found.min(), "median": found.iloc[8]})
    return pd.DataFrame(rows)


def false_alarms(level: float) -> View:
    """Show the chance of at least one false positive against the number of tests."""
    tests = np.arange(1, 41)
    lines = {
        "each at the level": (tests, 1 - (1 - level) ** tests),
        "Bonferroni or Holm": (tests, 1 - (1 - level / tests) ** tests),
    }
    figure = plot_lines(
        lines, x_label="Independent tests of nothing", y_label="At least one false positive, %", is_percent=True
    )
    return View(figure, f"Chance of at least one false positive among independent tests at a level of {level:g}.")


def searched_cut(cohort: int) -> View:
    """Show the p-value at every cut-point of a marker that does nothing."""
    found = _try_cut_points(patients_without_effects(120, 1, seed=cohort)[0])
    best = found.loc[found["p_value"].idxmin()]
    figure = plot_lines(
        {"p-value": (found["cut"], found["p_value"])},
        x_label="Cut-point of the marker",
        y_label="p-value of the log-rank test",
        level=0.05,
        lines_at=[best["cut"]],
    )
    caption = (
        f"Cohort {cohort}: 120 patients and a marker that does nothing, cut at {len(found)} places. The smallest "
        f"p-value, {best['p_value']:.3f}, is at {best['cut']:.1f}; dashed: 0.05."
    )
    return View(figure, caption)


_SIX = six_patients()
_RAW = (0.010, 0.040, 0.030)


def _expected(group: str) -> float:
    table = observed_expected(_SIX["time_months"], _SIX["event"], _SIX["group"])
    return float(table.loc[table["group"] == group, "expected"].item())


def _adjusted(method: str) -> tuple[float, ...]:
    return tuple(float(value) for value in adjust_p_values(_RAW, method=method))


EXERCISES = (
    ask(
        "T04.1",
        lambda: _expected("two"),
        "At each event time, of either group: events times the share of group two among those at risk. Add up.",
        Mistake(lambda: 3.0, "Those are the events observed in group two."),
        Mistake(lambda: 2.5, "Half of all events: but group two has fewer and fewer at risk."),
        Mistake(lambda: _expected("one"), "Those are the events expected in the other group."),
        Mistake(lambda: 0.5 + 2 / 5 + 1 / 3, "Also at the event times of group one something was expected in two."),
        because="Three were observed. The log-rank test asks whether that is more than chance.",
    ),
    ask(
        "T04.2",
        lambda: 1 - 0.95**20,
        "The chance that none is significant is the chance of one, multiplied with itself twenty times.",
        Mistake(lambda: 0.05, "That is for one test."),
        Mistake(lambda: 20 * 0.05, "That is how many to expect. Chances of overlapping events do not add."),
        scale="probability",
        because="More likely than not, in a cohort in which nothing matters at all.",
    ),
    ask(
        "T04.3",
        lambda: _adjusted("holm"),
        "Smallest times three, next times two, largest times one; then none may be smaller than one before it.",
        Mistake(lambda: _adjusted("bonferroni"), "That is Bonferroni: all times three. Holm is never worse."),
        Mistake(
            lambda: (0.030, 0.040, 0.060),
            "Right factors, but an adjusted p-value must not be smaller than that of a smaller raw one.",
        ),
        Mistake(
            lambda: _adjusted("benjamini-hochberg"),
            "That is Benjamini-Hochberg, which limits the share of false discoveries, not the chance of any.",
        ),
        scale="several",
        decimals=3,
        because="One of three remains below the level.",
    ),
    ask(
        "T04.4",
        lambda: float((repeat_search()["best"] < 0.05).mean()),
        "`searches` has one row per cohort; the mean of a comparison is a share.",
        Mistake(
            lambda: float((repeat_search()["median"] < 0.05).mean()),
            "That is for the median as cut-point, fixed beforehand: near the level, as it should be.",
        ),
        scale="probability",
        because="So a cut-point found in the data needs other data to be believed, or a marker that stays continuous.",
    ),
)
