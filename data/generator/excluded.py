"""Patients beside the cohort: one group per exclusion of the flow diagram, and those whose record is at fault."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from fhrmm.schema import variables
from generator.covariates import Draw
from generator.diagnosis import LDH_LIMITS
from generator.imprecise import month_known
from generator.population import simulate_draw
from generator.records import build_patients
from generator.second_line import NEVER, PR, VGPR
from generator.truth import Truth

_POOL = 600
NO_SECOND_LINE, TRANSFER, WINDOW = "second_line_started", "reported_once", "second_line_in_accrual_window"
ROUTE, LATE, UNDETERMINED = "route_possible", "early_relapse", "eligibility_determined"
QUARANTINED = "quarantined"


class _Planned(NamedTuple):
    """One patient beside the cohort: where, why not in the cohort, and which variant of the reason."""

    center: str
    role: str
    variant: str


PLAN = tuple(
    _Planned(*entry)
    for entry in [
        ("C01", NO_SECOND_LINE, "alive"), ("C02", NO_SECOND_LINE, "died"), ("C03", NO_SECOND_LINE, "alive"),
        ("C06", NO_SECOND_LINE, "alive"),
        ("C01", WINDOW, "before"), ("C02", WINDOW, "before"), ("C05", WINDOW, "before"), ("C03", WINDOW, "after"),
        ("C07", WINDOW, "before"),
        ("C01", ROUTE, "VMP"), ("C02", ROUTE, "VTd"), ("C03", ROUTE, "DRd"), ("C04", ROUTE, "VMP"),
        ("C06", ROUTE, "VRd"),
        ("C01", LATE, "14"), ("C01", LATE, "27"), ("C02", LATE, "anniversary"), ("C03", LATE, "16"),
        ("C04", LATE, "21"), ("C05", LATE, "17"), ("C06", LATE, "13"), ("C07", LATE, "no transplant"),
        ("C02", UNDETERMINED, ""), ("C04", UNDETERMINED, ""),
        ("C01", QUARANTINED, "death before second line"), ("C01", QUARANTINED, "id used twice"),
        ("C02", QUARANTINED, "impossible date"), ("C03", QUARANTINED, "second line before diagnosis"),
        ("C04", QUARANTINED, "unknown response"), ("C05", QUARANTINED, "ambiguous date"),
        ("C08", QUARANTINED, "performance status out of range"),
    ]
)  # fmt: skip


class Extras(NamedTuple):
    """The patients beside the cohort: arrays and canonical rows in the order of the plan."""

    draw: Draw
    patients: pd.DataFrame


def simulate_extras(rng: np.random.Generator, truth: Truth) -> Extras:
    """Return the planned patients, each taken from a pool of eligible ones and moved out of the cohort."""
    pool = simulate_draw(_POOL, rng, truth, exact=False, complete=True)
    chosen: list[int] = []
    for planned in PLAN:  # the first unused patient of the pool that suits
        chosen.append(next(row for row in np.flatnonzero(_suits(pool, planned)).tolist() if row not in chosen))
    draw = {name: values[chosen].copy() for name, values in pool.items()}
    draw["center"] = np.array([int(planned.center[1:]) - 1 for planned in PLAN], dtype=np.int8)
    limit = LDH_LIMITS[draw["center"]].astype(float)
    draw["ldh_u_l"] = np.rint(draw["ldh_u_l"] / draw["ldh_uln_u_l"] * limit)
    draw["ldh_uln_u_l"] = limit
    for row, planned in enumerate(PLAN):
        if planned.role == WINDOW:
            _move_window(draw, row, planned.variant)
        elif planned.role in (LATE, UNDETERMINED):
            _move_late(draw, row, planned)
    patients = build_patients(draw, np.array([f"X{row:03d}" for row in range(len(PLAN))], dtype=object))
    for row, planned in enumerate(PLAN):
        _finish(patients, row, planned)
    return Extras(draw, patients)


def _suits(pool: Draw, planned: _Planned) -> np.ndarray:
    transplanted = ~pool["no_asct"]
    if planned.role == WINDOW:
        return transplanted & ~pool["quadruplet"]
    if planned.role == ROUTE or planned.variant == "no transplant":
        return ~transplanted & (pool["first_progression_date"] < NEVER) & (pool["first_line_response"] >= VGPR)
    if planned.role == LATE:
        return transplanted & (pool["maintained"] == (planned.variant in ("27", "16", "13")))
    if planned.role == UNDETERMINED:
        relapse = (pool["start"] + np.where(transplanted, pool["first_progression_date"], 0)).astype("datetime64[D]")
        day = (relapse - relapse.astype("datetime64[M]")).astype(np.int64)
        return transplanted & ~pool["quadruplet"] & ~pool["maintained"] & (day > 8) & (day < 20)
    return (pool["death"] < NEVER) | (planned.variant != "death before second line")


def _move_window(draw: Draw, row: int, variant: str) -> None:
    if variant == "before":
        draw["start"][row] -= 1210
        return
    draw["start"][row] = np.datetime64("2025-01-14")
    ended = ("progression", "progression_date", "death", "death_date", "next_line_start_date", "second_line_asct_date")
    for name in ended:
        draw[name][row] = NEVER
    draw["response"][row], draw["confirmed"][row] = PR, True
    draw["best_response_date"][row], draw["last_contact_date"][row] = 28, 66
    draw["last_assessment_date"][row] = draw["last_visit"][row] = 57
    draw["n_visits"][row], draw["best_index"][row], draw["first_index"][row] = 1, 0, 0


def _move_late(draw: Draw, row: int, planned: _Planned) -> None:
    """Move everything up to the transplant back, so that the relapse comes that many months after it."""
    names, days = ("diagnosis_date", "first_line_start_date"), 420
    if planned.variant != "no transplant":
        # a transplant one day before the anniversary already makes the relapse late; the others miss it by days
        months, before = {"": (12, 0), "anniversary": (12, 1)}.get(planned.variant) or (int(planned.variant), 9)
        relapse = pd.Timestamp(draw["start"][row] + draw["first_progression_date"][row])
        wanted = np.datetime64((relapse - pd.DateOffset(months=months)).date()) - before
        names = (*names, "asct_date", "maintenance_start_date")
        days = int((draw["start"][row] + draw["asct_date"][row] - wanted).astype(np.int64))
    for name in names:
        if draw[name][row] < NEVER:
            draw[name][row] -= days


def _finish(patients: pd.DataFrame, row: int, planned: _Planned) -> None:
    """Change what only the table holds: the regimen of the route, an outcome that never came, a month alone."""
    at = patients.index[row]
    if planned.role == NO_SECOND_LINE:
        _without_second_line(patients, at, planned.variant)
    elif planned.role == ROUTE:
        patients.loc[at, "first_line_regimen"] = planned.variant
        patients.loc[at, "birth_year"] -= 8
        if planned.variant == "DRd":
            patients.loc[at, "second_line_regimen"] = "PVd"
    elif planned.variant == "no transplant":
        patients.loc[at, "first_line_best_response"] = "VGPR"
    elif planned.role == UNDETERMINED:
        month_known(patients, row, "asct_date")


def _without_second_line(patients: pd.DataFrame, at: object, variant: str) -> None:
    relapse = patients.loc[at, "first_progression_date"]
    if pd.isna(relapse):
        relapse = patients.loc[at, "second_line_start_date"]
    for name, variable in variables("patients").items():
        if variable.group in ("second line", "outcome"):
            for part in [name, *(f"{name}_{part}" for part in ("lower", "upper", "precision"))]:
                if part in patients:
                    patients.loc[at, part] = pd.NaT if part.endswith(("_date", "_lower", "_upper")) else None
    for name in ("last_contact_date", *(["death_date"] if variant == "died" else [])):
        patients.loc[at, [name, f"{name}_lower", f"{name}_upper"]] = relapse + pd.Timedelta(days=71)
        patients.loc[at, f"{name}_precision"] = "day"
    if variant == "died":
        patients.loc[at, "death_cause"] = "myeloma"
