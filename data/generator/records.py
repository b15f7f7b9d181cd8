"""From drawn arrays to the canonical patients table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fhrmm.schema import column_types, date_columns
from generator.covariates import Draw
from generator.diagnosis import LESIONS
from generator.second_line import NEVER, PD, PR, RESPONSES

_STAGES = ("I", "II", "III", "IV")
_LABS = (
    "beta2_microglobulin_mg_l", "albumin_g_dl", "ldh_u_l", "ldh_uln_u_l", "creatinine_mg_dl", "hemoglobin_g_dl",
    "bm_plasma_cells_pct",
)  # fmt: skip


def build_patients(draw: Draw, ids: np.ndarray) -> pd.DataFrame:
    """Return the canonical patients table of a complete draw.

    Parameters
    ----------
    draw : dict of str to ndarray
        Covariates, course, timeline, diagnosis and gaps.
    ids : ndarray of str
        Patient ids.

    Returns
    -------
    DataFrame
        Every canonical column with its type, dates with their companions, all known to the day.
    """
    columns: dict[str, object] = {"patient_id": ids, "center": center_names()[draw["center"]]}
    columns |= {name: draw[name] for name in date_columns("patients") if name in draw}
    return typed_table(columns | _at_diagnosis(draw) | _of_both_lines(draw), "patients", draw["start"])


def center_names(n: int = 10) -> np.ndarray:
    """Return C01, C02, ..."""
    return np.array([f"C{number:02d}" for number in range(1, n + 1)], dtype=object)


def typed_table(columns: dict[str, object], table: str, start: np.ndarray) -> pd.DataFrame:
    """Give every column its canonical type; dates come as days from `start` (`NEVER`: none)."""
    types, dates = column_types(table), set(date_columns(table))
    ready: dict[str, object] = {}
    for name in [name for name in types if not name.endswith(("_lower", "_upper", "_precision"))]:
        values = columns.get(name)
        if name in dates:
            days = np.full(start.size, NEVER) if values is None else values
            known = np.where(days < NEVER, days, 0)
            day = np.where(days < NEVER, start + known, np.datetime64("NaT")).astype("datetime64[ns]")
            codes = np.where(np.isnat(day), -1, 0).astype(np.int8)
            precision = pd.Categorical.from_codes(codes, ["day", "month", "year"], ordered=True)
            ready |= {name: day, f"{name}_lower": day, f"{name}_upper": day, f"{name}_precision": precision}
        else:
            values = np.full(start.size, None, dtype=object) if values is None else values
            ready[name] = pd.array(values, dtype=types[name])
    return pd.DataFrame(ready, copy=False)


def _labelled(labels: Sequence[str], codes: np.ndarray, missing: np.ndarray | bool = False) -> pd.Categorical:
    return pd.Categorical.from_codes(np.where(missing, -1, codes).astype(np.int8), list(labels))


def _yes_no(flag: np.ndarray, missing: np.ndarray | bool = False) -> pd.Categorical:
    return _labelled(["yes", "no"], np.where(flag, 0, 1), missing)


def _at_diagnosis(draw: Draw) -> dict[str, object]:
    """Return person, stage and lesions; a value that is missing takes with it the stages that need it."""
    unknown, untested, no_ldh = draw["stage_missing"], draw["fish_missing"], draw["ldh_missing"]
    missing = {"beta2_microglobulin_mg_l": unknown, "albumin_g_dl": unknown, "ldh_u_l": no_ldh}
    labs: dict[str, object] = {name: np.where(missing.get(name, False), np.nan, draw[name]) for name in _LABS}
    incomplete = unknown | untested | no_ldh
    return labs | {name: _yes_no(draw[name], untested) for name in LESIONS} | {
        "sex": _labelled(["female", "male"], draw["male"]),
        "birth_year": draw["start"].astype("datetime64[Y]").astype(np.int64) + 1970 - draw["age"],
        "isotype": draw["isotype"],
        "iss_diagnosis": _labelled(_STAGES[:3], draw["iss"] - 1, unknown),
        "r_iss_diagnosis": _labelled(_STAGES[:3], draw["r_iss"] - 1, incomplete),
        "r2_iss_diagnosis": _labelled(_STAGES, draw["r2_iss"] - 1, incomplete),
    }  # fmt: skip


def _of_both_lines(draw: Draw) -> dict[str, object]:
    ecog = pd.array(draw["ecog"], dtype="Int64")
    ecog[draw["ecog_missing"]] = pd.NA
    progressed, died = draw["progression"] < NEVER, draw["death"] < NEVER
    return {
        "first_line_regimen": np.where(draw["quadruplet"], "D-VTd", draw["triplet"]),
        "first_line_best_response": _labelled(RESPONSES, draw["first_line_response"]),
        "asct_count": np.where(draw["no_asct"], 0, 1 + draw["tandem"]),
        "maintenance": _labelled(["none", "lenalidomide", "other"], draw["maintained"]),
        "second_line_start_date": np.zeros(draw["start"].size, dtype=np.int64),
        "second_line_regimen": draw["regimen"],
        "ecog_second_line": ecog,
        "emd_second_line": _labelled(["none", "paraskeletal", "extramedullary"], draw["emd"], draw["emd_missing"]),
        "iss_second_line": _labelled(_STAGES[:3], draw["iss_again"] - 1),
        "best_response": _labelled(RESPONSES, draw["response"]),
        "response_confirmed": _yes_no(draw["confirmed"], draw["response"] > PR),
        "progression_basis": _labelled(["biochemical", "imaging", "clinical"], draw["basis"], ~progressed),
        "death_cause": _labelled(["myeloma", "treatment", "other"], draw["cause"], ~died),
    }


def draw_causes(draw: Draw, rng: np.random.Generator) -> Draw:
    """Add what showed the progression, why patients died, and that responses were confirmed."""
    n = draw["emd"].size
    pick, other = rng.random(n), rng.random(n)
    soft = draw["emd"] > 0
    basis = np.where(soft, np.searchsorted([0.25, 0.85], pick), np.searchsorted([0.62, 0.85], pick))
    basis = np.where(draw["isotype"] == "non_secretory", 1, basis)
    progressed = draw["progression"] < NEVER
    cause = np.where(progressed, np.searchsorted([0.88, 0.95], other), np.searchsorted([0.3, 0.7], other))
    return draw | {"basis": basis, "cause": cause, "confirmed": draw["response"] < PD}
