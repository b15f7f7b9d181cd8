"""Errors meant for the person who can mend them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class StudyError(Exception):
    """A problem in the input that its owner can mend: the message says what was found, where, what to do.

    A rendered page shows the message as a notice, without traceback.
    """

    for_reader = True

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows for a traceback; by its first line the runner knows that it is for pages."""
        return ["Not possible with this input:", f"{type(self).__name__}: {self}"]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return how a message goes on after an unknown name: the known one that looks like it, or nothing.

    Examples
    --------
    >>> nearest("windw", ["window", "policy"]), nearest("zzz", ["window"])
    ("; nearest: 'window'", '')
    """
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; nearest: {near[0]!r}" if near else ""
