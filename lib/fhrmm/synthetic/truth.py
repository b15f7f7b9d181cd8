"""What the synthetic data are made from: every parameter with the evidence behind it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

from fhrmm.study import Frozen

MONTH = 30.4375
LATE = "late_from_months"
FACTORS = ("extramedullary", "lenalidomide_maintenance", "no_frontline_asct", "ecog_2_or_more", "iss_iii", "not_krd")


class Truth(Frozen):
    """Parameters of the data-generating process; times in months from second-line start.

    An illness-death process: progression, death without progression, death after progression. Log hazards are
    additive in the six factors. Hazard of progression drops at `late_from_months`; the other two are constant.

    Examples
    --------
    >>> load_truth().hr_progression["not_krd"]
    1.9
    """

    n: int = 62
    center_sizes: tuple[int, ...] = (14, 10, 9, 8, 6, 5, 4, 3, 2, 1)
    no_frontline_asct: int = 30
    quadruplet_then_asct: int = 22
    tandem_asct: int = 6
    lenalidomide_maintenance: int = 19
    lenalidomide_refractory: int = 17
    extramedullary: tuple[int, int] = (6, 5)
    ecog: tuple[int, int, int, int] = (22, 26, 12, 2)
    iss: tuple[int, int, int] = (17, 22, 23)
    krd_after_maintenance: int = 2
    krd_otherwise: int = 24
    second_line_after_maintenance: dict[str, int] = {"PVd": 7, "DKd": 3, "Isa-Kd": 3, "Kd": 2, "VTD-PACE": 2}
    second_line_otherwise: dict[str, int] = {
        "DRd": 5, "DKd": 3, "DVd": 2, "Isa-Kd": 2, "PVd": 2, "Kd": 2, "IRd": 1, "EloRd": 1, "DCEP": 1
    }  # fmt: skip
    response: dict[str, int] = {
        "sCR": 4, "CR": 9, "VGPR": 13, "PR": 12, "MR": 4, "SD": 9, "PD": 8, "NE": 3
    }  # fmt: skip
    response_score: dict[str, float] = {
        "extramedullary": -1.0, "lenalidomide_maintenance": -0.4, "no_frontline_asct": -0.3, "ecog_2_or_more": -0.8,
        "iss_iii": -0.4, "not_krd": -0.9, "log_progression_residual": 0.6,
    }  # fmt: skip
    hr_progression: dict[str, float] = {
        "extramedullary": 2.2, "lenalidomide_maintenance": 1.8, "no_frontline_asct": 1.9, "ecog_2_or_more": 2.0,
        "iss_iii": 1.7, "not_krd": 1.9,
    }  # fmt: skip
    hr_death: dict[str, float] = {
        "extramedullary": 1.5, "lenalidomide_maintenance": 1.0, "no_frontline_asct": 1.1, "ecog_2_or_more": 1.8,
        "iss_iii": 1.4, "not_krd": 1.0,
    }  # fmt: skip
    severity_loading: dict[str, float] = {
        "ecog": 0.5, "iss": 0.5, "extramedullary": 0.4, "no_frontline_asct": 0.3, "krd": -0.25
    }  # fmt: skip
    late_from_months: float = 12.0
    late_multiplier: float = 0.25
    death_without_progression_per_month: float = 0.004
    follow_up_months: tuple[float, float] = (4.0, 20.0)
    second_line_asct_share: float = 0.45
    center_frailty_sd: float = 0.0
    krd_helps_only_lenalidomide_naive: bool = False
    age_mean_sd: tuple[float, float] = (60.0, 8.0)
    age_range: tuple[int, int] = (38, 74)
    male: int = 33
    isotype: dict[str, int] = {"IgG": 33, "IgA": 15, "light_chain": 11, "IgD": 1, "non_secretory": 1, "other": 1}
    fish_tested: int = 41
    cytogenetics: dict[str, float] = {"del17p": 7 / 41, "t_4_14": 7 / 41, "t_14_16": 2 / 41, "gain_1q": 17 / 41}
    ldh_above_uln: float = 23 / 60
    renal_impairment: float = 11 / 62
    missing: dict[str, float] = {
        "ldh_u_l": 0.03, "beta2_microglobulin_mg_l": 0.05, "ecog_second_line": 0.02, "emd_second_line": 0.05
    }  # fmt: skip
    partial_dates: float = 0.08
    progression_per_month: float = 0.011
    death_after_progression_per_month: float = 0.06
    response_cuts: tuple[float, ...] = (2.0, 1.0, 0.5, 0.0, -0.3, -1.0)
    seed: int = 0


# Tags: PUB the abstract, REL a related publication, CALC computed here, ASM assumed, no source.
EVIDENCE: dict[str, tuple[str, str]] = {
    "n": ("PUB", "62 patients"),
    "center_sizes": ("ASM", "number and size of the centers are not published"),
    "no_frontline_asct": ("ASM", "the abstract has both routes, without counts"),
    "quadruplet_then_asct": ("ASM", "no published count"),
    "tandem_asct": ("ASM", "tandem transplant is usual in part of Italian practice; no count for this cohort"),
    "lenalidomide_maintenance": ("ASM", "no published count; only patients with a front-line transplant"),
    "lenalidomide_refractory": ("ASM", "no published count"),
    "extramedullary": ("REL", "8% to 30% across related cohorts; here extramedullary 6, paraskeletal 5"),
    "ecog": ("ASM", "18% ECOG 2-3 in a related carfilzomib series"),
    "iss": ("REL", "37% ISS III among Italian patients failing D-VTd"),
    "krd_after_maintenance": ("ASM", "no published count"),
    "krd_otherwise": ("ASM", "no published count"),
    "second_line_after_maintenance": ("ASM", "no published count"),
    "second_line_otherwise": ("ASM", "no published count"),
    "response": ("PUB", "61% ORR and 42% VGPR or better read as 38 and 26 of 62; the split below is ASM"),
    "response_score": ("ASM", "weights of the latent response score"),
    "hr_progression": ("ASM", "the abstract gives directions only; sizes shaped to related cohorts"),
    "hr_death": ("ASM", "sizes shaped to related cohorts"),
    "severity_loading": ("ASM", "correlation of the factors through one latent severity"),
    "late_from_months": ("ASM", "54% at 12 months and a median not reached together need a plateau"),
    "late_multiplier": ("ASM", "as above"),
    "death_without_progression_per_month": ("ASM", "no published value"),
    "follow_up_months": ("ASM", "follow-up is not published"),
    "second_line_asct_share": (
        "ASM",
        "share of eligible responders, giving about 14 of 62; no association with outcome",
    ),
    "center_frailty_sd": ("ASM", "0 in the embedded data"),
    "krd_helps_only_lenalidomide_naive": (
        "ASM",
        "false in the embedded data; the abstract suggests it without numbers",
    ),
    "age_mean_sd": ("REL", "median 61 to 62 years in related cohorts"),
    "age_range": ("REL", "37 to 72 years in a related cohort"),
    "male": ("REL", "51% in a related cohort"),
    "isotype": ("ASM", "no published count"),
    "fish_tested": ("REL", "FISH available in 66%"),
    "cytogenetics": ("REL", "60% high risk including +1q; single lesions assumed"),
    "ldh_above_uln": ("REL", "38% in a related cohort"),
    "renal_impairment": ("REL", "17% in a related cohort"),
    "missing": ("ASM", "usual in retrospective data"),
    "partial_dates": ("ASM", "usual in retrospective data"),
    "progression_per_month": ("CALC", "solved: population PFS at 12 months is 0.54"),
    "death_after_progression_per_month": ("CALC", "solved: population OS at 12 months is 0.72"),
    "response_cuts": ("CALC", "score limits that give the response shares in the population"),
    "seed": ("CALC", "first seed whose sample of 62 has the published rates and directions"),
}


@cache
def load_truth() -> Truth:
    """Return the truth of the embedded data: the assumptions above with the solved constants."""
    solved = json.loads((Path(__file__).parent / "solved.json").read_text(encoding="utf-8"))
    return Truth(**solved)


def log_hazards(factors: np.ndarray, ratios: dict[str, float]) -> np.ndarray:
    """Return the linear predictor of patients (rows) with the six factors (columns, 0 or 1)."""
    return factors @ np.log([ratios[name] for name in FACTORS])
