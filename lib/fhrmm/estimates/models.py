"""Regression rows: the events budget, univariable and multivariable Cox models, proportional hazards checks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from fhrmm.errors import StudyError, nearest
from fhrmm.estimates.rows import make_row, to_frame
from fhrmm.estimates.survival import select_endpoint
from fhrmm.study import Study
from fhrmm.wording import counted
from timetoevent.cox import CoxFit, fit_cox
from timetoevent.firth import fit_firth_cox
from timetoevent.power import minimum_detectable_hazard_ratio
from timetoevent.proportional_hazards import check_proportional_hazards
from timetoevent.results import NOT_ESTIMABLE, OK, Estimate, not_estimable

UNIVARIABLE = "univariable"
FARTHEST_RATIO = 1_000.0


@dataclass(frozen=True, slots=True)
class ModelFrame:
    """Complete cases of a model: rows, the terms that vary, and why the others are left out."""

    rows: pd.DataFrame
    terms: tuple[str, ...]
    dropped: dict[str, str]
    n_incomplete: int

    @property
    def n_parameters(self) -> int:
        """Number of coefficients: one per level beyond the reference, one for a number."""
        levels = (self.rows[term] for term in self.terms)
        return sum(one.nunique() - 1 if isinstance(one.dtype, pd.CategoricalDtype) else 1 for one in levels)

    @property
    def problem(self) -> str:
        """Why nothing can be fitted: no term varies, or there are no more events than coefficients."""
        if not self.terms:
            return "no term varies"
        n_events = int(self.rows["event"].sum())
        if n_events > self.n_parameters:
            return ""
        return f"{counted(n_events, 'event')} for {counted(self.n_parameters, 'coefficient')}"


def estimate_budget(
    time_to_event: pd.DataFrame, study: Study, *, endpoint: str, terms: Sequence[str], model: str
) -> pd.DataFrame:
    """Say before fitting how many events there are per parameter, and the hazard ratio detectable for each factor.

    Returns
    -------
    DataFrame
        Estimates rows `events_per_parameter` for the model and `minimum_detectable_hazard_ratio` per factor
        (Schoenfeld, power and alpha of the plan, two-sided).

    References
    ----------
    Peduzzi P et al. J Clin Epidemiol 1995;48:1503-1510. Schoenfeld DA. Biometrics 1983;39:499-503.
    """
    rows = select_endpoint(time_to_event, endpoint)
    frame = make_model_frame(rows, terms)
    n_events, n = int(frame.rows["event"].sum()), len(frame.rows)
    n_parameters = frame.n_parameters
    if n_parameters == 0:
        budget = not_estimable("no term varies", n=n, n_events=n_events)
    else:
        budget = Estimate(
            n_events / n_parameters,
            n=n,
            n_events=n_events,
            method="events / parameters",
            note=counted(n_parameters, "parameter"),
        )
    found = [make_row(budget, endpoint=endpoint, estimand="events_per_parameter", model=model)]
    for factor in study.factors:
        known = rows[rows[factor.variable].notna()]
        share = float((known[factor.variable].astype(object) == factor.adverse).mean()) if len(known) else math.nan
        value = _detectable(int(known["event"].sum()), share, len(known), study)
        found.append(
            make_row(
                value,
                endpoint=endpoint,
                estimand="minimum_detectable_hazard_ratio",
                model=model,
                variable=factor.variable,
                level=factor.adverse,
                reference=factor.reference,
            )
        )
    return to_frame(found)


def fit_univariable(
    time_to_event: pd.DataFrame, study: Study, *, endpoint: str, variables: Sequence[str]
) -> pd.DataFrame:
    """Fit one Cox model (Efron) per variable; rows under the model name ``univariable``."""
    parts = [fit_model(time_to_event, study, endpoint=endpoint, terms=[name], model=UNIVARIABLE) for name in variables]
    joined = to_frame(row for part in parts for row in part.to_dict("records"))
    return joined[joined["variable"] != ""].reset_index(drop=True)


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

    Parameters
    ----------
    time_to_event : DataFrame
        One row per patient and endpoint with the covariates joined.
    study : Study
        The plan: interval level and the least number of events for a regression.
    endpoint : str
        PFS, OS, ...
    terms : sequence of str
        Categorical columns, reference level first.
    model : str
        Name of the model in the estimates table.
    penalized : bool
        Firth's penalized likelihood with profile intervals instead of the partial likelihood.

    Returns
    -------
    DataFrame
        `hazard_ratio` per level with n and events of the level (reference rows have estimate 1 and no interval),
        then `concordance` and `likelihood_ratio_p` of the model. A term with one level, or a model below the
        least number of events, gives rows with status ``not_estimable`` and the reason.

    References
    ----------
    Cox DR. J R Stat Soc B 1972;34:187-220. Efron B. J Am Stat Assoc 1977;72:557-565. Heinze G, Schemper M.
    Biometrics 2001;57:114-119.
    """
    frame = take_model_frame(time_to_event, endpoint, terms)
    reason = why_no_regression(frame.rows, study) or frame.problem
    if reason:
        return to_frame(unfitted_rows(frame, terms, endpoint, model, reason))
    fit = fit_frame(frame, study, penalized=penalized)
    rows = [coefficient_row(row, fit.method, endpoint, model) for row in fit.coefficients.to_dict("records")]
    rows += dropped_rows(frame, endpoint, model)
    rows.append(make_row(fit.concordance, endpoint=endpoint, estimand="concordance", model=model))
    test = replace(fit.likelihood_ratio, estimate=fit.likelihood_ratio.p_value)
    rows.append(make_row(test, endpoint=endpoint, estimand="likelihood_ratio_p", model=model))
    return _with_incomplete(to_frame(rows), frame.n_incomplete)


def check_hazards(
    time_to_event: pd.DataFrame, study: Study, *, endpoint: str, terms: Sequence[str], model: str
) -> pd.DataFrame:
    """Test proportional hazards per term and globally (score test, as R's survival from version 3.0 on).

    References
    ----------
    Grambsch PM, Therneau TM. Biometrika 1994;81:515-526.
    """
    frame = take_model_frame(time_to_event, endpoint, terms)
    n, n_events = len(frame.rows), int(frame.rows["event"].sum())
    if why_no_regression(frame.rows, study) or frame.problem:
        empty = not_estimable("no model was fitted", n=n, n_events=n_events)
        return to_frame([make_row(empty, endpoint=endpoint, estimand="ph_test_p", model=model, variable="GLOBAL")])
    tests = check_proportional_hazards(fit_frame(frame, study, penalized=False))
    return to_frame(
        make_row(
            _test_estimate(row, n, n_events),
            endpoint=endpoint,
            estimand="ph_test_p",
            model=model,
            variable=str(row["term"]),
        )
        for row in tests.to_dict("records")
    )


def why_no_regression(rows: pd.DataFrame, study: Study) -> str:
    """Return why the plan fits no regression to these rows: too few events; empty if there are enough."""
    n_events = int(rows["event"].sum())
    least = study.models.minimum_events
    if n_events >= least:
        return ""
    return f"{counted(n_events, 'event')}; the plan fits no regression with fewer than {least}"


def fit_frame(frame: ModelFrame, study: Study, *, penalized: bool) -> CoxFit:
    """Fit the terms of a model frame (Efron, or Firth's penalty)."""
    fitter = fit_firth_cox if penalized else fit_cox
    return fitter(
        frame.rows, time="time_months", event="event", terms=list(frame.terms), ci_level=study.models.ci_level
    )


def take_model_frame(
    time_to_event: pd.DataFrame, endpoint: str, terms: Sequence[str], also: Sequence[str] = ()
) -> ModelFrame:
    """Take the model frame of one endpoint; the other hundred columns of the patients are left behind first."""
    _refuse_unknown(terms, time_to_event)
    needed = dict.fromkeys(["endpoint", "time_months", "event", *terms, *also])
    return make_model_frame(select_endpoint(time_to_event[list(needed)], endpoint), terms, also)


def make_model_frame(rows: pd.DataFrame, terms: Sequence[str], also: Sequence[str] = ()) -> ModelFrame:
    """Take the complete cases of a model, and of its terms those that vary and have their reference level.

    `also` names further columns to keep; a missing value there leaves the patient out, too. Numbers stay numbers: their
    hazard ratio is that of one unit.

    Raises
    ------
    StudyError
        If the plan names a term that no notebook derives.
    """
    _refuse_unknown(terms, rows)
    complete = rows[["time_months", "event", *terms, *also]].dropna()
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


def _refuse_unknown(terms: Sequence[str], rows: pd.DataFrame) -> None:
    unknown = [term for term in terms if term not in rows.columns]
    if unknown:
        said = ", ".join(f"{term!r} is no derived column{nearest(term, rows.columns)}" for term in unknown)
        raise StudyError(f"study.toml [models]: {said}")


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


def coefficient_row(row: dict[str, object], method: str, endpoint: str, model: str) -> dict[str, object]:
    """Turn a row of a coefficient table into a row of the estimates table; a reference row has no interval.

    A hazard ratio beyond `FARTHEST_RATIO` is the mark of a model with hardly more events than coefficients, in which
    even a penalized estimate nearly runs away: it is no finding.
    """
    is_reference = row["level"] == row["reference"] and row["reference"] != ""
    missing = math.nan
    ratio = float(row["hazard_ratio"])
    if row["status"] == OK and not 1 / FARTHEST_RATIO <= ratio <= FARTHEST_RATIO:
        reason = f"beyond {FARTHEST_RATIO:,.0f}-fold in either direction: too few events for the model"
        row = row | dict.fromkeys(("hazard_ratio", "ci_lower", "ci_upper", "p_value"), missing)
        row |= {"status": NOT_ESTIMABLE, "note": reason}
    value = Estimate(
        estimate=float(row["hazard_ratio"]),
        ci_lower=missing if is_reference else float(row["ci_lower"]),
        ci_upper=missing if is_reference else float(row["ci_upper"]),
        p_value=float(row["p_value"]),
        n=int(row["n"]),
        n_events=int(row["n_events"]),
        status=str(row["status"]),
        note=str(row["note"]),
        method=method,
    )
    return make_row(
        value,
        endpoint=endpoint,
        estimand="hazard_ratio",
        model=model,
        variable=str(row["term"]),
        level=str(row["level"]),
        reference=str(row["reference"]),
    )


def unfitted_rows(
    frame: ModelFrame, terms: Sequence[str], endpoint: str, model: str, reason: str
) -> list[dict[str, object]]:
    """Return the rows of a model that was not fitted, with the reason."""
    value = not_estimable(reason, n=len(frame.rows), n_events=int(frame.rows["event"].sum()))
    rows = [make_row(value, endpoint=endpoint, estimand="hazard_ratio", model=model, variable=term) for term in terms]
    return [*rows, make_row(value, endpoint=endpoint, estimand="concordance", model=model)]


def dropped_rows(frame: ModelFrame, endpoint: str, model: str) -> list[dict[str, object]]:
    """Return the rows of the terms that a model had to leave out, with the reason."""
    counts = {"n": len(frame.rows), "n_events": int(frame.rows["event"].sum())}
    return [
        make_row(
            not_estimable(reason, **counts),
            endpoint=endpoint,
            estimand="hazard_ratio",
            model=model,
            variable=term,
        )
        for term, reason in frame.dropped.items()
    ]


def _with_incomplete(rows: pd.DataFrame, n_incomplete: int) -> pd.DataFrame:
    if n_incomplete == 0:
        return rows
    remark = f"{n_incomplete} patient{'' if n_incomplete == 1 else 's'} with missing covariates left out"
    is_model_row = rows["estimand"] == "concordance"
    return rows.assign(note=rows["note"].mask(is_model_row, remark))


def _detectable(n_events: int, share: float, n: int, study: Study) -> Estimate:
    method = "Schoenfeld"
    if n_events == 0 or not 0 < share < 1:
        return not_estimable("no events, or one level only", n=n, n_events=n_events, method=method)
    value = minimum_detectable_hazard_ratio(n_events, share, power=study.models.power, alpha=study.models.alpha)
    number = value.estimate if isinstance(value, Estimate) else float(value)
    return Estimate(number, n=n, n_events=n_events, method=method)


def _test_estimate(row: dict[str, object], n: int, n_events: int) -> Estimate:
    p_value = float(row["p_value"])
    status = str(row.get("status", OK if not math.isnan(p_value) else "not_estimable"))
    return Estimate(
        p_value,
        p_value=p_value,
        statistic=float(row["statistic"]),
        n=n,
        n_events=n_events,
        status=status,
        note=str(row.get("note", "")),
        method="score test, Kaplan-Meier time scale",
    )
