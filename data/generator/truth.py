"""What the synthetic data are made from: every parameter with the evidence behind it.

`parameters.json` holds what is published, related or assumed; `solved.json` what was computed from it once.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from fhrmm.study import Frozen

# Not read from the plan: data that exist do not change when the plan does. A test holds the two together.
MONTH = 30.4375
FACTORS = ("extramedullary", "lenalidomide_maintenance", "no_frontline_asct", "ecog_2_or_more", "iss_iii", "not_krd")
SOLVED_BASIS = {
    "progression_per_month": "solved: population PFS at 12 months is 0.54",
    "death_after_progression_per_month": "solved: population OS at 12 months is 0.72",
    "response_cuts": "score limits that give the response shares in the population",
    "seed": "first seed whose sample of 62 has the published rates, both medians not reached and all six directions",
}


class Parameter(NamedTuple):
    """One parameter: PUB stated in the abstract, REL in a related publication, CALC computed here, ASM assumed."""

    name: str
    value: Any
    evidence: Literal["PUB", "REL", "CALC", "ASM"]
    basis: str


class Truth(Frozen):
    """Parameters of the data-generating process; times in months from second-line start.

    An illness-death process: progression, death without progression, death after progression. Log hazards are
    additive in the six factors. The hazard of progression drops at `late_from_months`, the other two are constant.
    Counts are of the embedded cohort; in a population they are expected shares.

    Examples
    --------
    >>> load_truth().hr_progression["not_krd"]
    1.9
    """

    n: int
    center_sizes: tuple[int, ...]
    no_frontline_asct: int
    quadruplet_then_asct: int
    tandem_asct: int
    lenalidomide_maintenance: int
    lenalidomide_refractory: int
    extramedullary: tuple[int, int]
    ecog: tuple[int, int, int, int]
    iss: tuple[int, int, int]
    krd_after_maintenance: int
    krd_otherwise: int
    second_line_after_maintenance: dict[str, int]
    second_line_otherwise: dict[str, int]
    response: dict[str, int]
    response_score: dict[str, float]
    hr_progression: dict[str, float]
    hr_death: dict[str, float]
    severity_loading: dict[str, float]
    late_from_months: float
    late_multiplier: float
    death_without_progression_per_month: float
    follow_up_months: tuple[float, float]
    second_line_asct_share: float
    center_frailty_sd: float
    krd_helps_only_lenalidomide_naive: bool
    age_mean_sd: tuple[float, float]
    age_range: tuple[int, int]
    male: int
    isotype: dict[str, int]
    fish_tested: int
    cytogenetics: dict[str, float]
    ldh_above_uln: float
    renal_impairment: float
    missing: dict[str, float]
    partial_dates: float
    partial_progressions: float
    progression_per_month: float
    death_after_progression_per_month: float
    response_cuts: tuple[float, ...]
    seed: int


@cache
def load_parameters() -> tuple[Parameter, ...]:
    """Return every parameter of the embedded data with its evidence.

    Examples
    --------
    >>> load_parameters()[0][:3]
    ('n', 62, 'PUB')
    """
    folder = Path(__file__).parent
    given = json.loads((folder / "parameters.json").read_text(encoding="utf-8"))
    solved = json.loads((folder / "solved.json").read_text(encoding="utf-8"))
    return (
        *(Parameter(**row) for row in given),
        *(Parameter(name, value, "CALC", SOLVED_BASIS[name]) for name, value in solved.items()),
    )


@cache
def load_truth() -> Truth:
    """Return the truth of the embedded data."""
    return Truth(**{parameter.name: parameter.value for parameter in load_parameters()})


def log_hazards(factors: np.ndarray, ratios: dict[str, float]) -> np.ndarray:
    """Return the linear predictor of patients (rows) with the six factors (columns, 0 or 1)."""
    return factors @ np.log([ratios[name] for name in FACTORS])
