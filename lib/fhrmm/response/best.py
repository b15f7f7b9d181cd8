"""Best response, first response and progression of each patient, as recorded and as confirmed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fhrmm.response.confirmation import Confirmed, confirm_visits, late_confirmation, to_response
from fhrmm.response.visits import CODES, MR_CODE, PD_CODE, Visits, arrange_visits, codes_of
from fhrmm.store import DatasetInfo
from fhrmm.study import Study
from fhrmm.threevalued import Bounds, date_bounds

RECORDED, CONFIRMED = "patients.best_response", "assessments.response"
_EXACT = "day"


@dataclass(frozen=True, slots=True)
class _Best:
    """Best response by visits: per patient, missing where there is no visit."""

    code: np.ndarray
    day: np.ndarray
    first_response: np.ndarray
    late: np.ndarray


def derive_response(
    cohort: pd.DataFrame, assessments: pd.DataFrame, study: Study, *, info: DatasetInfo | None = None
) -> pd.DataFrame:
    """Derive response and progression of second line.

    Where a patient has evaluable visits, ``study.response.source`` decides between what the center recorded and what
    the visits confirm; with ``recorded``, visits fill in only for a patient without any recorded outcome. Without
    visits the recorded response and progression are used as they are.

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
    visits = arrange_visits(cohort, assessments, study, info=info)
    found = confirm_visits(visits, cohort, study)
    best, n_visits = _best_confirmed(visits, found, study), found.visits.count(found.visits.code > 0)
    recorded = codes_of(cohort["best_response"])
    use_visits = _use_visits(cohort, recorded, n_visits, study)
    chosen = np.where(use_visits, best.code, recorded)
    keys = {name: cohort[name].to_numpy() for name in ("center", "patient_id")}
    columns: dict[str, object] = {
        "best_response": to_response(chosen),
        "best_response_source": _source(use_visits, chosen >= 0, (RECORDED, CONFIRMED)),
        "best_recorded_response": to_response(recorded),
        "best_confirmed_response": to_response(best.code),
        "best_confirmed_response_date": best.day.astype("datetime64[ns]"),
    }
    columns |= _first_response(cohort, visits, best, use_visits, chosen, study)
    columns |= _progression(cohort, found, use_visits, study)
    columns |= _flags(chosen, study)
    return pd.DataFrame(keys | columns | {"late_confirmation": best.late, "n_visits": n_visits})


def _best_confirmed(visits: Visits, found: Confirmed, study: Study) -> _Best:
    evaluable = found.visits
    code = np.full(visits.n_patients, -1, dtype=np.int8)
    code[visits.patient] = 0
    np.maximum.at(code, evaluable.patient[found.counts], found.status[found.counts])
    at_best = evaluable.first(found.counts & (found.status == code[evaluable.patient]))
    responding = evaluable.first(found.counts & _is_in(found.status, study.response.responders))
    late = late_confirmation(found, study)
    return _Best(code, _dated(found, at_best, study), _dated(found, responding, study), np.append(late, False)[at_best])


def _dated(found: Confirmed, position: np.ndarray, study: Study) -> np.ndarray:
    """Return the day of a response: of its own visit, or of the visit that confirmed it."""
    visits = found.visits
    if study.response.date_at == "confirming":
        confirmed = np.append(found.status, 0)[position] >= MR_CODE
        position = np.where(confirmed, np.append(found.following, -1)[position], position)
    return visits.days_at(position)


def _use_visits(cohort: pd.DataFrame, recorded: np.ndarray, n_visits: np.ndarray, study: Study) -> np.ndarray:
    if study.response.source == "confirmed":
        return n_visits > 0
    nothing_recorded = (recorded < 0) & ~date_bounds(cohort, "progression_date").known
    return (n_visits > 0) & nothing_recorded


def _first_response(
    cohort: pd.DataFrame, visits: Visits, best: _Best, use_visits: np.ndarray, chosen: np.ndarray, study: Study
) -> dict[str, object]:
    """Date the first response of responders.

    Where only the best response is dated, that date stands for the first: an upper limit of the time to response.
    """
    recorded = date_bounds(cohort, "best_response_date")
    seen = visits.days_at(visits.first(_is_in(visits.code, study.response.responders) & ~visits.after_next))
    seen_first = ~np.isnat(seen) & ~(seen > recorded.upper)
    by_visit = np.where(use_visits, best.first_response, np.where(seen_first, seen, np.datetime64("NaT", "D")))
    from_visit = use_visits | seen_first
    responder = _is_in(chosen, study.response.responders)
    bounds = Bounds(by_visit, by_visit).where(from_visit, recorded)
    bounds = bounds.where(responder, Bounds(*(np.full(len(cohort), np.datetime64("NaT", "D")),) * 2))
    sources = ("patients.best_response_date", "assessments.assessment_date")
    return _dates("first_response_date", bounds, study) | {
        "first_response_source": _source(from_visit, bounds.known, sources)
    }


def _progression(cohort: pd.DataFrame, found: Confirmed, use_visits: np.ndarray, study: Study) -> dict[str, object]:
    visits = found.visits
    position = found.progression
    if study.response.progression_date_at == "confirming":
        following = np.append(found.following, -1)[position]
        again = (following >= 0) & ~np.append(visits.alone, True)[position]
        position = np.where(again, following, position)
    confirmed = visits.days_at(position)
    bounds = Bounds(confirmed, confirmed).where(use_visits, date_bounds(cohort, "progression_date"))
    sources = ("patients.progression_date", "assessments.assessment_date")
    without = visits.last(found.counts & (visits.code != PD_CODE))
    return {
        "confirmed_progression_date": confirmed.astype("datetime64[ns]"),
        **_dates("progression_date", bounds, study),
        "progression_source": _source(use_visits, bounds.known, sources),
        "last_visit_without_progression_date": visits.days_at(without).astype("datetime64[ns]"),
        "next_line_progression_date": visits.days_at(_next_line_progression(found, cohort)).astype("datetime64[ns]"),
    }


def _next_line_progression(found: Confirmed, cohort: pd.DataFrame) -> np.ndarray:
    """Return the first progression in the next line: after a visit there without progression, and confirmed."""
    visits = found.visits
    better = visits.first(visits.after_next & (visits.code > PD_CODE))
    since = np.arange(visits.code.size) > np.where(better < 0, visits.code.size, better)[visits.patient]
    died = (cohort["death_cause"].astype(object) == "myeloma").to_numpy(dtype=bool)[visits.patient]
    again = np.append(visits.code, 0)[found.following] == PD_CODE
    counts = visits.alone | again | ((found.following < 0) & died)
    return visits.first(since & (visits.code == PD_CODE) & counts)


def _dates(name: str, bounds: Bounds, study: Study) -> dict[str, object]:
    """Return a date with its companions."""
    days = (bounds.upper - bounds.lower).astype(float)
    precision = np.select([~bounds.known, days == 0, days <= 31], [-1, 0, 1], 2)
    return {
        name: bounds.point(study.time.partial_date_policy).astype("datetime64[ns]"),
        f"{name}_lower": bounds.lower.astype("datetime64[ns]"),
        f"{name}_upper": bounds.upper.astype("datetime64[ns]"),
        f"{name}_precision": pd.Categorical.from_codes(precision, categories=[_EXACT, "month", "year"], ordered=True),
    }


def _source(use_visits: np.ndarray, known: np.ndarray, names: tuple[str, str]) -> pd.Categorical:
    return pd.Categorical.from_codes(np.where(known, use_visits.astype(int), -1), categories=list(names))


def _flags(code: np.ndarray, study: Study) -> dict[str, np.ndarray]:
    rules = study.response
    return {
        "responder": _is_in(code, rules.responders),
        "vgpr_or_better": _is_in(code, rules.vgpr_or_better),
        "cr_or_better": _is_in(code, rules.cr_or_better),
        "clinical_benefit": _is_in(code, rules.clinical_benefit),
        "evaluable": code > 0,
    }


def _is_in(code: np.ndarray, levels: tuple[str, ...]) -> np.ndarray:
    return np.isin(code, [CODES[level] for level in levels])
