"""Views of T10: five things to do with untested patients."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from course.figures import plot_intervals
from course.rows import Found, side_by_side
from course.view import View
from course.worlds.cytogenetics import MECHANISMS, TRUE_RATIO, cytogenetic_patients
from timetoevent.cox import CoxFit, fit_cox
from timetoevent.imputation import impute_chained, pool_fits

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
def five_ways(mechanism: str, share: float, of: str = "high_risk") -> dict[str, Found]:
    """Estimate the hazard ratio of cytogenetic risk, or of stage, in five ways.

    Examples
    --------
    >>> list(five_ways("by chance", 0.35))[0]
    'nothing missing (never seen)'
    """
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
    """Show the five ways beside the truth.

    Examples
    --------
    >>> "35%" in compare("by chance", 0.35, "cytogenetics").caption
    True
    """
    of = {"cytogenetics": "high_risk", "stage": "iss_iii"}[factor]
    rows = side_by_side(five_ways(mechanism, share_missing, of))
    name = {"cytogenetics": "High-risk cytogenetics, adjusted for stage", "stage": "ISS III, adjusted for cytogenetics"}
    caption = (
        f"{name[factor]}, with {100 * share_missing:.0f}% untested {mechanism}: hazard ratio of progression with 95% "
        f"intervals; true hazard ratio {TRUE_RATIO[of]:g}."
    )
    return View(plot_intervals(rows, truth=TRUE_RATIO[of]), caption)
