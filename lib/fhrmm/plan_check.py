"""A plan held together: what one part of it says of another, and of what the cohort has, before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from fhrmm.cohort import add_derived
from fhrmm.cohort.criteria import CRITERIA
from fhrmm.errors import StudyError, nearest
from fhrmm.response import derive_response
from fhrmm.schema import RESPONSES, empty_table, variables
from fhrmm.study import PLAN_PARAMETERS, Study, list_problems, override_study, read_study

# What the notebooks ask for by name, and the rates of response.
ENDPOINTS = ("PFS", "OS", "TTNT", "DOR", "TTR", "TTASCT")
RATES = ("ORR", "VGPR_OR_BETTER", "CR_OR_BETTER", "CBR")
_DEPTHS = ("cr_or_better", "vgpr_or_better", "responders", "clinical_benefit")
_NO_TERM = ("_precision", "_computed", "_reason", "_drugs")
Names = tuple[str, Sequence[str], Collection[str], str]


def load_plan(path: str | Path = "study.toml", overrides: Mapping[str, Any] | None = None) -> Study:
    """Read the study plan, apply the parameters of one run, and hold it together as a whole.

    Parameters
    ----------
    path : str or Path
        The plan; a relative path is taken from the repository root.
    overrides : mapping of str to object, optional
        Dotted names of plan values and what replaces them; None keeps the plan's value.

    Raises
    ------
    StudyError
        With everything that is wrong: values alone, and names of factors, terms, levels, criteria, endpoints and their
        sources, definitions and times that do not go together.

    Examples
    --------
    >>> load_plan(overrides={"time.headline_months": 9})
    Traceback (most recent call last):
    ...
    fhrmm.errors.StudyError: study.toml: 1 problem(s)
    - time.headline_months: found '9', not among time.rates_at_months (6, 12, 18, 24)
    """
    study, problems = read_study(path, overrides or {})
    if study is not None:
        levels, columns, dates = _columns(study)
        baseline = ("pool.baseline", study.pool.baseline, columns, "the variables of the cohort")
        for key, names, known, what in [*_names(study, levels), baseline, *_sources(study, dates)]:
            problems += [_strange(key, name, known, what) for name in names if name not in known]
            problems += [f"{key}: found {name!r} twice" for name in dict.fromkeys(names) if names.count(name) > 1]
        problems += [*_factors(study, levels), *_orders(study), *_specifications(study)]
    if study is None or problems:
        raise StudyError(list_problems(problems, Path(path).name))
    return study


def say_problems(values: Mapping[str, Any]) -> list[str]:
    """Say what is wrong with the plan of a run by the values of its parameters; nothing if it can run."""
    changes = {dotted: values.get(name) for name, dotted in PLAN_PARAMETERS.items()}
    try:
        load_plan(str(values.get("study_file", "study.toml")), changes)
    except StudyError as error:
        return [str(error)]
    return []


def _columns(study: Study) -> tuple[dict[str, tuple[str, ...]], list[str], list[str]]:
    """Return the levels of each variable that can be a term of a model, none for a number; all columns; and dates."""
    plain = study.model_copy(update={"factors": ()})  # what the derivations give whatever the plan says of it
    cohort = add_derived(empty_table("patients"), plain).assign(fhr_route="")
    frames = {"patients": cohort, "response": derive_response(cohort, empty_table("assessments"), plain)}
    levels = {}
    for name, column in cohort.items():
        is_leveled = isinstance(column.dtype, pd.CategoricalDtype)
        is_number = is_numeric_dtype(column.dtype) and not is_bool_dtype(column.dtype)
        if (is_leveled or is_number) and not str(name).endswith(_NO_TERM):
            levels[str(name)] = tuple(map(str, column.cat.categories)) if is_leveled else ()
    return (
        levels,
        list(cohort),
        [f"{table}.{name}" for table, its in frames.items() for name in its if name.endswith("_date")],
    )


def _strange(key: str, name: str, known: Collection[str], what: str) -> str:
    listed = f" ({', '.join(known)})" if len(known) <= 20 else ""
    return f"{key}: found {name!r}, not among {what}{listed}{nearest(name, known)}"


def _names(study: Study, levels: Mapping[str, Sequence[str]]) -> Iterator[Names]:
    """Yield key, names, the known ones and what these are."""
    plan, models, question, staging = study.functional_high_risk, study.models, study.comparison, study.staging
    factors, known = [factor.variable for factor in study.factors], "the variables of the cohort"
    leveled = [name for name, its in levels.items() if its]
    rates = [f"{at:g}" for at in study.time.rates_at_months]
    yield "time.headline_months", [f"{study.time.headline_months:g}"], rates, "time.rates_at_months"
    yield "functional_high_risk.definition", [plan.definition], study.definitions, "the definitions"
    yield "response.criteria_version", [study.response.criteria_version], study.response_criteria, "the versions"
    yield "cohort.criteria", study.cohort.criteria, CRITERIA, "the criteria"
    yield "published.adverse_factors", study.published.adverse_factors, levels, known
    for number, result in enumerate(study.published.results):
        known_ends = [*RATES, *study.endpoints]
        yield f"published.results.{number}.endpoint", [result.endpoint], known_ends, "response rates and endpoints"
    yield "factors", factors, factors, ""
    labels = [one.label for one in (*study.factors, study.pathway)]
    yield "factors, label", labels, labels, ""
    yield "pathway.levels", study.pathway.levels, study.pathway.levels, ""
    yield "pathway.reference", [study.pathway.reference], study.pathway.levels, "pathway.levels"
    yield "models.primary", models.primary, levels, known
    yield "models.full", models.full, levels, known
    yield "comparison.treatment", [question.treatment], factors, "the factors"
    yield "comparison.treatment", [question.treatment], models.primary, "models.primary, whose ratio every page follows"
    yield "comparison.covariates", question.covariates, levels, known
    yield "comparison.population_variable", [question.population_variable], leveled, "the variables with levels"
    yield "comparison.interaction_with", [question.interaction_with], leveled, "the variables with levels"
    population = levels.get(question.population_variable, ())
    yield "comparison.population_levels", question.population_levels, population, "its levels"
    stages = levels[staging.advanced_stage_variable]
    yield "staging.advanced_stage_levels", staging.advanced_stage_levels, stages, "the stages"
    plasmacytomas = variables("patients")["emd_second_line"].levels
    yield "staging.extramedullary_levels", staging.extramedullary_levels, plasmacytomas, "the levels"
    for name in _DEPTHS:
        yield f"response.{name}", getattr(study.response, name), RESPONSES, "the responses"
    numbers = [name for name, its in levels.items() if not its]
    yield "pool.bins", list(study.pool.bins), numbers, "the numbers of the cohort"
    axes = [axis.axis for axis in study.sensitivity]
    yield "sensitivity", axes, axes, ""


def _sources(study: Study, dates: Sequence[str]) -> Iterator[Names]:
    """Yield the endpoints that are asked for, their labels and the dates that they are made from."""
    yield "endpoints", [name for name in ENDPOINTS if name not in study.endpoints], study.endpoints, "those in the plan"
    labels = [endpoint.label for endpoint in study.endpoints.values()]
    yield "endpoints, label", labels, labels, ""
    for name, endpoint in study.endpoints.items():
        yield f"endpoints.{name}.origin", [endpoint.origin], dates, "the dates"
        for kind in ("events", "censors"):
            sources = [item.source for item in getattr(endpoint, kind)]
            yield f"endpoints.{name}.{kind}", sources, dates, "the dates"
        events = ["", *(item.description for item in endpoint.events)]
        yield f"endpoints.{name}.needs", [endpoint.needs], events, "its events"


def _factors(study: Study, levels: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Say which factors are no two levels of their variable."""
    for number, factor in enumerate(study.factors):
        key, its = f"factors.{number}", levels.get(factor.variable, ())
        if len(its) != 2:
            two = [name for name, others in levels.items() if len(others) == 2]
            yield _strange(f"{key}.variable", factor.variable, two, "the variables of two levels")
        elif factor.reference == factor.adverse:
            yield f"{key}: found {factor.reference!r} as reference and as adverse level"
        else:
            wrong = {"reference": factor.reference, "adverse": factor.adverse}.items()
            yield from (
                _strange(f"{key}.{name}", level, its, "its levels") for name, level in wrong if level not in its
            )


def _orders(study: Study) -> Iterator[str]:
    """Say which numbers, dates and sets are not in the order that they need."""
    staging, cohort = study.staging, study.cohort
    stages = (staging.iss_beta2_microglobulin_low, staging.iss_beta2_microglobulin_high)
    rising = {"time.rates_at_months": study.time.rates_at_months, "staging.iss_beta2_microglobulin_low": stages}
    rising["response.depth_at_months"] = study.response.depth_at_months
    rising |= {f"pool.bins.{name}": cuts for name, cuts in study.pool.bins.items()}
    rising["pool.rate_cuts_months"] = study.pool.rate_cuts_months
    for version, criteria in study.response_criteria.items():
        rising[f"response_criteria.{version}.light_chain_ratio"] = criteria.light_chain_ratio
        for name in ("serum_shares", "urine_shares", "light_chain_shares"):
            rising[f"response_criteria.{version}.{name}"] = [1 - share for share in getattr(criteria, name)]
    for key, values in rising.items():
        if values[0] <= 0 or any(one >= other for one, other in pairwise(values)):
            yield f"{key}: found {', '.join(f'{value:g}' for value in values)}, expected rising numbers above 0"
    for key in ("second_line_to", "data_cutoff_date"):
        if (getattr(cohort, key) or cohort.second_line_from) < cohort.second_line_from:
            yield f"cohort.{key}: found {getattr(cohort, key)}, before cohort.second_line_from"
    for deep, name in pairwise(_DEPTHS):
        chosen = getattr(study.response, name)
        if missing := ", ".join(one for one in getattr(study.response, deep) if one not in chosen):
            yield f"response.{name}: found {', '.join(chosen)}, without {missing} of {deep}"


def _specifications(study: Study) -> Iterator[str]:
    """Say which options of the specification curve make no plan."""
    for position, axis in enumerate(study.sensitivity):
        names = [option.name for option in axis.options]
        yield from (f"sensitivity.{position}.options: found {n!r} twice" for n in {*names} if names.count(n) > 1)
        for number, option in enumerate(axis.options):
            key = f"sensitivity.{position}.options.{number}"
            try:
                override_study(study, option.overrides)
            except StudyError as error:
                yield from (f"{key}: {line[2:]}" for line in str(error).splitlines()[1:])
            chosen = option.overrides.get("functional_high_risk.definition")
            if isinstance(chosen, str) and chosen not in study.definitions:
                yield _strange(key, chosen, study.definitions, "the definitions")
