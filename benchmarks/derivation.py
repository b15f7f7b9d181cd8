"""Time and memory of the whole derivation for many patients with assessments.

Usage: python benchmarks/derivation.py [--patients 1000000] [--visits 10] [--source confirmed]

Builds canonical tables in memory (not timed), then times eligibility, response (visit response from labs included) and
all declared endpoints in one process. Prints one JSON line per step and a total, with the peak memory of the process.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from fhrmm.cohort import apply_criteria
from fhrmm.endpoints import derive_time_to_event
from fhrmm.response import derive_response
from fhrmm.schema import conform
from fhrmm.store import DatasetInfo
from fhrmm.study import load_study

REGIMENS = ("D-VTd", "Dara-VTd", "VTd", "VCd", "D-VRd", "KRd", "PVd", "Isa-Kd", "DKd", "Kd70")


def make_patients(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return canonical patients, most of them eligible, some with partial dates."""
    start = np.datetime64("2021-09-15") + rng.integers(0, 1100, n)
    relapse = start - rng.integers(5, 60, n)
    asct = relapse - rng.integers(60, 500, n)
    progression = start + rng.integers(20, 900, n)
    progressed, died = rng.random(n) < 0.6, rng.random(n) < 0.3
    no_day = np.datetime64("NaT", "D")
    columns = {
        "patient_id": [f"P{i:07d}" for i in range(n)],
        "center": np.char.add("C", rng.integers(1, 300, n).astype(str)).astype(object),
        "birth_year": rng.integers(1940, 1990, n),
        "beta2_microglobulin_mg_l": rng.gamma(3, 1.5, n),
        "albumin_g_dl": rng.normal(3.7, 0.6, n),
        "ldh_u_l": rng.gamma(8, 30, n),
        "ldh_uln_u_l": 250.0,
        **{lesion: rng.choice(["yes", "no", None], n) for lesion in ("del17p", "t_4_14", "t_14_16", "gain_1q")},
        "first_line_start_date": asct - 200,
        "first_line_regimen": rng.choice(REGIMENS, n),
        "first_line_best_response": rng.choice(["VGPR", "PR", "SD"], n),
        "asct_date": asct,
        "asct_count": rng.integers(1, 3, n),
        "maintenance": rng.choice(["lenalidomide", "none"], n),
        "first_progression_date": relapse,
        "second_line_start_date": start,
        "second_line_regimen": rng.choice(REGIMENS, n),
        "ecog_second_line": rng.integers(0, 4, n),
        "emd_second_line": rng.choice(["none", "paraskeletal", "extramedullary"], n),
        "best_response": rng.choice(["CR", "VGPR", "PR", "SD", "PD", "NE"], n),
        "best_response_date": start + 60,
        "progression_date": np.where(progressed, progression, no_day),
        "next_line_start_date": np.where(progressed, progression + 30, no_day),
        "last_assessment_date": progression,
        "last_contact_date": progression + 100,
        "death_date": np.where(died, progression + 100, no_day),
        "death_cause": np.where(died, "myeloma", None),
    }
    patients = conform(pd.DataFrame(columns), "patients")
    lower = patients["progression_date"].dt.to_period("M").dt.to_timestamp()
    partial = rng.random(n) < 0.1
    return patients.assign(
        progression_date_lower=patients["progression_date"].mask(partial, lower),
        progression_date_upper=patients["progression_date"].mask(partial, lower + pd.offsets.MonthEnd(0)),
    )


def make_assessments(patients: pd.DataFrame, visits: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return that many visits per patient with labs, shuffled; every second center also records the response."""
    n = len(patients) * visits
    row = np.repeat(np.arange(len(patients)), visits)
    day = np.tile(np.arange(visits) * 35 - 10, len(patients))
    start = patients["second_line_start_date"].to_numpy()[row]
    level = np.abs(np.tile(np.cos(np.linspace(0, 5, visits)), len(patients)) * 3 + rng.normal(0, 0.2, n))
    response = rng.choice(["VGPR", "PR", "SD", "PD", "NE"], n, p=[0.3, 0.4, 0.15, 0.1, 0.05]).astype(object)
    columns = {
        "patient_id": patients["patient_id"].to_numpy()[row],
        "center": patients["center"].to_numpy()[row],
        "assessment_date": start + (day + rng.integers(0, 10, n)) * np.timedelta64(1, "D"),
        "response": np.where((row % 2 == 0) & (day > 0), response, None),
        "serum_m_protein_g_dl": level,
        "urine_m_protein_mg_24h": level * 100,
        "flc_kappa_mg_l": level * 50,
        "flc_lambda_mg_l": 10.0,
        "serum_immunofixation": np.where(level < 0.05, "negative", "positive"),
        "urine_immunofixation": "negative",
    }
    return conform(pd.DataFrame(columns).iloc[rng.permutation(n)], "assessments").reset_index(drop=True)


def timed(name: str, step: Callable[[], pd.DataFrame], totals: list[tuple[float, float]]) -> pd.DataFrame:
    """Run one step; print wall and processor time, and the peak memory since the inputs were there."""
    wall, processor = time.perf_counter(), time.process_time()
    result = step()
    totals.append((time.perf_counter() - wall, time.process_time() - processor))
    report(step=name, rows=len(result), seconds=totals[-1][0], processor_seconds=totals[-1][1], peak_gib=peak_gib())
    return result


def report(**values: object) -> None:
    """Print one JSON line, numbers to two decimals."""
    print(json.dumps({k: round(v, 2) if isinstance(v, float) else v for k, v in values.items()}), flush=True)


def reset_peak() -> None:
    """Forget the peak memory of building the inputs, where the system can (Linux)."""
    counter = Path("/proc/self/clear_refs")
    if counter.exists():
        counter.write_text("5")


def peak_gib() -> float:
    """Return the peak memory of this process in GiB, resident inputs included."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    """Parse the arguments and run all steps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=1_000_000)
    parser.add_argument("--visits", type=int, default=10)
    parser.add_argument("--source", choices=["recorded", "confirmed"], default="confirmed")
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    study = load_study(overrides={"response.source": options.source})
    info = DatasetInfo(data_cutoff_date=date(2025, 6, 30))
    patients = make_patients(options.patients, rng)
    assessments = make_assessments(patients, options.visits, rng)
    reset_peak()
    report(patients=len(patients), assessments=len(assessments), inputs_gib=peak_gib())
    totals: list[tuple[float, float]] = []
    cohort = timed("eligibility", lambda: apply_criteria(patients, study, info=info).cohort, totals)
    response = timed("response", lambda: derive_response(cohort, assessments, study, info=info), totals)
    timed("endpoints", lambda: derive_time_to_event(cohort, response, study, info=info), totals)
    wall, processor = (sum(part) for part in zip(*totals, strict=True))
    report(total_seconds=wall, total_processor_seconds=processor, peak_gib=peak_gib())


if __name__ == "__main__":
    main()
