"""The confirmation table: what a visit counts as once the next evaluable visit is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fhrmm.response.visits import DEEPEST_FIRST, MR_CODE, NAMES_BY_CODE, PD_CODE, SD_CODE, Visits, arrange_visits
from fhrmm.store import DatasetInfo
from fhrmm.study import Study
from fhrmm.threevalued import date_bounds


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Evaluable visits with their confirmed status.

    Attributes
    ----------
    visits : Visits
        Evaluable visits (NE left out).
    following : ndarray of int64
        Position of the next evaluable visit of the patient, -1 where there is none.
    status : ndarray of int8
        Confirmed status by `CODES`; 0 for a progression that was not confirmed.
    counts : ndarray of bool
        Visit counts for best response: not after next therapy, not after confirmed progression.
    progression : ndarray of int64
        Position of the first confirmed progression before next therapy, per patient; -1 without.
    """

    visits: Visits
    following: np.ndarray
    status: np.ndarray
    counts: np.ndarray
    progression: np.ndarray


def confirm_visits(visits: Visits, cohort: pd.DataFrame, study: Study) -> Confirmed:
    """Apply the confirmation table to sorted visits.

    Status of a visit, by its own response and the next evaluable one [1]_: same or better next, its own; a lower
    response of at least MR next, the lower; SD next, SD; progression, nothing, or only a visit after next therapy
    next, SD. SD needs no confirmation. Progression by imaging or clinically counts at once, so does one followed by
    nothing but death from myeloma; biochemical progression only if the next evaluable visit, which may fall in the
    next line, is progression too, or (a switch) if it was what led to the next line; else it is not evaluable. NE
    visits are skipped. After confirmed progression nothing counts any more.

    Parameters
    ----------
    visits : Visits
        Of the whole cohort.
    cohort : DataFrame
        For next therapy and death, in the row order that `visits` refers to.
    study : Study
        The plan's switches in ``response``.

    Returns
    -------
    Confirmed
        Evaluable visits with their status.

    References
    ----------
    .. [1] Kumar S et al. Lancet Oncol 2016;17:e328-e346.
    """
    evaluable = visits.keep(visits.code > 0)
    following = _following(evaluable, visits, study)
    status = np.where(
        evaluable.code == PD_CODE,
        _progression_status(evaluable, following, cohort, study),
        _response_status(evaluable, following),
    ).astype(np.int8)
    progression = evaluable.first((status == PD_CODE) & ~evaluable.after_next)
    last = np.where(progression < 0, evaluable.code.size, progression)[evaluable.patient]
    counts = ~evaluable.after_next & (np.arange(evaluable.code.size) <= last)
    return Confirmed(evaluable, following, status, counts, progression)


def derive_visits(
    cohort: pd.DataFrame, assessments: pd.DataFrame, study: Study, *, info: DatasetInfo | None = None
) -> pd.DataFrame:
    """Return the evaluable visits with their confirmed status and the best so far.

    Returns
    -------
    DataFrame
        One row per patient and day with an evaluable response: center, patient_id, assessment_date, months (since
        start of second line), response, confirmed_status, best_so_far (confirmed, carried forward; PD from confirmed
        progression on), after_next_therapy, counts, late_confirmation (confirmed later than the plan's limit).
    """
    found = confirm_visits(arrange_visits(cohort, assessments, study, info=info), cohort, study)
    visits = found.visits
    keys = cohort[["center", "patient_id"]].iloc[visits.patient].reset_index(drop=True)
    origin = date_bounds(cohort, "second_line_start_date").point(study.time.partial_date_policy)
    days = (visits.day - origin[visits.patient]) / np.timedelta64(1, "D")
    return keys.assign(
        assessment_date=visits.day.astype("datetime64[ns]"),
        months=days / study.time.days_per_month,
        response=to_response(visits.code),
        confirmed_status=to_response(found.status),
        best_so_far=to_response(best_so_far(found)),
        after_next_therapy=visits.after_next,
        counts=found.counts,
        late_confirmation=late_confirmation(found, study),
    )


def best_so_far(found: Confirmed) -> np.ndarray:
    """Return the best confirmed status up to each visit; PD from confirmed progression on."""
    visits = found.visits
    if visits.code.size == 0:
        return visits.code
    offset = visits.patient * 16
    status = np.where(found.counts, found.status, 0)
    best = np.maximum.accumulate(offset + status) - offset
    progressed = (found.progression >= 0)[visits.patient]
    at = found.progression[visits.patient]
    return np.where(progressed & (np.arange(visits.code.size) >= at), PD_CODE, best).astype(np.int8)


def late_confirmation(found: Confirmed, study: Study) -> np.ndarray:
    """Say which responses were confirmed by a visit later than the plan's limit."""
    visits = found.visits
    gap = (visits.days_at(found.following) - visits.day).astype("timedelta64[D]")
    limit = np.timedelta64(study.response.late_confirmation_days, "D")
    return (found.status >= MR_CODE) & found.counts & (gap > limit)


def to_response(codes: np.ndarray) -> pd.Categorical:
    """Return codes as response categories in the plan's order, deepest first; negative codes are missing."""
    places = np.array([*(DEEPEST_FIRST.index(name) for name in NAMES_BY_CODE), -1])
    return pd.Categorical.from_codes(places[codes], categories=list(DEEPEST_FIRST))


def _following(evaluable: Visits, visits: Visits, study: Study) -> np.ndarray:
    """Return the next evaluable visit of each, at least the minimum interval later, few enough NE in between."""
    n, rules = evaluable.code.size, study.response
    if n == 0:
        return np.empty(0, dtype=np.int64)
    if rules.minimum_confirmation_days <= 1:
        following = np.arange(1, n + 1)
    else:
        since = (evaluable.day - evaluable.day.min()).astype(np.int64)
        width = since.max() + rules.minimum_confirmation_days + 1
        key = evaluable.patient * width + since
        following = np.searchsorted(key, key + rules.minimum_confirmation_days)
    inside = np.minimum(following, n - 1)
    same = (following < n) & (evaluable.patient[inside] == evaluable.patient)
    skipped = np.cumsum(visits.code == 0)[visits.code > 0]
    few = skipped[inside] - skipped <= rules.maximum_not_evaluable_between
    return np.where(same & few, inside, -1)


def _response_status(visits: Visits, following: np.ndarray) -> np.ndarray:
    """Return the lower of a response and the next one; SD where no valid next visit holds at least SD."""
    next_code = np.append(visits.code, 0)[following]
    valid = (following >= 0) & ~np.append(visits.after_next, False)[following]
    lower = np.minimum(visits.code, next_code)
    return np.where(valid & (next_code >= SD_CODE), lower, SD_CODE)


def _progression_status(visits: Visits, following: np.ndarray, cohort: pd.DataFrame, study: Study) -> np.ndarray:
    """Return PD where progression counts, else 0."""
    again = np.append(visits.code, 0)[following] == PD_CODE
    died = (cohort["death_cause"].astype(object) == "myeloma").to_numpy(dtype=bool)[visits.patient]
    counts = visits.alone | again | ((following < 0) & died)
    if study.response.lone_biochemical_progression_with_new_line_is_event:
        new_line = date_bounds(cohort, "next_line_start_date").known[visits.patient]
        nothing_before = (following < 0) | np.append(visits.after_next, False)[following]
        counts |= new_line & nothing_before
    return np.where(counts, PD_CODE, 0)
