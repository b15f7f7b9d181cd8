"""Adverse events of second-line therapy: assumed rates, no published value."""

from __future__ import annotations

import numpy as np
import pandas as pd

from generator.covariates import Draw
from generator.records import center_names, typed_table
from generator.second_line import NEVER

_TERMS = (
    ("Neutropenia", 0.22), ("Thrombocytopenia", 0.16), ("Anemia", 0.12), ("Infection", 0.18), ("Hypertension", 0.09),
    ("Peripheral neuropathy", 0.08), ("Diarrhea", 0.07), ("Fatigue", 0.05), ("Cardiac failure", 0.03),
)  # fmt: skip
_GRADES = (0.18, 0.34, 0.36, 0.12)
_MEAN_PER_PATIENT = 1.5
_LATEST_ONSET_DAYS = 200


def build_events(draw: Draw, ids: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Return the canonical adverse events table: one row per event, onset during second line."""
    n_events = rng.poisson(_MEAN_PER_PATIENT, ids.size)
    who = np.repeat(np.arange(ids.size), n_events)
    names, shares = zip(*_TERMS, strict=True)
    terms = np.array(names, dtype=object)[rng.choice(len(names), who.size, p=np.array(shares))]
    contact = np.where(draw["last_contact_date"] < NEVER, draw["last_contact_date"], 1)
    latest = np.minimum(contact[who], _LATEST_ONSET_DAYS)
    columns = {
        "patient_id": ids[who],
        "center": center_names()[draw["center"][who]],
        "term": terms,
        "grade": 1 + rng.choice(len(_GRADES), who.size, p=np.array(_GRADES)),
        "onset_date": np.floor(rng.random(who.size) * latest).astype(np.int64) + 1,
    }
    return typed_table(columns, "adverse_events", draw["start"][who]).sort_values(
        ["patient_id", "onset_date"], kind="stable", ignore_index=True
    )
