"""Small helpers for messages: nearest names, counts, durations."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name closest to `name`, or None if none is close.

    Examples
    --------
    >>> nearest("fhr_windw", ["center", "fhr_window"])
    'fhr_window'
    """
    names = sorted(known)
    folded = {candidate.casefold(): candidate for candidate in names}
    found = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.4)
    return folded[found[0]] if found else None


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that a name is not known, with the nearest one and all there are.

    Examples
    --------
    >>> unknown("center", "C1", ["C01", "C02"])
    "no center 'C1'; did you mean 'C01'? There are: C01, C02"
    """
    names = sorted(known)
    best = nearest(name, names)
    hint = f"; did you mean {best!r}?" if best else "."
    return f"no {kind} {shortened(name)}{hint} There are: {', '.join(names) or 'none'}"


def shortened(value: object, limit: int = 80) -> str:
    """Return a value as code, cut off if nobody would read all of it.

    Examples
    --------
    >>> shortened("C01"), shortened([1] * 1000, limit=10)
    ("'C01'", '[1, 1, ...')
    """
    shown = repr(value)
    return shown if len(shown) <= limit else f"{shown[: limit - 3]}..."


def count(number: int, noun: str) -> str:
    """Return a counted noun.

    Examples
    --------
    >>> count(1, "notebook"), count(3, "notebook")
    ('1 notebook', '3 notebooks')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(items: Sequence[str], limit: int = 5) -> str:
    """Join items, naming at most `limit` of them.

    Examples
    --------
    >>> listed(["a", "b", "c"], limit=2)
    'a, b and 1 more'
    """
    if len(items) <= limit:
        return ", ".join(items)
    return f"{', '.join(items[:limit])} and {len(items) - limit} more"


def duration(seconds: float) -> str:
    """Return a duration a person reads at a glance.

    Examples
    --------
    >>> duration(0.4), duration(75), duration(3720)
    ('0.4 s', '1 min 15 s', '1 h 2 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
