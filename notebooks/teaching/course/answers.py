"""Answers as students write them: numbers in percent or as text, words in any case, values in any container."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

import numpy as np

Answer = object
_NUMBER = re.compile(r"\s*([+-]?\d+(?:[.,]\d+)?)\s*(%|percent|months?)?\s*", re.IGNORECASE)


def as_given(answer: Answer, solution: Answer) -> Answer:
    """Read a number that was given as text, where a number is asked for; anything else stays as it is.

    Examples
    --------
    >>> as_given("62,5 %", 0.6), as_given("never", 0.6), as_given("3", "three")
    (0.625, 'never', '3')
    """
    match = _NUMBER.fullmatch(answer) if isinstance(answer, str) and kind(solution) == "a number" else None
    if match is None:
        return answer
    value = float(match[1].replace(",", "."))
    return value / 100 if (match[2] or "").lower() in {"%", "percent"} else value


def same(answer: Answer, other: Answer, tolerance: float) -> bool:
    """Say whether two answers are the same within the tolerance.

    Examples
    --------
    >>> same("Not reached", "not-reached", 0), same([1, 2.004], (1, 2), 0.01), same(True, 1, 0)
    (True, True, False)
    """
    if kind(answer) != kind(other):
        return False
    if isinstance(other, str):
        return _plain(str(answer)) == _plain(other)
    if isinstance(other, set | frozenset):
        return {_plain(str(item)) for item in list(answer)} == {_plain(str(item)) for item in list(other)}
    if kind(other) == "several values":
        first, second = list(answer), list(other)
        return len(first) == len(second) and all(same(a, b, tolerance) for a, b in zip(first, second, strict=True))
    if kind(other) == "yes or no":
        return bool(answer) == bool(other)
    first, second = float(answer), float(other)  # type: ignore[arg-type]
    return first == second or math.isclose(first, second, rel_tol=1e-9, abs_tol=tolerance)


def kind(answer: Answer) -> str:
    """Name the kind of an answer in words a student understands.

    Examples
    --------
    >>> kind(0.5), kind(np.True_), kind([1, 2]), kind(print)
    ('a number', 'yes or no', 'several values', 'something of type builtin_function_or_method')
    """
    if isinstance(answer, str):
        return "a word"
    if isinstance(answer, bool | np.bool_):
        return "yes or no"
    if isinstance(answer, int | float | np.number) or (isinstance(answer, np.ndarray) and answer.ndim == 0):
        return "a number"
    if isinstance(answer, Iterable):
        return "several values"
    return f"something of type {type(answer).__name__}"


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("-", " ").replace("_", " ").strip(" .").split())
