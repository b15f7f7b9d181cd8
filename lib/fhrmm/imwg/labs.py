"""Laboratory values as arrays sorted by patient and day, with baseline and what was measurable."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from fhrmm.study import ResponseCriteria

POSITIVE, NEGATIVE, UNKNOWN = np.int8(1), np.int8(0), np.int8(-1)
MASS_LEVELS = ("none", "smaller", "stable", "larger", "new")
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Labs:
    """Samples of the cohort sorted by patient and day; one entry per sample.

    Attributes
    ----------
    patient, row : ndarray of int64
        Row of the patient in the cohort, and of the sample in the assessments.
    is_baseline : ndarray of bool
        On or before the start of second line.
    serum, urine, chains, ratio, marrow : ndarray of float64
        Serum and urine M-protein, light-chain difference and kappa/lambda ratio, marrow plasma cells; NaN: not done.
    serum_fixation, urine_fixation : ndarray of int8
        Immunofixation: 1 positive, 0 negative, -1 not done.
    mass : ndarray of int8
        Plasmacytoma by `MASS_LEVELS`, -1 not assessed.
    mass_at_baseline : ndarray of bool
        The patient had a plasmacytoma at the start of second line.
    baseline : dict of str to ndarray
        Last value up to the start of second line, per sample's patient.
    """

    patient: np.ndarray
    row: np.ndarray
    is_baseline: np.ndarray
    serum: np.ndarray
    urine: np.ndarray
    chains: np.ndarray
    ratio: np.ndarray
    marrow: np.ndarray
    serum_fixation: np.ndarray
    urine_fixation: np.ndarray
    mass: np.ndarray
    mass_at_baseline: np.ndarray
    baseline: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measurable:
    """What can be followed, per sample: serum, urine, light chains, marrow; the last two only in want of the others."""

    serum: np.ndarray
    urine: np.ndarray
    chains: np.ndarray
    marrow: np.ndarray

    @property
    def any(self) -> np.ndarray:
        """Something can be followed."""
        return self.serum | self.urine | self.chains | self.marrow


def arrange_labs(
    assessments: pd.DataFrame, patient: np.ndarray, day: np.ndarray, origin: np.ndarray, soft_tissue: np.ndarray
) -> Labs:
    """Sort the samples of cohort patients and find each patient's baseline.

    Parameters
    ----------
    assessments : DataFrame
        Canonical assessments.
    patient : ndarray of int64
        Cohort row of each assessment, -1 where not in the cohort.
    day : ndarray of datetime64[D]
        Day of each assessment.
    origin : ndarray of datetime64[D]
        Start of second line per cohort row.
    soft_tissue : ndarray of bool
        Plasmacytoma recorded at second line, per cohort row.
    """
    used = np.flatnonzero((patient >= 0) & ~np.isnat(day))
    since = (day[used] - np.datetime64("1900-01-01")).astype(np.int64)
    rows = used[np.argsort(patient[used] * 100_000 + since, kind="stable")]
    kappa, lambda_ = (_numbers(assessments, f"flc_{chain}_mg_l", rows) for chain in ("kappa", "lambda"))
    serum_fixation, urine_fixation = (
        _fixation(assessments, f"{where}_immunofixation", rows) for where in ("serum", "urine")
    )
    patients, is_baseline = patient[rows], day[rows] <= origin[patient[rows]]
    ratio = np.divide(kappa, lambda_, out=np.full(rows.size, np.nan), where=lambda_ > 0)
    involved_kappa = _carry_baseline(kappa - lambda_, patients, is_baseline)
    signed = np.where(involved_kappa < 0, lambda_ - kappa, kappa - lambda_)
    values = {
        "serum": _zero_if_negative(_numbers(assessments, "serum_m_protein_g_dl", rows), serum_fixation),
        "urine": _zero_if_negative(_numbers(assessments, "urine_m_protein_mg_24h", rows), urine_fixation),
        "chains": signed,
        "ratio": ratio,
        "marrow": _numbers(assessments, "bm_plasma_cells_pct", rows),
    }
    followed = values | {"involved": np.fmax(kappa, lambda_)}
    baseline = {name: _carry_baseline(value, patients, is_baseline) for name, value in followed.items()}
    mass = pd.Categorical(assessments["plasmacytoma"], categories=list(MASS_LEVELS)).codes[rows]
    found = _carry_baseline(np.where(mass < 0, np.nan, mass), patients, is_baseline)
    return Labs(
        patients, rows, is_baseline, **values, serum_fixation=serum_fixation, urine_fixation=urine_fixation,
        mass=mass, mass_at_baseline=(found > 0) | soft_tissue[patients], baseline=baseline,
    )  # fmt: skip


def find_measurable(labs: Labs, criteria: ResponseCriteria) -> Measurable:
    """Say per sample what was measurable at baseline."""
    base = labs.baseline
    serum = at_least(base["serum"], criteria.measurable_serum_g_dl)
    urine = at_least(base["urine"], criteria.measurable_urine_mg_24h)
    abnormal = ~normal_ratio(base["ratio"], criteria) & ~np.isnan(base["ratio"])
    chains = at_least(base["involved"], criteria.measurable_light_chain_mg_l) & abnormal & ~serum & ~urine
    marrow = at_least(base["marrow"], criteria.measurable_marrow_pct) & ~serum & ~urine & ~chains
    return Measurable(serum, urine, chains, marrow)


def normal_ratio(ratio: np.ndarray, criteria: ResponseCriteria) -> np.ndarray:
    """Say where the light-chain ratio is known and normal."""
    low, high = criteria.light_chain_ratio
    return (ratio >= low) & (ratio <= high)


def at_least(value: np.ndarray, limit: np.ndarray | float) -> np.ndarray:
    """Compare with a limit, equal within rounding of decimal values; False where unknown."""
    return value >= limit - TOLERANCE * np.maximum(1.0, np.abs(limit))


def carry_forward(values: np.ndarray, known: np.ndarray, patient: np.ndarray) -> np.ndarray:
    """Return the last known value up to each sample of the same patient; NaN before the first."""
    place = np.maximum.accumulate(np.where(known, np.arange(values.size), -1)) if values.size else np.empty(0, int)
    same = (place >= 0) & (patient[place] == patient)
    return np.where(same, values[place], np.nan)


def _carry_baseline(values: np.ndarray, patient: np.ndarray, is_baseline: np.ndarray) -> np.ndarray:
    """Return each patient's last known value at or before the start, on all samples of the patient."""
    known = np.flatnonzero(is_baseline & ~np.isnan(values))
    last = np.full(patient.max(initial=-1) + 1, np.nan)
    last[patient[known]] = values[known]
    return last[patient]


def _numbers(assessments: pd.DataFrame, column: str, rows: np.ndarray) -> np.ndarray:
    return assessments[column].to_numpy(dtype=float)[rows]


def _fixation(assessments: pd.DataFrame, column: str, rows: np.ndarray) -> np.ndarray:
    return pd.Categorical(assessments[column], categories=["negative", "positive"]).codes[rows]


def _zero_if_negative(values: np.ndarray, fixation: np.ndarray) -> np.ndarray:
    """A negative immunofixation leaves no M-protein to measure."""
    return np.where(np.isnan(values) & (fixation == NEGATIVE), 0.0, values)
