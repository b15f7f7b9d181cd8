"""Slips that happen with every number of a kind: the complement, the inverse, the logarithm, another unit."""

from __future__ import annotations

import math

from course.answers import Answer, kind
from fhrmm.study import load_study

SCALES = ("number", "count", "probability", "ratio", "months", "choice", "several")
_MONTHS_PER_YEAR = 12.0


def usual_slips(scale: str, solution: Answer) -> list[tuple[float, str]]:
    """Return wrong values that tell what was done, each with the words for it.

    Examples
    --------
    >>> [text for value, text in usual_slips("probability", 0.25) if value == 0.75]
    ['That is the probability of the opposite: subtract it from one.']
    """
    if kind(solution) != "a number":
        return []
    value = float(solution)  # type: ignore[arg-type]
    if not math.isfinite(value):
        return []
    if scale == "probability":
        return [(1 - value, "That is the probability of the opposite: subtract it from one.")]
    if scale == "ratio" and value > 0:
        return [
            (1 / value, "The ratio is upside down: which group is the reference?"),
            (math.log(value), "That is the logarithm of the ratio, the coefficient of the model. Exponentiate it."),
            (math.exp(value), "Exponentiated once too often."),
        ]
    if scale == "months":
        return [
            (value * load_study().time.days_per_month, "That is in days. Months are asked for."),
            (value / _MONTHS_PER_YEAR, "That is in years. Months are asked for."),
        ]
    if scale == "number" and value != 0:
        return [(-value, "The sign is turned around.")]
    return []
