"""One treatment question asked of observational data: crude, weighted, and what hidden confounding would need."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise, product

import pandas as pd
from scipy.stats import chi2

from fhrmm.estimates.collector import Collector
from fhrmm.estimates.regression import add_absent, fit_model, why_no_regression
from fhrmm.estimates.subgroups import iterate_levels
from fhrmm.estimates.survival import select_endpoint
from fhrmm.study import Study
from timetoevent.cox import fit_cox
from timetoevent.kaplan_meier import kaplan_meier
from timetoevent.results import OK, Estimate, not_estimable
from timetoevent.sensitivity import e_value
from timetoevent.weighting import WeightedComparison, compare_weighted

KINDS = {"overlap": "overlap weights", "inverse_probability": "inverse probability weights"}
_WHEN = ("before", "after")
_STANDARDIZED = "means differ by this many unweighted standard deviations"


def compare_treatments(time_to_event: pd.DataFrame, study: Study, *, endpoint: str = "PFS") -> pd.DataFrame:
    """Estimate the association of the second-line regimen with an endpoint, crude and weighted.

    Estimates rows of population ``comparison``: `hazard_ratio` crude and per weighting (robust intervals), weighted
    `survival_probability` per arm and its `survival_difference`, `effective_sample_size` per arm,
    `standardized_mean_difference` before and after weighting, and the `e_value` of each hazard ratio.

    References
    ----------
    Li F, Thomas LE, Li F. Am J Epidemiol 2019;188:250-257 (overlap weights). Austin PC. Stat Med 2016;35:5642-5655.
    VanderWeele TJ, Ding P. Ann Intern Med 2017;167:268-274 (E-value).
    """
    treatment, rows = study.comparison.treatment, _select(time_to_event, study, endpoint)
    crude = fit_model(rows, study, endpoint=endpoint, terms=[treatment], model="crude")
    found = Collector(endpoint=endpoint, population="comparison", variable=treatment)
    found.add_rows(crude[crude["variable"] != ""], population="comparison")
    frame = _complete(rows, study)
    for kind, words in KINDS.items():
        if reason := why_no_regression(frame, study):
            _add_absent(found, words, reason, frame, study)
        else:
            weighted = _weigh(frame, study, kind)
            _add_weighted(found, words, weighted, frame, study)
            _add_balance(found, words, weighted, frame)
    _add_e_values(found)
    return found.frame()


def weigh_curves(time_to_event: pd.DataFrame, study: Study, *, endpoint: str = "PFS") -> dict[str, pd.DataFrame]:
    """Return the Kaplan-Meier curve of each arm under overlap weights, which add up to the patients of the arm."""
    frame = _complete(_select(time_to_event, study, endpoint), study)
    if why_no_regression(frame, study):
        return {}
    factor, weights = study.factor(study.comparison.treatment), _weigh(frame, study, "overlap").weights
    curves = {}
    for level, is_other in ((factor.reference, False), (factor.adverse, True)):
        arm = frame["other"] == is_other
        scaled = weights[arm] * arm.sum() / weights[arm].sum()
        if scaled.notna().all() and arm.any():
            outcome = frame.loc[arm, "time_months"], frame.loc[arm, "event"]
            curves[level] = kaplan_meier(*outcome, weights=scaled, ci_level=study.models.ci_level)
    return curves


def count_overlap(time_to_event: pd.DataFrame, study: Study, *, endpoint: str = "PFS") -> pd.DataFrame:
    """Count the patients of each arm by their probability of another regimen than the reference.

    One row per fifth of the probability: Probability, and one column of counts per arm; no row without a fit.
    """
    frame, factor = _complete(_select(time_to_event, study, endpoint), study), study.factor(study.comparison.treatment)
    names = ["Probability", factor.reference, factor.adverse]
    if why_no_regression(frame, study) or (scores := _weigh(frame, study, "overlap").propensity.scores).isna().any():
        return pd.DataFrame(columns=names)
    ends = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    words = [f"{low:.1f} to {high:.1f}" for low, high in pairwise(ends)]
    fifth = pd.cut(scores, ends, labels=words, include_lowest=True)
    counts = pd.crosstab(fifth, frame["other"], dropna=False).reindex(index=words, columns=[False, True], fill_value=0)
    return counts.astype("Int64").set_axis(names[1:], axis=1).rename_axis("Probability").reset_index()


def estimate_interaction(time_to_event: pd.DataFrame, study: Study, *, endpoint: str = "PFS") -> pd.DataFrame:
    """Estimate whether the regimen's association differs by lenalidomide exposure: hazard ratio within each level.

    `hazard_ratio` of the treatment under model ``within LEVEL`` for each level of the plan's variable, and
    `interaction_p` (likelihood ratio test of the product term among complete cases).
    """
    question = study.comparison
    rows = select_endpoint(time_to_event, endpoint)
    found = Collector(endpoint=endpoint, variable=question.treatment)
    for level in rows[question.interaction_with].dtype.categories:
        within = rows[rows[question.interaction_with] == level]
        fitted = fit_model(within, study, endpoint=endpoint, terms=[question.treatment], model=f"within {level}")
        found.add_rows(fitted[fitted["variable"] != ""])
    found.add("interaction_p", _test_interaction(rows, study), model="interaction")
    return found.frame()


def _select(time_to_event: pd.DataFrame, study: Study, endpoint: str) -> pd.DataFrame:
    """Return the patients of the question, with a known treatment."""
    question = study.comparison
    is_asked = time_to_event[question.population_variable].isin(question.population_levels)
    return select_endpoint(time_to_event[is_asked & time_to_event[question.treatment].notna()], endpoint)


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


def _weigh(frame: pd.DataFrame, study: Study, kind: str) -> WeightedComparison:
    return compare_weighted(
        frame,
        time="time_months",
        event="event",
        treatment="other",
        terms=[name for name in study.comparison.covariates if frame[name].nunique() >= 2],
        kind=kind,
        at=[study.time.headline_months],
        ci_level=study.models.ci_level,
    )


def _add_weighted(rows: Collector, model: str, found: WeightedComparison, frame: pd.DataFrame, study: Study) -> None:
    """Add what one weighting gives; the row of all patients has no variable, as every row about all patients."""
    factor = study.factor(study.comparison.treatment)
    arms, against = {"treated": factor.adverse, "control": factor.reference}, {"reference": factor.reference}
    ratio = found.hazard_ratio
    reference = Estimate(1.0, method=ratio.method) if ratio.status == OK else ratio
    for level, value, is_other in ((factor.reference, reference, False), (factor.adverse, ratio, True)):
        value = replace(value, **_count_arm(frame, is_other=is_other))
        rows.add("hazard_ratio", value, model=model, level=level, **against)
    for arm, at, value in found.survival:
        what = {"model": model, "time_months": at}
        if arm in arms:
            own = _count_arm(frame, is_other=arm == "treated")
            rows.add("survival_probability", replace(value, **own), level=arms[arm], **what)
        else:
            rows.add("survival_difference", value, level=factor.adverse, **against, **what)
    for size in found.sample_size.to_dict("records"):
        value = _number(size["effective_n"], int(size["n"]), "effective sample size of Kish")
        whose = {"level": arms[size["arm"]]} if size["arm"] in arms else {"variable": ""}
        rows.add("effective_sample_size", value, model=model, **whose)


def _add_balance(rows: Collector, model: str, found: WeightedComparison, frame: pd.DataFrame) -> None:
    for row in found.balance.to_dict("records"):
        if row["level"] and row["level"] == str(frame[row["term"]].cat.categories[0]):
            continue  # the mirror image of the other levels
        for when in _WHEN:
            value = _number(row[f"difference_{when}"], found.propensity.n, _STANDARDIZED)
            value = replace(value, n_events=int((frame[row["term"]].astype(str) == row["level"]).sum()))
            what = {"model": f"{model}, {when}", "variable": row["term"], "level": row["level"]}
            rows.add("standardized_mean_difference", value, **what)


def _add_absent(rows: Collector, model: str, reason: str, frame: pd.DataFrame, study: Study) -> None:
    """Say why there is no ratio, no effective sample size and no balance, where a reader looks for them."""
    treatment, n = study.comparison.treatment, len(frame)
    add_absent(rows, frame, treatment, reason, model=model)
    for level, part in iterate_levels(frame, treatment):
        rows.add("effective_sample_size", not_estimable(reason, n=len(part)), model=model, level=level)
    rows.add("effective_sample_size", not_estimable(reason, n=n), model=model, variable="")
    for name in study.comparison.covariates:
        levels = frame[name].cat.categories[1:] if isinstance(frame[name].dtype, pd.CategoricalDtype) else []
        for level, when in product([str(level) for level in levels] or [""], _WHEN):
            what = {"model": f"{model}, {when}", "variable": name, "level": level}
            rows.add("standardized_mean_difference", not_estimable(reason, n=n), **what)


def _count_arm(frame: pd.DataFrame, *, is_other: bool) -> dict[str, int]:
    events = frame.loc[frame["other"] == is_other, "event"]
    return {"n": len(events), "n_events": int(events.sum())}


def _add_e_values(rows: Collector) -> None:
    """Add the e-value of each hazard ratio so far that compares two levels."""
    for row in rows.frame().to_dict("records"):
        if row["estimand"] == "hazard_ratio" and row["level"] != row["reference"]:
            what = {name: row[name] for name in ("model", "variable", "level", "reference")}
            value = not_estimable(row["note"])
            if row["status"] == OK:
                value = e_value(row["estimate"], row["ci_lower"], row["ci_upper"])
            rows.add("e_value", replace(value, n=int(row["n"]), n_events=int(row["n_events"])), **what)


def _test_interaction(rows: pd.DataFrame, study: Study) -> Estimate:
    first, second = study.comparison.treatment, study.comparison.interaction_with
    frame = rows[["time_months", "event", first, second]].dropna()
    frame = frame.assign(event=frame["event"].astype(bool))
    counts = {"n": len(frame), "n_events": int(frame["event"].sum())}
    for name in (first, second):
        frame[name] = frame[name].cat.remove_unused_categories()
    events = frame.groupby([first, second], observed=False)["event"].sum()
    reason = why_no_regression(frame, study)
    if not reason and min(frame[name].nunique() for name in (first, second)) < 2:
        reason = "one level only"
    if not reason and (events == 0).any():
        reason = "a combination of both without events or without patients: the product term has no finite estimate"
    if reason:
        return not_estimable(reason, **counts)
    names = {"time": "time_months", "event": "event", "terms": [first, second]}
    additive, full = fit_cox(frame, **names), fit_cox(frame, interactions=[(first, second)], **names)
    if full.status != OK:
        return not_estimable(full.note, **counts)
    statistic, df = max(0.0, 2 * (full.log_likelihood[1] - additive.log_likelihood[1])), full.df - additive.df
    p_value = float(chi2.sf(statistic, df))
    return Estimate(p_value, statistic=statistic, df=df, p_value=p_value, method="likelihood ratio", **counts)


def _number(value: object, n: int, method: str) -> Estimate:
    number = float(value)  # type: ignore[arg-type]
    if math.isnan(number):
        return not_estimable("the propensity could not be estimated", n=n, method=method)
    return Estimate(number, n=n, method=method)
