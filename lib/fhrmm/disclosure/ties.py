"""The sums that tie the counts of a release together, and what each count is worth to a reader."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from fhrmm.disclosure.audit import Ledger, Sum
from fhrmm.disclosure.facts import END, EVENT, KNOWN, NO_EVENT, RESPONSE, REST, Condition, Conditions, Fact, RowCounts
from fhrmm.study import Response

_Cells = Mapping[Conditions, list[Fact]]
_NESTED = ("CR_OR_BETTER", "VGPR_OR_BETTER", "ORR", "CBR")
_HEADLINE = frozenset({"ORR", "VGPR_OR_BETTER", "PFS", "OS", "FOLLOW_UP"})


def build_ledger(
    lines: Sequence[RowCounts], threshold: int, response: Response | None, *, n_given: int = 0
) -> tuple[Ledger, list[Fact]]:
    """Return all counts with the sums that hold between them, and those below the threshold.

    Parameters
    ----------
    lines : sequence of RowCounts
        What each row shows.
    threshold : int
        Counts of 1 to threshold - 1 are sensitive, counts that are only differences of shown ones included.
    response : Response, optional
        The plan's response categories.
    n_given : int
        How many lines at the end have been released before: their counts are known whatever is done now.

    Returns
    -------
    ledger : Ledger
    sensitive : list of Fact
        Smallest first.
    """
    implied: set[Fact] = set()
    sums: list[Sum] = []
    for cells in _by_context(lines).values():
        sums += _partitions(cells, implied)
        sums += _responses(cells, response, implied) if response is not None else []
    shown = set().union(*(line.facts for line in lines)) if lines else set()
    facts = shown | implied
    sensitive = sorted((fact for fact in facts if 0 < fact.count < threshold), key=_order)
    values = {fact: fact.count for fact in facts}
    worth = {fact: _worth(fact) for fact in facts}
    given = frozenset().union(*(line.facts for line in lines[len(lines) - n_given :]))
    ledger = Ledger(values, list(dict.fromkeys(sums)), [line.facts for line in lines], given, worth)
    return ledger, sensitive


def _order(fact: Fact) -> tuple[int, str]:
    return fact.count, f"{fact.scope} {fact.base} {sorted(fact.conditions)}"


def _by_context(lines: Sequence[RowCounts]) -> dict[tuple[str, str, str], _Cells]:
    found: dict[tuple[str, str, str], dict[Conditions, list[Fact]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        for fact in sorted(line.facts, key=_order):
            cell = found[line.context][fact.conditions]
            if fact not in cell:
                cell.append(fact)
    return dict(found)


def _partitions(cells: _Cells, implied: set[Fact]) -> list[Sum]:
    """A whole is the sum of the levels of any variable on top of it."""
    children: dict[Conditions, dict[str, dict[str, list[Fact]]]] = defaultdict(lambda: defaultdict(dict))
    for conditions, facts in cells.items():
        for name, level in conditions:
            children[conditions - {(name, level)}][name][level] = facts
    sums = []
    for parent, variables in children.items():
        for whole in cells.get(parent, []):
            for name, levels in variables.items():
                sums += _split(whole, name, levels, implied)
    return sums


def _split(whole: Fact, name: str, levels: Mapping[str, list[Fact]], implied: set[Fact]) -> list[Sum]:
    """Tie a whole to its levels; the known ones together are a count of their own."""
    parts = {level: facts[0] for level, facts in levels.items()}
    known = parts.pop(KNOWN, None)
    if known is None or not parts:
        members = [known] if known is not None else list(parts.values())
        return _sum_with_rest(whole, members, (name, REST), implied)
    missing = [parts.pop("missing")] if "missing" in parts else []
    sums = _sum_with_rest(whole, [known, *missing], (name, REST), implied)
    return sums + (_sum_with_rest(known, list(parts.values()), (name, f"{KNOWN} {REST}"), implied) if parts else [])


def _sum_with_rest(whole: Fact, parts: Sequence[Fact], rest: Condition, implied: set[Fact]) -> list[Sum]:
    """Tie a whole to its parts; what is left over becomes a count that no row shows."""
    left = whole.count - sum(part.count for part in parts)
    if left < 0:
        return []
    if left == 0:
        return [Sum(whole, tuple(parts))]
    fact = Fact(whole.scope, whole.base, whole.conditions | {rest}, left)
    implied.add(fact)
    return [Sum(whole, (*parts, fact))]


def _responses(cells: _Cells, response: Response, implied: set[Fact]) -> list[Sum]:
    """A response rate is the next stricter one and the categories in between."""
    sets = {
        "CR_OR_BETTER": response.cr_or_better,
        "VGPR_OR_BETTER": response.vgpr_or_better,
        "ORR": response.responders,
        "CBR": response.clinical_benefit,
    }
    sums: list[Sum] = []
    for conditions, facts in cells.items():
        name = next((name for name, what in conditions if name in sets and what == EVENT), None)
        if name is not None:
            outer = conditions - {(name, EVENT)}
            for fact in facts:
                sums += _by_categories(fact, sets[name], outer, cells, implied)
                sums += _by_stricter(fact, name, outer, cells, sets)
    return sums


def _by_categories(
    whole: Fact, levels: Sequence[str], outer: Conditions, cells: _Cells, implied: set[Fact]
) -> list[Sum]:
    categories = [cells.get(outer | {(RESPONSE, level)}) for level in levels]
    if not all(categories):
        return []
    return _sum_with_rest(whole, [facts[0] for facts in categories if facts], (RESPONSE, REST), implied)


def _by_stricter(
    whole: Fact, name: str, outer: Conditions, cells: _Cells, sets: Mapping[str, Sequence[str]]
) -> list[Sum]:
    """Tie a rate to each stricter one where the one category in between is a count of its own."""
    found: list[Sum] = []
    for stricter in _NESTED[: _NESTED.index(name)]:
        inner = cells.get(outer | {(stricter, EVENT)})
        between = [level for level in sets[name] if level not in sets[stricter]]
        category = cells.get(outer | {(RESPONSE, between[0])}) if len(between) == 1 else None
        if inner and category and whole.count == inner[0].count + category[0].count:
            found.append(Sum(whole, (inner[0], category[0])))
    return found


def _worth(fact: Fact) -> int:
    """What a reader would miss most: patients, headline endpoints, other endpoints, parts, subgroups, their parts."""
    if not fact.conditions:
        return 5 if fact.base == "cohort" else 3
    parts = [name for name, what in fact.conditions if what not in (EVENT, NO_EVENT)]
    covariates = [name for name in parts if name not in (RESPONSE, END)]
    if covariates:
        return 1 if len(fact.conditions) == 1 else 0
    if parts:
        return 2
    return 4 if fact.base == "cohort" and {name for name, _ in fact.conditions} <= _HEADLINE else 3
