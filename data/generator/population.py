"""A population of any size, and the embedded cohort, from one truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from fhrmm.schema import empty_table
from generator.covariates import Draw, draw_covariates
from generator.diagnosis import draw_diagnosis
from generator.gaps import draw_gaps
from generator.imprecise import blur_dates
from generator.records import build_patients, center_names, draw_causes
from generator.second_line import NEVER, draw_course
from generator.timeline import draw_timeline
from generator.truth import FACTORS, Truth, load_truth
from generator.visits import build_visits

ASSESSMENT_CENTERS = ("C01", "C02", "C03", "C07")


@dataclass(frozen=True, slots=True)
class Population:
    """Simulated patients with what is known only because they are simulated.

    Attributes
    ----------
    patients, assessments, adverse_events : DataFrame
        Canonical tables, one row per patient, visit and event.
    latent : DataFrame
        One row per patient: the six factors (0 or 1, never missing), the true days from second-line start to
        progression and death whether or not they were seen (missing: death without progression), the latent
        response score, and lenalidomide refractoriness.
    """

    patients: pd.DataFrame
    assessments: pd.DataFrame
    adverse_events: pd.DataFrame
    latent: pd.DataFrame


def simulate_population(
    n: int, rng: np.random.Generator, truth: Truth | None = None, *, visits: bool = True, complete: bool = False
) -> Population:
    """Simulate independent patients who all fulfil the eligibility criteria.

    Parameters
    ----------
    n : int
        Patients, at least 1.
    rng : numpy.random.Generator
        Source of randomness; the same state gives the same tables.
    truth : Truth, optional
        By default the truth of the embedded data.
    visits : bool
        False leaves the assessments empty: a million patients have some ten million visits.
    complete : bool
        True: no value is missing.

    Returns
    -------
    Population
        Canonical tables, and what is true of each patient.

    Raises
    ------
    ValueError
        If `n` is less than 1.

    Examples
    --------
    >>> population = simulate_population(62, np.random.default_rng(1))
    >>> len(population.patients), population.latent.columns[0]
    (62, 'center')
    """
    if n < 1:
        raise ValueError(f"a population has at least one patient, not {n}")
    truth = truth or load_truth()
    draw = simulate_draw(n, rng, truth, exact=False, complete=complete)
    width = len(str(n))
    numbers = np.char.zfill(np.arange(1, n + 1).astype(f"U{width}"), width)
    prefixes = np.char.add("SYN-", center_names()[draw["center"]].astype("U3"))
    ids = np.char.add(prefixes, np.char.add("-", numbers)).astype(object)
    patients = build_patients(draw, ids)
    assessments = build_visits(draw, ids, rng) if visits else empty_table("assessments")
    return Population(patients, assessments, empty_table("adverse_events"), _build_latent(draw, patients))


def simulate_draw(n: int, rng: np.random.Generator, truth: Truth, *, exact: bool, complete: bool = False) -> Draw:
    """Return every array of a simulation, before any table is made of it.

    Parameters
    ----------
    n, rng, truth, complete
        As in `simulate_population`.
    exact : bool
        True: the margins of the truth hold exactly, as in the embedded cohort.
    """
    draw = draw_course(draw_covariates(n, rng, truth, exact), rng, truth, exact)
    draw = draw_gaps(draw_timeline(draw, rng), rng, truth, complete)
    return draw_causes(draw_diagnosis(draw, rng, truth), rng)


def _build_latent(draw: Draw, patients: pd.DataFrame) -> pd.DataFrame:
    """Return what a real cohort would never show."""
    progression = draw["true_progression"]
    columns = {"center": patients["center"], "patient_id": patients["patient_id"]}
    columns |= {name: draw["factors"][:, k].astype(np.int8) for k, name in enumerate(FACTORS)}
    return pd.DataFrame(columns | {
        "lenalidomide_refractory": draw["refractory"],
        "progression_days": np.where(progression < NEVER, progression, np.nan),
        "death_days": draw["true_death"],
        "response_score": draw["score"],
    })  # fmt: skip


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
