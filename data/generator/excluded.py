"""Patients beside the cohort: one group per exclusion of the flow diagram, and those whose record is at fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from fhrmm.schema import variables
from generator.course import NEVER, PR, VGPR
from generator.covariates import Draw
from generator.diagnosis import LDH_LIMITS
from generator.imprecise import month_known
from generator.population import simulate_draw
from generator.records import build_patients
from generator.truth import Truth

POOL = 600
NO_SECOND_LINE, TRANSFER, WINDOW = "second_line_started", "reported_once", "second_line_in_accrual_window"
ROUTE, LATE, UNDETERMINED = "route_possible", "early_relapse", "eligibility_determined"
QUARANTINED = "quarantined"
BEFORE_TRANSPLANT = ("diagnosis_date", "first_line_start_date", "asct_date", "maintenance_start_date")


class Planned(NamedTuple):
    """One patient beside the cohort: where, why not in the cohort, and which variant of the reason."""

    center: str
    role: str
    variant: str


PLAN = tuple(
    Planned(*entry)
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
    """The patients beside the cohort: arrays, canonical rows, and the plan, all in one order."""

    draw: Draw
    patients: pd.DataFrame
    plan: tuple[Planned, ...]


def simulate_extras(rng: np.random.Generator, truth: Truth) -> Extras:
    """Return the planned patients, each taken from a pool of eligible ones and moved out of the cohort."""
    pool = simulate_draw(POOL, rng, truth, exact=False, complete=True)
    chosen = _choose(pool)
    draw = {name: values[chosen].copy() for name, values in pool.items()}
    _move_center(draw)
    for row, planned in enumerate(PLAN):
        _MOVES.get(planned.role, _keep)(draw, row, planned.variant)
    patients = build_patients(draw, np.array([f"X{row:03d}" for row in range(len(PLAN))], dtype=object))
    for row, planned in enumerate(PLAN):
        _FINISH.get(planned.role, _leave)(patients, row, planned.variant)
    return Extras(draw, patients, PLAN)


def _move_center(draw: Draw) -> None:
    """Put the patients into their planned centers, LDH relative to that laboratory's limit."""
    draw["center"] = np.array([int(planned.center[1:]) - 1 for planned in PLAN], dtype=np.int8)
    limit = LDH_LIMITS[draw["center"]].astype(float)
    draw["ldh_u_l"] = np.rint(draw["ldh_u_l"] / draw["ldh_uln_u_l"] * limit)
    draw["ldh_uln_u_l"] = limit


def _choose(pool: Draw) -> np.ndarray:
    """Take the first unused patient of the pool that suits each plan."""
    used: list[int] = []
    for planned in PLAN:
        suitable = np.flatnonzero(_suits(pool, planned))
        used.append(next(int(row) for row in suitable if row not in used))
    return np.array(used)


def _suits(pool: Draw, planned: Planned) -> np.ndarray:
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


def _keep(draw: Draw, row: int, variant: str) -> None:
    """Leave the arrays as they are."""


def _leave(patients: pd.DataFrame, row: int, variant: str) -> None:
    """Leave the row as it is."""


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


def _move_late(draw: Draw, row: int, variant: str) -> None:
    """Move everything up to the transplant back, so that the relapse comes that many months after it."""
    if variant == "no transplant":
        _shift(draw, row, ("diagnosis_date", "first_line_start_date"), 420)
        return
    months = {"anniversary": 12}.get(variant) or int(variant)
    relapse = draw["start"][row] + draw["first_progression_date"][row]
    wanted = _months_before(relapse, months) - (1 if variant == "anniversary" else 9)
    asct = draw["start"][row] + draw["asct_date"][row]
    _shift(draw, row, BEFORE_TRANSPLANT, int((asct - wanted).astype(np.int64)))


def _move_undetermined(draw: Draw, row: int, variant: str) -> None:
    relapse = draw["start"][row] + draw["first_progression_date"][row]
    wanted = _months_before(relapse, 12)
    asct = draw["start"][row] + draw["asct_date"][row]
    _shift(draw, row, BEFORE_TRANSPLANT, int((asct - wanted).astype(np.int64)))


def _shift(draw: Draw, row: int, names: tuple[str, ...], days: int) -> None:
    for name in names:
        if draw[name][row] < NEVER:
            draw[name][row] -= days


def _months_before(date: np.datetime64, months: int) -> np.datetime64:
    return np.datetime64((pd.Timestamp(date) - pd.DateOffset(months=months)).date())


def _finish_no_second_line(patients: pd.DataFrame, row: int, variant: str) -> None:
    at = patients.index[row]
    relapse = patients.loc[at, "first_progression_date"]
    if pd.isna(relapse):
        relapse = patients.loc[at, "second_line_start_date"]
    groups = ("second line", "outcome")
    for name, variable in variables("patients").items():
        if variable.group in groups:
            clear(patients, at, name)
    last = relapse + pd.Timedelta(days=71)
    set_day(patients, at, "last_contact_date", last)
    if variant == "died":
        set_day(patients, at, "death_date", last)
        patients.loc[at, "death_cause"] = "myeloma"


def _finish_route(patients: pd.DataFrame, row: int, variant: str) -> None:
    at = patients.index[row]
    patients.loc[at, "first_line_regimen"] = variant
    patients.loc[at, "birth_year"] -= 8
    if variant == "DRd":
        patients.loc[at, "second_line_regimen"] = "PVd"


def _finish_late(patients: pd.DataFrame, row: int, variant: str) -> None:
    if variant == "no transplant":
        patients.loc[patients.index[row], "first_line_best_response"] = "VGPR"


def _finish_undetermined(patients: pd.DataFrame, row: int, variant: str) -> None:
    month_known(patients, row, "asct_date")


def clear(patients: pd.DataFrame, at: object, name: str) -> None:
    """Make a value missing, with its companions."""
    parts = [name, *(f"{name}_{part}" for part in ("lower", "upper", "precision"))]
    for part in parts:
        if part in patients:
            patients.loc[at, part] = pd.NaT if part.endswith(("_date", "_lower", "_upper")) else None


def set_day(patients: pd.DataFrame, at: object, name: str, day: pd.Timestamp) -> None:
    """Set a date known to the day."""
    patients.loc[at, [name, f"{name}_lower", f"{name}_upper"]] = day
    patients.loc[at, f"{name}_precision"] = "day"


_MOVES: dict[str, Callable[[Draw, int, str], None]] = {
    WINDOW: _move_window, LATE: _move_late, UNDETERMINED: _move_undetermined
}  # fmt: skip
_FINISH: dict[str, Callable[[pd.DataFrame, int, str], None]] = {
    NO_SECOND_LINE: _finish_no_second_line, ROUTE: _finish_route, LATE: _finish_late,
    UNDETERMINED: _finish_undetermined,
}  # fmt: skip
