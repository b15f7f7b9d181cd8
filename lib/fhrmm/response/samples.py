"""The assessments of the cohort in order, and their laboratory values with baseline, nadir and what was measurable.

Every frame here has one row per sample, sorted by patient and day; `patient` is the row of the patient in the cohort.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from fhrmm.study import ResponseCriteria, Study
from fhrmm.threevalued import date_bounds

KEYS = ["center", "patient_id"]
LABORATORY = [
    "serum_m_protein_g_dl",
    "urine_m_protein_mg_24h",
    "flc_kappa_mg_l",
    "flc_lambda_mg_l",
    "serum_immunofixation",
    "urine_immunofixation",
    "bm_plasma_cells_pct",
    "plasmacytoma",
]
FOLLOWED = ["serum", "urine", "chains", "marrow"]


def match_patients(cohort: pd.DataFrame, assessments: pd.DataFrame) -> np.ndarray:
    """Return the cohort row of each assessment by center and patient, -1 where the patient is not in the cohort."""
    return pd.MultiIndex.from_frame(cohort[KEYS]).get_indexer(pd.MultiIndex.from_frame(assessments[KEYS]))


def order_assessments(cohort: pd.DataFrame, assessments: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return the dated assessments of the cohort by patient and day, with the `start` of second line of the patient."""
    policy = study.time.partial_date_policy
    start = date_bounds(cohort, "second_line_start_date").point(policy).reset_index(drop=True)
    dated = assessments.assign(
        patient=match_patients(cohort, assessments), day=date_bounds(assessments, "assessment_date").point(policy)
    )
    dated = dated[(dated["patient"] >= 0) & dated["day"].notna()]
    return dated.sort_values(["patient", "day"], ignore_index=True).join(start.rename("start"), on="patient")


def arrange_labs(samples: pd.DataFrame, cohort: pd.DataFrame, criteria: ResponseCriteria) -> pd.DataFrame:
    """Return what the response criteria compare, one row per sample.

    Parameters
    ----------
    samples : DataFrame
        From `order_assessments`.
    cohort : DataFrame
        For plasmacytoma at second line, in the row order that `patient` refers to.
    criteria : ResponseCriteria
        What is measurable, and which nadir counts.

    Returns
    -------
    DataFrame
        Index of `samples`: patient, is_baseline (on or before the start of second line); serum, urine, chains
        (involved minus uninvolved chain), marrow, each with `_baseline`, `_measurable` and `_nadir`; ratio (kappa to
        lambda), negative (immunofixation of serum and urine), plasmacytoma, plasmacytoma_baseline (bool), any_value.

    Notes
    -----
    Baseline is the last known value up to the start of second line. A negative immunofixation leaves no M-protein to
    measure, so it stands for 0.
    """
    kappa, lambda_ = samples["flc_kappa_mg_l"], samples["flc_lambda_mg_l"]
    negative = {where: samples[f"{where}_immunofixation"] == "negative" for where in ("serum", "urine")}
    serum, urine = samples["serum_m_protein_g_dl"], samples["urine_m_protein_mg_24h"]
    labs = pd.DataFrame(
        {
            "patient": samples["patient"],
            "is_baseline": samples["day"] <= samples["start"],
            "serum": serum.mask(serum.isna() & negative["serum"], 0.0),
            "urine": urine.mask(urine.isna() & negative["urine"], 0.0),
            "chains": kappa - lambda_,
            "marrow": samples["bm_plasma_cells_pct"],
            "ratio": (kappa / lambda_).where(lambda_ > 0),
            "negative": negative["serum"] & negative["urine"],
            "plasmacytoma": samples["plasmacytoma"],
        }
    )
    known = labs.assign(involved=np.fmax(kappa, lambda_))[labs["is_baseline"]]
    baseline = known.groupby("patient").last().reindex(range(len(cohort)))
    lambda_involved = (baseline["chains"] < 0)[labs["patient"]].to_numpy()
    labs["chains"] = labs["chains"].mask(lambda_involved, lambda_ - kappa)
    baseline["chains"] = baseline["chains"].abs()
    soft_tissue = cohort["emd_second_line"].isin(["paraskeletal", "extramedullary"]).reset_index(drop=True)
    mass = baseline["plasmacytoma"].notna() & (baseline["plasmacytoma"] != "none")
    of_patient = baseline[FOLLOWED].assign(plasmacytoma=mass | soft_tissue).add_suffix("_baseline")
    of_patient = of_patient.join(_find_measurable(baseline, criteria).add_suffix("_measurable"))
    labs = labs.join(of_patient, on="patient")
    nadirs = {f"{name}_nadir": _find_nadir(labs, name, criteria) for name in FOLLOWED}
    any_value = samples[LABORATORY].drop(columns=["flc_kappa_mg_l", "flc_lambda_mg_l"]).notna().any(axis=1)
    return labs.assign(**nadirs, any_value=any_value | labs["chains"].notna())


def _find_measurable(baseline: pd.DataFrame, criteria: ResponseCriteria) -> pd.DataFrame:
    """Say per patient what was measurable: light chains only without serum and urine, marrow only without all three."""
    low, high = criteria.light_chain_ratio
    serum = at_least(baseline["serum"], criteria.measurable_serum_g_dl)
    urine = at_least(baseline["urine"], criteria.measurable_urine_mg_24h)
    abnormal = (baseline["ratio"] < low) | (baseline["ratio"] > high)
    chains = at_least(baseline["involved"], criteria.measurable_light_chain_mg_l) & abnormal & ~serum & ~urine
    marrow = at_least(baseline["marrow"], criteria.measurable_marrow_pct) & ~serum & ~urine & ~chains
    return pd.DataFrame({"serum": serum, "urine": urine, "chains": chains, "marrow": marrow})


def _find_nadir(labs: pd.DataFrame, name: str, criteria: ResponseCriteria) -> pd.Series:
    """Return the lowest value before each sample on treatment; missing where none is known.

    With ``criteria.nadir = "confirmed"`` a value counts only as low as the next sample confirms: of two consecutive
    samples the higher one. Baseline needs no second sample.
    """
    known = labs[~labs["is_baseline"] & labs[name].notna()]
    patient, baseline, value = known["patient"], known[f"{name}_baseline"], known[name]
    if criteria.nadir == "confirmed":
        before = value.groupby(patient).shift().fillna(baseline)
        value = np.maximum(value, before)
    lowest = value.groupby(patient).cummin().groupby(patient).shift()
    return np.fmin(lowest, baseline).reindex(labs.index)


def at_least(value: pd.Series, limit: pd.Series | float) -> pd.Series:
    """Compare with a limit, equal within rounding of decimal values; False where unknown."""
    return value >= limit - 1e-9 * np.maximum(1.0, np.abs(limit))
