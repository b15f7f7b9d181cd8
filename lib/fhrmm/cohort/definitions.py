"""Functional high risk by a named definition of the plan: who is in, out or open, and by which route."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_

import pandas as pd

from fhrmm.drugs.exposure import (
    first_line_quadruplet,
    frontline_asct,
    lenalidomide_maintenance,
    never_minimal_response,
)
from fhrmm.errors import StudyError
from fhrmm.schema import RESPONSES
from fhrmm.staging import genomic_high_risk
from fhrmm.study import FunctionalHighRisk, Rule, Study
from fhrmm.threevalued import Bounds, compare, date_bounds, is_any

BOTH_ROUTES = "both"


@dataclass(frozen=True, slots=True)
class Classification:
    """A definition applied to patients.

    Attributes
    ----------
    state : Series of boolean
        Functionally high risk; missing where partial or missing dates leave it open.
    possible : Series of boolean
        Whether any route is open to the patient, before asking for early failure.
    route : Series
        Name of the route, `both` for more than one; missing where the state is False.
    """

    state: pd.Series
    possible: pd.Series
    route: pd.Series


@dataclass(frozen=True, slots=True)
class _FirstLine:
    """What the rules ask about first line.

    Attributes
    ----------
    patients : DataFrame
        Canonical patients.
    study : Study
        The plan.
    conditions : dict of str to Series
        The conditions that routes and rules name, as ``boolean`` columns.
    second_line, progression, asct : Bounds
        Start of second line; first progression, narrowed to between the starts of both lines; the transplant that the
        plan anchors on.
    """

    patients: pd.DataFrame
    study: Study
    conditions: dict[str, pd.Series]
    second_line: Bounds
    progression: Bounds
    asct: Bounds

    def meets(self, names: Iterable[str]) -> pd.Series:
        """Say whether all named conditions hold."""
        always = pd.Series(True, index=self.patients.index, dtype="boolean")
        return reduce(and_, (self.conditions[name] for name in names), always)


def classify(patients: pd.DataFrame, study: Study, *, definition: str | None = None) -> Classification:
    """Say for every patient whether the disease is functionally high risk by a named definition.

    Routes of the default `seed_union`. *Quadruplet*: a first-line daratumumab quadruplet that failed early: never at
    least MR (best response SD or PD); or progression before the transplant; or, without transplant, progression
    within the window of first-line start; or progression within the window of the transplant; or, as a switch, a
    change of line without documented progression for a best response below PR. *Early relapse after ASCT*: progression
    within the window of the clock's origin. Windows are closed by the progression date, never by the start of second
    line. Death is not relapse. Partial dates, narrowed to what the other dates allow, and missing dates give
    "undetermined" where they leave it open. With ``quadruplet_requires_early = false`` every quadruplet is in.

    Parameters
    ----------
    patients : DataFrame
        Canonical patients, one row each.
    study : Study
        The plan.
    definition : str, optional
        A name of ``study.definitions``; by default the plan's choice.

    Returns
    -------
    Classification
        State, open routes and the route taken, per patient.

    Raises
    ------
    StudyError
        If there is no such definition.
    """
    name = definition or study.functional_high_risk.definition
    if name not in study.definitions:
        raise StudyError(f"no definition {name!r} in the plan; it has {', '.join(study.definitions)}")
    chosen, first_line = study.definitions[name], _describe_first_line(patients, study)
    met = [first_line.meets(route.where) for route in chosen.routes]
    routes = {}
    for route, possible in zip(chosen.routes, met, strict=True):
        in_force = [rule for rule in route.any_of if _is_in_force(rule, study.functional_high_risk)]
        failed = [first_line.meets(rule.where) & RULES[rule.rule](first_line, rule) for rule in in_force]
        routes[route.name] = possible & reduce(or_, failed, ~first_line.meets([]))
    state = reduce(or_, routes.values())
    return Classification(state, reduce(or_, met), _name_routes(routes, state))


def compare_definitions(patients: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Count patients in, undetermined and out by every definition of the plan.

    Returns
    -------
    DataFrame
        One row per definition: definition, label, reference, n_in, n_undetermined, n_out.
    """
    rows = []
    for name, definition in study.definitions.items():
        state = classify(patients, study, definition=name).state
        counts = {"n_in": state.sum(), "n_undetermined": state.isna().sum(), "n_out": (~state).sum()}
        rows.append({"definition": name, "label": definition.label, "reference": definition.reference} | counts)
    return pd.DataFrame(rows)


def _describe_first_line(patients: pd.DataFrame, study: Study) -> _FirstLine:
    """Collect what the rules ask about first line.

    Only the last transplant is recorded. The first of a tandem, or where their number is unknown, lies between the
    start of first line and the last one.
    """
    start, second_line, progression, asct = (
        date_bounds(patients, name)
        for name in ("first_line_start_date", "second_line_start_date", "first_progression_date", "asct_date")
    )
    progression, asct = (date.clip(start.lower, second_line.upper) for date in (progression, asct))
    if study.functional_high_risk.asct_anchor == "first":
        single = (patients["asct_count"] == 1).fillna(False)
        asct = asct.where(single, Bounds(start.lower.where(asct.known), asct.upper))
    transplanted = frontline_asct(patients)
    conditions = {
        "frontline_asct": transplanted,
        "no_frontline_asct": ~transplanted,
        "first_line_quadruplet": first_line_quadruplet(patients),
        "lenalidomide_maintenance": lenalidomide_maintenance(patients),
    }
    return _FirstLine(patients, study, conditions, second_line, progression, asct)


def _is_in_force(rule: Rule, plan: FunctionalHighRisk) -> bool:
    """Say whether the plan's switches leave a rule in force."""
    wanted = rule.only_if is None or getattr(plan, rule.only_if)
    return wanted and (rule.unless is None or not getattr(plan, rule.unless))


def _relapse(first_line: _FirstLine, rule: Rule) -> pd.Series:
    """Progression on or after the clock's origin and within the window; without a progression date it is open."""
    plan, time = first_line.study.functional_high_risk, first_line.study.time
    clock = rule.clock or plan.clock_origin
    origin = first_line.asct if clock == "asct_date" else date_bounds(first_line.patients, clock)
    average = time.days_per_month if plan.month_rule == "average" else None
    limit = origin.shift_months(rule.months or plan.window_months, days_per_month=average)
    inclusive = plan.window_inclusive if rule.inclusive is None else rule.inclusive
    progression = first_line.progression
    inside = compare(progression, limit, inclusive=inclusive) & compare(origin, progression)
    return inside & compare(first_line.asct, progression) if rule.after_asct else inside


def _progression_before_asct(first_line: _FirstLine, _: Rule) -> pd.Series:
    before = compare(first_line.progression, first_line.asct, inclusive=False)
    return first_line.conditions["frontline_asct"] & before


def _suboptimal(first_line: _FirstLine, _: Rule) -> pd.Series:
    """A second line without documented progression, for a first-line response below the plan's level."""
    wanted = RESPONSES.index(first_line.study.functional_high_risk.suboptimal_below)
    best = first_line.patients["first_line_best_response"].astype(object)
    below = is_any(best.mask(best == "NE"), RESPONSES[wanted + 1 :])
    return below & first_line.second_line.known & ~first_line.progression.known


RULES: dict[str, Callable[[_FirstLine, Rule], pd.Series]] = {
    "relapse": _relapse,
    "progression_before_asct": _progression_before_asct,
    "primary_refractory": lambda first_line, _: never_minimal_response(first_line.patients),
    "suboptimal": _suboptimal,
    "genomic_high_risk": lambda first_line, _: genomic_high_risk(first_line.patients, first_line.study),
    "always": lambda first_line, _: first_line.meets([]),
}


def _name_routes(routes: dict[str, pd.Series], state: pd.Series) -> pd.Series:
    """Name the route that makes the state; where several do, `both`."""
    makes = {name: (found == state).fillna(found.isna() & state.isna()) for name, found in routes.items()}
    made_by = pd.DataFrame(makes).astype(bool)
    named = made_by.idxmax(axis=1).mask(made_by.sum(axis=1) > 1, BOTH_ROUTES)
    levels = [*routes, BOTH_ROUTES]
    return named.where(state.fillna(True)).astype(pd.CategoricalDtype(levels))
