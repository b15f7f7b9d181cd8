"""Estimates read as counts of contingency tables.

A count is the number of patients of an analysis set who meet a set of conditions, such as (extramedullary disease,
yes) and (ORR, event). Two rows that count the same patients share the count. Which sums tie counts together is the
matter of `fhrmm.disclosure.ties`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fhrmm.estimate_table import Row

Condition = tuple[str, str]
Conditions = frozenset[Condition]

COMPARISONS = frozenset(
    {
        "fisher_p", "log_rank_p", "gray_p", "likelihood_ratio_p", "ph_test_p", "trend_p",
        "hazard_ratio", "odds_ratio", "subdistribution_hazard_ratio", "proportion_difference",
        "rmst_difference_months", "rmst_ratio", "standardized_mean_difference", "interaction_p", "e_value",
    }
)  # fmt: skip
EVENT, NO_EVENT, KNOWN, REST, MISSING = "event", "no event", "(known)", "(rest)", "missing"
END, RESPONSE, _EVALUABLE = "end_of_observation", "best_response", "evaluable"
_BASES = frozenset({"", "cohort", "responders", "accepted patients"})
_CATEGORIES = frozenset({"BASELINE", "BEST_RESPONSE"})
_RATES = frozenset({"ORR", "VGPR_OR_BETTER", "CR_OR_BETTER", "CBR", "BEST_RESPONSE"})


class Fact(NamedTuple):
    """A count: whose (scope, analysis set), of what (conditions), how many."""

    scope: str
    base: str
    conditions: Conditions
    count: int


class RowCounts(NamedTuple):
    """What one row shows, and within which endpoint its counts add up."""

    context: tuple[str, str, str]
    facts: frozenset[Fact]


def read_lines(rows: Sequence[Row]) -> list[RowCounts]:
    """Return the counts that each row shows; none for a suppressed row or one without counts.

    Parameters
    ----------
    rows : sequence of dict
        Estimates rows.

    Returns
    -------
    list of RowCounts
        As many as rows, in order.
    """
    owner = _owner_of_levels(rows)
    return [_read_line(row, owner) for row in rows]


def _owner_of_levels(rows: Sequence[Row]) -> dict[str, str]:
    """Map a level to its variable if only one variable has it: a population may be named after a level."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row["variable"] and row["level"]:
            found[str(row["level"])].add(str(row["variable"]))
    return {level: next(iter(names)) for level, names in found.items() if len(names) == 1}


def _read_line(row: Row, owner: Mapping[str, str]) -> RowCounts:
    base, conditions = _analysis_set(row, owner)
    scope, endpoint = str(row["scope"]), str(row["endpoint"])
    context = (scope, base, "RESPONSE" if endpoint in _RATES else endpoint)
    if row["status"] == "suppressed" or _is_nan(row["n"]):
        return RowCounts(context, frozenset())
    counts = _count(row, conditions)
    return RowCounts(context, frozenset(Fact(scope, base, what, count) for what, count in counts.items()))


def _analysis_set(row: Row, owner: Mapping[str, str]) -> tuple[str, Conditions]:
    """Split population and model into the analysis set and conditions within it."""
    population, model = str(row["population"]), str(row["model"])
    conditions: set[Condition] = set()
    if population == _EVALUABLE:
        conditions.add((_EVALUABLE, "yes"))
    elif population not in _BASES:
        conditions.add((owner.get(population, "population"), population))
    base = population if population in _BASES and population else "cohort"
    if "=" in model and ";" not in model:
        name, _, level = model.partition("=")
        conditions.add((name, level))
        model = ""
    return (base if model in ("", "univariable") else f"{base}, {model}"), frozenset(conditions)


def _count(row: Row, conditions: Conditions) -> dict[Conditions, int]:
    """Counts of a row by their conditions."""
    n, variable, level = int(float(row["n"])), str(row["variable"]), str(row["level"])  # type: ignore[arg-type]
    events = 0 if _is_nan(row["n_events"]) else int(float(row["n_events"]))  # type: ignore[arg-type]
    if variable == END:
        what = EVENT if events > 0 else NO_EVENT
        return {conditions | {(str(row["endpoint"]), what), (END, level)}: _members(row, events)}
    if level and (row["endpoint"] in _CATEGORIES or row["estimand"] == "count"):
        return _count_category(row, conditions, n, _members(row, events))
    if row["estimand"] == "cumulative_incidence":
        return {conditions: n}
    if row["endpoint"] == "COMPLETENESS":
        # how many have a date of death is how many died
        known, missing = conditions | {(variable, KNOWN)}, conditions | {(variable, MISSING)}
        return {conditions: n, known: events, missing: n - events}
    group = conditions | _level(row, variable, level)
    if row["endpoint"] in _CATEGORIES:
        return {group: n}
    name = str(row["endpoint"])
    return {group: n, group | {(name, EVENT)}: events, group | {(name, NO_EVENT)}: n - events}


def _members(row: Row, events: int) -> int:
    return round(float(row["estimate"])) if row["estimand"] == "count" else events  # type: ignore[arg-type]


def _count_category(row: Row, conditions: Conditions, n: int, members: int) -> dict[Conditions, int]:
    """A level's members among all, or (a baseline proportion) among those with a known value."""
    name = RESPONSE if row["endpoint"] == "BEST_RESPONSE" else str(row["variable"])
    of_known = row["endpoint"] == "BASELINE" and row["estimand"] == "proportion"
    whole = conditions | {(name, KNOWN)} if of_known else conditions
    return {whole: n, conditions | {(name, str(row["level"]))}: members}


def _level(row: Row, variable: str, level: str) -> set[Condition]:
    """The condition of a subgroup; a comparison of a variable is about those with a known value."""
    if not variable or variable == "GLOBAL":
        return set()
    if level:
        is_about_all = row["estimand"] in COMPARISONS and row["estimand"] != "hazard_ratio"
        return {(variable, KNOWN)} if is_about_all else {(variable, level)}
    return {(variable, KNOWN)}


def _is_nan(value: object) -> bool:
    return math.isnan(float(value))  # type: ignore[arg-type]
