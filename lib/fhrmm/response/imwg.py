"""Response of a visit from its laboratory values, by a version of the IMWG criteria."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fhrmm.response.samples import FOLLOWED, KEYS, arrange_labs, at_least, order_assessments
from fhrmm.schema import RESPONSE_DEPTH, RESPONSES
from fhrmm.study import ResponseCriteria, Study

NE, PD, SD, MR, PR, VGPR, CR, SCR = range(len(RESPONSES))  # places in RESPONSE_DEPTH
MEASURES = {
    "serum": "serum M-protein",
    "urine": "urine M-protein",
    "chains": "free light chains",
    "marrow": "marrow plasma cells",
    "mass": "plasmacytoma",
}
CRITERIA_TEXT = {
    "sCR": "complete response with normal light-chain ratio and no plasma cells in the marrow",
    "CR": "negative immunofixation of serum and urine, marrow below the limit, no plasmacytoma",
    "NE": "no baseline, or a value needed is missing",
}


def derive_visit_response(cohort: pd.DataFrame, assessments: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Derive the response of every visit after the start of second line from its laboratory values.

    Parameters
    ----------
    cohort : DataFrame
        Included patients, one row each.
    assessments : DataFrame
        Canonical assessments in any order. Values up to the start of second line are baseline, the last one counts.
    study : Study
        The plan: ``response.criteria_version`` chooses the cut-points.

    Returns
    -------
    DataFrame
        One row per visit of the cohort after the start with any laboratory value: center, patient_id,
        assessment_date, recorded_response, response (from the values), criterion (in words), decided_by (measures at
        the deciding level), needs_second (progression that another sample must confirm), and for serum, urine, chains
        (difference) and marrow their baseline, nadir, value and change_pct; criteria_version.

    References
    ----------
    Kumar S et al. Lancet Oncol 2016;17:e328-e346.
    """
    samples = order_assessments(cohort, assessments, study)
    labs = grade_samples(samples, cohort, study)
    shown = labs["response"].notna()
    labs, samples = labs[shown], samples[shown]
    level = labs["response"].cat.codes
    decides = pd.DataFrame(
        {
            f"{words}, ": labs[f"{name}_progression"].where(
                level == PD, (labs[f"{name}_level"] == level) & level.between(SD, VGPR)
            )
            for name, words in MEASURES.items()
        }
    ).astype(bool)
    decided_by = decides.dot(decides.columns).str.removesuffix(", ")
    response = labs["response"].astype(object)
    lowest = "lowest level reached, " + response + ": " + decided_by
    criterion = lowest.mask(level == PD, "increase from the nadir: " + decided_by)
    columns = {
        **{name: samples[name] for name in (*KEYS, "assessment_date")},
        "recorded_response": samples["response"].astype(pd.CategoricalDtype(RESPONSES)),
        "response": response.astype(pd.CategoricalDtype(RESPONSES)),
        "criterion": criterion.mask(response.isin(CRITERIA_TEXT), response.map(CRITERIA_TEXT)).astype("category"),
        "decided_by": decided_by.astype("category"),
        "needs_second": labs["needs_second"],
    }
    for name in FOLLOWED:
        value, base = labs[name], labs[f"{name}_baseline"]
        columns |= {f"{name}_baseline": base, f"{name}_nadir": labs[f"{name}_nadir"], f"{name}_value": value}
        columns[f"{name}_change_pct"] = (100 * (value - base) / base).where(base > 0)
    return pd.DataFrame(columns).assign(criteria_version=study.response.criteria_version).reset_index(drop=True)


def derive_best_change(visits: pd.DataFrame) -> pd.DataFrame:
    """Return each patient's deepest change of the M-protein or light chain that could be followed.

    Returns
    -------
    DataFrame
        One row per patient with a change from baseline: center, patient_id, measure (serum, urine or chains: the
        first of them with a baseline value that changes), best_change_pct.
    """
    parts = []
    for measure in ("serum", "urine", "chains"):
        changed = visits.dropna(subset=[f"{measure}_change_pct"])
        best = changed.groupby(KEYS, sort=False, observed=True)[f"{measure}_change_pct"].min().rename("best_change_pct")
        parts.append(best.reset_index().assign(measure=measure))
    joined = pd.concat(parts, ignore_index=True).drop_duplicates(KEYS, keep="first")
    return joined.sort_values(KEYS, ignore_index=True)[[*KEYS, "measure", "best_change_pct"]]


def grade_samples(samples: pd.DataFrame, cohort: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Grade every sample by the plan's version of the criteria.

    Parameters
    ----------
    samples : DataFrame
        From `order_assessments`.
    cohort : DataFrame
        In the row order that `patient` refers to.
    study : Study
        The plan.

    Returns
    -------
    DataFrame
        Columns of `arrange_labs`; by measure `_level` (depth it allows, missing where it does not limit the response)
        and `_progression`; `response` (missing up to the start of second line, and without any value); `needs_second`
        (progression of M-protein or light chains alone, that another sample must confirm).
    """
    criteria = study.response_criteria[study.response.criteria_version]
    labs = arrange_labs(samples, cohort, criteria)
    levels, progression = _grade_measures(labs, criteria), _find_progression(labs, criteria)
    progressed = progression.any(axis=1)
    code = _grade_depth(labs, levels, criteria).mask(progressed, PD).astype("int8")
    response = pd.Series(pd.Categorical.from_codes(code, dtype=RESPONSE_DEPTH), index=labs.index)
    for name in MEASURES:
        labs[f"{name}_level"], labs[f"{name}_progression"] = levels[name], progression[name]
    labs["response"] = response.where(labs["any_value"] & ~labs["is_baseline"])
    labs["needs_second"] = progressed & ~progression["marrow"] & ~progression["mass"]
    return labs


def _grade_measures(labs: pd.DataFrame, criteria: ResponseCriteria) -> pd.DataFrame:
    """Return the depth that each measure allows: NE where its value is missing, nothing where it is no limit.

    Where urine was not measurable at baseline it only keeps VGPR from urine above its limit. Where only marrow can be
    followed it grades partial response; complete response then adds its own conditions.
    """
    serum, urine, chains, marrow = (labs[name] for name in FOLLOWED)
    clean_urine = urine < criteria.urine_very_good_mg_24h
    urine_partial, urine_minimal = _reductions(labs, "urine", criteria.urine_shares)
    urine_partial |= urine < criteria.urine_partial_mg_24h
    clean_marrow = (marrow < criteria.complete_marrow_pct) & labs["negative"]
    serum_reached = _reductions(labs, "serum", criteria.serum_shares)
    chains_reached = _reductions(labs, "chains", criteria.light_chain_shares)
    marrow_reached = _reductions(labs, "marrow", (criteria.marrow_share,))
    levels = pd.DataFrame(
        {
            "serum": np.select([serum.isna(), *serum_reached], [NE, VGPR, PR, MR], SD),
            "urine": np.select([urine.isna(), clean_urine, urine_partial, urine_minimal], [NE, VGPR, PR, MR], SD),
            "chains": np.select([chains.isna(), *chains_reached], [NE, VGPR, PR], SD),
            "marrow": np.select([marrow.isna(), clean_marrow, *marrow_reached], [NE, VGPR, PR], SD),
        },
        index=labs.index,
    )
    levels = pd.DataFrame({name: levels[name].where(labs[f"{name}_measurable"]) for name in FOLLOWED})
    levels["urine"] = levels["urine"].mask(~labs["urine_measurable"] & urine.notna() & ~clean_urine, PR)
    if not criteria.minimal_response:
        levels = levels.mask(levels == MR, SD)
    return levels.assign(mass=_grade_mass(labs))


def _grade_depth(labs: pd.DataFrame, levels: pd.DataFrame, criteria: ResponseCriteria) -> pd.Series:
    """Return the depth of response of each sample, progression apart.

    The response is the lowest level of the measures that were measurable at baseline. If one of them is missing at a
    visit the response is open, unless another is no better than stable already. Complete response needs negative
    immunofixation of serum and urine, marrow below its limit at this visit or before it on treatment, no plasmacytoma
    and, where light chains alone were measurable, their normal ratio.
    """
    by_value = levels[FOLLOWED]
    lowest = by_value.where(by_value != NE).min(axis=1)
    is_open = (by_value == NE).any(axis=1) & ~(lowest <= SD)
    can_follow = labs[[f"{name}_measurable" for name in FOLLOWED]].any(axis=1)
    level = lowest.where(can_follow & ~is_open).fillna(NE)
    marrow = labs["marrow"].mask(labs["is_baseline"]).groupby(labs["patient"]).ffill()
    normal_ratio = labs["ratio"].between(*criteria.light_chain_ratio)
    complete = (level >= VGPR) & labs["negative"] & (marrow < criteria.complete_marrow_pct)
    complete &= ~labs["chains_measurable"] | normal_ratio
    no_cells = at_least(criteria.stringent_marrow_pct, marrow)
    level = level.mask(complete, CR).mask(complete & normal_ratio & no_cells, SCR)
    return np.fmin(level, levels["mass"])


def _grade_mass(labs: pd.DataFrame) -> pd.Series:
    """Grade plasmacytoma: gone or never seen, no limit; smaller than at baseline, VGPR; else stable disease.

    A visit without imaging carries on the last finding on treatment; "stable" carries on the finding before it. One
    known only from baseline keeps from complete response until imaging shows it gone.
    """
    seen, patient = labs["plasmacytoma"].mask(labs["is_baseline"]), labs["patient"]
    last = seen.groupby(patient).ffill()
    last_change = seen.mask(seen == "stable").groupby(patient).ffill()
    smaller = last.isin(["smaller", "stable"]) & (last_change == "smaller")
    only_baseline = last.isna() & labs["plasmacytoma_baseline"]
    level = np.select([smaller | only_baseline, last.isna() | (last == "none")], [VGPR, np.nan], SD)
    return pd.Series(level, index=labs.index)


def _find_progression(labs: pd.DataFrame, criteria: ResponseCriteria) -> pd.DataFrame:
    """Say for every sample and measure whether it shows progression from the nadir.

    Light chains count where neither serum nor urine was measurable, marrow where nothing else was.
    """
    rise = {name: labs[name] - labs[f"{name}_nadir"] for name in FOLLOWED}
    by_share = {name: at_least(rise[name], criteria.progression_share * labs[f"{name}_nadir"]) for name in FOLLOWED}
    from_high = at_least(labs["serum_nadir"], criteria.progression_serum_high_nadir_g_dl)
    serum = by_share["serum"] & at_least(rise["serum"], criteria.progression_serum_g_dl)
    serum |= from_high & at_least(rise["serum"], criteria.progression_serum_from_high_nadir_g_dl)
    no_m_protein = ~labs["serum_measurable"] & ~labs["urine_measurable"]
    found = pd.DataFrame(
        {
            "serum": serum,
            "urine": by_share["urine"] & at_least(rise["urine"], criteria.progression_urine_mg_24h),
            "chains": no_m_protein & by_share["chains"] & (rise["chains"] > criteria.progression_light_chain_mg_l),
            "marrow": no_m_protein
            & ~labs["chains_measurable"]
            & at_least(rise["marrow"], criteria.progression_marrow_pct),
            "mass": labs["plasmacytoma"].isin(["larger", "new"]),
        }
    )
    return found.mask(labs["is_baseline"], False)


def _reductions(labs: pd.DataFrame, name: str, shares: tuple[float, ...]) -> list[pd.Series]:
    """Say for each share whether a value has fallen by at least that share of its baseline."""
    base = labs[f"{name}_baseline"]
    return [at_least(base - labs[name], share * base) for share in shares]
