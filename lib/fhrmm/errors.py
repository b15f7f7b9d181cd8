"""Errors meant for the person who can mend them."""

from __future__ import annotations


class StudyError(Exception):
    """A problem in the input that its owner can mend: the message says what was found, where, what to do.

    A rendered page shows the message as a notice, without traceback.
    """

    for_reader = True
