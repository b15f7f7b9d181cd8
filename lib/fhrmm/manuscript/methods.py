"""The methods of a paper: what the plan says, in sentences; no result, and no constant of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable

from fhrmm.cohort.criteria import CRITERIA
from fhrmm.estimates.counts import describe_endpoints
from fhrmm.formats import format_level, name_level, name_variable, uncapitalize
from fhrmm.study import Study, describe_rounding
from fhrmm.wording import counted

_SOURCES = {"recorded": "as recorded by the center", "confirmed": "as confirmed from the visits"}
_PATIENTS = {
    "all": "of all treated patients, those not evaluable or unknown counting as non-responders",
    "evaluable": "of patients evaluable for response",
}
_POLICIES = {"lower": "first day", "midpoint": "middle", "upper": "last day"}
_RULES = {"calendar": "calendar months", "average": "average months"}


def write_methods(study: Study) -> list[tuple[str, str]]:
    """Return the methods as (heading, paragraph), each value taken from the plan with the parameters of the run.

    Examples
    --------
    >>> from fhrmm.study import load_study
    >>> "30.4375 days" in dict(write_methods(load_study()))["Endpoints"]
    True
    """
    return [
        ("Design and patients", _patients(study)),
        ("Functional high risk", _risk(study)),
        ("Response", _response(study)),
        ("Endpoints", _endpoints(study)),
        ("Survival", _survival(study)),
        ("Prognostic factors", _associations(study)),
        ("Comparison of regimens", _comparison(study)),
        ("Sensitivity analyses", _sensitivity(study)),
        ("Missing data and disclosure", _missing(study)),
    ]


def _patients(study: Study) -> str:
    labels = [uncapitalize(CRITERIA[name].label(study)) for name in study.cohort.criteria]
    return (
        f"This retrospective, multicenter cohort study asked: {study.study.question} Patients were included if they "
        f"met the following criteria, applied in this order: {_listed(labels)}. Time zero was the first dose of "
        "second-line therapy."
    )


def _risk(study: Study) -> str:
    plan = study.functional_high_risk
    chosen = study.definitions[plan.definition]
    return (
        f"Functional high risk was defined as {uncapitalize(chosen.label)} ({chosen.reference}). Where the definition "
        f"leaves the window open, it was {plan.window_months} {_RULES[plan.month_rule]} from the "
        f"{_words(plan.clock_origin)}, the last day {'included' if plan.window_inclusive else 'excluded'}. Failure "
        f"of a first-line daratumumab quadruplet {'had to be early' if plan.quadruplet_requires_early else 'counted'} "
        f"{'as well' if plan.quadruplet_requires_early else 'whenever it occurred'}. A change of line for a response "
        f"below {plan.suboptimal_below} without documented progression "
        f"{'counted' if plan.suboptimal_counts_as_early else 'did not count'} as early failure. Patients were "
        f"considered refractory to a drug if the disease progressed on it or within {study.regimens.refractory_days} "
        "days of its last dose."
    )


def _response(study: Study) -> str:
    plan = study.response
    criteria = study.response_criteria[plan.criteria_version]
    return (
        f"Response was assessed by the {plan.criteria_version} criteria ({criteria.reference.rstrip('.')}) and "
        f"analyzed {_SOURCES[plan.source]}; confirmation required a second assessment at least "
        f"{counted(plan.minimum_confirmation_days, 'day')} later. The overall response rate was the proportion with "
        f"{_listed(plan.responders, 'or')} {_PATIENTS[plan.denominator]}. Proportions are given with exact "
        f"(Clopper-Pearson) {format_level(study.models.ci_level)} confidence intervals (CI) and were compared by "
        "Fisher's exact test."
    )


def _endpoints(study: Study) -> str:
    said = []
    for row in describe_endpoints(study).to_dict("records"):
        short, _, label = str(row["Endpoint"]).partition(": ")
        events, ends = (str(row[name]).split("; ") for name in ("Event", "Without event, observed until"))
        said.append(
            f"{label} ({short}) was measured from {row['Time runs from']} to {_listed(events, 'or')}, and censored at "
            f"{_listed(ends, 'or')}"
        )
    return (
        f"{'. '.join(said)}. The earliest event counted; without one, patients were censored at the latest of these "
        f"dates. Months are of {study.time.days_per_month:g} days. A date known only by month or year was set to the "
        f"{_POLICIES[study.time.partial_date_policy]} of the possible interval."
    )


def _survival(study: Study) -> str:
    time = study.time
    return (
        f"Time-to-event endpoints were estimated by the Kaplan-Meier method with {format_level(study.models.ci_level)} "
        f"log-log CI at {_listed(f'{at:g}' for at in time.rates_at_months)} months; the rate at "
        f"{time.headline_months:g} months was the headline result. Median follow-up was estimated by the reverse "
        f"Kaplan-Meier method. Restricted mean survival times were calculated up to {time.rmst_horizon_months:g} "
        f"months. Curves are drawn up to {study.display.km_limit_months:g} months and as long as at least "
        f"{study.display.km_minimum_at_risk} patients are at risk. Groups were compared by the log-rank test. The "
        "cumulative incidence of progression was estimated with death without progression as competing event "
        "(Aalen-Johansen)."
    )


def _associations(study: Study) -> str:
    plan, path = study.models, study.pathway
    factors = [
        f"{uncapitalize(one.label)} ({name_level(one.adverse)} versus {name_level(one.reference)})"
        for one in study.factors
    ]
    return (
        f"The candidate factors were chosen in advance: {_listed(factors)}. Each was examined alone by Cox "
        "regression with Efron's handling of ties. The primary model included "
        f"{_listed(_labels(study, plan.primary))}. The full model included {_listed(_labels(study, plan.full))}, and "
        f"was fitted with Firth's penalized likelihood and profile likelihood CI. {path.label} had the levels "
        f"{_listed(path.levels)}. No regression was fitted to fewer than {plan.minimum_events} events, and fewer "
        f"than {plan.events_per_parameter:g} events per parameter were taken as a warning of overfitting. Hazard "
        f"ratios are given with {format_level(plan.ci_level)} CI. Proportional hazards were examined by the score "
        "test on scaled Schoenfeld residuals. Variables were not selected by significance; p-values are two-sided, "
        "exploratory and not corrected for multiplicity."
    )


def _comparison(study: Study) -> str:
    plan = study.comparison
    return (
        f"{name_variable(plan.treatment, study)} was compared in patients whose {_words(plan.population_variable)} was "
        f"{_listed(plan.population_levels, 'or')}, unadjusted and with overlap weights from a propensity model of "
        f"{_listed(_labels(study, plan.covariates))}. The interaction with {_words(plan.interaction_with)} was "
        "estimated. Second-line autologous transplantation (ASCT) was analyzed as a time-dependent covariate and "
        f"from a landmark at {study.models.landmark_months:g} months. All estimates are associations."
    )


def _sensitivity(study: Study) -> str:
    if not study.sensitivity:
        return "No choice of the plan was varied."
    axes = [f"{_words(axis.axis)} ({counted(len(axis.options), 'option')})" for axis in study.sensitivity]
    n_made = math.prod(len(axis.options) for axis in study.sensitivity)
    return f"The main analyses were repeated under all {n_made} combinations of {_listed(axes)}."


def _missing(study: Study) -> str:
    return (
        "An empty value was taken as unknown, never as absent. Patients with an unknown level were left out of "
        "analyses of that factor, and models used complete cases; the full model was fitted to "
        f"{study.models.n_imputations} multiply imputed data sets as well. Numbers missing are reported. A release "
        f"shows {describe_rounding(study)}; whatever follows from counts was computed from the rounded ones."
    )


def _labels(study: Study, names: Iterable[str]) -> list[str]:
    return [uncapitalize(name_variable(name, study)) for name in names]


def _words(name: str) -> str:
    return name.replace("_", " ").replace("asct", "ASCT")


def _listed(parts: Iterable[str], conjunction: str = "and") -> str:
    """Join with semicolons where a part has a comma of its own, else with commas, and a word before the last."""
    *first, last = parts
    comma = ";" if any("," in part for part in (*first, last)) else ","
    return f"{f'{comma} '.join(first)}{comma if len(first) > 1 else ''} {conjunction} {last}" if first else last
