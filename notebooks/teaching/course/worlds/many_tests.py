"""Cohorts in which nothing matters, and many things are tested."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from timetoevent.logrank import logrank

_HAZARD_PER_MONTH = 0.05


def six_patients() -> pd.DataFrame:
    """Return six invented patients in two groups, for a log-rank test by hand.

    Examples
    --------
    >>> six_patients().groupby("group")["event"].sum().tolist()
    [2, 3]
    """
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
    outcome = pd.DataFrame(
        {
            "time_months": np.minimum(progression, follow_up),
            "event": progression <= follow_up,
            "marker": rng.normal(5, 1, n),
        }
    )
    return outcome, traits


def try_cut_points(outcome: pd.DataFrame) -> pd.DataFrame:
    """Test every cut-point of the marker between its first and its last fifth.

    Returns
    -------
    DataFrame
        One row per cut-point: `cut`, `p_value`.

    Examples
    --------
    >>> len(try_cut_points(patients_without_effects()[0]))
    17
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
        found = try_cut_points(patients_without_effects(120, 1, seed=rng)[0])["p_value"]
        rows.append({"best": found.min(), "median": found.iloc[8]})
    return pd.DataFrame(rows)
