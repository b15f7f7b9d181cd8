"""The derived columns of the cohort: factors, pathway, stages, exposure, age, time to relapse."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fhrmm.drugs.exposure import derive_exposure, frontline_asct, lenalidomide_maintenance
from fhrmm.staging import derive_staging
from fhrmm.study import Study
from fhrmm.threevalued import IN, OUT, UNDETERMINED, date_bounds, negate, to_yes_no


def add_derived(patients: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return the patients with every derived column of the analysis.

    Parameters
    ----------
    patients : DataFrame
        Canonical patients, one row each.
    study : Study
        The plan.

    Returns
    -------
    DataFrame
        The same rows; besides the columns of `derive_exposure` and `derive_staging`: `frontline_asct` {yes, no},
        `lenalidomide_maintenance` {no, yes}, `frontline_pathway` (3 levels of the plan), `extramedullary_disease`
        {no, yes}, `ecog_2_or_more` {0-1, >=2}, `age_second_line` (years, by calendar years), `months_to_relapse`
        (from the transplant, or first-line start without one). Reference level first; unknown is missing.
    """
    asct, maintenance = frontline_asct(patients), lenalidomide_maintenance(patients)
    index = patients.index
    columns = {
        "frontline_asct": to_yes_no(negate(asct), index, levels=("yes", "no")),
        "lenalidomide_maintenance": to_yes_no(maintenance, index),
        "frontline_pathway": _pathway(asct, maintenance, study, index),
        "extramedullary_disease": to_yes_no(_extramedullary(patients, study), index),
        "ecog_2_or_more": to_yes_no(_ecog(patients), index, levels=("0-1", ">=2")),
        "age_second_line": _age(patients),
        "months_to_relapse": _months_to_relapse(patients, asct, study),
    }
    parts = [derive_exposure(patients, study), pd.DataFrame(columns, index=index), derive_staging(patients, study)]
    return pd.concat([patients, *parts], axis=1)


def _pathway(asct: np.ndarray, maintenance: np.ndarray, study: Study, index: pd.Index) -> pd.Series:
    """Levels in the plan's order: transplant without, with lenalidomide maintenance, no transplant."""
    codes = np.select(
        [asct == OUT, (asct == IN) & (maintenance == IN), (asct == IN) & (maintenance == OUT)], [2, 1, 0], -1
    )
    return pd.Series(pd.Categorical.from_codes(codes, categories=list(study.pathway.levels)), index=index)


def _extramedullary(patients: pd.DataFrame, study: Study) -> np.ndarray:
    disease = patients["emd_second_line"].astype(object)
    counted = disease.isin(study.staging.extramedullary_levels).to_numpy()
    return np.select([disease.isna().to_numpy(), counted], [UNDETERMINED, IN], OUT)


def _ecog(patients: pd.DataFrame) -> np.ndarray:
    status = patients["ecog_second_line"].to_numpy(dtype=float, na_value=np.nan)
    return np.select([np.isnan(status), status >= 2], [UNDETERMINED, IN], OUT)


def _age(patients: pd.DataFrame) -> np.ndarray:
    start = patients["second_line_start_date"].dt.year.to_numpy(dtype=float)
    return start - patients["birth_year"].to_numpy(dtype=float, na_value=np.nan)


def _months_to_relapse(patients: pd.DataFrame, asct: np.ndarray, study: Study) -> np.ndarray:
    policy = study.time.partial_date_policy
    relapse, transplant, start = (
        date_bounds(patients, name).point(policy)
        for name in ("first_progression_date", "asct_date", "first_line_start_date")
    )
    days = relapse - np.where(asct == IN, transplant, start)
    months = days / np.timedelta64(1, "D") / study.time.days_per_month
    return np.where(asct == UNDETERMINED, np.nan, months)
