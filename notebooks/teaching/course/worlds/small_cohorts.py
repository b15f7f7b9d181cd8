"""Cohorts of sixty-two: the same truth drawn again and again, six factors at once, and a level without events."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from timetoevent.cox import fit_cox
from timetoevent.cox.data import make_model, read_data
from timetoevent.firth.regression import penalized_coefficients

FACTORS = ("extramedullary", "lenalidomide", "no_asct", "ecog", "stage", "not_krd")
PREVALENCE = 0.35
_HAZARD_PER_MONTH = 0.03


def six_factor_patients(n: int = 62, *, hazard_ratio: float = 1.8, seed: int | np.random.Generator = 9) -> pd.DataFrame:
    """Simulate patients with six independent factors of the same true hazard ratio.

    Returns
    -------
    DataFrame
        One row per patient: the six factors (True or False), `time_months`, `event`.

    Examples
    --------
    >>> six_factor_patients().shape
    (62, 8)
    """
    rng = np.random.default_rng(seed)
    has = rng.random((n, len(FACTORS))) < PREVALENCE
    # centered, so that the number of events does not depend on how strong the factors are
    hazard = _HAZARD_PER_MONTH * np.exp(np.log(hazard_ratio) * (has - PREVALENCE).sum(axis=1))
    progression, follow_up = rng.exponential(1, n) / hazard, rng.uniform(4, 30, n)
    times = {"time_months": np.minimum(progression, follow_up), "event": progression <= follow_up}
    return pd.DataFrame(has, columns=list(FACTORS)).assign(**times)


@cache
def repeat_study(samples: int, n: int = 62, hazard_ratio: float = 1.6) -> pd.DataFrame:
    """Draw a study many times, and estimate one factor each time.

    Returns
    -------
    DataFrame
        One row per study: `hazard_ratio`, `ci_lower`, `ci_upper`, `p_value`, `n_events`.

    Examples
    --------
    >>> len(repeat_study(5))
    5
    """
    rng = np.random.default_rng(96)
    rows = []
    for _ in range(samples):
        study = six_factor_patients(n, hazard_ratio=1.0, seed=rng)
        hazard = _HAZARD_PER_MONTH * np.exp(np.log(hazard_ratio) * study["ecog"].to_numpy(dtype=float))
        progression, follow_up = rng.exponential(1, n) / hazard, rng.uniform(4, 30, n)
        study = study.assign(time_months=np.minimum(progression, follow_up), event=progression <= follow_up)
        fit = fit_cox(study, time="time_months", event="event", terms=["ecog"], is_repeated=True)
        found = fit.coefficients.iloc[0]
        if found["status"] == "ok":
            rows.append({name: found[name] for name in ("hazard_ratio", "ci_lower", "ci_upper", "p_value", "n_events")})
    return pd.DataFrame(rows).astype(float)


@cache
def repeat_model(samples: int, n: int, hazard_ratio: float = 1.8) -> pd.DataFrame:
    """Draw a study many times, and estimate six factors in one model, without and with Firth's penalty.

    Returns
    -------
    DataFrame
        One row per study and factor: hazard ratios `likelihood` and `firth`, the first missing where it has no maximum.

    Examples
    --------
    >>> list(repeat_model(2, 62))
    ['likelihood', 'firth']
    """
    rng = np.random.default_rng(97)
    model = make_model(time="time_months", event="event", terms=FACTORS)
    rows = []
    for _ in range(samples):
        study = six_factor_patients(n, hazard_ratio=hazard_ratio, seed=rng)
        fit = fit_cox(study, time="time_months", event="event", terms=FACTORS, is_repeated=True)
        penalized = np.exp(penalized_coefficients(read_data(study, model)))
        rows.append(
            pd.DataFrame({"likelihood": fit.coefficients["hazard_ratio"].to_numpy(dtype=float), "firth": penalized})
        )
    return pd.concat(rows, ignore_index=True)


def patients_with_an_empty_level() -> pd.DataFrame:
    """Return sixty-two patients of whom seven had a second transplant, none of them with progression so far.

    Examples
    --------
    >>> patients = patients_with_an_empty_level()
    >>> int(patients.loc[patients["second_transplant"], "event"].sum())
    0
    """
    patients = six_factor_patients(seed=12)
    without_event = patients.index[~patients["event"]][:7]
    return patients.assign(second_transplant=patients.index.isin(without_event))
