"""What a record does not tell: missing values and dates known only to the month."""

from __future__ import annotations

import numpy as np

from generator.covariates import Draw
from generator.timeline import CENTER_CLOSES
from generator.truth import Truth


def draw_gaps(draw: Draw, rng: np.random.Generator, truth: Truth, complete: bool = False) -> Draw:
    """Add one flag per kind of gap, to a draw that has `center` and `start`; with `complete` nothing is missing.

    FISH is missing more often in some centers and in earlier years; everything else completely at random.
    """
    n = draw["center"].size
    share, tested = truth.missing, truth.fish_tested / truth.n
    years = (CENTER_CLOSES.max() - draw["start"]).astype(np.int64) / 365.25
    center = np.array([-0.5, 0.2, -0.3, 0.4, 0.0, 0.6, -0.6, 0.3, 0.2, 0.0])[draw["center"]]
    logit = np.log((1 - tested) / tested) + center + 0.35 * (years - 1.5)
    flags = {
        "stage_missing": rng.random(n) < share["beta2_microglobulin_mg_l"],
        "ldh_missing": rng.random(n) < share["ldh_u_l"],
        "ecog_missing": rng.random(n) < share["ecog_second_line"],
        "emd_missing": rng.random(n) < share["emd_second_line"],
        "fish_missing": rng.random(n) < 1 / (1 + np.exp(-logit)),
        "imprecise": rng.random(n) < truth.partial_dates,
        "imprecise_progression": rng.random(n) < truth.partial_progressions,
    }
    return draw | {name: flag & (not complete) for name, flag in flags.items()}
