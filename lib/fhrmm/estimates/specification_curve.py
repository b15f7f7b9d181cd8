"""The specification curve: the same results under every combination of defensible choices."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial

import pandas as pd

from fhrmm.endpoints import DerivedSpecification, derive_specifications
from fhrmm.estimate_table import to_frame
from fhrmm.estimates.proportions import estimate_response
from fhrmm.estimates.regression import fit_model
from fhrmm.estimates.subgroups import KEYS, join_cohort
from fhrmm.estimates.survival import estimate_survival
from fhrmm.store import DatasetInfo
from fhrmm.study import Specification, Study

_ESTIMATION_READS = {"time", "models", "factors", "comparison"}
_TIMES = [*KEYS, "time_months", "event"]


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
    results = _Results()
    return to_frame(row for one in derived for row in results.rows(one))


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


class _Results:
    """Estimates rows of the specifications so far; many differ only where a result does not look, and share its rows.

    A result is known by the values it is made from, so that nothing depends on which choice touches which table.
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, list[dict[str, object]]] = {}
        self._read: dict[int, tuple[pd.DataFrame, Hashable]] = {}

    def rows(self, derived: DerivedSpecification) -> list[dict[str, object]]:
        """Return the rows of one specification."""
        plan = derived.study.model_dump_json(include=_ESTIMATION_READS)
        treatment = derived.study.comparison.treatment
        responders = self._values(derived.response, ["responder", "evaluable"])
        times = {name: self._values(derived.times[name], _TIMES) for name in ("PFS", "OS")}
        arms = self._values(derived.cohort, [*KEYS, treatment])
        parts = [
            self._once(("ORR", plan, responders), lambda: _response_rows(derived)),
            *(self._once((name, plan, times[name]), partial(_rate_rows, derived, name)) for name in times),
            self._once(("ratio", plan, times["PFS"], arms), lambda: _ratio_rows(derived)),
        ]
        model = name_specification(derived.specification)
        return [row | {"model": model} for part in parts for row in part]

    def _values(self, table: pd.DataFrame, columns: list[str]) -> Hashable:
        """Return the values of a table, read once for all that share it; it is kept, so that its id stays its own."""
        if id(table) not in self._read:
            self._read[id(table)] = (table, tuple(table[columns].itertuples(index=False, name=None)))
        return self._read[id(table)][1]

    def _once(self, key: Hashable, estimate: Callable[[], pd.DataFrame]) -> list[dict[str, object]]:
        if key not in self._known:
            self._known[key] = estimate().to_dict("records")
        return self._known[key]


def _response_rows(derived: DerivedSpecification) -> pd.DataFrame:
    responses = estimate_response(derived.response, derived.study, endpoints=("ORR",))
    return responses[responses["population"] == "cohort"]


def _rate_rows(derived: DerivedSpecification, endpoint: str) -> pd.DataFrame:
    rates = estimate_survival(derived.times[endpoint], derived.study, endpoint=endpoint)
    at = float(derived.study.time.headline_months)
    return rates[(rates["estimand"] == "survival_probability") & (rates["time_months"] == at)]


def _ratio_rows(derived: DerivedSpecification) -> pd.DataFrame:
    study = derived.study
    factor = study.factor(study.comparison.treatment)
    times = join_cohort(derived.times["PFS"], derived.cohort[[*KEYS, factor.variable]])
    fitted = fit_model(times, study, endpoint="PFS", terms=[factor.variable], model="univariable")
    ratio = fitted[(fitted["estimand"] == "hazard_ratio") & fitted["level"].isin([factor.adverse, ""])]
    return ratio.head(1).assign(level=factor.adverse, reference=factor.reference)
