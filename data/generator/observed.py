"""What a cohort shows as it is recorded: both endpoints, rates, responses, and univariable hazard ratios."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import CensoredData, ecdf

from generator.covariates import Draw
from generator.population import Cohort
from generator.second_line import PR, VGPR
from generator.truth import FACTORS, MONTH

YEAR_DAYS = 12 * MONTH


class Observed(NamedTuple):
    """Follow-up of an endpoint in whole days: time and whether the event was seen, per patient."""

    days: np.ndarray
    event: np.ndarray


def kaplan_meier(observed: Observed, at: float) -> tuple[float, float]:
    """Return the survival estimate at a time, and the lowest value of the whole curve.

    Examples
    --------
    >>> at_four, lowest = kaplan_meier(Observed(np.array([2, 3, 5]), np.array([True, False, True])), 4)
    >>> round(at_four, 3), lowest
    (0.667, 0.0)
    """
    curve = ecdf(CensoredData.right_censored(observed.days, ~observed.event)).sf
    return float(curve.evaluate(at)), float(curve.probabilities[-1])


def log_hazard_ratio(observed: Observed, adverse: np.ndarray) -> float:
    """Return Efron's estimate for one 0/1 covariate, by Newton steps; patients with a missing value are left out.

    Own arithmetic: the truth file keeps every digit, and no library promises its last one from version to version.

    Examples
    --------
    >>> days, event = np.array([1, 2, 3, 4]), np.array([True, True, True, True])
    >>> round(log_hazard_ratio(Observed(days, event), np.array([1.0, 0.0, 1.0, 0.0])), 4)
    0.9406
    """
    known = ~np.isnan(adverse)
    days, event, x = observed.days[known], observed.event[known], adverse[known]
    beta = 0.0
    for _ in range(30):
        weight, score, information = np.exp(beta * x), 0.0, 0.0
        for time in np.unique(days[event]):
            risk, tied = days >= time, (days == time) & event
            shares = np.arange(tied.sum()) / tied.sum()
            total = weight[risk].sum() - shares * weight[tied].sum()
            mean = ((weight * x)[risk].sum() - shares * (weight * x)[tied].sum()) / total
            score += x[tied].sum() - mean.sum()
            information += (mean - mean**2).sum()
        step = np.clip(score / max(information, 1e-9), -1, 1)
        beta += step
        if abs(step) < 1e-10:
            break
    return float(beta)


def observe_recorded(patients: pd.DataFrame) -> tuple[Observed, Observed]:
    """Return both endpoints of a patients table: events first, else the last assessment or contact."""
    start = patients["second_line_start_date"]
    event = patients[["progression_date", "death_date"]].min(axis=1)
    pfs_days = (event.fillna(patients["last_assessment_date"]).fillna(start) - start).dt.days
    died = patients["death_date"]
    os_days = (died.fillna(patients["last_contact_date"]) - start).dt.days
    return (
        Observed(pfs_days.to_numpy(), event.notna().to_numpy()),
        Observed(os_days.to_numpy(), died.notna().to_numpy()),
    )


def recorded_factors(draw: Draw) -> np.ndarray:
    """Return the six factors as recorded: missing where performance status, imaging or stage is."""
    factors = draw["factors"].copy()
    for column, name in ((0, "emd_missing"), (3, "ecog_missing"), (4, "stage_missing")):
        factors[draw[name], column] = np.nan
    return factors


def summarize(cohort: Cohort) -> dict[str, float | dict[str, float]]:
    """Return what a cohort shows: rates, events, responses, and univariable hazard ratios."""
    pfs, overall = observe_recorded(cohort.patients)
    (pfs_year, pfs_lowest), (os_year, os_lowest) = kaplan_meier(pfs, YEAR_DAYS), kaplan_meier(overall, YEAR_DAYS)
    response, factors = cohort.draw["response"], recorded_factors(cohort.draw)
    ratios = {name: float(np.exp(log_hazard_ratio(pfs, factors[:, k]))) for k, name in enumerate(FACTORS)}
    return {
        "n": float(response.size),
        "responders": float((response <= PR).sum()),
        "vgpr_or_better": float((response <= VGPR).sum()),
        "pfs_12_months": pfs_year,
        "os_12_months": os_year,
        "pfs_lowest": pfs_lowest,
        "os_lowest": os_lowest,
        "pfs_events": float(pfs.event.sum()),
        "deaths": float(overall.event.sum()),
        "hazard_ratios": ratios,
    }
