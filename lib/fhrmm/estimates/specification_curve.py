"""The specification curve: the same results under every combination of defensible choices."""

from __future__ import annotations

from collections.abc import Hashable

import pandas as pd

from fhrmm.endpoints import DerivedSpecification, derive_specifications
from fhrmm.estimates.collector import Collector
from fhrmm.estimates.proportions import estimate_response
from fhrmm.estimates.regression import UNIVARIABLE, fit_model
from fhrmm.estimates.subgroups import KEYS, join_cohort
from fhrmm.estimates.survival import estimate_survival
from fhrmm.store import DatasetInfo
from fhrmm.study import Specification, Study

_ESTIMATION_READS = {"time", "models", "factors", "comparison"}
_RATIO = "hazard ratio"
_TIMES = [*KEYS, "time_months", "event"]


def estimate_specifications(
    patients: pd.DataFrame, assessments: pd.DataFrame, study: Study, *, info: DatasetInfo | None = None
) -> pd.DataFrame:
    """Estimate ORR, headline PFS and OS, and the KRd hazard ratio under every specification of the plan.

    Four estimates rows per specification; ``model`` holds its choices as ``axis=option; axis=option``.

    References
    ----------
    Simonsohn U, Simmons JP, Nelson LD. Nat Hum Behav 2020;4:1208-1214.
    """
    rows, known = Collector(), {}
    for derived in derive_specifications(patients, assessments, study, info=info):
        plan = derived.study.model_dump_json(include=_ESTIMATION_READS)
        for result in ("ORR", "PFS", "OS", _RATIO):
            # many specifications differ only where a result does not look: it is known by the values it is made from
            key = (result, plan, *_made_from(result, derived))
            if key not in known:
                known[key] = _estimate(result, derived)
            rows.add_rows(known[key], model=name_specification(derived.specification))
    return rows.frame()


def name_specification(specification: Specification) -> str:
    """Return the choices of a specification as one text, as the ``model`` column holds them."""
    return "; ".join(f"{axis}={option}" for axis, option in specification.choices.items()) or "plan=as it is"


def list_choices(study: Study) -> pd.DataFrame:
    """Return one row per option of each axis of choice, the plan's own option first."""
    rows = [(axis.axis, option.name) for axis in study.sensitivity for option in axis.options]
    return pd.DataFrame(rows, columns=["Axis", "Option"])


def summarize_specifications(curve: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return the spread of each result over the specifications with enough patients.

    Many specifications lead to the same patients and the same result: distinct ones are counted.

    One row per result, as its first specification has it, with ``smallest``, ``middle`` and ``largest`` estimate and
    their ``_n``, ``n_distinct``, ``n_estimable`` and ``n_specifications``.
    """
    rows = []
    for _, part in curve.groupby(["endpoint", "estimand"], sort=False):
        row = part.iloc[0][["endpoint", "estimand", "time_months", "level", "reference"]].to_dict()
        known = part[part["estimate"].notna() & (part["n"] >= study.display.minimum_patients)].sort_values("estimate")
        counts = {"n_estimable": len(known), "n_specifications": len(part)}
        distinct = known.drop_duplicates(["estimate", "n", "n_events"])
        for end, place in (("smallest", 0), ("middle", len(distinct) // 2), ("largest", -1)) if len(known) else ():
            row |= {end: distinct["estimate"].iloc[place], f"{end}_n": distinct["n"].iloc[place]}
        rows.append(row | counts | {"n_distinct": len(distinct)})
    return pd.DataFrame(rows)


def _made_from(result: str, derived: DerivedSpecification) -> list[Hashable]:
    """Return the values of the derived tables that one result is made from."""
    tables = [(derived.times.get("PFS" if result == _RATIO else result), _TIMES)]
    if result == "ORR":
        tables = [(derived.response, ["responder", "evaluable"])]
    elif result == _RATIO:
        tables.append((derived.cohort, [*KEYS, derived.study.comparison.treatment]))
    return [tuple(table[columns].itertuples(index=False, name=None)) for table, columns in tables]


def _estimate(result: str, derived: DerivedSpecification) -> pd.DataFrame:
    study = derived.study
    if result == "ORR":
        responses = estimate_response(derived.response, study, endpoints=("ORR",))
        return responses[responses["population"] == "cohort"]
    if result != _RATIO:
        rates = estimate_survival(derived.times[result], study, endpoint=result)
        at = float(study.time.headline_months)
        return rates[(rates["estimand"] == "survival_probability") & (rates["time_months"] == at)]
    factor = study.factor(study.comparison.treatment)
    times = join_cohort(derived.times["PFS"], derived.cohort[[*KEYS, factor.variable]])
    fitted = fit_model(times, study, endpoint="PFS", terms=[factor.variable], model=UNIVARIABLE)
    return fitted[(fitted["estimand"] == "hazard_ratio") & (fitted["level"] == factor.adverse)]
