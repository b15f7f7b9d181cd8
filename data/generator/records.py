"""From drawn arrays to the canonical patients table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fhrmm.schema import column_types, date_columns, variables
from generator.course import NEVER, PD, PR, RESPONSES
from generator.covariates import Draw
from generator.diagnosis import LESIONS

STAGES = np.array(["I", "II", "III", "IV"], dtype=object)
LABS = (
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
    columns |= _person(draw) | _stage(draw) | _front_line(draw) | _second_line(draw) | _outcome(draw)
    return typed_table({name: columns.get(name) for name in variables("patients")}, "patients", draw["start"])


def center_names(n: int = 10) -> np.ndarray:
    """Return C01, C02, ..."""
    return np.array([f"C{number:02d}" for number in range(1, n + 1)], dtype=object)


def typed_table(columns: dict[str, object], table: str, start: np.ndarray) -> pd.DataFrame:
    """Give every column its canonical type; dates come as days from `start` (`NEVER`: none)."""
    types, dates = column_types(table), set(date_columns(table))
    ready: dict[str, object] = {}
    for name in [name for name in types if not name.endswith(("_lower", "_upper", "_precision"))]:
        if name in dates:
            ready |= date_parts(name, calendar(columns.get(name), start))
        else:
            ready[name] = pd.array(_plain(columns.get(name), start.size), dtype=types[name])
    return pd.DataFrame(ready, copy=False)


def _plain(values: object, n: int) -> object:
    return np.full(n, None, dtype=object) if values is None else values


def calendar(days: object, start: np.ndarray) -> np.ndarray:
    """Return calendar days of days counted from the start; not a time where there is none."""
    if days is None:
        return np.full(start.size, np.datetime64("NaT"), dtype="datetime64[ns]")
    known = np.where(days < NEVER, days, 0)
    return np.where(days < NEVER, start + known, np.datetime64("NaT")).astype("datetime64[ns]")


def date_parts(name: str, dates: np.ndarray) -> dict[str, object]:
    """Return a date known to the day with its companions."""
    codes = np.where(np.isnat(dates), -1, 0).astype(np.int8)
    precision = pd.Categorical.from_codes(codes, ["day", "month", "year"], ordered=True)
    return {name: dates, f"{name}_lower": dates, f"{name}_upper": dates, f"{name}_precision": precision}


def _labelled(labels: list[str], codes: np.ndarray, missing: np.ndarray | None = None) -> pd.Categorical:
    codes = codes.astype(np.int8)
    if missing is not None:
        codes = np.where(missing, np.int8(-1), codes)
    return pd.Categorical.from_codes(codes, labels)


def _yes_no(flag: np.ndarray, missing: np.ndarray | None = None) -> pd.Categorical:
    return _labelled(["yes", "no"], np.where(flag, 0, 1), missing)


def _person(draw: Draw) -> dict[str, object]:
    year = draw["start"].astype("datetime64[Y]").astype(np.int64) + 1970
    return {
        "sex": _labelled(["female", "male"], draw["male"].astype(np.int8)),
        "birth_year": year - draw["age"],
        "isotype": draw["isotype"],
    }


def _stage(draw: Draw) -> dict[str, object]:
    unknown, untested = draw["stage_missing"], draw["fish_missing"]
    labs: dict[str, object] = {name: draw[name] for name in LABS}
    for name, missing in (
        ("beta2_microglobulin_mg_l", unknown),
        ("albumin_g_dl", unknown),
        ("ldh_u_l", draw["ldh_missing"]),
    ):
        labs[name] = np.where(missing, np.nan, draw[name])
    incomplete = unknown | untested | draw["ldh_missing"]
    return labs | {name: _yes_no(draw[name], untested) for name in LESIONS} | {
        "iss_diagnosis": _labelled(list(STAGES[:3]), draw["iss"] - 1, unknown),
        "r_iss_diagnosis": _labelled(list(STAGES[:3]), draw["r_iss"] - 1, incomplete),
        "r2_iss_diagnosis": _labelled(list(STAGES), draw["r2_iss"] - 1, incomplete),
    }  # fmt: skip


def _front_line(draw: Draw) -> dict[str, object]:
    names = ("diagnosis_date", "first_line_start_date", "asct_date", "maintenance_start_date", "maintenance_stop_date")
    return {name: draw[name] for name in (*names, "first_progression_date")} | {
        "first_line_regimen": np.where(draw["quadruplet"], "D-VTd", draw["triplet"]),
        "first_line_best_response": _labelled(list(RESPONSES), draw["first_line_response"]),
        "asct_count": np.where(draw["no_asct"], 0, 1 + draw["tandem"]),
        "maintenance": _labelled(["none", "lenalidomide", "other"], draw["maintained"].astype(np.int8)),
    }


def _second_line(draw: Draw) -> dict[str, object]:
    ecog = pd.array(draw["ecog"], dtype="Int64")
    ecog[draw["ecog_missing"]] = pd.NA
    return {
        "second_line_start_date": np.zeros(draw["start"].size, dtype=np.int64),
        "second_line_regimen": draw["regimen"],
        "ecog_second_line": ecog,
        "emd_second_line": _labelled(["none", "paraskeletal", "extramedullary"], draw["emd"], draw["emd_missing"]),
        "iss_second_line": _labelled(list(STAGES[:3]), draw["iss_again"] - 1),
        "second_line_asct_date": draw["second_line_asct_date"],
    }


def _outcome(draw: Draw) -> dict[str, object]:
    progressed, died = draw["progression"] < NEVER, draw["death"] < NEVER
    names = (
        "best_response_date",
        "progression_date",
        "next_line_start_date",
        "last_assessment_date",
        "last_contact_date",
    )
    return {name: draw[name] for name in (*names, "death_date")} | {
        "best_response": _labelled(list(RESPONSES), draw["response"]),
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
