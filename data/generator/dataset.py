"""The embedded dataset: every file of every center, and the truth beside them."""

from __future__ import annotations

import json

from generator.calibration import OS_RANGE, PFS_RANGE
from generator.dialects.styles import STYLES, Style
from generator.dialects.text import write_text
from generator.dialects.writers import describe_center, write_center
from generator.excluded import QUARANTINED
from generator.faults import WARNING, Injected, inject
from generator.records import center_names
from generator.source import Source, build_source
from generator.timeline import DATA_CUTOFF
from generator.truth import SOLVED_BASIS, Truth, load_parameters

_NAME = "Synthetic functional high-risk myeloma, ten centers"


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
            text = write_text(canonical, file, STYLES.get(name, Style()))
            tables[file.table], faults = inject(name, file.table, canonical, text)
            injected += faults
        files |= {f"{name}/{path}": content for path, content in write_center(name, tables).items()}
    files["_truth/truth.json"] = _truth_json(truth, source, injected)
    return files


def _dataset_toml(source: Source) -> str:
    lines = [
        "# SYNTHETIC: no real patient. Written by `python -m generator`; see data/README.md.",
        f'name = "{_NAME}"',
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
