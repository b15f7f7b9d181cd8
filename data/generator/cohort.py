"""The embedded cohort: the sample of 62 that the search accepted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from generator.covariates import Draw
from generator.imprecise import blur_dates
from generator.population import simulate_draw
from generator.records import build_patients, center_names
from generator.truth import Truth

ASSESSMENT_CENTERS = ("C01", "C02", "C03", "C07")


class Cohort(NamedTuple):
    """Drawn arrays and the canonical patients they give, in the same order."""

    draw: Draw
    patients: pd.DataFrame


def simulate_cohort(seed: int, truth: Truth) -> Cohort:
    """Return the embedded cohort for a seed: exact margins, dates of some patients known to the month.

    A progression is blurred only where the center sends no assessments, which would give its day.
    """
    draw = simulate_draw(truth.n, np.random.default_rng(seed), truth, exact=True)
    patients = build_patients(draw, np.array([f"{number:03d}" for number in range(truth.n)], dtype=object))
    without_visits = ~np.isin(center_names()[draw["center"]], ASSESSMENT_CENTERS)
    blurred = blur_dates(patients, draw["imprecise"], draw["imprecise_progression"] & without_visits)
    return Cohort(draw, blurred)
