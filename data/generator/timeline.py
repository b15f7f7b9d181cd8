"""Days of every dated fact, counted from second-line start, and the calendar day of that start."""

from __future__ import annotations

import numpy as np

from generator.covariates import Draw
from generator.second_line import CR, MR, NE, NEVER, PD, PR, SCHEDULE, VGPR, VISITS_NEEDED, count_visits

# The day on which each center closed its data: retrospective collections do not close together.
CENTER_CLOSES = np.array(
    ["2025-03-31", "2025-02-28", "2025-03-31", "2024-10-31", "2024-12-31",
     "2024-06-30", "2025-01-31", "2023-06-30", "2024-09-30", "2024-11-30"], dtype="datetime64[D]"
)  # fmt: skip
DATA_CUTOFF = np.datetime64("2025-03-31")
_STOP_SUBOPTIMAL, _STOP_REFRACTORY, _STOP_PROGRESSION = range(3)


def draw_timeline(draw: Draw, rng: np.random.Generator) -> Draw:
    """Add the dates before and after second-line start to a course.

    Returns the draw with `start` (datetime64[D]) and integer days per date column, `NEVER` where there is none.
    """
    n = draw["no_asct"].size
    closes = CENTER_CLOSES[draw["center"]] - rng.integers(0, 15, n)
    days = {"start": closes - draw["follow_up"]} | _front_line_days(draw, rng) | _outcome_days(draw, rng)
    return draw | days


def _front_line_days(draw: Draw, rng: np.random.Generator) -> Draw:
    """Diagnosis, first line, transplant, maintenance and first progression."""
    n, asct = draw["no_asct"].size, ~draw["no_asct"]
    stop = np.searchsorted([0.24, 0.36], rng.random(n), side="right")
    stop = np.where(asct, _STOP_PROGRESSION, stop)
    relapse = -rng.integers(7, 45, n)
    transplant = relapse - draw["relapse_days"]
    first_line = np.where(asct, transplant - rng.integers(165, 250, n) - 90 * draw["tandem"], relapse)
    first_line = first_line - np.where(asct, 0, rng.integers(60, 250, n))
    maintenance = transplant + rng.integers(100, 116, n)
    maintenance_stop = np.where(draw["refractory"], relapse + rng.integers(0, 6, n), relapse - rng.integers(65, 90, n))
    suboptimal = stop == _STOP_SUBOPTIMAL
    return {
        "stop": stop,
        "diagnosis_date": first_line - rng.integers(6, 36, n),
        "first_line_start_date": first_line,
        "asct_date": np.where(asct, transplant, NEVER),
        "maintenance_start_date": np.where(draw["maintained"], maintenance, NEVER),
        "maintenance_stop_date": np.where(draw["maintained"], maintenance_stop, NEVER),
        "first_progression_date": np.where(suboptimal, NEVER, relapse),
        "first_line_response": _first_line_response(asct, stop, rng),
    }


def _first_line_response(asct: np.ndarray, stop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Best response to first line: less than PR where it was stopped for that, PR to sCR before a transplant."""
    pick = rng.random(asct.size)
    transplanted = np.searchsorted([0.08, 0.3, 0.75], pick)
    low = MR + np.searchsorted([0.5], pick)
    refractory = np.where(pick < 0.6, PD, MR + 1)
    progressed = np.searchsorted([0.0, 0.0, 0.25, 0.75], pick)
    untransplanted = np.where(stop == _STOP_SUBOPTIMAL, low, np.where(stop == _STOP_REFRACTORY, refractory, progressed))
    return np.where(asct, transplanted, untransplanted).astype(np.int8)


def _outcome_days(draw: Draw, rng: np.random.Generator) -> Draw:
    n = draw["no_asct"].size
    index, first = _visit_indices(draw, rng)
    next_line = draw["progression"] + rng.integers(5, 46, n)
    treated = (draw["progression"] < NEVER) & (rng.random(n) < 0.8) & (next_line < draw["last_contact"] - 2)
    response_day = np.where(draw["response"] == PD, draw["progression"], visit_day(draw, index))
    second_look = confirmation_day(draw)
    last_seen = np.where(second_look < NEVER, second_look, draw["last_visit"])
    return {
        "best_index": index,
        "first_index": first,
        "best_response_date": np.where(draw["response"] == NE, NEVER, response_day),
        "second_line_asct_date": draw["second_asct"],
        "progression_date": draw["progression"],
        "next_line_start_date": np.where(treated, next_line, NEVER),
        "last_assessment_date": np.where(last_seen > 0, last_seen, NEVER),
        "last_contact_date": draw["last_contact"],
        "death_date": draw["death"],
    }


def confirmation_day(draw: Draw) -> np.ndarray:
    """Return the day on which a progression is seen a second time, `NEVER` where follow-up ends before."""
    day = draw["progression"] + 20 + 2 * draw["phase"]
    return np.where(day <= draw["last_contact"], day, NEVER)


def _visit_indices(draw: Draw, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return which visit (from 0) reaches the best response, and which one the first response."""
    needed = VISITS_NEEDED[draw["response"]]
    slack = np.clip(count_visits(draw) - needed, 0, 3)
    index = np.maximum(needed - 2, 0) + np.floor(rng.random(needed.size) * (slack + 1)).astype(np.int64)
    index = np.where(draw["response"] <= MR, index, 0)
    depth = np.where(draw["response"] <= CR, 2, np.where(draw["response"] == VGPR, 1, 0))
    room = np.maximum(index - depth, 0)
    first = np.minimum(room, np.floor(rng.random(needed.size) * 2).astype(np.int64))
    return index, np.where(draw["response"] < PR, first, index)


def visit_day(draw: Draw, index: np.ndarray) -> np.ndarray:
    """Return the day of the visit with that number, counted from 0; the one after the schedule is the last."""
    scheduled = SCHEDULE[np.minimum(index, SCHEDULE.size - 1)] + draw["phase"]
    return np.where(index >= draw["n_visits"], draw["last_visit"], scheduled)
