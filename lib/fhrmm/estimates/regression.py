"""Regression rows: the events budget, univariable and multivariable Cox models, proportional hazards checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from fhrmm.estimates.collector import Collector
from fhrmm.estimates.subgroups import MISSING, iterate_levels
from fhrmm.estimates.survival import select_endpoint
from fhrmm.rounding import round_table
from fhrmm.study import Study
from fhrmm.wording import counted
from timetoevent.cox import CoxFit, fit_cox
from timetoevent.firth import fit_firth_cox
from timetoevent.power import minimum_detectable_hazard_ratio
from timetoevent.proportional_hazards import check_proportional_hazards
from timetoevent.results import Estimate, not_estimable

UNIVARIABLE = "univariable"
_PH_METHOD = "score test, Kaplan-Meier time scale"


@dataclass(frozen=True, slots=True)
class ModelFrame:
    """Complete cases of a model: rows, the terms that vary, and why the others are left out."""

    rows: pd.DataFrame
    terms: tuple[str, ...]
    dropped: dict[str, str]
    n_incomplete: int

    @property
    def n(self) -> int:
        """Number of complete cases."""
        return len(self.rows)

    @property
    def n_events(self) -> int:
        """Number of events among the complete cases."""
        return int(self.rows["event"].sum())

    @property
    def n_parameters(self) -> int:
        """Number of coefficients: one per level beyond the reference, one for a number."""
        levels = (self.rows[term] for term in self.terms)
        return sum(one.nunique() - 1 if isinstance(one.dtype, pd.CategoricalDtype) else 1 for one in levels)

    @property
    def outcome(self) -> dict[str, Any]:
        """What is regressed on what, as the fitting functions of `timetoevent` are told it."""
        return {"time": "time_months", "event": "event", "terms": list(self.terms)}

    def why_not(self, study: Study) -> str:
        """Why nothing is fitted; empty if something is.

        The plan asks for more events, no term varies, or there are no more events than coefficients.
        """
        if reason := why_no_regression(self.rows, study):
            return reason
        if not self.terms:
            return "no term varies"
        if self.n_events > self.n_parameters:
            return ""
        return f"{counted(self.n_events, 'event')} for {counted(self.n_parameters, 'coefficient')}"


def estimate_budget(
    time_to_event: pd.DataFrame, study: Study, *, endpoint: str, terms: Sequence[str], model: str
) -> pd.DataFrame:
    """Say before fitting how many events a model has per parameter: one row `events_per_parameter`.

    References
    ----------
    Peduzzi P et al. J Clin Epidemiol 1995;48:1503-1510.
    """
    frame = take_model_frame(time_to_event, endpoint, terms)
    found = Collector(endpoint=endpoint, model=model)
    budget = not_estimable("no term varies")
    if n_parameters := frame.n_parameters:
        note = counted(n_parameters, "parameter")
        budget = Estimate(frame.n_events / n_parameters, method="events / parameters", note=note)
    found.add("events_per_parameter", budget, of=frame)
    return found.frame()


def estimate_detectable(time_to_event: pd.DataFrame, study: Study, *, endpoint: str) -> pd.DataFrame:
    """Say which hazard ratio each factor would need to be detected: `minimum_detectable_hazard_ratio` rows.

    References
    ----------
    Schoenfeld DA. Biometrics 1983;39:499-503 (power and two-sided alpha of the plan).
    """
    rows, found = select_endpoint(time_to_event, endpoint), Collector(endpoint=endpoint)
    for factor in study.factors:
        known = rows[rows[factor.variable].notna()]
        value = _detectable(known["event"], known[factor.variable].astype(object) == factor.adverse, study)
        what = {"variable": factor.variable, "level": factor.adverse, "reference": factor.reference}
        found.add("minimum_detectable_hazard_ratio", value, **what)
    return found.frame()


def fit_univariable(
    time_to_event: pd.DataFrame, study: Study, *, endpoint: str, variables: Sequence[str]
) -> pd.DataFrame:
    """Fit one Cox model (Efron) per variable; rows under the model name ``univariable``."""
    rows = Collector()
    for name in variables:
        fitted = fit_model(time_to_event, study, endpoint=endpoint, terms=[name], model=UNIVARIABLE)
        rows.add_rows(fitted[fitted["variable"] != ""])
    return rows.frame()


def fit_model(
    time_to_event: pd.DataFrame,
    study: Study,
    *,
    endpoint: str,
    terms: Sequence[str],
    model: str,
    penalized: bool = False,
) -> pd.DataFrame:
    """Fit a Cox model on complete cases and return its rows.

    `terms` are columns, reference level first; `penalized` asks for Firth's likelihood with profile intervals in place
    of the partial likelihood.

    `hazard_ratio` per level with n and events of the level (reference rows have estimate 1 and no interval), then
    `concordance` and `likelihood_ratio_p` of the model. A term with one level, or a model below the least number of
    events, gives rows with status ``not_estimable`` and the reason.

    References
    ----------
    Cox DR. J R Stat Soc B 1972;34:187-220. Efron B. J Am Stat Assoc 1977;72:557-565. Heinze G, Schemper M.
    Biometrics 2001;57:114-119.
    """
    frame = take_model_frame(time_to_event, endpoint, terms)
    rows = Collector(endpoint=endpoint, model=model)
    if reason := frame.why_not(study):
        return unfitted(rows, frame, terms, reason)
    fit = fit_frame(frame, study, penalized=penalized)
    rows.add_fit(fit)
    add_dropped(rows, frame)
    concordance, test = fit.concordance, fit.likelihood_ratio
    if frame.n_incomplete:
        left_out = f"{counted(frame.n_incomplete, 'patient')} with missing covariates left out"
        concordance = replace(concordance, note=left_out)
    rows.add("concordance", concordance, of=fit)
    rows.add("likelihood_ratio_p", replace(test, estimate=test.p_value), of=fit)
    return rows.frame()


def check_hazards(
    time_to_event: pd.DataFrame, study: Study, *, endpoint: str, terms: Sequence[str], model: str
) -> pd.DataFrame:
    """Test proportional hazards per term and globally (score test, as R's survival from version 3.0 on).

    References
    ----------
    Grambsch PM, Therneau TM. Biometrika 1994;81:515-526.
    """
    frame = take_model_frame(time_to_event, endpoint, terms)
    rows = Collector(endpoint=endpoint, model=model)
    if frame.why_not(study):
        rows.add("ph_test_p", not_estimable("no model was fitted"), of=frame, variable="GLOBAL")
        return rows.frame()
    fit = fit_frame(frame, study)
    for test in check_proportional_hazards(fit).to_dict("records"):
        numbers = {name: float(test[name]) for name in ("statistic", "p_value")}
        value = Estimate(numbers["p_value"], status=test["status"], note=test["note"], method=_PH_METHOD, **numbers)
        rows.add("ph_test_p", value, of=fit, variable=test["term"])
    return rows.frame()


def why_no_regression(rows: pd.DataFrame, study: Study) -> str:
    """Return why the plan fits no regression to these rows: too few events; empty if there are enough."""
    n_events = int(rows["event"].sum())
    least = study.models.minimum_events
    if n_events >= least:
        return ""
    return f"{counted(n_events, 'event')}; the plan fits no regression with fewer than {least}"


def fit_frame(frame: ModelFrame, study: Study, *, penalized: bool = False) -> CoxFit:
    """Fit the terms of a model frame (Efron, or Firth's penalty)."""
    fitter = fit_firth_cox if penalized else fit_cox
    return fitter(frame.rows, **frame.outcome, ci_level=study.models.ci_level)


def take_model_frame(
    time_to_event: pd.DataFrame, endpoint: str, terms: Sequence[str], also: Sequence[str] = ()
) -> ModelFrame:
    """Take the complete cases of one endpoint, and of a model's terms those that vary and have their reference level.

    `also` names further columns to keep; a missing value there leaves the patient out, too. Numbers stay numbers: their
    hazard ratio is that of one unit.
    """
    # the other hundred columns of the patients are left behind first
    needed = list(dict.fromkeys(["endpoint", "time_months", "event", *terms, *also]))
    rows = select_endpoint(time_to_event[needed], endpoint).drop(columns="endpoint")
    complete = rows.dropna()
    complete = complete.assign(event=complete["event"].astype(bool))
    kept, dropped = [], {}
    for term in terms:
        values, reason = _as_covariate(complete[term])
        if reason:
            dropped[term] = reason
        else:
            kept.append(term)
            complete[term] = values
    return ModelFrame(complete.reset_index(drop=True), tuple(kept), dropped, len(rows) - len(complete))


def _as_covariate(values: pd.Series) -> tuple[pd.Series, str]:
    """Return values as a model takes them, numbers or levels, and why it cannot; empty if it can."""
    if is_numeric_dtype(values.dtype) and not is_bool_dtype(values.dtype):
        reason = "" if values.nunique() >= 2 else "one value only" if len(values) else "no complete case"
        return values.astype(float), reason
    levels = values if isinstance(values.dtype, pd.CategoricalDtype) else values.astype("category")
    reference = levels.cat.categories[0] if len(levels.cat.categories) else ""
    if levels.nunique() < 2:
        return levels, "one level only" if len(levels) else "no complete case"
    reason = "" if (levels == reference).any() else f"no patient in the reference level {reference}"
    return levels.cat.remove_unused_categories(), reason


def unfitted(rows: Collector, frame: ModelFrame, terms: Sequence[str], reason: str) -> pd.DataFrame:
    """Return the rows of a model that was not fitted, with the reason and the patients and events of each level."""
    for term in terms:
        add_absent(rows, frame.rows, term, reason)
    rows.add("concordance", not_estimable(reason), of=frame)
    return rows.frame()


def add_dropped(rows: Collector, frame: ModelFrame) -> None:
    """Add the terms that a model had to leave out, with the reason."""
    for term, reason in frame.dropped.items():
        add_absent(rows, frame.rows, term, reason)


def add_absent(rows: Collector, frame: pd.DataFrame, term: str, reason: str, **names: str) -> None:
    """Add a hazard ratio that was not estimated for each level of a term, with its patients and events."""
    levels = iterate_levels(frame, "" if is_numeric_dtype(frame[term].dtype) else term)
    known = [(level, part) for level, part in levels if level != MISSING] or [("", frame)]
    for level, part in known:
        value = not_estimable(reason, n=len(part), n_events=int(part["event"].sum()))
        rows.add("hazard_ratio", value, **{"variable": term, "level": level, "reference": known[0][0]} | names)


def _detectable(event: pd.Series, is_adverse: pd.Series, study: Study) -> Estimate:
    counts = {"n": len(event), "n_events": int(event.sum())}
    n, adverse = len(event), int(is_adverse.sum())
    if study.rounding:
        ((n, adverse, counts["n_events"]),) = round_table([(n, adverse, counts["n_events"])], study.rounding).tolist()
    if counts["n_events"] == 0 or not 0 < adverse < n:
        return not_estimable("no events, or one level only", method="Schoenfeld", **counts)
    plan = {"power": study.models.power, "alpha": study.models.alpha}
    value = minimum_detectable_hazard_ratio(counts["n_events"], adverse / n, **plan)
    return Estimate(value, method="Schoenfeld", **counts)
