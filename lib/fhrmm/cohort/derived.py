"""The derived columns of the cohort: factors, pathway, stages, exposure, age, time to relapse."""

from __future__ import annotations

import pandas as pd

from fhrmm.drugs.exposure import derive_exposure, frontline_asct, lenalidomide_maintenance
from fhrmm.staging import derive_staging
from fhrmm.study import Study
from fhrmm.threevalued import date_bounds, is_any, to_levels


def add_derived(patients: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return the patients with every derived column of the analysis.

    Returns
    -------
    DataFrame
        The same rows; besides the columns of `derive_exposure` and `derive_staging`: `frontline_asct` {yes, no},
        `lenalidomide_maintenance` {no, yes}, `frontline_pathway` (3 levels of the plan), `extramedullary_disease`
        {no, yes}, `ecog_2_or_more` {0-1, >=2}, `age_second_line` (years, by calendar years), `months_to_relapse`
        (from the transplant, or first-line start without one). The reference level of a factor, as the plan has it,
        is the first; unknown is missing.
    """
    asct, maintenance = frontline_asct(patients), lenalidomide_maintenance(patients)
    no_asct, without, with_maintenance = study.pathway.levels
    pathway = maintenance.map({False: without, True: with_maintenance}).where(asct.fillna(False))
    start = patients["second_line_start_date"].dt.year.astype(float)
    columns = {
        "frontline_asct": to_levels(~asct, ("yes", "no")),
        "lenalidomide_maintenance": to_levels(maintenance),
        "frontline_pathway": pathway.mask(~asct.fillna(True), no_asct).astype(
            pd.CategoricalDtype(list(study.pathway.levels))
        ),
        "extramedullary_disease": to_levels(is_any(patients["emd_second_line"], study.staging.extramedullary_levels)),
        "ecog_2_or_more": to_levels(patients["ecog_second_line"] >= 2, ("0-1", ">=2")),
        "second_line_asct": to_levels(date_bounds(patients, "second_line_asct_date").known),
        "age_second_line": start - patients["birth_year"].astype(float),
        "months_to_relapse": _months_to_relapse(patients, asct, study),
    }
    parts = [patients, derive_exposure(patients, study), pd.DataFrame(columns), derive_staging(patients, study)]
    derived = pd.concat(parts, axis=1)
    for one in (*study.factors, study.pathway):
        levels = derived[one.variable].cat.categories
        if levels[0] != one.reference:
            derived[one.variable] = derived[one.variable].cat.reorder_categories(
                sorted(levels, key=lambda level: level != one.reference)
            )
    return derived


def _months_to_relapse(patients: pd.DataFrame, asct: pd.Series, study: Study) -> pd.Series:
    policy = study.time.partial_date_policy
    relapse, transplant, start = (
        date_bounds(patients, name).point(policy)
        for name in ("first_progression_date", "asct_date", "first_line_start_date")
    )
    days = (relapse - transplant.where(asct.fillna(False), start)).dt.days
    return (days / study.time.days_per_month).where(asct.notna())
