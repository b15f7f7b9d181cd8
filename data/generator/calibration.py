"""Solving the free constants, and the one search for a sample with the published rates and directions."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from generator.covariates import Draw, draw_covariates
from generator.observed import YEAR_DAYS, Observed, kaplan_meier, log_hazard_ratio, observe_recorded, recorded_factors
from generator.population import Cohort, simulate_cohort
from generator.second_line import MR, NEVER, PD, SD, count_visits, draw_course
from generator.truth import FACTORS, Truth

PFS_RANGE = (0.5355, 0.5444)
OS_RANGE = (0.7155, 0.7244)
# A direction must not hang on how ties are broken or on a date known only to the month.
_SMALLEST_RATIO = 1.05


def solve_constants(truth: Truth, rng: np.random.Generator, n: int = 400_000) -> Truth:
    """Solve the two free hazards and the response limits in a large population.

    Progression first (progression-free survival at 12 months 0.54), then death after progression (overall
    survival at 12 months 0.72); both are monotone, solved on the same random numbers.
    """
    state = rng.bit_generator.state

    def excess(hazard: float, name: str, rate: float) -> float:
        again = np.random.Generator(np.random.PCG64())
        again.bit_generator.state = state
        candidate = truth.model_copy(update={name: hazard})
        draw = draw_course(draw_covariates(n, again, candidate, False), again, candidate, False)
        is_free = name == "progression_per_month"
        first = np.minimum(draw["true_progression"], draw["true_death"]) if is_free else draw["true_death"]
        return float(np.mean(first > YEAR_DAYS)) - rate

    for name, rate, low, high in (
        ("progression_per_month", 0.54, 0.003, 0.06),
        ("death_after_progression_per_month", 0.72, 0.01, 0.5),
    ):
        truth = truth.model_copy(update={name: round(brentq(excess, low, high, (name, rate), 1e-9), 6)})
    # the lowest score of each category when the shares hold exactly, then the limit of early progression
    draw = draw_course(draw_covariates(n, rng, truth, False), rng, truth, True)
    cuts = [draw["score"][draw["response"] == category].min() for category in range(MR + 1)]
    cuts.append(draw["score"][(draw["response"] == PD) & (draw["n_visits"] > 0)].max())
    return truth.model_copy(update={"response_cuts": tuple(round(float(cut), 4) for cut in cuts)})


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
    factors = recorded_factors(cohort.draw)
    return all(log_hazard_ratio(pfs, factors[:, k]) > np.log(_SMALLEST_RATIO) for k in range(len(FACTORS)))


def _has_published_rates(pfs: Observed, overall: Observed) -> bool:
    """Tell whether the 12-month rates round to the published ones and neither curve reaches one half."""
    for observed, (low, high) in ((pfs, PFS_RANGE), (overall, OS_RANGE)):
        at_a_year, lowest = kaplan_meier(observed, YEAR_DAYS)
        if not low < at_a_year < high or lowest <= 0.5:
            return False
    return True


def _responses_hold(draw: Draw, truth: Truth) -> bool:
    counts = np.bincount(draw["response"], minlength=8)
    impossible = (draw["response"] == SD) & (count_visits(draw) == 0)
    return list(counts) == list(truth.response.values()) and not impossible.any()
