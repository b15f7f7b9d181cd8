"""Named eligibility criteria in the order of the plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import and_

import pandas as pd

from fhrmm.cohort.definitions import Classification, classify
from fhrmm.cohort.derived import add_derived
from fhrmm.store import DatasetInfo
from fhrmm.study import Study
from fhrmm.threevalued import Bounds, compare, date_bounds

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
    """What the criteria are held against."""

    patients: pd.DataFrame
    study: Study
    info: DatasetInfo
    classification: Classification
    second_line: Bounds


@dataclass(frozen=True, slots=True)
class _Criterion:
    """A criterion in words, and its answer per patient; without one, whether all other criteria are determined."""

    label: Callable[[Study], str]
    is_met: Callable[[_Case], pd.Series] | None


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

    Examples
    --------
    >>> from fhrmm.schema import empty_table
    >>> from fhrmm.study import load_study
    >>> apply_criteria(empty_table("patients"), load_study()).attrition["n_remaining"].tolist()
    [0, 0, 0, 0, 0, 0, 0, 0]
    """
    second_line = date_bounds(patients, "second_line_start_date")
    case = _Case(patients, study, info or DatasetInfo(), classify(patients, study), second_line)
    met = pd.DataFrame({name: CRITERIA[name].is_met(case) for name in study.cohort.criteria if CRITERIA[name].is_met})
    eligible = reduce(and_, (met[name] for name in met), pd.Series(True, index=patients.index, dtype="boolean"))
    excludes = pd.DataFrame(
        {
            name: ~met[name].fillna(True) if name in met else eligible.isna() & (not study.cohort.keep_undetermined)
            for name in study.cohort.criteria
        },
        dtype=bool,
    )
    failed = excludes.idxmax(axis=1).where(excludes.any(axis=1))
    route, included = case.classification.route, failed.isna()
    return CohortSelection(
        cohort=add_derived(patients[included].assign(fhr_route=route[included]), study).reset_index(drop=True),
        attrition=_attrition(failed, study),
        decisions=pd.DataFrame(
            {
                "center": patients["center"],
                "patient_id": patients["patient_id"],
                "included": included,
                "first_failed_criterion": failed.astype(pd.CategoricalDtype(list(study.cohort.criteria))),
                "eligibility": _in_words(eligible),
                "definition_state": _in_words(case.classification.state),
                "fhr_route": route,
            }
        ).reset_index(drop=True),
    )


def _attrition(failed: pd.Series, study: Study) -> pd.DataFrame:
    """Count those who fail at each criterion first; the first row is for all patients."""
    names = list(study.cohort.criteria)
    excluded = failed.value_counts().reindex(names, fill_value=0).tolist()
    table = pd.DataFrame(
        {
            "criterion": [ALL_PATIENTS, *names],
            "label": ["Patients accepted after data cleaning", *(CRITERIA[name].label(study) for name in names)],
            "n_excluded": [0, *excluded],
        }
    )
    remaining = len(failed) - table["n_excluded"].cumsum()
    table.insert(2, "n_before", remaining + table["n_excluded"])
    return table.assign(n_remaining=remaining)


def _in_words(state: pd.Series) -> pd.Series:
    words = state.map({False: "out", True: "in"}).astype(object).where(state.notna(), "undetermined")
    return words.astype(pd.CategoricalDtype(["out", "undetermined", "in"]))


def _reported_once(case: _Case) -> pd.Series:
    patients = case.patients
    elsewhere = patients.get("reported_elsewhere", pd.Series(False, index=patients.index)).fillna(False).astype(bool)
    if case.info.transfers:
        listed = pd.MultiIndex.from_tuples([(item.center, item.patient_id) for item in case.info.transfers])
        elsewhere |= pd.MultiIndex.from_frame(patients[["center", "patient_id"]]).isin(listed)
    return ~elsewhere


def _adult(case: _Case) -> pd.Series:
    """Out only where surely too young: without a birth year nobody is excluded."""
    age = case.second_line.upper.dt.year - case.patients["birth_year"].astype(float)
    return ~(age < case.study.cohort.minimum_age_years)


def _in_accrual_window(case: _Case) -> pd.Series:
    days = (pd.Timestamp(day) for day in (case.study.cohort.second_line_from, case.study.cohort.second_line_to))
    first, last = (Bounds(*(pd.Series(day, index=case.patients.index),) * 2) for day in days)
    return compare(first, case.second_line) & compare(case.second_line, last)


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
    "second_line_started": _Criterion(lambda _: "Second line started", lambda case: case.second_line.known),
    "reported_once": _Criterion(lambda _: "Not a transfer reported by another center", _reported_once),
    "adult": _Criterion(lambda study: f"Aged {study.cohort.minimum_age_years} years or more", _adult),
    "second_line_in_accrual_window": _Criterion(
        lambda study: f"Second line started from {study.cohort.second_line_from} to {study.cohort.second_line_to}",
        _in_accrual_window,
    ),
    "route_possible": _Criterion(_possible_label, lambda case: case.classification.possible),
    "early_relapse": _Criterion(_early_label, lambda case: case.classification.state),
    "eligibility_determined": _Criterion(lambda _: "Eligibility not left open by partial or missing dates", None),
}
