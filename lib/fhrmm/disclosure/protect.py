"""What to hide so that no small count can be worked out, and no more than that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from fhrmm.disclosure.audit import Key, Ledger, find_exposed


def protect(ledger: Ledger, sensitive: Sequence[Key], threshold: int) -> set[int]:
    """Return the lines to suppress so that no reader can tell of a sensitive count that it is below the threshold.

    First every line with a sensitive count; then, as long as the shown lines still limit a sensitive count to less
    than the threshold, the lines of the shown count it is tied to that is worth least. At the end, lines that turned
    out not to be needed are shown again, those worth most first.

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

    Notes
    -----
    The reader is taken to know every sum and every shown count, not the order in which this function works.
    """
    secret = set(sensitive)
    primary = {place for place, line in enumerate(ledger.lines) if line & secret}
    suppressed, kept = set(primary), list(sensitive)
    for key in list(find_exposed(ledger, ledger.known(suppressed), sensitive, threshold)):
        # Hiding more never exposes a count that was safe: each one is dealt with once.
        while _is_exposed(ledger, ledger.known(suppressed), [key], threshold):
            more = _next_lines(ledger, ledger.known(suppressed), key, suppressed)
            suppressed |= more
            if not more:
                kept.remove(key)
                break
    return _show_again(ledger, suppressed, primary, kept, threshold)


def _is_exposed(ledger: Ledger, known: Collection[Key], keys: Sequence[Key], threshold: int) -> bool:
    return next(find_exposed(ledger, known, keys, threshold), None) is not None


def _next_lines(ledger: Ledger, known: Collection[Key], key: Key, suppressed: set[int]) -> set[int]:
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


def _show_again(
    ledger: Ledger, suppressed: set[int], primary: set[int], sensitive: Sequence[Key], threshold: int
) -> set[int]:
    """Take back suppressions that nothing needs; lines that show the same counts go together."""
    groups: dict[frozenset[Key], list[int]] = defaultdict(list)
    for place in sorted(suppressed - primary):
        groups[ledger.lines[place]].append(place)
    kept = set(suppressed)
    for line, places in sorted(groups.items(), key=lambda item: _merit(ledger, *item), reverse=True):
        before, shown = ledger.known(kept), kept - set(places)
        tied = {key for fact in line for relation in ledger.relations(before, fact) for key in relation.keys}
        concerned = [key for key in sensitive if key in tied]
        if not _is_exposed(ledger, ledger.known(shown), concerned, threshold):
            kept = shown
    return kept


def _merit(ledger: Ledger, line: frozenset[Key], places: Sequence[int]) -> tuple[int, int, int, str]:
    worth = max((ledger.worth.get(key, 0) for key in line), default=0)
    return worth, len(places), max((ledger.values[key] for key in line), default=0), str(sorted(map(str, line)))
