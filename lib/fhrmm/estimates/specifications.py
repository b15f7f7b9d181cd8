"""The specification curve: the same results under every combination of defensible choices."""

from __future__ import annotations

import pandas as pd

from fhrmm.endpoints import DerivedSpecification, derive_specifications
from fhrmm.estimates.models import fit_model
from fhrmm.estimates.proportions import estimate_response
from fhrmm.estimates.rows import KEYS, join_cohort, to_frame
from fhrmm.estimates.survival import estimate_survival
from fhrmm.store import DatasetInfo
from fhrmm.study import Specification, Study


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
    derived = derive_specifications(patients, assessments, study, info=info)
    return to_frame(row for one in derived for row in _specification_rows(one))


def name_specification(specification: Specification) -> str:
    """Return the choices of a specification as one text, as the ``model`` column holds them."""
    return "; ".join(f"{axis}={option}" for axis, option in specification.choices.items())


def list_choices(study: Study) -> pd.DataFrame:
    """Return one row per option of each axis of choice, the plan's own option first."""
    rows = [(axis.axis, option.name) for axis in study.sensitivity for option in axis.options]
    return pd.DataFrame(rows, columns=["Axis", "Option"])


def summarize_specifications(curve: pd.DataFrame) -> pd.DataFrame:
    """Return the spread of each result over all specifications.

    Parameters
    ----------
    curve : DataFrame
        Rows of `estimate_specifications`.

    Returns
    -------
    DataFrame
        One row per result, as its first specification has it, with ``smallest``, ``middle`` and ``largest`` estimate,
        ``n_estimable`` and ``n_specifications``.
    """
    rows = []
    for _, part in curve.groupby(["endpoint", "estimand"], sort=False):
        values = part["estimate"].dropna()
        spread = {"smallest": values.min(), "middle": values.median(), "largest": values.max()}
        counts = {"n_estimable": len(values), "n_specifications": len(part)}
        rows.append(
            part.iloc[0][["endpoint", "estimand", "time_months", "level", "reference"]].to_dict() | spread | counts
        )
    return pd.DataFrame(rows)


def _specification_rows(derived: DerivedSpecification) -> list[dict[str, object]]:
    study = derived.study
    factor = study.factor(study.comparison.treatment)
    time_to_event = join_cohort(derived.time_to_event, derived.cohort[[*KEYS, factor.variable]])
    fitted = fit_model(time_to_event, study, endpoint="PFS", terms=[factor.variable], model="univariable")
    ratio = fitted[(fitted["estimand"] == "hazard_ratio") & fitted["level"].isin([factor.adverse, ""])]
    rates = [estimate_survival(time_to_event, study, endpoint=endpoint) for endpoint in ("PFS", "OS")]
    at = float(study.time.headline_months)
    responses = estimate_response(derived.response, study, endpoints=("ORR",))
    parts = [
        responses[responses["population"] == "cohort"],
        *(part[(part["estimand"] == "survival_probability") & (part["time_months"] == at)] for part in rates),
        ratio.head(1).assign(level=factor.adverse, reference=factor.reference),
    ]
    return pd.concat(parts).assign(model=name_specification(derived.specification)).to_dict("records")
