"""What can be worked out: which values of hidden counts agree with everything that is shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class _System:
    """The equations that hidden counts tied to each other must fulfill: ``matrix @ counts = right``.

    The reader is taken to know that a hidden count is at least 1 unless it is 0: zeros are no secret.
    """

    unknown: list[Key]
    matrix: np.ndarray
    right: np.ndarray
    least: np.ndarray

    def optimize(self, weights: Mapping[Key, float], cap: float = np.inf) -> dict[Key, float]:
        """Return a world that agrees with everything shown and maximizes a weighted sum, counts beyond `cap` as cap.

        Empty if there is no bound on the sum.
        """
        n, targets = len(self.unknown), list(weights)
        place = {key: column for column, key in enumerate(self.unknown)}
        goal = np.concatenate([np.zeros(n), [-weights[key] for key in targets]])
        columns = [place[key] for key in targets]
        below = np.zeros((len(targets), n + len(targets)))
        below[np.arange(len(targets)), columns] = -1.0
        below[np.arange(len(targets)), n + np.arange(len(targets))] = 1.0
        limits = [(low, None) for low in self.least] + [(None, cap)] * len(targets)
        matrix = np.hstack([self.matrix, np.zeros((len(self.matrix), len(targets)))])
        zeros = np.zeros(len(targets))
        solved = linprog(goal, A_ub=below, b_ub=zeros, A_eq=matrix, b_eq=self.right, bounds=limits, method="highs")
        return dict(zip(self.unknown, solved.x[:n], strict=True)) if solved.status == 0 else {}


def bound(ledger: Ledger, known: Collection[Key], target: Key) -> tuple[float, float]:
    """Return the smallest and largest value of a hidden count that agree with everything known.

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
    system = _tie_up(ledger, known, target)
    if system is None:
        return 1.0, np.inf
    largest = system.optimize({target: 1.0}).get(target, np.inf)
    smallest = system.optimize({target: -1.0}).get(target, 1.0)
    return float(smallest), float(largest)


def find_exposed(ledger: Ledger, known: Collection[Key], keys: Sequence[Key], threshold: int) -> Iterator[Key]:
    """Yield the hidden counts of which a reader can tell that they are below the threshold.

    Parameters
    ----------
    ledger : Ledger
        Counts and relations.
    known : collection of key
        Counts the reader sees.
    keys : sequence of key
        Counts to look at; those that are known are passed over.
    threshold : int
        Least count that may be known.
    """
    waiting = [key for key in keys if key not in known]
    while waiting:
        system = _tie_up(ledger, known, waiting[0])
        if system is None:
            waiting = waiting[1:]
            continue
        members = set(system.unknown)
        together = [key for key in waiting if key in members]
        waiting = [key for key in waiting if key not in members]
        yield from _find_exposed_in(system, together, threshold)


def _find_exposed_in(system: _System, keys: list[Key], threshold: int) -> Iterator[Key]:
    """One possible world clears every count that reaches the threshold in it; who is never cleared is exposed."""
    waiting = keys
    while waiting:
        world = system.optimize(dict.fromkeys(waiting, 1.0), cap=float(threshold))
        left = [key for key in waiting if world.get(key, 0.0) < threshold - _SLACK]
        if len(left) == len(waiting):
            first, *left = waiting
            if system.optimize({first: 1.0}, cap=float(threshold)).get(first, 0.0) < threshold - _SLACK:
                yield first
        waiting = left


def _tie_up(ledger: Ledger, known: Collection[Key], target: Key) -> _System | None:
    relations = ledger.relations(known, target)
    if not relations:
        return None
    unknown = list(dict.fromkeys(key for relation in relations for key in relation.keys if key not in known))
    place = {key: column for column, key in enumerate(unknown)}
    matrix, right = np.zeros((len(relations), len(unknown))), np.zeros(len(relations))
    for line, relation in enumerate(relations):
        for key, sign in ((relation.total, 1.0), *((part, -1.0) for part in relation.parts)):
            if key in place:
                matrix[line, place[key]] += sign
            else:
                right[line] -= sign * ledger.values[key]
    least = np.array([0.0 if ledger.values[key] == 0 else 1.0 for key in unknown])
    return _System(unknown, matrix, right, least)
