"""ISS, R-ISS, R2-ISS and genomic high risk from values, with partial knowledge: what the known values allow.

Every system is monotone in its inputs. So a stage with missing inputs lies between the stage of the most favorable
and of the least favorable completion; where both agree the stage is known, else it is missing with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_

import numpy as np
import pandas as pd

from fhrmm.study import Staging, Study
from fhrmm.threevalued import is_any, to_levels

LEVELS = {"iss": ("I", "II", "III"), "r_iss": ("I", "II", "III"), "r2_iss": ("I", "II", "III", "IV")}
HIGH_RISK_LESIONS = ("del17p", "t_4_14", "t_14_16")
R2_POINTS = {"del17p": 1.0, "t_4_14": 1.0, "ldh": 1.0, "gain_1q": 0.5}
R2_ISS_POINTS = np.array([0.0, 1.0, 1.5])
_Range = tuple[np.ndarray, np.ndarray]


def derive_staging(patients: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Compute the stages at diagnosis and set them beside the recorded ones.

    ISS [1]_, R-ISS [2]_ (high-risk lesions: del(17p), t(4;14), t(14;16)), R2-ISS [3]_ by points. LDH equal to its
    upper limit of normal is normal. R-ISS and R2-ISS build on the ISS that the plan prefers, or the other where that
    one is missing. Genomic high risk [4]_ uses what is recorded: t(14;20), TP53 and del(1p32) are not.

    Parameters
    ----------
    patients : DataFrame
        Canonical patients, one row each.
    study : Study
        The plan: cut-points, preference, what is advanced.

    Returns
    -------
    DataFrame
        Index of `patients`. For each system s of iss, r_iss, r2_iss: `s_computed` (ordered stage), `s_computed_reason`
        (what is open, empty where nothing is), `s` (recorded or computed as the plan prefers), `s_mismatch` (both
        known and different). Also `ldh_above_uln`, `high_risk_cytogenetics`, `genomic_high_risk`, `advanced_stage`
        {no, yes}; unknown is missing.

    References
    ----------
    .. [1] Greipp PR et al. J Clin Oncol 2005;23:3412-3420.
    .. [2] Palumbo A et al. J Clin Oncol 2015;33:2863-2869.
    .. [3] D'Agostino M et al. J Clin Oncol 2022;40:3406-3418.
    .. [4] Avet-Loiseau H et al. J Clin Oncol 2025;43:2739-2751.

    Examples
    --------
    >>> from fhrmm.schema import conform
    >>> from fhrmm.study import load_study
    >>> values = pd.DataFrame({"beta2_microglobulin_mg_l": [6.0], "ldh_u_l": [500.0], "ldh_uln_u_l": [250.0]})
    >>> derive_staging(conform(values, "patients"), load_study()).loc[0, ["iss", "r_iss", "r2_iss"]].tolist()
    ['III', 'III', nan]
    """
    rules, index = study.staging, patients.index
    # equal to the limit is normal
    ldh = patients["ldh_u_l"].astype("Float64") > patients["ldh_uln_u_l"].astype("Float64")
    lesions = _lesions(patients)
    high_risk = reduce(or_, (lesions[name] for name in HIGH_RISK_LESIONS))
    columns: dict[str, pd.Series] = {}
    iss_range = _iss_range(patients, rules)
    _add_system(columns, "iss", patients, iss_range, {"beta-2 microglobulin or albumin": _open(iss_range)}, rules)
    known = columns["iss"].cat.codes.to_numpy()
    stage = tuple(np.where(known >= 0, known, end) for end in iss_range)
    missing = {"ISS": _open(stage), "LDH": ldh.isna()}
    ends = zip(stage, (False, True), strict=True)
    r_iss = tuple(_r_iss(end, _taken_as(ldh | high_risk, if_open)) for end, if_open in ends)
    _add_system(columns, "r_iss", patients, r_iss, missing | {"FISH": high_risk.isna()}, rules)
    fish = {name: lesions[key].isna() for key, name in _R2_FISH.items()}
    _add_system(columns, "r2_iss", patients, _r2_iss_range(stage, ldh, lesions), missing | fish, rules)
    columns |= {
        "ldh_above_uln": to_levels(ldh),
        "high_risk_cytogenetics": to_levels(high_risk),
        "genomic_high_risk": to_levels(genomic_high_risk(patients, study)),
        "advanced_stage": to_levels(is_any(columns[rules.advanced_stage_variable], rules.advanced_stage_levels)),
    }
    return pd.DataFrame(columns, index=index)


_R2_FISH = {"del17p": "del(17p)", "t_4_14": "t(4;14)", "gain_1q": "gain(1q)"}


def genomic_high_risk(patients: pd.DataFrame, study: Study) -> pd.Series:
    """Say whether any recorded IMS/IMWG 2025 criterion is met.

    Criteria: del(17p); t(4;14) or t(14;16) with gain(1q); beta-2 microglobulin at or above its cut-point with normal
    creatinine. The clone fraction of del(17p) is not recorded: "yes" is taken as above the threshold of the laboratory.
    """
    lesions, rules = _lesions(patients), study.staging
    translocation = (lesions["t_4_14"] | lesions["t_14_16"]) & lesions["gain_1q"]
    high = patients["beta2_microglobulin_mg_l"].astype("Float64") >= rules.genomic_beta2_microglobulin
    normal_kidney = patients["creatinine_mg_dl"].astype("Float64") < rules.genomic_creatinine_normal_below
    return lesions["del17p"] | translocation | (high & normal_kidney)


def _lesions(patients: pd.DataFrame) -> dict[str, pd.Series]:
    return {name: is_any(patients[name], ("yes",)) for name in (*HIGH_RISK_LESIONS, "gain_1q")}


def _iss_range(patients: pd.DataFrame, rules: Staging) -> _Range:
    """Return the lowest and highest possible ISS as 0, 1, 2."""
    beta2, albumin = (patients[name].to_numpy(dtype=float) for name in ("beta2_microglobulin_mg_l", "albumin_g_dl"))
    low_beta2 = beta2 < rules.iss_beta2_microglobulin_low
    known = [beta2 >= rules.iss_beta2_microglobulin_high, beta2 >= rules.iss_beta2_microglobulin_low]
    low_albumin, normal_albumin = albumin < rules.iss_albumin_low, albumin >= rules.iss_albumin_low
    lowest = np.select([*known, low_albumin], [2, 1, 1], 0)
    highest = np.select([*known, low_beta2 & normal_albumin, low_beta2], [2, 1, 0, 1], 2)
    return lowest, highest


def _r_iss(iss: np.ndarray, adverse: np.ndarray) -> np.ndarray:
    return np.select([(iss == 0) & ~adverse, (iss == 2) & adverse], [0, 2], 1)


def _r2_iss_range(iss: _Range, ldh: pd.Series, lesions: Mapping[str, pd.Series]) -> _Range:
    states = {**lesions, "ldh": ldh}
    ends = []
    for stage, if_open in zip(iss, (False, True), strict=True):
        adverse = (points * _taken_as(states[name], if_open) for name, points in R2_POINTS.items())
        ends.append(np.searchsorted([0.5, 1.5, 3.0], sum(adverse, R2_ISS_POINTS[stage]), side="right"))
    return ends[0], ends[1]


def _taken_as(state: pd.Series, if_open: bool) -> np.ndarray:
    """Return what is open as the favorable or the unfavorable answer."""
    return state.fillna(if_open).to_numpy(dtype=bool)


def _open(possible: _Range) -> np.ndarray:
    return possible[0] != possible[1]


def _add_system(
    columns: dict[str, pd.Series],
    system: str,
    patients: pd.DataFrame,
    possible: _Range,
    missing: Mapping[str, np.ndarray],
    rules: Staging,
) -> None:
    """Add computed stage, reason, chosen stage and mismatch of one system."""
    levels, index = list(LEVELS[system]), patients.index
    undecided = _open(possible)
    computed = pd.Series(_stages(np.where(undecided, -1, possible[0]), levels), index=index)
    recorded = pd.Series(
        _stages(pd.Categorical(patients[f"{system}_diagnosis"], categories=levels).codes, levels), index=index
    )
    first, second = (recorded, computed) if rules.prefer == "recorded" else (computed, recorded)
    columns[f"{system}_computed"] = computed
    columns[f"{system}_computed_reason"] = _reasons(possible, missing, levels, index)
    columns[system] = first.where(first.notna(), second)
    both = computed.notna() & recorded.notna()
    columns[f"{system}_mismatch"] = both & (computed.cat.codes != recorded.cat.codes)


def _stages(codes: np.ndarray, levels: list[str]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, categories=levels, ordered=True)


def _reasons(possible: _Range, missing: Mapping[str, np.ndarray], levels: list[str], index: pd.Index) -> pd.Series:
    """Say "I or II: FISH missing" where a stage is open; each distinct combination is worded once."""
    bits = np.stack([np.asarray(mask, dtype=bool) for mask in missing.values()])
    code = (possible[0] * len(levels) + possible[1]) * 2 ** len(bits) + (2 ** np.arange(len(bits)) @ bits)
    code = np.where(_open(possible), code, -1)
    found, inverse = np.unique(code, return_inverse=True)
    texts = [_reason(int(value), list(missing), levels) for value in found]
    text_levels = sorted(set(texts))
    codes = np.array([text_levels.index(text) for text in texts])[inverse]
    return pd.Series(pd.Categorical.from_codes(codes, categories=text_levels), index=index)


def _reason(code: int, names: list[str], levels: list[str]) -> str:
    if code < 0:
        return ""
    stages, bits = divmod(code, 2 ** len(names))
    lowest, highest = divmod(stages, len(levels))
    absent = [name for position, name in enumerate(names) if bits >> position & 1]
    return f"{' or '.join(levels[lowest : highest + 1])}: {', '.join(absent)} missing"
