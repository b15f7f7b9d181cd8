"""T10 Missing cytogenetics, and imputation.

Cytogenetics that a third of the patients do not have, for one reason or another.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pandas as pd

from course.exercise import Mistake, ask, choose
from course.figures import plot_intervals
from course.lesson import View
from course.rows import Found, side_by_side
from timetoevent.cox import CoxFit, fit_cox
from timetoevent.imputation import impute_chained, pool_fits, pool_rubin

_TRUE_RATIO = {"high_risk": 2.0, "iss_iii": 1.5}
MECHANISMS = ("by chance", "by stage and course", "by risk and course")
_HAZARD_PER_MONTH = 0.03


def cytogenetic_patients(
    n: int = 600, *, mechanism: str = "by chance", share: float = 0.35, seed: int = 6
) -> pd.DataFrame:
    """Simulate patients with cytogenetic risk, stage and age, of whom some were not tested.

    Parameters
    ----------
    mechanism : {"by chance", "by stage and course", "by risk and course"}
        Who is not tested: anybody; those of low stage, and those who progressed early; or those of high risk
        who progressed early, so that the missing value itself decides about being missing.
    share : float
        Share not tested.
    seed : int
        Same seed, same patients; only the missing values change with mechanism and share.

    Returns
    -------
    DataFrame
        One row per patient: `high_risk_true`, `high_risk` ("yes", "no", missing), `iss_iii`, `age_decades`,
        `ldh_high`, `time_months`, `event`.

    Examples
    --------
    >>> patients = cytogenetic_patients(200, share=0.5)
    >>> bool(0.35 < patients["high_risk"].isna().mean() < 0.65)
    True
    """
    rng = np.random.default_rng(seed)
    iss = rng.random(n) < 0.37
    high = rng.random(n) < np.where(iss, 0.5, 0.25)
    ldh = rng.random(n) < np.where(high, 0.6, 0.25)
    age, area, chance = rng.normal(0, 0.9, n), rng.exponential(1, n), rng.random(n)
    hazard = _HAZARD_PER_MONTH * np.exp(np.log(_TRUE_RATIO["high_risk"]) * high + np.log(_TRUE_RATIO["iss_iii"]) * iss)
    progression, follow_up = area / hazard, rng.uniform(12, 36, n)
    event, time = progression <= follow_up, np.minimum(progression, follow_up)
    pull = {
        "by chance": np.zeros(n),
        "by stage and course": 1.2 * ~iss + 1.5 * (event & (time < 9)),
        "by risk and course": 2.5 * (high & event & (time < 9)),
    }[mechanism]
    # who is not tested: the given share of the patients, drawn with the odds of the mechanism
    order = np.argsort(np.log(chance) / np.exp(pull))
    is_missing = np.zeros(n, dtype=bool)
    is_missing[order[n - round(share * n) :]] = True
    words = pd.Series(np.where(high, "yes", "no")).where(~is_missing)
    return pd.DataFrame(
        {
            "high_risk_true": high,
            "high_risk": pd.Categorical(words, categories=["no", "yes"]),
            "iss_iii": iss,
            "age_decades": age,
            "ldh_high": ldh,
            "time_months": time,
            "event": event,
        }
    )


_VARIABLES = ["high_risk", "iss_iii", "age_decades", "ldh_high"]


def fit_model(patients: pd.DataFrame, column: str = "high_risk", of: str = "high_risk") -> CoxFit:
    """Fit cytogenetic risk and stage among patients without a missing value; the factor `of` comes first.

    Examples
    --------
    >>> int(fit_model(cytogenetic_patients(300)).coefficients["n"].max()) <= 300
    True
    """
    complete = patients[patients[column].notna()]
    terms = [column, "iss_iii"] if of == "high_risk" else ["iss_iii", column]
    return fit_cox(complete, time="time_months", event="event", terms=terms)


def impute_and_pool(patients: pd.DataFrame, n_imputations: int = 10, of: str = "high_risk") -> CoxFit:
    """Impute by chained equations with the outcome among the predictors, fit each completed table, pool.

    Examples
    --------
    >>> impute_and_pool(cytogenetic_patients(150), 2).n_imputations
    2
    """
    imputed = impute_chained(
        patients.drop(columns="high_risk_true"),
        time="time_months",
        event="event",
        variables=_VARIABLES,
        rng=np.random.default_rng(1),
        n_imputations=n_imputations,
        n_iterations=5,
    )
    return pool_fits([fit_model(frame, of=of) for frame in imputed.frames])


@cache
def _five_ways(mechanism: str, share: float, of: str = "high_risk") -> dict[str, Found]:
    """Estimate the hazard ratio of cytogenetic risk, or of stage, in five ways."""
    patients = cytogenetic_patients(mechanism=mechanism, share=share)
    as_standard = patients.assign(high_risk=patients["high_risk"].fillna("no"))
    with_category = patients["high_risk"].cat.add_categories("untested").fillna("untested")
    category = fit_model(
        patients.assign(high_risk=with_category.cat.reorder_categories(["no", "yes", "untested"])), of=of
    )
    return {
        "nothing missing (never seen)": fit_model(patients, "high_risk_true", of),
        "untested counted as standard risk": fit_model(as_standard, of=of),
        "untested as a category of its own": category,
        "complete cases": fit_model(patients, of=of),
        "multiple imputation": impute_and_pool(patients, of=of),
    }


def who_is_untested(share: float = 0.35) -> pd.DataFrame:
    """Return the share untested by true risk, stage and course, one column per mechanism.

    Examples
    --------
    >>> who_is_untested().shape
    (5, 4)
    """
    columns: dict[str, dict[str, float]] = {}
    for mechanism in MECHANISMS:
        world = cytogenetic_patients(mechanism=mechanism, share=share)
        is_untested, is_early = world["high_risk"].isna(), world["event"] & (world["time_months"] < 9)
        groups = {
            "high risk": world["high_risk_true"],
            "standard risk": ~world["high_risk_true"],
            "ISS III": world["iss_iii"],
            "ISS I or II": ~world["iss_iii"],
            "progression before month 9": is_early,
        }
        columns[mechanism] = {name: float(is_untested[group].mean()) for name, group in groups.items()}
    return pd.DataFrame(columns).reset_index(names="among")


def compare(mechanism: str, share_missing: float, factor: str) -> View:
    """Show the five ways beside the truth."""
    of = {"cytogenetics": "high_risk", "stage": "iss_iii"}[factor]
    rows = side_by_side(_five_ways(mechanism, share_missing, of))
    name = {"cytogenetics": "High-risk cytogenetics, adjusted for stage", "stage": "ISS III, adjusted for cytogenetics"}
    caption = (
        f"{name[factor]}, with {100 * share_missing:.0f}% untested {mechanism}: hazard ratio of progression with 95% "
        f"intervals; true hazard ratio {_TRUE_RATIO[of]:g}."
    )
    return View(plot_intervals(rows, truth=_TRUE_RATIO[of]), caption)


_LOGS, _VARIANCE = (0.5, 0.7, 0.6), 0.04
_TESTED, _HIGH, _ALL = 41, 14, 62
_POOLED_ERROR = float(pool_rubin([[value] for value in _LOGS], [[_VARIANCE]] * len(_LOGS)).std_error[0])

EXERCISES = (
    ask(
        "T10.1",
        lambda: _HIGH / _TESTED,
        "Of whom do we know anything? These are the denominator.",
        Mistake(lambda: _HIGH / _ALL, "That counts the untested as standard risk. Empty means unknown, never no."),
        Mistake(lambda: (_HIGH + _ALL - _TESTED) / _ALL, "That counts the untested as high risk: the other extreme."),
        Mistake(lambda: _TESTED / _ALL, "That is the share that was tested."),
        scale="probability",
        because="And say that twenty-one are unknown: the two extremes show what that could do.",
    ),
    ask(
        "T10.2",
        lambda: 0.9**6,
        "A patient is complete if none of the six is missing; multiply.",
        Mistake(lambda: 1 - 6 * 0.1, "Shares of patients with something missing overlap; they do not add."),
        Mistake(lambda: 0.9, "That is for one variable."),
        scale="probability",
        because="Nearly half of the cohort, and of its events, for gaps of a tenth.",
    ),
    ask(
        "T10.3",
        lambda: _POOLED_ERROR,
        "Total variance = mean variance within + (1 + 1/m) times the variance between the estimates; then the root.",
        Mistake(
            lambda: math.sqrt(_VARIANCE), "That is the variance within alone: as if the imputed values were observed."
        ),
        Mistake(
            lambda: math.sqrt(_VARIANCE + np.var(_LOGS, ddof=1)),
            "Nearly: the variance between counts (1 + 1/m) times, since only m tables were made.",
        ),
        Mistake(lambda: float(np.std(_LOGS, ddof=1)), "That is the spread between the estimates alone."),
        Mistake(lambda: _POOLED_ERROR**2, "That is the variance. Take its root."),
        decimals=3,
        because="Wider than any single completed table says: the part that we do not know is in it.",
    ),
    choose(
        "T10.4",
        "what decides about testing is among the variables",
        "What does 'missing at random' mean, in words about doctors and patients?",
        {
            "always": "The last figure shows a world in which it fails, and gives no sign of failing.",
            "few values are missing": "Then little can go wrong, but it is not what makes imputation right.",
            "enough tables are imputed": "More tables reduce the noise of the method, not its bias.",
            "what decides about testing is among the variables": (
                "Which the data cannot tell: ask those who ordered the tests, and try what if not."
            ),
        },
    ),
)
