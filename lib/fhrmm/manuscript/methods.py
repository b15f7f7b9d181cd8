"""The methods paragraph: what the plan says, in sentences; no result, and no constant of its own."""

from __future__ import annotations

from collections.abc import Sequence

from fhrmm.cohort.criteria import CRITERIA
from fhrmm.estimates.counts import describe_endpoints
from fhrmm.formats import format_level, name_level, name_variable
from fhrmm.study import Study, describe_rounding
from fhrmm.wording import counted

_SOURCES = {"recorded": "as recorded by the center", "confirmed": "as confirmed from the visits"}
_PATIENTS = {
    "all": "all treated patients, those not evaluable or unknown counting as without response",
    "evaluable": "patients evaluable for response",
}
_POLICIES = {"lower": "the first day", "midpoint": "the middle", "upper": "the last day"}
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
        ("Patients", _patients(study)),
        ("Functional high risk", _risk(study)),
        ("Response", _response(study)),
        ("Endpoints", _endpoints(study)),
        ("Survival", _survival(study)),
        ("Associations", _associations(study)),
        ("Comparison of regimens", _comparison(study)),
        ("Sensitivity", _sensitivity(study)),
        ("Missing values and disclosure", _missing(study)),
    ]


def _patients(study: Study) -> str:
    labels = [CRITERIA[name].label(study) for name in study.cohort.criteria]
    return (
        f"This retrospective cohort study asks: {study.study.question} The criteria, in the order applied, were: "
        f"{_listed(labels)}. Time zero is the first dose of second-line therapy."
    )


def _risk(study: Study) -> str:
    plan = study.functional_high_risk
    chosen = study.definitions[plan.definition]
    edge = "included" if plan.window_inclusive else "not included"
    early = "had to fail early as well" if plan.quadruplet_requires_early else "counted whatever its course"
    counted = "counted" if plan.suboptimal_counts_as_early else "did not count"
    return (
        f"Functional high risk was defined as: {chosen.label} ({chosen.reference}). Where the definition leaves the "
        f"window to the plan, it was {plan.window_months} {_RULES[plan.month_rule]} from the "
        f"{_words(plan.clock_origin)}, the last day {edge}. A first-line daratumumab quadruplet {early}; a change of "
        f"line for a response below {plan.suboptimal_below} without documented progression {counted} as early failure. "
        f"Refractory means progression on a drug or within {study.regimens.refractory_days} days of its last dose."
    )


def _response(study: Study) -> str:
    plan = study.response
    criteria = study.response_criteria[plan.criteria_version]
    return (
        f"Response followed the {plan.criteria_version} criteria ({criteria.reference}) and was taken "
        f"{_SOURCES[plan.source]}; a confirmation needs at least {counted(plan.minimum_confirmation_days, 'day')}. "
        f"Overall response is {_listed(plan.responders)}; the denominator is {_PATIENTS[plan.denominator]}. "
        "Intervals of proportions are exact (Clopper-Pearson); groups are compared by Fisher's exact test."
    )


def _endpoints(study: Study) -> str:
    rows = describe_endpoints(study).to_dict("records")
    said = [
        f"{row['Endpoint']}, from {row['Time runs from']} to {row['Event']}, censored at "
        f"{row['Without event, observed until']}"
        for row in rows
    ]
    return (
        f"{'. '.join(said)}. The earliest event counts; without one, the latest date of observation. Durations are in "
        f"months of {study.time.days_per_month:g} days; a date known only by month or year was set to "
        f"{_POLICIES[study.time.partial_date_policy]} of its possible interval."
    )


def _survival(study: Study) -> str:
    times = [f"{at:g}" for at in study.time.rates_at_months]
    return (
        f"Survival was estimated by Kaplan-Meier with {format_level(study.models.ci_level)} log-log intervals, at "
        f"{_listed(times)} months, {study.time.headline_months:g} months being the headline; follow-up by reverse "
        f"Kaplan-Meier. Restricted means reach to {study.time.rmst_horizon_months:g} months. Curves end where fewer "
        f"than {study.display.km_minimum_at_risk} patients are at risk, or at {study.display.km_limit_months:g} "
        "months. Groups are compared by the log-rank test. Death without progression competes with progression "
        "(Aalen-Johansen)."
    )


def _associations(study: Study) -> str:
    factors = [
        f"{factor.label} ({name_level(factor.adverse)} against {name_level(factor.reference)})"
        for factor in study.factors
    ]
    plan = study.models
    return (
        f"The factors were fixed beforehand: {_listed(factors)}. Cox regression with Efron's handling of ties was "
        f"fitted to each factor alone and to the primary model ({_listed(_labels(study, plan.primary))}). The full "
        f"model ({_listed(_labels(study, plan.full))}) was fitted with Firth's penalty and profile likelihood "
        f"intervals. {study.pathway.label} has the levels {_listed(study.pathway.levels)}. No regression was "
        f"fitted to fewer than {plan.minimum_events} events; {plan.events_per_parameter:g} events per parameter is "
        f"the yardstick that pages warn by. Intervals are at {format_level(plan.ci_level)}; proportional hazards "
        "were tested by the score test. No variable was selected by significance, and p-values are exploratory."
    )


def _comparison(study: Study) -> str:
    plan = study.comparison
    return (
        f"{name_variable(plan.treatment, study)} was compared among patients whose "
        f"{_words(plan.population_variable)} is {_listed(plan.population_levels)}, crude and with overlap weights from "
        f"{_listed(_labels(study, plan.covariates))}; the interaction with {_words(plan.interaction_with)} was "
        "estimated. Second-line ASCT is time-dependent, with a landmark at "
        f"{study.models.landmark_months:g} months. Estimates are associations."
    )


def _sensitivity(study: Study) -> str:
    if not study.sensitivity:
        return "The plan varies no choice."
    axes = [f"{axis.axis} ({counted(len(axis.options), 'option')})" for axis in study.sensitivity]
    return f"Every combination of one option per axis was run: {_listed(axes)}."


def _missing(study: Study) -> str:
    return (
        "An empty value is unknown, never no; patients with an unknown level are left out of analyses of that factor, "
        f"models use complete cases, and the full model also {study.models.n_imputations} imputed data sets; the "
        f"numbers missing are shown. In a release, {describe_rounding(study)}; what follows from counts is computed "
        "from these."
    )


def _labels(study: Study, names: Sequence[str]) -> list[str]:
    return [name_variable(name, study) for name in names]


def _words(name: str) -> str:
    return name.replace("_", " ").replace("asct", "ASCT")


def _listed(parts: Sequence[str]) -> str:
    """Join with semicolons where a part has a comma of its own, else with commas."""
    return ("; " if any("," in part for part in parts) else ", ").join(parts)
