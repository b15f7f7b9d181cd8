"""Would the model say the same elsewhere: missing values imputed, centers allowed to differ, left out, resampled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fhrmm.estimates.models import (
    ModelFrame,
    coefficient_row,
    dropped_rows,
    fit_frame,
    make_model_frame,
    take_model_frame,
    unfitted_rows,
    why_no_regression,
)
from fhrmm.estimates.rows import make_row, to_frame
from fhrmm.estimates.survival import select_endpoint
from fhrmm.study import Study
from timetoevent.cox import CoxFit
from timetoevent.frailty import fit_frailty_cox
from timetoevent.imputation import impute_chained, pool_fits
from timetoevent.proportional_hazards import scaled_schoenfeld_residuals
from timetoevent.results import OK, Estimate, not_estimable
from timetoevent.validation import leave_one_group_out, validate_cox

IMPUTED, FRAILTY = "imputed", "center frailty"
_ROUNDS = 5  # of the chain per data set, the default of R's mice


def fit_imputed(
    time_to_event: pd.DataFrame,
    study: Study,
    rng: np.random.Generator,
    *,
    endpoint: str,
    terms: Sequence[str],
    auxiliary: Sequence[str] = (),
) -> pd.DataFrame:
    """Fit a Cox model to completed data sets and pool them: every patient counts, missing covariates or not.

    Parameters
    ----------
    time_to_event : DataFrame
        One row per patient and endpoint with the covariates joined.
    study : Study
        The plan: number of imputations, interval level, least number of events.
    rng : numpy.random.Generator
        Source of the imputations.
    endpoint : str
        PFS, OS, ...
    terms : sequence of str
        Categorical covariates of the model, reference level first.
    auxiliary : sequence of str
        Columns that help to guess missing values but are not in the model; one with missing values is imputed too.

    Returns
    -------
    DataFrame
        `hazard_ratio` rows under the model ``imputed``. Not estimable where a plain fit is not, and with the reason.

    References
    ----------
    White IR, Royston P. Stat Med 2009;28:1982-1998. Rubin DB. Multiple Imputation for Nonresponse in Surveys. 1987.
    """
    rows = select_endpoint(time_to_event, endpoint)
    rows = rows[rows["time_months"].notna() & rows["event"].notna()]
    frame = _incomplete_frame(rows, terms, auxiliary)
    reason = why_no_regression(frame.rows, study) or frame.problem
    if reason:
        return to_frame(unfitted_rows(frame, terms, endpoint, IMPUTED, reason))
    helpers = [name for name in auxiliary if len(frame.rows[name].dropna().unique()) > 1]
    completed = impute_chained(
        frame.rows,
        time="time_months",
        event="event",
        variables=[*frame.terms, *helpers],
        rng=rng,
        n_imputations=study.models.n_imputations,
        n_iterations=_ROUNDS,
    )
    if completed.status != OK:
        return to_frame(unfitted_rows(frame, terms, endpoint, IMPUTED, completed.note))
    pooled = pool_fits([_refit(data, frame, study) for data in completed.frames])
    found = [coefficient_row(row, pooled.method, endpoint, IMPUTED) for row in pooled.coefficients.to_dict("records")]
    return to_frame([*found, *dropped_rows(frame, endpoint, IMPUTED)])


def fit_center_frailty(
    time_to_event: pd.DataFrame, study: Study, *, endpoint: str, terms: Sequence[str]
) -> pd.DataFrame:
    """Fit a Cox model in which the hazard of each center may lie above or below the others (gamma frailty).

    Returns
    -------
    DataFrame
        `hazard_ratio` rows under the model ``center frailty`` and one row `frailty_variance`: 0 means that centers
        differ no more than chance makes them; its p-value is that of the likelihood ratio test on the boundary.

    References
    ----------
    Therneau TM, Grambsch PM, Pankratz VS. J Comput Graph Stat 2003;12:156-175.
    """
    frame = take_model_frame(time_to_event, endpoint, terms, also=("center",))
    reason = why_no_regression(frame.rows, study) or frame.problem or _one_center(frame)
    if reason:
        return to_frame(unfitted_rows(frame, terms, endpoint, FRAILTY, reason))
    fit = fit_frailty_cox(
        frame.rows,
        time="time_months",
        event="event",
        terms=list(frame.terms),
        group="center",
        ci_level=study.models.ci_level,
    )
    found = [coefficient_row(row, fit.method, endpoint, FRAILTY) for row in fit.coefficients.to_dict("records")]
    variance = make_row(fit.variance, endpoint=endpoint, estimand="frailty_variance", model=FRAILTY, variable="center")
    return to_frame([*found, *dropped_rows(frame, endpoint, FRAILTY), variance])


def leave_one_center_out(
    time_to_event: pd.DataFrame, study: Study, *, endpoint: str, terms: Sequence[str], variable: str
) -> pd.DataFrame:
    """Fit the model again without each center in turn and keep the hazard ratio of one variable.

    Returns
    -------
    DataFrame
        `hazard_ratio` rows of `variable`, under the models ``all centers`` and ``without CENTER``.
    """
    frame = take_model_frame(time_to_event, endpoint, terms, also=("center",))
    reason = why_no_regression(frame.rows, study) or frame.problem or _one_center(frame)
    reason = reason or frame.dropped.get(variable, "")
    if reason:
        value = not_estimable(reason, n=len(frame.rows), n_events=int(frame.rows["event"].sum()))
        row = make_row(value, endpoint=endpoint, estimand="hazard_ratio", model="all centers", variable=variable)
        return to_frame([row])
    table = leave_one_group_out(frame.rows, group="center", fit=lambda part: _refit(part, frame, study))
    table = table[(table["term"] == variable) & (table["level"] != table["reference"])]
    whole = table.assign(n=table["n_all"], n_events=table["n_events_all"]).to_dict("records")
    names = [f"without {name}" if name else "all centers" for name in table["left_out"]]
    method = "Cox regression, Efron ties"
    return to_frame(coefficient_row(row, method, endpoint, name) for name, row in zip(names, whole, strict=True))


def validate_model(
    time_to_event: pd.DataFrame,
    study: Study,
    rng: np.random.Generator,
    *,
    endpoint: str,
    terms: Sequence[str],
    model: str,
    penalized: bool = False,
) -> pd.DataFrame:
    """Estimate how much better the model looks in its own patients than it would in others.

    Returns
    -------
    DataFrame
        `concordance` and `calibration_slope`, each as levels ``apparent``, ``optimism`` and ``corrected``, and
        `share_same_sign` of each coefficient: the share of bootstrap samples in which it points the same way.

    References
    ----------
    Harrell FE, Lee KL, Mark DB. Stat Med 1996;15:361-387. Heinze G, Wallisch C, Dunkler D. Biom J 2018;60:431-449.
    """
    frame = take_model_frame(time_to_event, endpoint, terms)
    counts = {"n": len(frame.rows), "n_events": int(frame.rows["event"].sum())}
    reason = why_no_regression(frame.rows, study) or frame.problem
    if reason:
        value = not_estimable(reason, **counts)
        return to_frame([make_row(value, endpoint=endpoint, estimand="concordance", model=model, level="corrected")])
    found = validate_cox(
        frame.rows,
        time="time_months",
        event="event",
        terms=list(frame.terms),
        rng=rng,
        n_bootstrap=study.models.n_bootstrap,
        penalized=penalized,
    )
    judged = {"concordance": found.concordance, "calibration_slope": found.slope}
    names = {"endpoint": endpoint, "model": f"{model}, validated"}
    rows = [
        make_row(value, estimand=estimand, level=kind, **names)
        for estimand, values in judged.items()
        for kind, value in values.items()
    ]
    for row in found.stability.to_dict("records"):
        share = Estimate(row["share_same_sign"], method="bootstrap", **counts)
        rows.append(make_row(share, estimand="share_same_sign", variable=row["term"], level=row["level"], **names))
    return to_frame(rows)


def schoenfeld_residuals(
    time_to_event: pd.DataFrame, study: Study, *, endpoint: str, terms: Sequence[str]
) -> pd.DataFrame:
    """Return the residuals that show whether a hazard ratio changes with time; for a figure only.

    Returns
    -------
    DataFrame
        One row per event and coefficient that has an estimate: `term` (variable=level, the level empty for a number),
        `time` in months, `residual`; no row where no model is fitted. Every row is one patient's event.

    References
    ----------
    Grambsch PM, Therneau TM. Biometrika 1994;81:515-526.
    """
    frame = take_model_frame(time_to_event, endpoint, terms)
    nothing = pd.DataFrame(columns=["term", "time", "residual"])
    if why_no_regression(frame.rows, study) or frame.problem:
        return nothing
    fit = fit_frame(frame, study, penalized=False)
    wide = scaled_schoenfeld_residuals(fit, by_term=False)
    parts = [
        pd.DataFrame(
            {"term": f"{each.term}={each.level}", "time": wide["time"], "residual": wide[each.term + each.level]}
        )
        for each in fit.data.design.coefficients
        if each.term + each.level in wide.columns  # one without an estimate has no column
    ]
    return pd.concat(parts, ignore_index=True).dropna(subset=["residual"]) if parts else nothing


def _one_center(frame: ModelFrame) -> str:
    return "" if len(frame.rows["center"].unique()) > 1 else "one center only"


def _incomplete_frame(rows: pd.DataFrame, terms: Sequence[str], auxiliary: Sequence[str]) -> ModelFrame:
    """Take all patients; a term is judged by the patients in whom it is known."""
    alone = {term: make_model_frame(rows, [term]) for term in terms}
    kept = tuple(term for term, frame in alone.items() if frame.terms)
    dropped = {term: reason for frame in alone.values() for term, reason in frame.dropped.items()}
    followed = rows[["time_months", "event", *kept, *auxiliary]].reset_index(drop=True)
    levels = {term: followed[term].astype(alone[term].rows[term].dtype) for term in kept}
    return ModelFrame(followed.assign(event=followed["event"].astype(bool), **levels), kept, dropped, 0)


def _refit(rows: pd.DataFrame, frame: ModelFrame, study: Study) -> CoxFit:
    """Fit the terms of a frame to other rows."""
    return fit_frame(ModelFrame(rows, frame.terms, {}, 0), study, penalized=False)
