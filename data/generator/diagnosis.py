"""Laboratory values and cytogenetics at diagnosis, in agreement with the stage."""

from __future__ import annotations

import numpy as np

from generator.covariates import Draw
from generator.truth import Truth

LDH_LIMITS = np.array([248, 225, 250, 480, 240, 220, 246, 245, 230, 248])
LESIONS = ("del17p", "t_4_14", "t_14_16", "gain_1q")


def draw_diagnosis(draw: Draw, rng: np.random.Generator, truth: Truth) -> Draw:
    """Add labs, lesions and the revised stages they imply (0 where undetermined without FISH)."""
    n = draw["iss"].size
    labs = _stage_labs(draw["iss"], rng)
    limit = LDH_LIMITS[draw["center"]]
    high = rng.random(n) < truth.ldh_above_uln
    ratio = np.where(high, 1.04 + rng.exponential(0.45, n), rng.uniform(0.45, 0.98, n))
    impaired = rng.random(n) < truth.renal_impairment
    labs |= {
        "ldh_uln_u_l": limit.astype(float),
        "ldh_u_l": np.rint(ratio * limit),
        "creatinine_mg_dl": np.round(np.where(impaired, rng.uniform(1.5, 5.5, n), rng.uniform(0.55, 1.2, n)), 2),
        "hemoglobin_g_dl": np.round(np.clip(rng.normal(10.6, 1.7, n), 6.2, 15.5), 1),
        "bm_plasma_cells_pct": np.rint(np.clip(100 * rng.beta(2.2, 2.0, n), 10, 95)),
    }
    lesions = {name: rng.random(n) < truth.cytogenetics[name] for name in LESIONS}
    again = np.where(rng.random(n) < 0.6, draw["iss"], 1 + rng.integers(0, 3, n))
    labs["iss_again"] = np.where(rng.random(n) < 0.45, again, 0)
    return draw | labs | lesions | _revised_stages(draw["iss"], labs["ldh_u_l"] > limit, lesions)


def _stage_labs(iss: np.ndarray, rng: np.random.Generator) -> Draw:
    """Beta-2 microglobulin and albumin inside the limits of the stage, away from rounding at the limits."""
    n = iss.size
    by_albumin = (iss == 2) & (rng.random(n) < 0.35)
    beta2 = np.choose(iss - 1, [rng.uniform(1.7, 3.4, n), rng.uniform(3.6, 5.4, n), 5.6 + rng.exponential(3.0, n)])
    beta2 = np.where(by_albumin, rng.uniform(1.9, 3.4, n), beta2)
    albumin = np.where(iss == 1, rng.uniform(3.6, 4.7, n), rng.uniform(2.6, 4.4, n))
    albumin = np.where(by_albumin, rng.uniform(2.5, 3.4, n), albumin)
    return {
        "beta2_microglobulin_mg_l": np.round(np.minimum(beta2, 28), 1),
        "albumin_g_dl": np.round(albumin, 1),
    }


def _revised_stages(iss: np.ndarray, high_ldh: np.ndarray, lesions: Draw) -> Draw:
    """R-ISS and R2-ISS from everything known."""
    high_risk = lesions["del17p"] | lesions["t_4_14"] | lesions["t_14_16"]
    first = (iss == 1) & ~high_risk & ~high_ldh
    third = (iss == 3) & (high_risk | high_ldh)
    points = np.choose(iss - 1, [0.0, 1.0, 1.5]) + lesions["del17p"] + lesions["t_4_14"] + high_ldh
    points = points + 0.5 * lesions["gain_1q"]
    return {
        "r_iss": np.where(first, 1, np.where(third, 3, 2)),
        "r2_iss": 1 + np.searchsorted([0.25, 1.25, 2.75], points),
    }
