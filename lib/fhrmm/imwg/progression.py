"""Progression from the nadir, each measure by itself."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fhrmm.imwg.labs import MASS_LEVELS, Labs, Measurable, at_least
from fhrmm.study import ResponseCriteria

LARGER = MASS_LEVELS.index("larger")


def find_progression(
    labs: Labs, nadir: dict[str, np.ndarray], measurable: Measurable, criteria: ResponseCriteria
) -> dict[str, np.ndarray]:
    """Say for every sample and measure whether it shows progression.

    Parameters
    ----------
    nadir : dict of str to ndarray
        From `find_nadirs`.

    Returns
    -------
    dict of str to ndarray of bool
        Keys serum, urine, chains, marrow, mass. Light chains count where neither serum nor urine was measurable,
        marrow where nothing was.
    """
    rise = {name: getattr(labs, name) - low for name, low in nadir.items()}
    share = {name: at_least(rise[name], criteria.progression_share * low) for name, low in nadir.items()}
    from_high = at_least(nadir["serum"], criteria.progression_serum_high_nadir_g_dl)
    serum = share["serum"] & at_least(rise["serum"], criteria.progression_serum_g_dl)
    serum |= from_high & at_least(rise["serum"], criteria.progression_serum_from_high_nadir_g_dl)
    no_m_protein = ~measurable.serum & ~measurable.urine
    found = {
        "serum": serum,
        "urine": share["urine"] & at_least(rise["urine"], criteria.progression_urine_mg_24h),
        "chains": no_m_protein & share["chains"] & (rise["chains"] > criteria.progression_light_chain_mg_l),
        "marrow": no_m_protein & ~measurable.chains & at_least(rise["marrow"], criteria.progression_marrow_pct),
        "mass": labs.mass >= LARGER,
    }
    return {name: shown & ~labs.is_baseline for name, shown in found.items()}


def find_nadirs(labs: Labs, criteria: ResponseCriteria) -> dict[str, np.ndarray]:
    """Return the lowest value before each sample by measure."""
    return {name: find_nadir(getattr(labs, name), labs, criteria) for name in ("serum", "urine", "chains", "marrow")}


def find_nadir(values: np.ndarray, labs: Labs, criteria: ResponseCriteria) -> np.ndarray:
    """Return the lowest value before each sample, NaN where none is known.

    With `confirmed` a value counts only as low as the sample before or after it confirms: of two consecutive samples
    the higher one. Baseline needs no second sample.
    """
    known = np.flatnonzero(~np.isnan(values))
    known = known[~_followed_by_baseline(labs.is_baseline[known], labs.patient[known])]
    value, patient = values[known], labs.patient[known]
    if criteria.nadir == "confirmed":
        before = _previous(value, patient)
        alone = np.isnan(before) & ~labs.is_baseline[known]
        value = np.where(alone, np.nan, np.fmax(value, before))
    lowest = pd.Series(value).groupby(patient).cummin().groupby(patient).ffill().to_numpy() if known.size else value
    nadir = np.full(values.size, np.nan)
    nadir[known] = _previous(lowest, patient)
    return nadir


def _followed_by_baseline(is_baseline: np.ndarray, patient: np.ndarray) -> np.ndarray:
    """Flag samples before the last one up to the start: they belong to first line."""
    return np.append(is_baseline[1:] & (patient[1:] == patient[:-1]), False) if patient.size else is_baseline


def _previous(values: np.ndarray, patient: np.ndarray) -> np.ndarray:
    """Return the value of the sample before, NaN at each patient's first."""
    if values.size == 0:
        return values
    same = np.append(False, patient[1:] == patient[:-1])
    return np.where(same, np.append(np.nan, values[:-1]), np.nan)
