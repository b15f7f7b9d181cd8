"""Estimates read as counts of one contingency table, and the sums that tie those counts together.

A count is the number of patients of an analysis set who meet a set of conditions, such as (extramedullary disease,
yes) and (ORR, event). Two rows that count the same patients are the same count.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from fhrmm.disclosure.audit import Ledger, Sum
from fhrmm.study import Response

Row = dict[str, object]
Condition = tuple[str, str]
Conditions = frozenset[Condition]
Key = tuple[str, str, Conditions, int]

COMPARISONS = frozenset(
    {
        "fisher_p", "log_rank_p", "gray_p", "likelihood_ratio_p", "ph_test_p", "trend_p",
        "hazard_ratio", "odds_ratio", "subdistribution_hazard_ratio", "proportion_difference",
        "rmst_difference_months", "rmst_ratio", "standardized_mean_difference", "interaction_p", "e_value",
    }
)  # fmt: skip
_BASES = frozenset({"", "cohort", "evaluable", "responders", "accepted patients"})
_CATEGORIES = frozenset({"BASELINE", "BEST_RESPONSE"})
_EVENT, _NONE, _REST = "event", "no event", "(rest)"
_END = "end_of_observation"
_NESTED = ("CR_OR_BETTER", "VGPR_OR_BETTER", "ORR", "CBR")


def build_ledger(rows: Sequence[Row], threshold: int, response: Response | None = None) -> tuple[Ledger, list[Key]]:
    """Return the counts of estimates rows with their sums, and which of them are below the threshold.

    Parameters
    ----------
    rows : sequence of dict
        Estimates rows; row i is line i of the ledger. Suppressed rows and rows without counts are empty lines.
    threshold : int
        Counts of 1 to threshold - 1 are sensitive.
    response : Response, optional
        The plan's response categories.

    Returns
    -------
    ledger : Ledger
    sensitive : list of key
        Smallest first.
    """
    by_variable = _levels_of(rows)
    lines = [_facts(row, by_variable) for row in rows]
    facts = set().union(*lines) if lines else set()
    implied, sums = _tie(facts, response)
    values = {key: key[3] for key in facts | implied}
    sensitive = sorted((key for key in values if 0 < key[3] < threshold), key=_order)
    totals = frozenset(key for key in values if not key[2])
    return Ledger(values, sums, lines, frozenset(), totals), sensitive


def _order(key: Key) -> tuple[int, str]:
    return key[3], f"{key[0]} {key[1]} {sorted(key[2])}"


def _levels_of(rows: Sequence[Row]) -> dict[str, str]:
    """Map a level to the variable that has it, for levels of one variable only: a population named after a level."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row["variable"] and row["level"]:
            found[str(row["level"])].add(str(row["variable"]))
    return {level: next(iter(names)) for level, names in found.items() if len(names) == 1}


def _facts(row: Row, by_variable: Mapping[str, str]) -> frozenset[Key]:
    """Counts that a row shows."""
    if row["status"] == "suppressed" or _is_nan(row["n"]):
        return frozenset()
    base, conditions = _analysis_set(row, by_variable)
    scope, n = str(row["scope"]), int(row["n"])  # type: ignore[call-overload]
    events = 0 if _is_nan(row["n_events"]) else int(row["n_events"])  # type: ignore[call-overload]
    level = (str(row["variable"]), str(row["level"]))
    if row["estimand"] in COMPARISONS and not row["level"]:
        return frozenset({(scope, base, conditions, n)})
    if _is_category(row):
        members = round(float(row["estimate"])) if row["estimand"] == "count" else events  # type: ignore[arg-type]
        whole = set() if row["variable"] == _END else {(scope, base, conditions, n)}
        return frozenset({*whole, (scope, base, conditions | _category(row, level), members)})
    group = conditions | ({level} if row["variable"] and row["level"] else set())
    found = {(scope, base, frozenset(group), n)}
    if not _counts_no_events(row):
        name = str(row["endpoint"]) + _until(row)
        found |= {(scope, base, frozenset(group | {(name, _EVENT)}), events)}
        found |= {(scope, base, frozenset(group | {(name, _NONE)}), n - events)}
    return frozenset(found)


def _analysis_set(row: Row, by_variable: Mapping[str, str]) -> tuple[str, Conditions]:
    """Split population and model into the analysis set and conditions on it."""
    population, model = str(row["population"]), str(row["model"])
    conditions: set[Condition] = set()
    if population not in _BASES:
        conditions.add((by_variable.get(population, "population"), population))
        population = "cohort"
    if "=" in model and ";" not in model:
        name, _, level = model.partition("=")
        conditions.add((name, level))
        model = ""
    base = population or "cohort"
    return (base if model in ("", "univariable") else f"{base}/{model}"), frozenset(conditions)


def _is_category(row: Row) -> bool:
    """Whether `n` is the whole and the row counts the members of a level, rather than events among the level."""
    return bool(row["level"]) and (row["endpoint"] in _CATEGORIES or row["estimand"] == "count")


def _category(row: Row, level: Condition) -> set[Condition]:
    if row["variable"] == _END:
        events = _EVENT if float(row["n_events"]) > 0 else _NONE  # type: ignore[arg-type]
        return {(str(row["endpoint"]), events), (f"{_END} {row['endpoint']}", str(row["level"]))}
    name = "best_response" if row["endpoint"] == "BEST_RESPONSE" else level[0]
    return {(name, level[1])}


def _counts_no_events(row: Row) -> bool:
    """Baseline numbers and completeness of a group have no events worth protecting apart from the count itself."""
    return row["endpoint"] == "BASELINE" or row["estimand"] == "standardized_mean_difference"


def _until(row: Row) -> str:
    return f" {row['level']} by {row['time_months']}" if row["estimand"] == "cumulative_incidence" else ""


def _tie(facts: Iterable[Key], response: Response | None) -> tuple[set[Key], list[Sum]]:
    """Find the sums among counts; what is left over from a whole becomes a count that is never shown."""
    by_set: dict[tuple[str, str], dict[Conditions, list[Key]]] = defaultdict(lambda: defaultdict(list))
    for key in sorted(facts, key=_order):
        by_set[key[0], key[1]][key[2]].append(key)
    implied: set[Key] = set()
    sums: list[Sum] = []
    for cells in by_set.values():
        sums += _partitions(cells, implied)
        sums += _responses(cells, response, implied) if response is not None else []
    return implied, sums


def _partitions(cells: Mapping[Conditions, list[Key]], implied: set[Key]) -> list[Sum]:
    """A whole is the sum of the levels of any variable on top of it."""
    children: dict[Conditions, dict[str, dict[str, list[Key]]]] = defaultdict(lambda: defaultdict(dict))
    for conditions, keys in cells.items():
        for name, level in conditions:
            children[conditions - {(name, level)}][name][level] = keys
    sums = []
    for parent, variables in children.items():
        for whole in cells.get(parent, []):
            for name, levels in variables.items():
                parts = [min(keys, key=lambda key: key[3]) for keys in levels.values()]
                sums += _sum_with_rest(whole, parts, (name, _REST), implied)
    return sums


def _sum_with_rest(whole: Key, parts: Sequence[Key], rest: Condition, implied: set[Key]) -> list[Sum]:
    left = whole[3] - sum(part[3] for part in parts)
    if left < 0:
        return []
    if left == 0:
        return [Sum(whole, tuple(parts))]
    key = (whole[0], whole[1], whole[2] | {rest}, left)
    implied.add(key)
    return [Sum(whole, (*parts, key))]


def _responses(cells: Mapping[Conditions, list[Key]], response: Response, implied: set[Key]) -> list[Sum]:
    """A response rate is the next stricter one and the categories in between."""
    sets = dict(zip(_NESTED, _response_sets(response), strict=True))
    sums = []
    for conditions, keys in cells.items():
        name = next((name for name, what in conditions if name in sets and what == _EVENT), None)
        if name is None:
            continue
        outer = conditions - {(name, _EVENT)}
        sums += [relation for key in keys for relation in _response_sums(key, name, outer, cells, sets, implied)]
    return sums


def _response_sums(
    whole: Key,
    name: str,
    outer: Conditions,
    cells: Mapping[Conditions, list[Key]],
    sets: Mapping[str, tuple[str, ...]],
    implied: set[Key],
) -> list[Sum]:
    found = []
    categories = [cells.get(outer | {("best_response", level)}) for level in sets[name]]
    if all(categories):
        found += _sum_with_rest(whole, [keys[0] for keys in categories if keys], (name, _REST), implied)
    for stricter in _NESTED[: _NESTED.index(name)]:
        inner = cells.get(outer | {(stricter, _EVENT)})
        between = [level for level in sets[name] if level not in sets[stricter]]
        if inner and between:
            step = ("best_response", " or ".join(between))
            found += _sum_with_rest(whole, [inner[0]], step, implied)
    return found


def _response_sets(response: Response) -> tuple[tuple[str, ...], ...]:
    return response.cr_or_better, response.vgpr_or_better, response.responders, response.clinical_benefit


def _is_nan(value: object) -> bool:
    return math.isnan(float(value))  # type: ignore[arg-type]
