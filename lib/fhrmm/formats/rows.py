"""Words for a row of the estimates table that has no number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from fhrmm.formats.numbers import NOT_ESTIMABLE, NOT_REACHED, is_missing

OK = "ok"
SUPPRESSED = "suppressed"


def status_text(row: Mapping[str, object], *, reason: bool = False) -> str:
    """Word the status of a row that has no number; empty for one that has.

    Examples
    --------
    >>> status_text({"status": "not_estimable", "note": "no events"}, reason=True)
    'not estimable: no events'
    """
    status = str(row["status"])
    if status == OK:
        return ""
    text = {"not_reached": NOT_REACHED, "not_estimable": NOT_ESTIMABLE, "suppressed": SUPPRESSED}[status]
    note = tidy_note(row.get("note"))
    return f"{text}: {note}" if reason and note and status == "not_estimable" else text


def name_undivided(statuses: Iterable[object]) -> str:
    """Name the row of a variable without levels: a number's ratio per unit, or one reason for all levels of a factor.

    Examples
    --------
    >>> name_undivided(["ok"]), name_undivided(["not_estimable"])
    ('per unit', 'all levels')
    """
    return "per unit" if OK in set(statuses) else "all levels"


def tidy_note(note: object) -> str:
    """Return a reason fit for reading: long decimals cut to one place.

    Examples
    --------
    >>> tidy_note("beyond the last observed time (11.264887)")
    'beyond the last observed time (11.3)'
    """
    if is_missing(note):
        return ""
    return re.sub(r"\d+\.\d{2,}", lambda match: f"{float(match.group()):.1f}", str(note))
