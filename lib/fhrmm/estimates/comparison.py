"""One treatment question asked of observational data: crude, weighted, and what hidden confounding would need."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from fhrmm.estimates.models import fit_model, why_no_regression
from fhrmm.estimates.rows import make_row, to_frame
from fhrmm.estimates.survival import select_endpoint
from fhrmm.study import Study
from timetoevent.cox import fit_cox
from timetoevent.results import Estimate, not_estimable
from timetoevent.sensitivity import e_value
from timetoevent.tails import chi_squared_tail
from timetoevent.weighting import WeightedComparison, compare_weighted

KINDS = {"overlap": "overlap weights", "inverse_probability": "inverse probability weights"}
_STANDARDIZED = "means differ by this many unweighted standard deviations"


def select_population(time_to_event: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return the rows of the patients among whom the plan asks its treatment question."""
    question = study.comparison
    known = time_to_event[question.population_variable].isin(question.population_levels)
    return time_to_event[known & time_to_event[question.treatment].notna()]


def compare_treatments(time_to_event: pd.DataFrame, study: Study, *, endpoint: str = "PFS") -> pd.DataFrame:
    """Estimate the association of the second-line regimen with an endpoint, crude and weighted.

    Parameters
    ----------
    time_to_event : DataFrame
        One row per patient and endpoint with the covariates joined.
    study : Study
        The plan: treatment, population, covariates.
    endpoint : str
        PFS or OS.

    Returns
    -------
    DataFrame
        Estimates rows of population ``comparison``: `hazard_ratio` crude and per weighting (robust intervals), weighted
        `survival_probability` per arm and its `survival_difference`, `effective_sample_size` per arm,
        `standardized_mean_difference` before and after weighting, and the `e_value` of each hazard ratio.

    References
    ----------
    Li F, Thomas LE, Li F. Am J Epidemiol 2019;188:250-257 (overlap weights). Austin PC. Stat Med 2016;35:5642-5655.
    VanderWeele TJ, Ding P. Ann Intern Med 2017;167:268-274 (E-value).
    """
    rows = select_endpoint(select_population(time_to_event, study), endpoint)
    crude = fit_model(rows, study, endpoint=endpoint, terms=[study.comparison.treatment], model="crude")
    found = crude[crude["variable"] != ""].assign(population="comparison").to_dict("records")
    frame = _complete(rows, study)
    for kind, words in KINDS.items():
        found += _weighted_rows(frame, study, endpoint, kind, words)
    return to_frame([*found, *_e_value_rows(found, endpoint)])


def estimate_interaction(time_to_event: pd.DataFrame, study: Study, *, endpoint: str = "PFS") -> pd.DataFrame:
    """Estimate whether the regimen's association differs by lenalidomide exposure: hazard ratio within each level.

    Returns
    -------
    DataFrame
        `hazard_ratio` of the treatment under model ``within LEVEL`` for each level of the plan's variable, and
        `interaction_p` (likelihood ratio test of the product term among complete cases).
    """
    question = study.comparison
    rows = select_endpoint(time_to_event, endpoint)
    parts = []
    for level in rows[question.interaction_with].dtype.categories:
        within = rows[rows[question.interaction_with] == level]
        fitted = fit_model(within, study, endpoint=endpoint, terms=[question.treatment], model=f"within {level}")
        parts += fitted[fitted["variable"] != ""].to_dict("records")
    test = _interaction_test(rows, study)
    row = make_row(test, endpoint=endpoint, estimand="interaction_p", model="interaction", variable=question.treatment)
    return to_frame([*parts, row])


def _complete(rows: pd.DataFrame, study: Study) -> pd.DataFrame:
    question = study.comparison
    frame = rows[["time_months", "event", question.treatment, *question.covariates]].dropna()
    reference = study.factor(question.treatment).reference
    frame = frame.assign(other=frame[question.treatment].astype(object) != reference, event=frame["event"].astype(bool))
    for name in question.covariates:
        if isinstance(frame[name].dtype, pd.CategoricalDtype):
            frame[name] = frame[name].cat.remove_unused_categories()
        else:
            frame[name] = frame[name].astype(float)
    return frame.reset_index(drop=True)


def _weighted_rows(frame: pd.DataFrame, study: Study, endpoint: str, kind: str, words: str) -> list[dict[str, object]]:
    factor = study.factor(study.comparison.treatment)
    names = {"endpoint": endpoint, "population": "comparison", "model": words, "variable": factor.variable}
    reason = why_no_regression(frame, study)
    if reason:
        value = not_estimable(reason, n=len(frame), n_events=int(frame["event"].sum()))
        ratio = make_row(value, estimand="hazard_ratio", level=factor.adverse, reference=factor.reference, **names)
        return [ratio, *_absent_rows(reason, frame, study, names)]
    found = compare_weighted(
        frame,
        time="time_months",
        event="event",
        treatment="other",
        terms=[name for name in study.comparison.covariates if frame[name].nunique() >= 2],
        kind=kind,
        at=[study.time.headline_months],
        interval="robust",
        ci_level=study.models.ci_level,
    )
    ratio = make_row(
        found.hazard_ratio, estimand="hazard_ratio", level=factor.adverse, reference=factor.reference, **names
    )
    return [
        ratio,
        *_survival_rows(found, names, factor.adverse, factor.reference),
        *_size_rows(found, names, {"treated": factor.adverse, "control": factor.reference}),
        *_balance_rows(found, names, frame),
    ]


def _absent_rows(reason: str, frame: pd.DataFrame, study: Study, names: dict[str, str]) -> list[dict[str, object]]:
    """Say why there is neither an effective sample size nor a balance, where a reader looks for them."""
    factor, labels = study.factor(study.comparison.treatment), names | {"variable": ""}
    size, balance = {"estimand": "effective_sample_size"}, {"estimand": "standardized_mean_difference"}
    rows = [
        make_row(not_estimable(reason, n=int((frame["other"] == is_other).sum())), level=level, **size, **names)
        for level, is_other in ((factor.adverse, True), (factor.reference, False))
    ]
    value = not_estimable(reason, n=len(frame))
    rows.append(make_row(value, **size, **labels))
    for name in study.comparison.covariates:
        levels = frame[name].cat.categories[1:] if isinstance(frame[name].dtype, pd.CategoricalDtype) else []
        for level in [str(level) for level in levels] or [""]:
            for when in ("before", "after"):
                what = labels | {"model": f"{names['model']}, {when}", "variable": name, "level": level}
                rows.append(make_row(value, **balance, **what))
    return rows


def _survival_rows(
    found: WeightedComparison, names: dict[str, str], treated: str, control: str
) -> list[dict[str, object]]:
    rows = []
    for arm, at, value in found.survival:
        level = {"treated": treated, "control": control, "difference": treated}[arm]
        what = {"estimand": "survival_probability", "level": level}
        if arm == "difference":
            what = {"estimand": "survival_difference", "level": level, "reference": control}
        rows.append(make_row(value, time_months=at, **what, **names))
    return rows


def _size_rows(found: WeightedComparison, names: dict[str, str], levels: dict[str, str]) -> list[dict[str, object]]:
    """One row per group; that of all has no variable, as every row about all patients."""
    rows = []
    for arm in found.sample_size.to_dict("records"):
        value = _number(arm["effective_n"], int(arm["n"]), "effective sample size of Kish")
        level = levels.get(str(arm["arm"]), "")
        whose = names if level else names | {"variable": ""}
        rows.append(make_row(value, estimand="effective_sample_size", level=level, **whose))
    return rows


def _balance_rows(found: WeightedComparison, names: dict[str, str], frame: pd.DataFrame) -> list[dict[str, object]]:
    rows = []
    labels = names | {"variable": ""}
    for row in found.balance.to_dict("records"):
        if row["level"] and row["level"] == str(frame[row["term"]].cat.categories[0]):
            continue  # the mirror image of the other levels
        for when in ("before", "after"):
            value = _number(row[f"difference_{when}"], found.propensity.n, _STANDARDIZED)
            what = labels | {
                "model": f"{names['model']}, {when}",
                "variable": str(row["term"]),
                "level": str(row["level"]),
            }
            rows.append(make_row(value, estimand="standardized_mean_difference", **what))
    return rows


def _e_value_rows(found: list[dict[str, object]], endpoint: str) -> list[dict[str, object]]:
    rows = []
    for row in found:
        if row["estimand"] != "hazard_ratio" or row["level"] == row["reference"]:
            continue
        if row["status"] == "ok":
            value = e_value(float(row["estimate"]), float(row["ci_lower"]), float(row["ci_upper"]))
            value = replace(value, n=int(row["n"]), n_events=int(row["n_events"]))
        else:
            value = not_estimable(str(row["note"]), n=int(row["n"]), n_events=int(row["n_events"]))
        what = {name: str(row[name]) for name in ("model", "variable", "level", "reference", "population")}
        rows.append(make_row(value, endpoint=endpoint, estimand="e_value", **what))
    return rows


def _interaction_test(rows: pd.DataFrame, study: Study) -> Estimate:
    first, second = study.comparison.treatment, study.comparison.interaction_with
    frame = rows[["time_months", "event", first, second]].dropna()
    frame = frame.assign(event=frame["event"].astype(bool))
    counts = {"n": len(frame), "n_events": int(frame["event"].sum())}
    table = pd.crosstab(frame[first].astype(object), frame[second].astype(object))
    reason = why_no_regression(frame, study)
    if not reason and (table.shape < (2, 2) or (table == 0).any().any()):
        reason = "a combination without patients"
    if reason:
        return not_estimable(reason, **counts)
    for name in (first, second):
        frame[name] = frame[name].cat.remove_unused_categories()
    names = {"time": "time_months", "event": "event", "terms": [first, second]}
    additive, full = fit_cox(frame, **names), fit_cox(frame, interactions=[(first, second)], **names)
    if not np.isfinite(full.log_likelihood[1]):
        return not_estimable("the product term has no finite estimate", **counts)
    return _likelihood_ratio(additive.log_likelihood[1], full.log_likelihood[1], table.shape[1] - 1, counts)


def _likelihood_ratio(smaller: float, larger: float, df: int, counts: dict[str, int]) -> Estimate:
    statistic = max(0.0, 2 * (larger - smaller))
    p_value = float(chi_squared_tail(statistic, df))
    return Estimate(p_value, statistic=statistic, df=df, p_value=p_value, method="likelihood ratio", **counts)


def _number(value: object, n: int, method: str) -> Estimate:
    number = float(value)  # type: ignore[arg-type]
    if math.isnan(number):
        return not_estimable("the propensity could not be estimated", n=n, method=method)
    return Estimate(number, n=n, method=method)
