"""The specification curve: the same results under every combination of defensible choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from fhrmm.cohort import apply_criteria
from fhrmm.endpoints import derive_time_to_event
from fhrmm.estimates.models import fit_model
from fhrmm.estimates.proportions import estimate_response
from fhrmm.estimates.rows import KEYS, join_cohort, to_frame
from fhrmm.estimates.survival import estimate_survival
from fhrmm.response import derive_response
from fhrmm.store import DatasetInfo
from fhrmm.study import Specification, Study, override_study, specification_grid

_COHORT = ("functional_high_risk.", "cohort.")
_RESPONSE = (*_COHORT, "response.")


@dataclass
class _Workshop:
    """Cohorts and responses already derived: choices about endpoints do not change them."""

    patients: pd.DataFrame
    assessments: pd.DataFrame
    info: DatasetInfo | None
    cohorts: dict[str, pd.DataFrame] = field(default_factory=dict)
    responses: dict[str, pd.DataFrame] = field(default_factory=dict)

    def cohort(self, study: Study, overrides: Mapping[str, object]) -> pd.DataFrame:
        key = _key(overrides, _COHORT)
        if key not in self.cohorts:
            self.cohorts[key] = apply_criteria(self.patients, study, info=self.info).cohort
        return self.cohorts[key]

    def response(self, study: Study, overrides: Mapping[str, object]) -> pd.DataFrame:
        key = _key(overrides, _RESPONSE)
        if key not in self.responses:
            self.responses[key] = derive_response(self.cohort(study, overrides), self.assessments, study)
        return self.responses[key]


def estimate_specifications(
    patients: pd.DataFrame, assessments: pd.DataFrame, study: Study, *, info: DatasetInfo | None = None
) -> pd.DataFrame:
    """Estimate ORR, headline PFS and OS, and the KRd hazard ratio under every specification of the plan.

    Parameters
    ----------
    patients, assessments : DataFrame
        Accepted canonical tables.
    study : Study
        The plan with its axes of choice (`study.sensitivity`).
    info : DatasetInfo, optional
        The dataset: cut-off and confirmed transfers.

    Returns
    -------
    DataFrame
        Four estimates rows per specification; ``model`` holds its choices as ``axis=option; axis=option``.

    References
    ----------
    Simonsohn U, Simmons JP, Nelson LD. Nat Hum Behav 2020;4:1208-1214.
    """
    workshop = _Workshop(patients, assessments, info)
    rows = [
        row
        for specification in specification_grid(study)
        for row in _specification_rows(workshop, study, specification)
    ]
    return to_frame(rows)


def name_specification(specification: Specification) -> str:
    """Return the choices of a specification as one text, as the ``model`` column holds them."""
    return "; ".join(f"{axis}={option}" for axis, option in specification.choices.items())


def list_choices(study: Study) -> pd.DataFrame:
    """Return one row per option of each axis of choice, the plan's own option first."""
    rows = [(axis.axis, option.name) for axis in study.sensitivity for option in axis.options]
    return pd.DataFrame(rows, columns=["Axis", "Option"])


def summarize_specifications(curve: pd.DataFrame) -> pd.DataFrame:
    """Return smallest, middle and largest estimate of each result, and how many specifications gave none."""
    rows = []
    for (endpoint, estimand), part in curve.groupby(["endpoint", "estimand"], sort=False):
        values = part["estimate"].dropna()
        ends = [values.min(), values.median(), values.max()] if len(values) else [float("nan")] * 3
        rows.append([f"{endpoint}, {estimand.replace('_', ' ')}", *(round(value, 3) for value in ends), len(values)])
    return pd.DataFrame(rows, columns=["Result", "Smallest", "Middle", "Largest", "Specifications estimable"])


def _specification_rows(workshop: _Workshop, study: Study, specification: Specification) -> list[dict[str, object]]:
    chosen = override_study(study, specification.overrides)
    cohort = workshop.cohort(chosen, specification.overrides)
    response = workshop.response(chosen, specification.overrides)
    factor = study.factor(study.comparison.treatment)
    times = derive_time_to_event(cohort, response, chosen, endpoints=["PFS", "OS"])
    time_to_event = join_cohort(times, cohort[[*KEYS, factor.variable]])
    fitted = fit_model(time_to_event, chosen, endpoint="PFS", terms=[factor.variable], model="univariable")
    ratio = fitted[(fitted["estimand"] == "hazard_ratio") & fitted["level"].isin([factor.adverse, ""])]
    rates = [estimate_survival(time_to_event, chosen, endpoint=endpoint) for endpoint in ("PFS", "OS")]
    at = float(study.time.headline_months)
    responses = estimate_response(response, chosen, endpoints=("ORR",))
    parts = [
        responses[responses["population"] == "cohort"],
        *(part[(part["estimand"] == "survival_probability") & (part["time_months"] == at)] for part in rates),
        ratio.head(1).assign(level=factor.adverse, reference=factor.reference),
    ]
    return pd.concat(parts).assign(model=name_specification(specification)).to_dict("records")


def _key(overrides: Mapping[str, object], prefixes: tuple[str, ...]) -> str:
    return repr(sorted((name, value) for name, value in overrides.items() if name.startswith(prefixes)))
