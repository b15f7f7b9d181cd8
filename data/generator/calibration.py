"""Solving the free constants, and the one search for a sample with the published rates and directions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import CensoredData, ecdf

from generator.cohort import Cohort, simulate_cohort
from generator.course import MR, NEVER, PD, PR, SD, VGPR, count_visits, draw_course
from generator.covariates import Draw, draw_covariates
from generator.truth import FACTORS, MONTH, Truth

PFS_RANGE = (0.5355, 0.5444)
OS_RANGE = (0.7155, 0.7244)
YEAR_DAYS = 12 * MONTH
# A direction must not hang on how ties are broken or on a date known only to the month.
SMALLEST_RATIO = 1.05


class Observed(NamedTuple):
    """Follow-up of an endpoint in whole days: time and whether the event was seen, per patient."""

    days: np.ndarray
    event: np.ndarray


def kaplan_meier(observed: Observed, at: float) -> tuple[float, float]:
    """Return the survival estimate at a time, and the lowest value of the whole curve.

    Examples
    --------
    >>> kaplan_meier(Observed(np.array([2, 3, 5]), np.array([True, False, True])), 4)
    (0.6666666666666667, 0.0)
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


def solve_constants(truth: Truth, rng: np.random.Generator, n: int = 400_000) -> Truth:
    """Solve the two free hazards and the response limits in a large population.

    Progression first (progression-free survival at 12 months 0.54), then death after progression (overall
    survival at 12 months 0.72); both are monotone, solved by bisection on the same random numbers.
    """
    state = rng.bit_generator.state

    def survive(name: str, hazard: float) -> float:
        again = np.random.Generator(np.random.PCG64())
        again.bit_generator.state = state
        candidate = truth.model_copy(update={name: hazard})
        draw = draw_course(draw_covariates(n, again, candidate, False), again, candidate, False)
        is_free = name == "progression_per_month"
        first = np.minimum(draw["true_progression"], draw["true_death"]) if is_free else draw["true_death"]
        return float(np.mean(first > YEAR_DAYS))

    for name, rate, low, high in (
        ("progression_per_month", 0.54, 0.003, 0.06),
        ("death_after_progression_per_month", 0.72, 0.01, 0.5),
    ):
        truth = truth.model_copy(update={name: _bisect(partial(survive, name), rate, low, high)})
    # the lowest score of each category when the shares hold exactly, then the limit of early progression
    draw = draw_course(draw_covariates(n, rng, truth, False), rng, truth, True)
    cuts = [draw["score"][draw["response"] == category].min() for category in range(MR + 1)]
    cuts.append(draw["score"][(draw["response"] == PD) & (draw["n_visits"] > 0)].max())
    return truth.model_copy(update={"response_cuts": tuple(round(float(cut), 4) for cut in cuts)})


def _bisect(decreasing: Callable[[float], float], target: float, low: float, high: float) -> float:
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (middle, high) if decreasing(middle) > target else (low, middle)
    return round((low + high) / 2, 6)


def _recorded_factors(draw: Draw) -> np.ndarray:
    """Return the six factors as recorded: missing where performance status, imaging or stage is."""
    factors = draw["factors"].copy()
    for column, name in ((0, "emd_missing"), (3, "ecog_missing"), (4, "stage_missing")):
        factors[draw[name], column] = np.nan
    return factors


def search_seed(truth: Truth, last: int, first: int = 0) -> int | None:
    """Return the first seed whose sample of 62 is acceptable, None where there is none.

    The sample is judged as it is recorded: whole days, months where only the month is known, missing factors.
    """
    for seed in range(first, last):
        rng = np.random.default_rng(seed)
        draw = draw_course(draw_covariates(truth.n, rng, truth, True), rng, truth, True)
        event = np.minimum(draw["progression"], draw["death"])
        pfs = Observed(np.where(event < NEVER, event, draw["last_visit"]), event < NEVER)
        overall = Observed(np.minimum(draw["death"], draw["last_contact"]), draw["death"] < NEVER)
        promising = _has_published_rates(pfs, overall) and _responses_hold(draw, truth)
        if promising and _is_acceptable(simulate_cohort(seed, truth), truth):
            return seed
    return None


def _is_acceptable(cohort: Cohort, truth: Truth) -> bool:
    """Tell whether a recorded cohort has the published rates, the responses, and all six directions."""
    pfs, overall = observe_recorded(cohort.patients)
    if not _has_published_rates(pfs, overall) or not _responses_hold(cohort.draw, truth):
        return False
    factors = _recorded_factors(cohort.draw)
    return all(log_hazard_ratio(pfs, factors[:, k]) > np.log(SMALLEST_RATIO) for k in range(len(FACTORS)))


def _has_published_rates(pfs: Observed, overall: Observed) -> bool:
    """Tell whether the 12-month rates round to the published ones and neither curve reaches one half."""
    for observed, (low, high) in ((pfs, PFS_RANGE), (overall, OS_RANGE)):
        at_a_year, lowest = kaplan_meier(observed, YEAR_DAYS)
        if not low < at_a_year < high or lowest <= 0.5:
            return False
    return True


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


def _responses_hold(draw: Draw, truth: Truth) -> bool:
    counts = np.bincount(draw["response"], minlength=8)
    impossible = (draw["response"] == SD) & (count_visits(draw) == 0)
    return list(counts) == list(truth.response.values()) and not impossible.any()


def summarize(cohort: Cohort) -> dict[str, float | dict[str, float]]:
    """Return what a cohort shows: rates, events, responses, and univariable hazard ratios."""
    pfs, overall = observe_recorded(cohort.patients)
    (pfs_year, pfs_lowest), (os_year, os_lowest) = kaplan_meier(pfs, YEAR_DAYS), kaplan_meier(overall, YEAR_DAYS)
    response, factors = cohort.draw["response"], _recorded_factors(cohort.draw)
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
