"""The response of each visit with the criterion that decided and the values it used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fhrmm.imwg.depth import CR, MR, OPEN, PR, SCR, SD, VGPR, Depth, find_depth
from fhrmm.imwg.labs import Labs, Measurable, arrange_labs, find_measurable
from fhrmm.imwg.matching import match_patients
from fhrmm.imwg.progression import find_nadirs, find_progression
from fhrmm.study import Study
from fhrmm.threevalued import date_bounds

PROGRESSION = np.int8(1)
BEST_FIRST = ("sCR", "CR", "VGPR", "PR", "MR", "SD", "PD", "NE")
_LEVELS = {"sCR": SCR, "CR": CR, "VGPR": VGPR, "PR": PR, "MR": MR, "SD": SD, "PD": PROGRESSION, "NE": OPEN}
MEASURES = {
    "serum": "serum M-protein",
    "urine": "urine M-protein",
    "chains": "free light chains",
    "marrow": "marrow plasma cells",
    "mass": "plasmacytoma",
}
CRITERIA_TEXT = {
    "sCR": "complete response with normal light-chain ratio and no plasma cells in the marrow",
    "CR": "negative immunofixation of serum and urine, marrow below the limit, no plasmacytoma",
    "NE": "no baseline, or a value needed is missing",
}


@dataclass(frozen=True, slots=True)
class Graded:
    """Samples with their response level.

    Attributes
    ----------
    labs, measurable, depth, nadir, progression
        What the levels were found from.
    level : ndarray of int8
        7 sCR to 2 SD, 1 PD, 0 NE, per sample.
    needs_second : ndarray of bool
        Progression that another sample must confirm.
    shown : ndarray of bool
        After the start of second line, with any value.
    """

    labs: Labs
    measurable: Measurable
    depth: Depth
    nadir: dict[str, np.ndarray]
    progression: dict[str, np.ndarray]
    level: np.ndarray
    needs_second: np.ndarray
    shown: np.ndarray


def grade_visits(cohort: pd.DataFrame, assessments: pd.DataFrame, patient: np.ndarray, study: Study) -> Graded:
    """Grade every sample of the cohort by the plan's criteria version; see `derive_visit_response`."""
    criteria = study.response_criteria[study.response.criteria_version]
    policy = study.time.partial_date_policy
    origin = date_bounds(cohort, "second_line_start_date").point(policy)
    soft_tissue = cohort["emd_second_line"].isin(["paraskeletal", "extramedullary"]).to_numpy()
    day = date_bounds(assessments, "assessment_date").point(policy)
    labs = arrange_labs(assessments, patient, day, origin, soft_tissue)
    measurable, nadir = find_measurable(labs, criteria), find_nadirs(labs, criteria)
    depth = find_depth(labs, measurable, criteria)
    progression = find_progression(labs, nadir, measurable, criteria)
    progressed = np.logical_or.reduce(list(progression.values()))
    needs_second = progressed & ~progression["marrow"] & ~progression["mass"]
    level = np.where(progressed, PROGRESSION, depth.level).astype(np.int8)
    shown = ~labs.is_baseline & _any_value(labs)
    return Graded(labs, measurable, depth, nadir, progression, level, needs_second, shown)


def derive_visit_response(cohort: pd.DataFrame, assessments: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Derive the response of every visit after the start of second line from its laboratory values.

    Parameters
    ----------
    cohort : DataFrame
        Included patients, one row each.
    assessments : DataFrame
        Canonical assessments in any order. Values up to the start of second line are baseline, the last one counts.
    study : Study
        The plan: ``response.criteria_version`` chooses the cut-points.

    Returns
    -------
    DataFrame
        One row per visit of the cohort after the start with any laboratory value: center, patient_id,
        assessment_date, recorded_response, response (from the values), criterion (in words), decided_by (measures at
        the deciding level), needs_second (progression that another sample must confirm), and for serum, urine, chains
        (difference) and marrow their baseline, nadir, value and change_pct; criteria_version.

    References
    ----------
    Kumar S et al. Lancet Oncol 2016;17:e328-e346.
    """
    graded = grade_visits(cohort, assessments, match_patients(cohort, assessments), study)
    visits = assessments.iloc[graded.labs.row]
    rows = {
        **{name: visits[name].to_numpy() for name in ("center", "patient_id", "assessment_date")},
        "recorded_response": pd.Categorical(visits["response"], categories=list(BEST_FIRST)),
        "response": _as_response(graded.level),
        **_explain(graded),
        "needs_second": graded.needs_second,
        **_values(graded),
    }
    shown = pd.DataFrame(rows)[graded.shown]
    return shown.assign(criteria_version=study.response.criteria_version).reset_index(drop=True)


def derive_best_change(visits: pd.DataFrame) -> pd.DataFrame:
    """Return each patient's deepest change of the M-protein or light chain that could be followed.

    Parameters
    ----------
    visits : DataFrame
        From `derive_visit_response`.

    Returns
    -------
    DataFrame
        One row per patient with a change from baseline: center, patient_id, measure (serum, urine or chains: the
        first of them with a baseline value that changes), best_change_pct.
    """
    keys = ["center", "patient_id"]
    parts = []
    for measure in ("serum", "urine", "chains"):
        changed = visits.dropna(subset=[f"{measure}_change_pct"])
        best = changed.groupby(keys, sort=False, observed=True)[f"{measure}_change_pct"].min().rename("best_change_pct")
        parts.append(best.reset_index().assign(measure=measure))
    joined = pd.concat(parts, ignore_index=True).drop_duplicates(keys, keep="first")
    return joined.sort_values(keys, ignore_index=True)[[*keys, "measure", "best_change_pct"]]


def _any_value(labs: Labs) -> np.ndarray:
    numbers = [~np.isnan(value) for value in (labs.serum, labs.urine, labs.chains, labs.marrow)]
    signs = [labs.serum_fixation >= 0, labs.urine_fixation >= 0, labs.mass >= 0]
    return np.logical_or.reduce(numbers + signs)


def _as_response(level: np.ndarray) -> pd.Categorical:
    codes = np.zeros(10, dtype=np.int8)
    for place, name in enumerate(BEST_FIRST):
        codes[_LEVELS[name]] = place
    return pd.Categorical.from_codes(codes[level], categories=list(BEST_FIRST))


def _explain(graded: Graded) -> dict[str, pd.Categorical]:
    """Word the deciding criterion; every distinct combination of level and measures is worded once."""
    names = list(MEASURES)
    bits = 2 ** np.arange(len(names)) @ np.stack([_decides(name, graded) for name in names])
    found, inverse = np.unique(graded.level.astype(np.int64) * 32 + bits, return_inverse=True)
    words = [_words(int(code), names) for code in found]
    return {
        "criterion": _spread([criterion for criterion, _ in words], inverse),
        "decided_by": _spread([measures for _, measures in words], inverse),
    }


def _decides(name: str, graded: Graded) -> np.ndarray:
    level = graded.level
    reached = (graded.depth.by_measure[name] == level) & (level > OPEN) & (level < CR)
    return np.where(level == PROGRESSION, graded.progression[name], reached)


def _words(code: int, names: list[str]) -> tuple[str, str]:
    level, bits = divmod(code, 32)
    response = next(name for name, value in _LEVELS.items() if value == level)
    measures = ", ".join(MEASURES[name] for place, name in enumerate(names) if bits >> place & 1)
    if response in CRITERIA_TEXT:
        return CRITERIA_TEXT[response], measures
    if response == "PD":
        return f"increase from the nadir: {measures}", measures
    return f"lowest level reached, {response}: {measures}", measures


def _spread(words: list[str], inverse: np.ndarray) -> pd.Categorical:
    levels = sorted(set(words))
    places = np.array([levels.index(word) for word in words], dtype=np.int64)
    return pd.Categorical.from_codes(places[inverse], categories=levels)


def _values(graded: Graded) -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {}
    for name, nadir in graded.nadir.items():
        value, base = getattr(graded.labs, name), graded.labs.baseline[name]
        change = np.divide(100 * (value - base), base, out=np.full(value.size, np.nan), where=base > 0)
        columns |= {f"{name}_baseline": base, f"{name}_nadir": nadir, f"{name}_value": value}
        columns[f"{name}_change_pct"] = change
    return columns
