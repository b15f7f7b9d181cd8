"""Depth of response of each sample: the level each measure reaches, and the lowest of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fhrmm.imwg.labs import NEGATIVE, Labs, Measurable, at_least, carry_forward, normal_ratio
from fhrmm.study import ResponseCriteria

# Levels as in the response codes; a measure that does not limit the response is above all of them.
OPEN, SD, MR, PR, VGPR, CR, SCR, NO_LIMIT = (np.int8(code) for code in (0, 2, 3, 4, 5, 6, 7, 9))
SMALLER, STABLE = 1, 2


@dataclass(frozen=True, slots=True)
class Depth:
    """Level by measure and in all, per sample; 0 where a needed value is missing."""

    by_measure: dict[str, np.ndarray]
    level: np.ndarray


def find_depth(labs: Labs, measurable: Measurable, criteria: ResponseCriteria) -> Depth:
    """Grade every sample apart from progression.

    The response is the lowest level of the measures that were measurable at baseline. If one of them is missing at a
    visit the response is open, unless another is no better than stable already. Complete response needs negative
    immunofixation of serum and urine, marrow below its limit at this visit or before it on treatment, no plasmacytoma
    and, where light chains alone were measurable, their normal ratio.
    """
    levels = {
        "serum": _serum_level(labs, measurable, criteria),
        "urine": _urine_level(labs, measurable, criteria),
        "chains": _chains_level(labs, measurable, criteria),
        "marrow": _marrow_level(labs, measurable, criteria),
    }
    if not criteria.minimal_response:
        levels = {name: np.where(level == MR, SD, level) for name, level in levels.items()}
    lowest = np.minimum.reduce([np.where(level == OPEN, NO_LIMIT, level) for level in levels.values()])
    missing = np.logical_or.reduce([level == OPEN for level in levels.values()])
    level = np.where(missing & (lowest > SD), OPEN, np.where(measurable.any, lowest, OPEN))
    level = np.where(level == NO_LIMIT, OPEN, level)
    complete = (level >= VGPR) & _is_complete(labs, measurable, criteria)
    stringent = complete & normal_ratio(labs.ratio, criteria)
    stringent &= at_least(criteria.stringent_marrow_pct, _marrow_on_treatment(labs))
    level = np.select([stringent, complete], [SCR, CR], level)
    mass = _mass_level(labs)
    return Depth(levels | {"mass": mass}, np.minimum(level, mass).astype(np.int8))


def _reduced(value: np.ndarray, base: np.ndarray, share: float) -> np.ndarray:
    """Say whether a value has fallen by at least that share of its baseline."""
    return at_least(base - value, share * base)


def _serum_level(labs: Labs, measurable: Measurable, criteria: ResponseCriteria) -> np.ndarray:
    value, base = labs.serum, labs.baseline["serum"]
    reached = [_reduced(value, base, share) for share in criteria.serum_shares]
    level = np.select([np.isnan(value), *reached], [OPEN, VGPR, PR, MR], SD)
    return np.where(measurable.serum, level, NO_LIMIT)


def _urine_level(labs: Labs, measurable: Measurable, criteria: ResponseCriteria) -> np.ndarray:
    """Where urine was not measurable at baseline it only keeps VGPR from urine above its limit."""
    value, base = labs.urine, labs.baseline["urine"]
    very_good = value < criteria.urine_very_good_mg_24h
    partial = _reduced(value, base, criteria.urine_shares[0]) | (value < criteria.urine_partial_mg_24h)
    minimal = _reduced(value, base, criteria.urine_shares[1])
    level = np.select([np.isnan(value), very_good, partial, minimal], [OPEN, VGPR, PR, MR], SD)
    return np.where(measurable.urine, level, np.where(np.isnan(value) | very_good, NO_LIMIT, PR))


def _chains_level(labs: Labs, measurable: Measurable, criteria: ResponseCriteria) -> np.ndarray:
    value, base = labs.chains, labs.baseline["chains"]
    reached = [_reduced(value, base, share) for share in criteria.light_chain_shares]
    level = np.select([np.isnan(value), *reached], [OPEN, VGPR, PR], SD)
    return np.where(measurable.chains, level, NO_LIMIT)


def _marrow_level(labs: Labs, measurable: Measurable, criteria: ResponseCriteria) -> np.ndarray:
    """Where only marrow can be followed it grades partial response; complete response then adds its own conditions."""
    value, base = labs.marrow, labs.baseline["marrow"]
    complete = value < criteria.complete_marrow_pct
    reached = _reduced(value, base, criteria.marrow_share)
    level = np.select([np.isnan(value), complete & _negative(labs), reached], [OPEN, VGPR, PR], SD)
    return np.where(measurable.marrow, level, NO_LIMIT)


def _negative(labs: Labs) -> np.ndarray:
    return (labs.serum_fixation == NEGATIVE) & (labs.urine_fixation == NEGATIVE)


def _is_complete(labs: Labs, measurable: Measurable, criteria: ResponseCriteria) -> np.ndarray:
    marrow = _marrow_on_treatment(labs) < criteria.complete_marrow_pct
    chains = ~measurable.chains | normal_ratio(labs.ratio, criteria)
    return _negative(labs) & marrow & chains


def _marrow_on_treatment(labs: Labs) -> np.ndarray:
    """Return the last marrow of this line: of the visit or before it, not the one at baseline."""
    known = ~np.isnan(labs.marrow) & ~labs.is_baseline
    return carry_forward(labs.marrow, known, labs.patient)


def _mass_level(labs: Labs) -> np.ndarray:
    """Grade plasmacytoma: gone or never seen, no limit; smaller than at baseline, VGPR; else stable disease.

    A visit without imaging carries on the last finding on treatment. One known only from baseline keeps from complete
    response until imaging shows it gone.
    """
    place = np.arange(labs.mass.size, dtype=float)
    seen = (labs.mass >= 0) & ~labs.is_baseline
    last = carry_forward(labs.mass.astype(float), seen, labs.patient)
    shrunk = carry_forward(place, seen & (labs.mass == SMALLER), labs.patient)
    changed = carry_forward(place, seen & (labs.mass != STABLE), labs.patient)
    smaller = (last == SMALLER) | ((last == STABLE) & (shrunk == changed))
    never_imaged = np.isnan(last) & labs.mass_at_baseline
    return np.select([smaller | never_imaged, np.isnan(last) | (last == 0)], [VGPR, NO_LIMIT], SD)
