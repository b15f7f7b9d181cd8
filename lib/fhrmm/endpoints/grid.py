"""The whole derivation under every specification of the plan, each step done once for the choices it depends on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from fhrmm.cohort import apply_criteria
from fhrmm.endpoints.time_to_event import derive_time_to_event
from fhrmm.response import derive_response
from fhrmm.store import DatasetInfo
from fhrmm.study import Specification, Study, override_study, specification_grid

# Sections of the plan that each step reads; the next step also depends on those before it.
_COHORT_READS = ("time", "cohort", "functional_high_risk", "definitions", "regimens", "staging", "pathway")
_RESPONSE_READS = ("response", "response_criteria")


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
    cohorts: dict[str, pd.DataFrame] = {}
    responses: dict[str, pd.DataFrame] = {}
    known: dict[tuple[str, str], pd.DataFrame] = {}
    for specification in specification_grid(study):
        plan = override_study(study, specification.overrides)
        for_cohort = _key(plan, _COHORT_READS)
        if for_cohort not in cohorts:
            cohorts[for_cohort] = apply_criteria(patients, plan, info=info).cohort
        cohort = cohorts[for_cohort]
        for_response = for_cohort + _key(plan, _RESPONSE_READS)
        if for_response not in responses:
            responses[for_response] = derive_response(cohort, assessments, plan, info=info)
        response = responses[for_response]
        keys = {name: (for_response, repr(plan.endpoints.get(name))) for name in endpoints}
        for name, key in keys.items():
            if key not in known:
                known[key] = derive_time_to_event(cohort, response, plan, endpoints=[name], info=info)
        yield DerivedSpecification(specification, plan, cohort, response, {n: known[key] for n, key in keys.items()})


def _key(study: Study, sections: Sequence[str]) -> str:
    return study.model_dump_json(include=set(sections))
