"""What can be worked out: which hidden counts follow from the shown ones, and what else to hide so that none does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linprog

Key = Hashable
_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum that holds and is known to hold: ``total = sum(parts)``."""

    total: Key
    parts: tuple[Key, ...]

    @property
    def keys(self) -> tuple[Key, ...]:
        """Total and parts."""
        return (self.total, *self.parts)


@dataclass(frozen=True)
class Ledger:
    """All counts of a release, shown or not, and what ties them together.

    Attributes
    ----------
    values : mapping of key to int
        Every count.
    sums : sequence of Sum
        Relations between them that a reader knows to hold.
    lines : sequence of collection of key
        What is released together: a line is shown or suppressed as a whole. A count is hidden if no shown line
        holds it.
    given : collection of key
        Counts known to the reader in any case.
    worth : mapping of key to int
        How much a count is worth to the reader; those worth least are hidden first. 0 where absent.
    """

    values: Mapping[Key, int]
    sums: Sequence[Sum]
    lines: Sequence[frozenset[Key]]
    given: frozenset[Key] = frozenset()
    worth: Mapping[Key, int] = field(default_factory=dict)
    _touching: dict[Key, list[Sum]] = field(default_factory=lambda: defaultdict(list), repr=False)
    _places: dict[Key, list[int]] = field(default_factory=lambda: defaultdict(list), repr=False)

    def __post_init__(self) -> None:
        for place, line in enumerate(self.lines):
            for key in line:
                self._places[key].append(place)
        for relation in self.sums:
            for key in relation.keys:
                self._touching[key].append(relation)

    def places(self, key: Key) -> list[int]:
        """Lines that show a count."""
        return self._places.get(key, [])

    def known(self, suppressed: Collection[int]) -> set[Key]:
        """Counts the reader sees when some lines are suppressed."""
        shown = (line for place, line in enumerate(self.lines) if place not in suppressed)
        return set(self.given).union(*shown)

    def relations(self, known: Collection[Key], target: Key) -> list[Sum]:
        """Relations tied to a hidden count, directly or over other hidden counts."""
        seen, waiting, found = {target}, [target], {}
        while waiting:
            for relation in self._touching.get(waiting.pop(), ()):
                found[relation] = None
                fresh = [key for key in relation.keys if key not in known and key not in seen]
                seen.update(fresh)
                waiting += fresh
        return list(found)


def bound(ledger: Ledger, known: Collection[Key], target: Key) -> tuple[float, float]:
    """Return the smallest and largest value of a hidden count that agree with everything known.

    The reader is taken to know that a hidden count is at least 1 unless it is 0: zeros are no secret.

    Parameters
    ----------
    ledger : Ledger
        Counts and relations.
    known : collection of key
        Counts the reader sees.
    target : key
        A hidden count.

    Returns
    -------
    lower, upper : float
        Upper is infinite for a count that nothing known limits.

    Examples
    --------
    >>> ledger = Ledger({"a": 1, "b": 7, "all": 8}, [Sum("all", ("a", "b"))], [])
    >>> bound(ledger, {"all"}, "a"), bound(ledger, {"all", "b"}, "a")
    ((1.0, 7.0), (1.0, 1.0))
    """
    relations = ledger.relations(known, target)
    if not relations:
        return 1.0, float("inf")
    unknown = list(dict.fromkeys(key for relation in relations for key in relation.keys if key not in known))
    place = {key: column for column, key in enumerate(unknown)}
    matrix, right = _equations(ledger.values, relations, place)
    limits = [(0 if ledger.values[key] == 0 else 1, None) for key in unknown]
    goal = np.zeros(len(unknown))
    goal[place[target]] = 1.0
    return tuple(_optimum(sign * goal, matrix, right, limits) * sign for sign in (1.0, -1.0))  # type: ignore[return-value]


def protect(ledger: Ledger, sensitive: Sequence[Key], threshold: int) -> set[int]:
    """Return the lines to suppress so that no reader can tell of a sensitive count that it is below the threshold.

    First every line with a sensitive count; then, as long as the shown lines still limit a sensitive count to less
    than the threshold, the lines of the shown count it is tied to that is worth least.

    Parameters
    ----------
    ledger : Ledger
        Counts, relations, lines.
    sensitive : sequence of key
        Counts below the threshold.
    threshold : int
        Least count that may be known.

    Returns
    -------
    set of int
        Places of the suppressed lines.
    """
    secret = set(sensitive)
    suppressed = {place for place, line in enumerate(ledger.lines) if line & secret}
    settled: set[Key] = set()
    for key in sensitive:
        while key not in settled:
            known = ledger.known(suppressed)
            if key in known or bound(ledger, known, key)[1] >= threshold - _SLACK:
                settled.add(key)
                continue
            more = _next_lines(ledger, known, key, suppressed)
            if not more:
                settled.add(key)
            suppressed |= more
    return suppressed


def _next_lines(ledger: Ledger, known: set[Key], key: Key, suppressed: set[int]) -> set[int]:
    """Lines of the count to hide next: worth least, on fewest lines, smallest above 0."""
    relations = ledger.relations(known, key)
    tied = dict.fromkeys(other for relation in relations for other in relation.keys if other in known)
    candidates = []
    for other in tied:
        lines = [place for place in ledger.places(other) if place not in suppressed]
        if lines and other not in ledger.given:
            value = ledger.values[other]
            rank = (ledger.worth.get(other, 0), len(lines), value == 0, value, str(other))
            candidates.append((rank, lines))
    return set(min(candidates)[1]) if candidates else set()


def _optimum(
    goal: np.ndarray, matrix: np.ndarray, right: np.ndarray, limits: Sequence[tuple[int, int | None]]
) -> float:
    solved = linprog(goal, A_eq=matrix, b_eq=right, bounds=limits, method="highs")
    return float(solved.fun) if solved.status == 0 else -np.inf


def _equations(
    values: Mapping[Key, int], relations: Sequence[Sum], place: Mapping[Key, int]
) -> tuple[np.ndarray, np.ndarray]:
    matrix, right = np.zeros((len(relations), len(place))), np.zeros(len(relations))
    for line, relation in enumerate(relations):
        for key, sign in ((relation.total, 1.0), *((part, -1.0) for part in relation.parts)):
            if key in place:
                matrix[line, place[key]] += sign
            else:
                right[line] -= sign * values[key]
    return matrix, right
