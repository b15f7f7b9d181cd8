"""The two ways of showing."""

from __future__ import annotations

from fhrmm.errors import StudyError

LOCAL, RELEASE = "local", "release"


def check_display(display: str) -> str:
    """Return the way of showing if it is known.

    Raises
    ------
    StudyError
        If it is neither ``local`` nor ``release``: a misspelt word must not show more than was meant.
    """
    if display not in (LOCAL, RELEASE):
        raise StudyError(f"display {display!r} is unknown; it is {LOCAL!r} or {RELEASE!r}")
    return display
