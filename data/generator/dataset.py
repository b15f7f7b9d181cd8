"""The embedded dataset: every file of every center, and the truth beside them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fhrmm.store import Transfer
from generator.calibration import OS_RANGE, PFS_RANGE, summarize
from generator.cohort import ASSESSMENT_CENTERS, Cohort, simulate_cohort
from generator.dialects.styles import STYLES
from generator.dialects.text import write_text
from generator.dialects.writers import describe_center, write_center
from generator.events import build_events
from generator.excluded import NO_SECOND_LINE, PLAN, QUARANTINED, ROUTE, TRANSFER, Extras, simulate_extras
from generator.faults import COHORT, WARNING, Injected, inject
from generator.records import center_names
from generator.timeline import DATA_CUTOFF
from generator.truth import SOLVED_BASIS, Truth, load_parameters
from generator.visits import build_visits

EVENT_CENTERS = ("C03", "C05")
RESPONSE_ONLY_CENTERS = ("C03",)
TRANSFER_FROM, TRANSFER_TO = "C01", "C03"
LOOKALIKE_FROM, LOOKALIKE_TO = "C06", "C05"
NAME = "Synthetic functional high-risk myeloma, ten centers"


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
    visits = visits[~visits["center"].isin(RESPONSE_ONLY_CENTERS) | visits["response"].notna()]
    events = build_events(draw, ids, np.random.default_rng([truth.seed, 4]))
    original, moved = _pair(patients, "transfer")
    first, second = _pair(patients, "lookalike")
    return Source(
        patients.drop(columns="source_row"),
        _of_patients(visits, own[treated & own["center"].isin(ASSESSMENT_CENTERS)]),
        _of_patients(events, own[treated & own["center"].isin(EVENT_CENTERS)]),
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
    eligible = patients["center"].eq(TRANSFER_FROM) & patients["role"].eq(COHORT) & patients["death_date"].isna()
    moved = patients[eligible].iloc[[0]].assign(center=TRANSFER_TO, role=TRANSFER, variant="transfer", source_row=-1)
    alike = patients["center"].eq(LOOKALIKE_FROM) & patients["role"].eq(ROUTE)
    twin = patients[alike].iloc[[0]].assign(center=LOOKALIKE_TO, variant="lookalike", source_row=-1)
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


def build_files(truth: Truth) -> dict[str, bytes]:
    """Return every file of the dataset: path below the dataset folder -> content."""
    source = build_source(truth)
    files: dict[str, bytes] = {"dataset.toml": _dataset_toml(source).encode()}
    injected = [  # the pair of patients who may be one: a warning at both centers
        Injected(identity.split("-")[1], "patients", identity, "patient_id", identity, "suspected_transfer", WARNING)
        for identity in source.lookalikes
    ]
    for name in center_names():
        tables = {}
        for file in describe_center(name).files:
            canonical = getattr(source, file.table)
            canonical = canonical[canonical["center"].eq(name)].reset_index(drop=True)
            text = write_text(canonical, file, STYLES[name])
            tables[file.table], faults = inject(name, file.table, canonical, text)
            injected += faults
        files |= {f"{name}/{path}": content for path, content in write_center(name, tables).items()}
    files["_truth/truth.json"] = _truth_json(truth, source, injected)
    return files


def write_dataset(folder: Path, truth: Truth) -> list[Path]:
    """Write the embedded dataset below a folder, the same bytes at every call; return the files written."""
    written = []
    for path, content in sorted(build_files(truth).items()):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        written.append(target)
    return written


def _dataset_toml(source: Source) -> str:
    lines = [
        "# SYNTHETIC: no real patient. Written by `python -m generator`; see data/README.md.",
        f'name = "{NAME}"',
        "synthetic = true",
        f"data_cutoff_date = {DATA_CUTOFF}",
        'citation = "Synthetic data of the fhrmm-compendium; generated from assumptions, never evidence"',
    ]
    lines += ["", "[[transfers]]", *(f'{key} = "{value}"' for key, value in source.transfer.model_dump().items())]
    return "\n".join(lines) + "\n"


def _truth_json(truth: Truth, source: Source, injected: list[Injected]) -> bytes:
    """Return seed, constants, every parameter with its evidence, achieved statistics, roles and faults."""
    columns = ["center", "patient_id", "role", "variant"]
    content = {
        "notice": "Synthetic. The seed was selected on outcomes: nothing here is evidence about any patient or paper.",
        "seed": truth.seed,
        "solved": truth.model_dump(include=set(SOLVED_BASIS) - {"seed"}),
        "targets": {"responders": 38, "vgpr_or_better": 26, "pfs_12_months": PFS_RANGE, "os_12_months": OS_RANGE},
        "achieved": source.achieved,
        "parameters": [parameter._asdict() for parameter in load_parameters()],
        "roles": source.patients[columns].to_dict("records"),
        "counts": source.patients["role"].value_counts().sort_index().to_dict(),
        "lookalikes": [source.lookalikes],
        "faults": [fault._asdict() for fault in injected],
        "quarantined": sorted(source.patients.loc[source.patients["role"].eq(QUARANTINED), "patient_id"]),
    }
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
