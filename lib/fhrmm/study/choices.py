"""The specification curve: one plan per combination of defensible choices."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from fhrmm.study.plan import Study


@dataclass(frozen=True, slots=True)
class Specification:
    """One combination of choices.

    Attributes
    ----------
    name : str
        The options joined by "; ".
    choices : dict of str to str
        Option by axis.
    overrides : dict of str to object
        Plan values by dotted name, for `override_study`.
    """

    name: str
    choices: dict[str, str]
    overrides: dict[str, Any]


def specification_grid(study: Study) -> list[Specification]:
    """Return every combination of one option per axis of ``study.sensitivity``, in the order of the plan.

    Returns
    -------
    list of Specification
        The first one takes the first option of each axis.

    Examples
    --------
    >>> from fhrmm.study import load_study
    >>> grid = specification_grid(load_study())
    >>> grid[0].choices["censoring"]
    'next therapy ignored'
    """
    names = [axis.axis for axis in study.sensitivity]
    grid = []
    for options in itertools.product(*(axis.options for axis in study.sensitivity)):
        overrides = {key: value for option in options for key, value in option.overrides.items()}
        choices = dict(zip(names, (option.name for option in options), strict=True))
        grid.append(Specification("; ".join(choices.values()), choices, overrides))
    return grid
