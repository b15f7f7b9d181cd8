"""Named eligibility criteria in the order of the plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fhrmm.cohort.derived import add_derived
from fhrmm.definitions import Classification, classify
from fhrmm.errors import StudyError, nearest
from fhrmm.store import DatasetInfo
from fhrmm.study import Study
from fhrmm.threevalued import (
    IN,
    OUT,
    UNDETERMINED,
    Bounds,
    all_of,
    compare,
    date_bounds,
    from_mask,
    to_category,
)

ALL_PATIENTS = "all_patients"
_CONDITIONS = {
    "frontline_asct": "front-line ASCT",
    "no_frontline_asct": "no front-line ASCT",
    "first_line_quadruplet": "first-line daratumumab quadruplet",
    "lenalidomide_maintenance": "lenalidomide maintenance",
}


@dataclass(frozen=True, slots=True)
class CohortSelection:
    """The cohort and how it came about.

    Attributes
    ----------
    cohort : DataFrame
        Included patients, one row each: canonical columns and derived ones.
    attrition : DataFrame
        One row per criterion in order, the first for all accepted patients: criterion, label, n_before, n_excluded,
        n_remaining. Criteria that exclude nobody are kept.
    decisions : DataFrame
        One row per patient: center, patient_id, included, first_failed_criterion (missing if included), eligibility
        and definition_state {out, undetermined, in}, fhr_route. Patient-level: stays in work/.
    """

    cohort: pd.DataFrame
    attrition: pd.DataFrame
    decisions: pd.DataFrame


@dataclass(frozen=True, slots=True)
class _Case:
    patients: pd.DataFrame
    study: Study
    info: DatasetInfo
    classification: Classification

    @property
    def second_line(self) -> Bounds:
        return date_bounds(self.patients, "second_line_start_date")


@dataclass(frozen=True, slots=True)
class _Criterion:
    label: Callable[[Study], str]
    state: Callable[[_Case], np.ndarray] | None


def apply_criteria(patients: pd.DataFrame, study: Study, *, info: DatasetInfo | None = None) -> CohortSelection:
    """Apply the plan's eligibility criteria one after the other.

    A patient is excluded by the first criterion that is surely not met. Criteria that partial or missing dates leave
    open exclude at `eligibility_determined`, unless the plan keeps undetermined patients.

    Parameters
    ----------
    patients : DataFrame
        Accepted canonical patients, one row each, with `reported_elsewhere` where transfers are known.
    study : Study
        The plan: ``cohort.criteria`` gives names and order.
    info : DatasetInfo, optional
        The dataset; its confirmed transfers count too.

    Returns
    -------
    CohortSelection
        Cohort, attrition and decisions.

    Raises
    ------
    StudyError
        If the plan names an unknown criterion; the message gives the nearest.

    Examples
    --------
    >>> from fhrmm.schema import empty_table
    >>> from fhrmm.study import load_study
    >>> apply_criteria(empty_table("patients"), load_study()).attrition["n_remaining"].tolist()
    [0, 0, 0, 0, 0, 0, 0, 0]
    """
    _check_names(study)
    case = _Case(patients, study, info or DatasetInfo(), classify(patients, study))
    judged = {name: CRITERIA[name].state for name in study.cohort.criteria}
    states = {name: state(case) for name, state in judged.items() if state is not None}
    failed, eligibility = _first_failed(states, case)
    included = failed < 0
    chosen, route = patients.loc[included], case.classification.route.loc[included]
    return CohortSelection(
        cohort=add_derived(chosen.assign(fhr_route=route), study).reset_index(drop=True),
        attrition=_attrition(failed, study),
        decisions=_decisions(case, failed, eligibility),
    )


def _check_names(study: Study) -> None:
    for name in study.cohort.criteria:
        if name not in CRITERIA:
            hint = nearest(name, CRITERIA) or f"; known: {', '.join(CRITERIA)}"
            raise StudyError(f"unknown criterion {name!r} in study.toml [cohort]{hint}")


def _first_failed(states: dict[str, np.ndarray], case: _Case) -> tuple[np.ndarray, np.ndarray]:
    """Return the position of the first criterion not met (-1: none), and the state of eligibility."""
    n, names = len(case.patients), case.study.cohort.criteria
    eligibility = all_of(np.full(n, IN, dtype=np.int8), *states.values())
    keep = case.study.cohort.keep_undetermined
    undecided = np.zeros(n, dtype=bool) if keep else eligibility == UNDETERMINED
    failed = np.full(n, -1)
    for position, name in enumerate(names):
        excluded = states[name] == OUT if name in states else undecided
        failed = np.where((failed < 0) & excluded, position, failed)
    return failed, eligibility


def _attrition(failed: np.ndarray, study: Study) -> pd.DataFrame:
    names = list(study.cohort.criteria)
    excluded = np.array([0, *(int((failed == position).sum()) for position in range(len(names)))])
    remaining = len(failed) - excluded.cumsum()
    labels = ["Patients accepted after data cleaning", *(CRITERIA[name].label(study) for name in names)]
    columns = {"criterion": [ALL_PATIENTS, *names], "label": labels, "n_before": remaining + excluded}
    return pd.DataFrame(columns | {"n_excluded": excluded, "n_remaining": remaining})


def _decisions(case: _Case, failed: np.ndarray, eligibility: np.ndarray) -> pd.DataFrame:
    patients, names = case.patients, list(case.study.cohort.criteria)
    columns = {
        "center": patients["center"],
        "patient_id": patients["patient_id"],
        "included": failed < 0,
        "first_failed_criterion": pd.Categorical.from_codes(failed, categories=names),
        "eligibility": to_category(eligibility, patients.index),
        "definition_state": to_category(case.classification.state, patients.index),
        "fhr_route": case.classification.route,
    }
    return pd.DataFrame(columns, index=patients.index).reset_index(drop=True)


def _started(case: _Case) -> np.ndarray:
    return from_mask(case.second_line.known)


def _reported_once(case: _Case) -> np.ndarray:
    patients = case.patients
    elsewhere = np.zeros(len(patients), dtype=bool)
    if "reported_elsewhere" in patients:
        elsewhere |= patients["reported_elsewhere"].fillna(False).to_numpy(dtype=bool)
    if case.info.transfers:
        listed = pd.MultiIndex.from_tuples([(item.center, item.patient_id) for item in case.info.transfers])
        elsewhere |= pd.MultiIndex.from_frame(patients[["center", "patient_id"]]).isin(listed)
    return from_mask(~elsewhere)


def _adult(case: _Case) -> np.ndarray:
    """Out only where surely too young: without a birth year nobody is excluded."""
    born = case.patients["birth_year"].to_numpy(dtype=float, na_value=np.nan)
    year = case.second_line.upper.astype("datetime64[Y]").astype(float) + 1970
    year = np.where(case.second_line.known, year, np.nan)
    return from_mask(~(year - born < case.study.cohort.minimum_age_years))


def _in_accrual_window(case: _Case) -> np.ndarray:
    start = case.second_line
    first, last = (np.full(len(case.patients), np.datetime64(day, "D")) for day in _window(case.study))
    since = compare(Bounds(first, first), start)
    until = compare(start, Bounds(last, last))
    return all_of(since, until)


def _window(study: Study) -> tuple[str, str]:
    return study.cohort.second_line_from.isoformat(), study.cohort.second_line_to.isoformat()


def _route_possible(case: _Case) -> np.ndarray:
    return case.classification.possible


def _early_relapse(case: _Case) -> np.ndarray:
    return case.classification.state


def _possible_label(study: Study) -> str:
    routes = study.definitions[study.functional_high_risk.definition].routes
    ways = dict.fromkeys(" and ".join(_CONDITIONS[name] for name in route.where) for route in routes)
    text = "any first line" if "" in ways else " or ".join(ways)
    return f"{text[0].upper()}{text[1:]}"


def _early_label(study: Study) -> str:
    plan = study.functional_high_risk
    chosen = study.definitions[plan.definition]
    open_window = any(
        rule.rule == "relapse" and rule.months is None for route in chosen.routes for rule in route.any_of
    )
    window = f" (window {plan.window_months} months)" if open_window else ""
    return f"High risk: {chosen.label[0].lower()}{chosen.label[1:]}{window}"


CRITERIA: dict[str, _Criterion] = {
    "second_line_started": _Criterion(lambda _: "Second line started", _started),
    "reported_once": _Criterion(lambda _: "Not a transfer reported by another center", _reported_once),
    "adult": _Criterion(lambda study: f"Aged {study.cohort.minimum_age_years} years or more", _adult),
    "second_line_in_accrual_window": _Criterion(
        lambda study: "Second line started from {} to {}".format(*_window(study)), _in_accrual_window
    ),
    "route_possible": _Criterion(_possible_label, _route_possible),
    "early_relapse": _Criterion(_early_label, _early_relapse),
    "eligibility_determined": _Criterion(
        lambda _: "Eligibility not left open by partial or missing dates",
        None,
    ),
}
