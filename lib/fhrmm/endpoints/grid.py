"""The whole derivation under every specification of the plan, each step done once for the choices it depends on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from fhrmm.cohort import apply_criteria
from fhrmm.endpoints.time_to_event import KEYS, derive_time_to_event
from fhrmm.response import derive_response
from fhrmm.store import DatasetInfo
from fhrmm.study import Specification, Study, override_study, specification_grid

# Sections of the plan that each step reads.
_COHORT_READS = ("time", "cohort", "functional_high_risk", "definitions", "regimens", "staging", "pathway")
_RESPONSE_READS = ("time", "response", "response_criteria")


@dataclass(frozen=True, slots=True)
class DerivedSpecification:
    """One specification with the tables it leads to.

    Attributes
    ----------
    specification : Specification
        Name and choices.
    study : Study
        The plan under these choices.
    cohort, response : DataFrame
        As `apply_criteria` and `derive_response` return them.
    times : dict of str to DataFrame
        By endpoint, as `derive_time_to_event` returns it.

    Notes
    -----
    Tables are shared between specifications that do not differ in them, so they are not to be modified.
    """

    specification: Specification
    study: Study
    cohort: pd.DataFrame
    response: pd.DataFrame
    times: dict[str, pd.DataFrame]


def derive_specifications(
    patients: pd.DataFrame,
    assessments: pd.DataFrame,
    study: Study,
    *,
    endpoints: Sequence[str] = ("PFS", "OS"),
    info: DatasetInfo | None = None,
) -> Iterator[DerivedSpecification]:
    """Derive cohort, response and endpoints under every specification of the plan.

    Parameters
    ----------
    patients, assessments : DataFrame
        Accepted canonical tables.
    study : Study
        The plan of the run: its ``sensitivity`` axes, on top of what the run has replaced.
    endpoints : sequence of str
        Endpoints to derive.
    info : DatasetInfo, optional
        The dataset, for its data cut-off and transfers.

    Yields
    ------
    DerivedSpecification
        In the order of `specification_grid`.

    Raises
    ------
    StudyError
        If an endpoint is unknown.
    """
    plans = [(item, override_study(study, item.overrides)) for item in specification_grid(study)]
    cohorts: dict[str, pd.DataFrame] = {}
    for _, plan in plans:
        if (key := _key(plan, _COHORT_READS)) not in cohorts:
            cohorts[key] = apply_criteria(patients, plan, info=info).cohort
    # what becomes of a patient does not hang on who else is in the cohort: derived once for all who are in any
    members = pd.concat([cohort[KEYS] for cohort in cohorts.values()]).drop_duplicates()
    everyone = patients.merge(members, on=KEYS)
    derived: dict[tuple[str, ...], pd.DataFrame] = {}
    chosen: dict[tuple[str, ...], pd.DataFrame] = {}
    for specification, plan in plans:
        for_cohort, for_response = _key(plan, _COHORT_READS), _key(plan, _RESPONSE_READS)
        if (for_response,) not in derived:
            derived[for_response,] = derive_response(everyone, assessments, plan, info=info)
        keys = {name: (for_response, repr(plan.endpoints.get(name))) for name in endpoints}
        for name, key in keys.items():
            if key not in derived:
                response = derived[for_response,]
                derived[key] = derive_time_to_event(everyone, response, plan, endpoints=[name], info=info)
        cohort = cohorts[for_cohort]
        for key in ((for_response,), *keys.values()):
            if (for_cohort, *key) not in chosen:
                chosen[for_cohort, *key] = cohort[KEYS].merge(derived[key], on=KEYS)
        times = {name: chosen[for_cohort, *key] for name, key in keys.items()}
        yield DerivedSpecification(specification, plan, cohort, chosen[for_cohort, for_response], times)


def _key(study: Study, sections: Sequence[str]) -> str:
    return study.model_dump_json(include=set(sections))
