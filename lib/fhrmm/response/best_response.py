"""Best response, first response and progression of each patient, as recorded and as confirmed."""

from __future__ import annotations

import pandas as pd

from fhrmm.response.confirmation import arrange_visits, confirm_visits
from fhrmm.response.samples import KEYS
from fhrmm.schema import RESPONSE_DEPTH, RESPONSES
from fhrmm.store import DatasetInfo
from fhrmm.study import Study
from fhrmm.threevalued import Bounds, date_bounds

VISIT_DATE = "assessments.assessment_date"
_SHOWN = pd.CategoricalDtype(RESPONSES)


def derive_response(
    cohort: pd.DataFrame, assessments: pd.DataFrame, study: Study, *, info: DatasetInfo | None = None
) -> pd.DataFrame:
    """Derive response and progression of second line.

    Where a patient has visits, ``study.response.source`` decides between what the center recorded and what the visits
    confirm, which is nothing (NE) where none could be evaluated; with ``recorded``, visits fill in only for a patient
    without any recorded outcome. Without visits the recorded response and progression are used as they are.

    Parameters
    ----------
    cohort : DataFrame
        Included patients, one row each.
    assessments : DataFrame
        Canonical assessments; may be empty, in any order, and of other patients too.
    study : Study
        The plan.
    info : DatasetInfo, optional
        Visits after its data cut-off are left out.

    Returns
    -------
    DataFrame
        One row per cohort patient: center, patient_id, best_response and its `best_response_source`;
        best_recorded_response, best_confirmed_response, best_confirmed_response_date, confirmed_progression_date
        (missing without visits); first_response_date, progression_date (with `_lower`, `_upper`, `_precision`),
        first_response_source, progression_source (table.column); last_visit_without_progression_date,
        next_line_progression_date; responder, vgpr_or_better, cr_or_better, clinical_benefit, evaluable (bool; NE and
        missing are no response), late_confirmation, n_visits.

    Examples
    --------
    >>> from fhrmm.schema import conform, empty_table
    >>> from fhrmm.study import load_study
    >>> cohort = conform(pd.DataFrame({"patient_id": ["1"], "best_response": ["VGPR"]}), "patients")
    >>> bool(derive_response(cohort, empty_table("assessments"), load_study()).loc[0, "responder"])
    True
    """
    rules, cohort = study.response, cohort.reset_index(drop=True)
    visits = arrange_visits(cohort, assessments, study, info=info)
    found = _summarize_visits(visits, study).reindex(cohort.index)
    recorded, progressed = cohort["best_response"].astype(RESPONSE_DEPTH), date_bounds(cohort, "progression_date")
    use_visits = found["n_visits"] > 0
    if rules.source == "recorded":
        use_visits &= recorded.isna() & ~progressed.known
    by_visits = use_visits | (found["best"].notna() & (rules.source == "confirmed"))  # visits of NE confirm nothing
    best = recorded.mask(by_visits, found["best"])
    is_response = best.isin(rules.responders)
    first, by_visit = _first_response(cohort, found, use_visits, study)
    first = first.where(is_response, Bounds(*(pd.Series(pd.NaT, index=cohort.index),) * 2))
    progression = Bounds(found["progression"], found["progression"]).where(use_visits, progressed)
    return pd.DataFrame(
        {
            **{name: cohort[name] for name in KEYS},
            "best_response": best.astype(_SHOWN),
            "best_response_source": _source(best.notna(), by_visits, "patients.best_response", "assessments.response"),
            "best_recorded_response": recorded.astype(_SHOWN),
            "best_confirmed_response": found["best"].astype(_SHOWN),
            "best_confirmed_response_date": found["best_day"],
            **_dates("first_response_date", first, study),
            "first_response_source": _source(first.known, by_visit, "patients.best_response_date", VISIT_DATE),
            "confirmed_progression_date": found["progression"],
            **_dates("progression_date", progression, study),
            "progression_source": _source(progression.known, use_visits, "patients.progression_date", VISIT_DATE),
            "last_visit_without_progression_date": found["last_without_progression"],
            "next_line_progression_date": found["next_line_progression"],
            "responder": is_response,
            "vgpr_or_better": best.isin(rules.vgpr_or_better),
            "cr_or_better": best.isin(rules.cr_or_better),
            "clinical_benefit": best.isin(rules.clinical_benefit),
            "evaluable": best > "NE",
            "late_confirmation": found["late"].eq(True),
            "n_visits": found["n_visits"].fillna(0).astype("int64"),
        }
    )


def _summarize_visits(visits: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return what the visits of each patient come to.

    Returns
    -------
    DataFrame
        Indexed by the patients with visits: best (confirmed response), best_day, late (its confirmation was late),
        first_day (first confirmed response), first_seen (first response before next therapy, confirmed or not),
        progression, last_without_progression, next_line_progression (days), n_visits (evaluable ones).
    """
    rules, evaluable = study.response, confirm_visits(visits, study)
    status, own = evaluable["confirmed_status"], evaluable["response"]
    evaluable["response_day"] = evaluable["progression_day"] = evaluable["day"]
    if rules.date_at == "confirming":
        evaluable["response_day"] = evaluable["next_day"].where(status >= "MR", evaluable["day"])
    if rules.progression_date_at == "confirming":
        again = ~evaluable["stands_alone"] & evaluable["next_day"].notna()
        evaluable["progression_day"] = evaluable["next_day"].where(again, evaluable["day"])

    counted = evaluable[evaluable["counts"]]
    best = counted.groupby("patient")["confirmed_status"].max().reindex(visits["patient"].unique()).fillna("NE")
    at_best = _first(counted[counted["confirmed_status"] == counted["patient"].map(best).astype(RESPONSE_DEPTH)])
    progressed = evaluable[evaluable["counts"] & (status == "PD")]
    without = counted[counted["response"] != "PD"].drop_duplicates("patient", keep="last").set_index("patient")
    return pd.DataFrame(
        {
            "best": best,
            "best_day": at_best["response_day"],
            "late": at_best["late_confirmation"],
            "first_day": _first(counted[counted["confirmed_status"].isin(rules.responders)])["response_day"],
            "first_seen": _first(evaluable[own.isin(rules.responders) & ~evaluable["after_next_therapy"]])["day"],
            "progression": _first(progressed)["progression_day"],
            "last_without_progression": without["day"],
            "next_line_progression": _first(evaluable[_is_next_line_progression(evaluable)])["day"],
            "n_visits": evaluable.groupby("patient").size(),
        }
    )


def _is_next_line_progression(evaluable: pd.DataFrame) -> pd.Series:
    """Find progression in the next line: after a visit there without progression, and confirmed."""
    better = evaluable["after_next_therapy"] & (evaluable["response"] > "PD")
    since = better.groupby(evaluable["patient"]).cummax()
    following = evaluable["next_response"]
    confirmed = evaluable["stands_alone"] | (following == "PD") | (following.isna() & evaluable["died_of_myeloma"])
    return since & (evaluable["response"] == "PD") & confirmed


def _first(visits: pd.DataFrame) -> pd.DataFrame:
    return visits.drop_duplicates("patient").set_index("patient")


def _first_response(
    cohort: pd.DataFrame, found: pd.DataFrame, use_visits: pd.Series, study: Study
) -> tuple[Bounds, pd.Series]:
    """Date the first response, and say whether a visit dates it.

    Where only the best response is dated, that date stands for the first: an upper limit of the time to response.
    """
    recorded = date_bounds(cohort, "best_response_date")
    seen_first = found["first_seen"].notna() & ~(found["first_seen"] > recorded.upper)
    day = found["first_day"].where(use_visits, found["first_seen"])
    return Bounds(day, day).where(use_visits | seen_first, recorded), use_visits | seen_first


def _dates(name: str, bounds: Bounds, study: Study) -> dict[str, pd.Series]:
    """Return a date with its companions."""
    return {
        name: bounds.point(study.time.partial_date_policy),
        f"{name}_lower": bounds.lower,
        f"{name}_upper": bounds.upper,
        f"{name}_precision": bounds.precision,
    }


def _source(known: pd.Series, by_visit: pd.Series, recorded: str, derived: str) -> pd.Series:
    source = by_visit.map({False: recorded, True: derived}).where(known)
    return source.astype(pd.CategoricalDtype([recorded, derived]))
