"""Apply a named definition to every patient at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fhrmm.definitions.rules import Facts, apply_rule, conditions
from fhrmm.errors import StudyError
from fhrmm.study import Definition, Route, Study
from fhrmm.threevalued import NAMES, OUT, all_of, any_of

BOTH_ROUTES = "both"


@dataclass(frozen=True, slots=True)
class Classification:
    """A definition applied to patients.

    Attributes
    ----------
    state : ndarray of int8
        0 out, 1 undetermined, 2 in, per patient.
    possible : ndarray of int8
        Whether any route is open to the patient, before asking for early failure.
    routes : dict of str to ndarray
        State by route name.
    route : Series
        Name of the route, `both` for more than one; missing where out.
    """

    state: np.ndarray
    possible: np.ndarray
    routes: dict[str, np.ndarray]
    route: pd.Series


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
    chosen, facts = study.definitions[name], Facts(patients, study)
    possible = any_of(*(conditions(facts, route.where) for route in chosen.routes))
    routes = {route.name: _route_state(facts, route) for route in chosen.routes}
    state = any_of(*routes.values())
    return Classification(state, possible, routes, _name_routes(chosen, routes, state, patients.index))


def compare_definitions(patients: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Count patients in, undetermined and out by every definition of the plan.

    Returns
    -------
    DataFrame
        One row per definition: definition, label, reference, n_in, n_undetermined, n_out.
    """
    rows = []
    for name, definition in study.definitions.items():
        counts = np.bincount(classify(patients, study, definition=name).state, minlength=3)
        found = {f"n_{word}": int(count) for word, count in zip(NAMES, counts, strict=True)}
        rows.append({"definition": name, "label": definition.label, "reference": definition.reference} | found)
    columns = ["definition", "label", "reference", "n_in", "n_undetermined", "n_out"]
    return pd.DataFrame(rows, columns=columns)


def _route_state(facts: Facts, route: Route) -> np.ndarray:
    rules = [rule for rule in route.any_of if facts.applies(rule)]
    early = any_of(facts.fill(OUT), *(apply_rule(facts, rule) for rule in rules))
    return all_of(conditions(facts, route.where), early)


def _name_routes(chosen: Definition, routes: dict[str, np.ndarray], state: np.ndarray, index: pd.Index) -> pd.Series:
    """Name the route that makes the state; where several do, `both`."""
    levels = [*dict.fromkeys(route.name for route in chosen.routes), BOTH_ROUTES]
    agree = np.stack([found == state for found in routes.values()])
    codes = np.where(agree.sum(axis=0) > 1, len(levels) - 1, agree.argmax(axis=0))
    codes = np.where(state == OUT, -1, codes)
    return pd.Series(pd.Categorical.from_codes(codes, categories=levels), index=index)
