"""Would the model say the same elsewhere: missing values imputed, centers allowed to differ, left out, resampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from fhrmm.estimates.collector import Collector
from fhrmm.estimates.regression import (
    ModelFrame,
    add_dropped,
    fit_frame,
    take_model_frame,
    unfitted,
)
from fhrmm.estimates.survival import select_endpoint
from fhrmm.study import Study
from timetoevent.cox import fit_cox
from timetoevent.frailty import fit_frailty_cox
from timetoevent.imputation import impute_chained, pool_fits
from timetoevent.proportional_hazards import scaled_schoenfeld_residuals
from timetoevent.results import OK, Estimate, not_estimable
from timetoevent.validation import leave_one_group_out, validate_cox

IMPUTED, FRAILTY = "imputed", "center frailty"
_ROUNDS = 5  # of the chain per data set, the default of R's mice


def fit_imputed(
    time_to_event: pd.DataFrame, study: Study, rng: np.random.Generator, *, endpoint: str, terms: Sequence[str]
) -> pd.DataFrame:
    """Fit a Cox model to completed data sets and pool them: every patient counts, missing covariates or not.

    `hazard_ratio` rows under the model ``imputed``. Not estimable where a plain fit is not, and with the reason.

    References
    ----------
    White IR, Royston P. Stat Med 2009;28:1982-1998. Rubin DB. Multiple Imputation for Nonresponse in Surveys. 1987.
    """
    frame = _incomplete_frame(time_to_event, endpoint, terms)
    found = Collector(endpoint=endpoint, model=IMPUTED)
    if reason := frame.why_not(study):
        return unfitted(found, frame, terms, reason)
    completed = impute_chained(
        frame.rows,
        time="time_months",
        event="event",
        variables=list(frame.terms),
        rng=rng,
        n_imputations=study.models.n_imputations,
        n_iterations=_ROUNDS,
    )
    if completed.status != OK:
        return unfitted(found, frame, terms, completed.note)
    one_of_many = {**frame.outcome, "ci_level": study.models.ci_level, "is_repeated": True}
    found.add_fit(pool_fits([fit_cox(data, **one_of_many) for data in completed.frames]))
    add_dropped(found, frame)
    return found.frame()


def fit_center_frailty(
    time_to_event: pd.DataFrame, study: Study, *, endpoint: str, terms: Sequence[str]
) -> pd.DataFrame:
    """Fit a Cox model in which the hazard of each center may lie above or below the others (gamma frailty).

    `hazard_ratio` rows under the model ``center frailty`` and one row `frailty_variance`: 0 means that centers differ
    no more than chance makes them; its p-value is that of the likelihood ratio test on the boundary.

    References
    ----------
    Therneau TM, Grambsch PM, Pankratz VS. J Comput Graph Stat 2003;12:156-175.
    """
    frame = take_model_frame(time_to_event, endpoint, terms, also=("center",))
    rows = Collector(endpoint=endpoint, model=FRAILTY)
    if reason := frame.why_not(study) or _one_center(frame):
        return unfitted(rows, frame, terms, reason)
    fit = fit_frailty_cox(frame.rows, **frame.outcome, group="center", ci_level=study.models.ci_level)
    rows.add_fit(fit)
    add_dropped(rows, frame)
    rows.add("frailty_variance", fit.variance, of=fit, variable="center")
    return rows.frame()


def leave_one_center_out(
    time_to_event: pd.DataFrame, study: Study, *, endpoint: str, terms: Sequence[str], variable: str
) -> pd.DataFrame:
    """Fit the model again without each center in turn and keep the hazard ratio of one variable.

    `hazard_ratio` rows of `variable`, under the models ``all centers`` and ``without CENTER``.
    """
    frame = take_model_frame(time_to_event, endpoint, terms, also=("center",))
    rows = Collector(endpoint=endpoint)
    if reason := frame.why_not(study) or _one_center(frame) or frame.dropped.get(variable, ""):
        rows.add("hazard_ratio", not_estimable(reason), of=frame, model="all centers", variable=variable)
        return rows.frame()
    table = leave_one_group_out(
        frame.rows, group="center", fit=lambda part: fit_frame(replace(frame, rows=part), study)
    )
    table = table[(table["term"] == variable) & (table["level"] != table["reference"])]
    for row in table.to_dict("records"):
        model = f"without {row['left_out']}" if row["left_out"] else "all centers"
        rows.add_ratio(row, "Cox regression, Efron ties", model=model)
    return rows.frame()


def leave_one_patient_out(
    time_to_event: pd.DataFrame, study: Study, *, endpoint: str, terms: Sequence[str], model: str
) -> pd.DataFrame:
    """Fit the model again without each patient in turn: how far a single one moves each hazard ratio.

    `influence` rows: the hazard ratio of all patients, and as limits the smallest and the largest without one.
    """
    frame = take_model_frame(time_to_event, endpoint, terms)
    rows = Collector(endpoint=endpoint, model=model)
    if reason := frame.why_not(study):
        rows.add("influence", not_estimable(reason), of=frame)
        return rows.frame()
    table = leave_one_group_out(
        frame.rows.assign(left=range(frame.n)),
        group="left",
        fit=lambda part: fit_cox(part, **frame.outcome, is_repeated=True),
    )
    table = table[table["level"] != table["reference"]]
    for (term, level), part in table.groupby(["term", "level"], sort=False):
        whole, others = part.iloc[0], part["hazard_ratio"].iloc[1:].dropna()
        counts = {"n": int(whole["n"]), "n_events": int(whole["n_events"])}
        value = not_estimable(str(whole["note"]), **counts)
        if len(others):
            limits = float(others.min()), float(others.max())
            value = Estimate(float(whole["hazard_ratio"]), *limits, method="without each patient in turn", **counts)
        rows.add("influence", value, variable=term, level=level, reference=whole["reference"])
    return rows.frame().assign(ci_level=float("nan"))


def validate_model(
    time_to_event: pd.DataFrame,
    study: Study,
    rng: np.random.Generator,
    *,
    endpoint: str,
    terms: Sequence[str],
    model: str,
) -> pd.DataFrame:
    """Estimate how much better the model looks in its own patients than it would in others.

    `concordance` and `calibration_slope`, each as levels ``apparent``, ``optimism`` and ``corrected``, and
    `share_same_sign` of each coefficient: the share of bootstrap samples in which it points the same way.

    References
    ----------
    Harrell FE, Lee KL, Mark DB. Stat Med 1996;15:361-387. Heinze G, Wallisch C, Dunkler D. Biom J 2018;60:431-449.
    """
    frame = take_model_frame(time_to_event, endpoint, terms)
    rows = Collector(endpoint=endpoint)
    if reason := frame.why_not(study):
        rows.add("concordance", not_estimable(reason), of=frame, model=model, level="corrected")
        return rows.frame()
    found = validate_cox(frame.rows, **frame.outcome, rng=rng, n_bootstrap=study.models.n_bootstrap)
    names = {"model": f"{model}, validated"}
    for estimand, judged in (("concordance", found.concordance), ("calibration_slope", found.slope)):
        for kind, value in judged.items():
            rows.add(estimand, value, level=kind, **names)
    for row in found.stability.to_dict("records"):
        share = Estimate(row["share_same_sign"], method="bootstrap")
        rows.add("share_same_sign", share, of=frame, variable=row["term"], level=row["level"], **names)
    return rows.frame()


def schoenfeld_residuals(
    time_to_event: pd.DataFrame, study: Study, *, endpoint: str, terms: Sequence[str]
) -> pd.DataFrame:
    """Return the residuals that show whether a hazard ratio changes with time; for a figure only.

    One row per event and coefficient that has an estimate: `term` (variable=level, the level empty for a number),
    `time` in months, `residual`; no row where no model is fitted. Every row is one patient's event.

    References
    ----------
    Grambsch PM, Therneau TM. Biometrika 1994;81:515-526.
    """
    frame = take_model_frame(time_to_event, endpoint, terms)
    columns = ["term", "time", "residual"]
    if frame.why_not(study):
        return pd.DataFrame(columns=columns)
    fit = fit_frame(frame, study)
    wide = scaled_schoenfeld_residuals(fit, by_term=False)
    names = {each.term + each.level: f"{each.term}={each.level}" for each in fit.data.design.coefficients}
    estimated = [name for column, name in names.items() if column in wide]
    shown = wide.rename(columns=names).melt("time", estimated, var_name="term", value_name="residual")
    return shown.dropna(subset=["residual"])[columns]


def _one_center(frame: ModelFrame) -> str:
    return "" if len(frame.rows["center"].unique()) > 1 else "one center only"


def _incomplete_frame(time_to_event: pd.DataFrame, endpoint: str, terms: Sequence[str]) -> ModelFrame:
    """Take all patients; a term is judged by the patients in whom it is known."""
    alone = {term: take_model_frame(time_to_event, endpoint, [term]) for term in terms}
    kept = tuple(term for term, frame in alone.items() if frame.terms)
    dropped = {term: reason for frame in alone.values() for term, reason in frame.dropped.items()}
    rows = select_endpoint(time_to_event, endpoint)
    followed = rows.loc[rows["event"].notna(), ["time_months", "event", *terms]].reset_index(drop=True)
    levels = {term: followed[term].astype(alone[term].rows[term].dtype) for term in kept}
    return ModelFrame(followed.assign(event=followed["event"].astype(bool), **levels), kept, dropped, 0)
