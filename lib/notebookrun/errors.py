"""Errors of the engine, each meant for the person who can mend it."""

from __future__ import annotations

from collections.abc import Sequence


class MisuseError(Exception):
    """The run was asked for something that cannot be; nothing has been started.

    Parameters
    ----------
    problems : sequence of str
        Everything that is wrong, one sentence each.
    """

    for_reader = True

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(self.problems))


class DeclarationError(MisuseError):
    """A notebook's own declaration (parameters, reads, writes) is inconsistent."""
