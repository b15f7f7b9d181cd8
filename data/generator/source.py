"""The true tables behind the raw exports: cohort, patients beside it, and the two who are there twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fhrmm.store import Transfer
from generator.events import build_events
from generator.excluded import NO_SECOND_LINE, PLAN, ROUTE, TRANSFER, Extras, simulate_extras
from generator.faults import COHORT
from generator.observed import summarize
from generator.population import ASSESSMENT_CENTERS, Cohort, simulate_cohort
from generator.truth import Truth
from generator.visits import build_visits

_EVENT_CENTERS = ("C03", "C05")
_RESPONSE_ONLY_CENTERS = ("C03",)
_TRANSFER_FROM, _TRANSFER_TO = "C01", "C03"
_LOOKALIKE_FROM, _LOOKALIKE_TO = "C06", "C05"


@dataclass(frozen=True, slots=True)
class Source:
    """The true tables behind the raw exports.

    Attributes
    ----------
    patients, assessments, adverse_events : DataFrame
        Canonical, in the order of the files, with `role` and `variant` of each patient.
    transfer : Transfer
        The patient reported by two centers, confirmed.
    lookalikes : tuple of (str, str)
        Ids of an unconfirmed pair.
    achieved : dict
        What the cohort shows.
    """

    patients: pd.DataFrame
    assessments: pd.DataFrame
    adverse_events: pd.DataFrame
    transfer: Transfer
    lookalikes: tuple[str, str]
    achieved: dict


def build_source(truth: Truth) -> Source:
    """Return the true tables of the embedded dataset."""
    cohort = simulate_cohort(truth.seed, truth)
    extras = simulate_extras(np.random.default_rng([truth.seed, 1]), truth)
    patients = _assign_ids(_gather(cohort, extras), np.random.default_rng([truth.seed, 2]))
    draw = {name: np.concatenate([cohort.draw[name], extras.draw[name]]) for name in cohort.draw}
    own = patients[patients["source_row"] >= 0].sort_values("source_row")
    ids = own["patient_id"].to_numpy(dtype=object)
    treated = own["role"].ne(NO_SECOND_LINE)
    visits = build_visits(draw, ids, np.random.default_rng([truth.seed, 3]))
    # a baseline visit would be empty where a center sends responses only
    visits = visits[~visits["center"].isin(_RESPONSE_ONLY_CENTERS) | visits["response"].notna()]
    events = build_events(draw, ids, np.random.default_rng([truth.seed, 4]))
    original, moved = _pair(patients, "transfer")
    first, second = _pair(patients, "lookalike")
    return Source(
        patients.drop(columns="source_row"),
        _of_patients(visits, own[treated & own["center"].isin(ASSESSMENT_CENTERS)]),
        _of_patients(events, own[treated & own["center"].isin(_EVENT_CENTERS)]),
        Transfer(center=moved["center"], patient_id=moved["patient_id"], reported_by=original["center"]),
        (first["patient_id"], second["patient_id"]),
        summarize(cohort),
    )


def _gather(cohort: Cohort, extras: Extras) -> pd.DataFrame:
    """Put cohort, extras and the two copies together, with role, variant and row of the drawn arrays."""
    inside = cohort.patients.assign(role=COHORT, variant="")
    outside = extras.patients.assign(role=[one.role for one in PLAN], variant=[one.variant for one in PLAN])
    patients = pd.concat([inside, outside], ignore_index=True)
    patients["source_row"] = np.arange(len(patients))
    # one patient whom a second center reports as well, and one who only looks like another's
    eligible = patients["center"].eq(_TRANSFER_FROM) & patients["role"].eq(COHORT) & patients["death_date"].isna()
    moved = patients[eligible].iloc[[0]].assign(center=_TRANSFER_TO, role=TRANSFER, variant="transfer", source_row=-1)
    alike = patients["center"].eq(_LOOKALIKE_FROM) & patients["role"].eq(ROUTE)
    twin = patients[alike].iloc[[0]].assign(center=_LOOKALIKE_TO, variant="lookalike", source_row=-1)
    copies = [copy.astype(patients.dtypes) for copy in (moved, twin)]
    return pd.concat([patients, *copies], ignore_index=True)


def _assign_ids(patients: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Shuffle the patients of every center and number them."""
    shuffled = patients.assign(origin=patients["patient_id"]).iloc[rng.permutation(len(patients))]
    shuffled = shuffled.sort_values("center", kind="stable", ignore_index=True)
    number = shuffled.groupby("center").cumcount() + 1
    shuffled["patient_id"] = "SYN-" + shuffled["center"] + "-" + number.astype(str).str.zfill(3)
    return shuffled


def _of_patients(rows: pd.DataFrame, chosen: pd.DataFrame) -> pd.DataFrame:
    roles = chosen[["patient_id", "role", "variant"]]
    return rows.merge(roles, on="patient_id", how="inner").sort_values(
        ["center", "patient_id"], kind="stable", ignore_index=True
    )


def _pair(patients: pd.DataFrame, variant: str) -> tuple[pd.Series, pd.Series]:
    """Return a patient and the copy of that variant."""
    copy = patients[patients["variant"].eq(variant)].iloc[0]
    same = patients["origin"].eq(copy["origin"]) & patients["variant"].ne(variant)
    return patients[same].iloc[0], copy
