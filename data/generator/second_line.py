"""The course of second-line therapy: true times, what is observed of them, and the best response."""

from __future__ import annotations

import numpy as np

from fhrmm import schema
from generator.covariates import Draw
from generator.truth import FACTORS, MONTH, Truth, log_hazards

NEVER = 10**7
SCHEDULE = np.array([28, 56, 84, 112, 140, 168, 224, 280, 336, 392, 448, 504, 560, 616])
RESPONSES = np.array(schema.RESPONSES, dtype=object)
SCR, CR, VGPR, PR, MR, SD, PD, NE = range(8)
# Visits before the end of observation that a category needs: reached at one, kept at the next.
VISITS_NEEDED = np.array([4, 4, 3, 2, 2, 1, 0, 0])
_FIRST_EVALUATION_DAYS = 110
_NOT_EVALUABLE_IF_LOW = 0.55


def draw_course(draw: Draw, rng: np.random.Generator, truth: Truth, exact: bool) -> Draw:
    """Add times in days from second-line start to the covariates.

    `true_progression` and `true_death` are what happens; `progression`, `death` are what is recorded within
    follow-up (`NEVER` otherwise), `last_visit` the last disease assessment (0: none), `last_contact` the last
    day known alive, `response` the code of the best response in `RESPONSES`.
    """
    n = draw["no_asct"].size
    exposures = rng.exponential(size=(3, n))
    follow_up = np.rint(rng.uniform(*truth.follow_up_months, n) * MONTH).astype(np.int64)
    gap = rng.integers(0, 25, n)
    phase = rng.integers(-3, 4, n)
    noise = rng.standard_normal(n)
    course = {"true_" + name: days for name, days in _true_times(draw, exposures, rng, truth).items()}
    course |= _observe(course["true_progression"], course["true_death"], follow_up, gap, phase)
    weights = [truth.response_score[name] for name in FACTORS]
    residual = truth.response_score["log_progression_residual"] * np.log(exposures[0])
    course["score"] = draw["factors"] @ weights + residual + noise
    course |= {"phase": phase, "follow_up": follow_up}
    everything = draw | course
    everything["response"] = _assign_response(everything, rng, truth, exact)
    return _second_transplant(everything, rng, truth)


def _true_times(draw: Draw, exposures: np.ndarray, rng: np.random.Generator, truth: Truth) -> Draw:
    """Invert the cumulative hazards; whole days, the first day at the earliest."""
    progression = np.exp(_progression_log_hazard(draw, rng, truth))
    death = np.exp(log_hazards(draw["factors"], truth.hr_death))
    area, early = exposures[0] / progression, truth.progression_per_month * truth.late_from_months
    late = truth.late_from_months + (area - early) / (truth.progression_per_month * truth.late_multiplier)
    months = np.where(area <= early, area / truth.progression_per_month, late)
    before = exposures[1] / (truth.death_without_progression_per_month * death)
    after = months + exposures[2] / (truth.death_after_progression_per_month * death)
    relapsed = months < before
    progression_days = np.where(relapsed, _days(months), NEVER)
    death_days = _days(np.where(relapsed, after, before))
    return {"progression": progression_days, "death": np.maximum(death_days, np.where(relapsed, progression_days, 0))}


def _progression_log_hazard(draw: Draw, rng: np.random.Generator, truth: Truth) -> np.ndarray:
    """Return the linear predictor of progression, with the center's frailty and the effect-modified variant."""
    factors = draw["factors"]
    if truth.krd_helps_only_lenalidomide_naive:
        factors = factors.copy()
        factors[:, FACTORS.index("not_krd")] *= ~draw["refractory"]
    frailty = truth.center_frailty_sd * rng.standard_normal(len(truth.center_sizes))
    return log_hazards(factors, truth.hr_progression) + frailty[draw["center"]]


def _days(months: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(months * MONTH), 1, NEVER - 1).astype(np.int64)


def _observe(
    progression: np.ndarray, death: np.ndarray, follow_up: np.ndarray, gap: np.ndarray, phase: np.ndarray
) -> Draw:
    """Record what falls within follow-up: progression until the last visit, death until the last contact."""
    died = death <= follow_up
    last_contact = np.where(died, death, follow_up)
    planned = np.where(died, np.minimum(follow_up - gap, death), follow_up - gap)
    progressed = progression <= planned
    end = np.where(progressed, progression - 8, np.where(died, np.minimum(planned, death - 3), planned - 10))
    n_visits = np.searchsorted(SCHEDULE, end - phase, side="right")
    scheduled = np.where(n_visits > 0, SCHEDULE[np.maximum(n_visits, 1) - 1] + phase, 0)
    last_visit = np.where(progressed, progression, np.where(died, scheduled, planned))
    return {
        "progression": np.where(progressed, progression, NEVER),
        "death": np.where(died, death, NEVER),
        "last_contact": last_contact,
        "last_visit": last_visit,
        "n_visits": n_visits,
    }


def _assign_response(draw: Draw, rng: np.random.Generator, truth: Truth, exact: bool) -> np.ndarray:
    """Return the best response: by exact counts over the ranks of the score, or by the truth's limits of it.

    A category needs the visits to be reached and kept; progression at the first evaluation needs an early
    progression; without any visit a response cannot be evaluated.
    """
    shares = np.array(list(truth.response.values()))
    counts = np.rint(np.cumsum(shares) / shares.sum() * draw["score"].size).astype(np.int64)
    response = _worst_categories(draw, counts, rng, truth, exact)
    best_possible = SD - (count_visits(draw)[:, None] >= VISITS_NEEDED[None, :SD]).sum(axis=1)
    for category in range(SD):
        able = (response == SD) & (best_possible <= category)
        if exact:
            candidates = np.flatnonzero(able)
            wanted = counts[category] - (counts[category - 1] if category else 0)
            response[candidates[np.argsort(-draw["score"][candidates])[:wanted]]] = category
        else:
            response[able & (draw["score"] >= truth.response_cuts[category])] = category
    return response


def count_visits(draw: Draw) -> np.ndarray:
    """Return the visits without progression: the scheduled ones, and the last one of those followed up alive."""
    alive = (draw["progression"] == NEVER) & (draw["death"] == NEVER)
    return draw["n_visits"] + alive


def _worst_categories(
    draw: Draw, counts: np.ndarray, rng: np.random.Generator, truth: Truth, exact: bool
) -> np.ndarray:
    """Set progression and not evaluable; all others start as stable disease."""
    score, progressed = draw["score"], draw["progression"] < NEVER
    may_progress = draw["progression"] <= _FIRST_EVALUATION_DAYS
    must_progress = progressed & (draw["n_visits"] == 0)
    unseen = draw["last_visit"] == 0
    response = np.full(score.size, SD, dtype=np.int8)
    if exact:
        n_pd, n_ne = counts[PD] - counts[SD], counts[NE] - counts[PD]
        response[_lowest(score - 100 * must_progress, may_progress, n_pd)] = PD
        response[_lowest(score - 100 * unseen, ~progressed & (response == SD), n_ne)] = NE
        return response
    low = score < truth.response_cuts[SD]
    response[must_progress | (may_progress & low)] = PD
    response[unseen & ~progressed | (~progressed & low & (rng.random(score.size) < _NOT_EVALUABLE_IF_LOW))] = NE
    return response


def _lowest(score: np.ndarray, able: np.ndarray, n: int) -> np.ndarray:
    candidates = np.flatnonzero(able)
    return candidates[np.argsort(score[candidates], kind="stable")[:n]]


def _second_transplant(draw: Draw, rng: np.random.Generator, truth: Truth) -> Draw:
    """Day of a second-line transplant (NEVER: none): responders still free of progression, months 3 to 8."""
    day = rng.integers(95, 240, draw["score"].size)
    free_until = np.minimum(np.minimum(draw["progression"], draw["last_visit"]), draw["death"])
    able = (draw["response"] <= PR) & (day + 14 < free_until) & (draw["age"] <= 70)
    chosen = able & (rng.random(able.size) < truth.second_line_asct_share)
    return draw | {"second_asct": np.where(chosen, day, NEVER)}
