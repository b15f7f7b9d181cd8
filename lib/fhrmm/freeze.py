"""Freezes: what a run was made from and what it gave, kept below work/, and what has changed since."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from fhrmm.formats import is_missing
from fhrmm.store import (
    Run,
    read_manifest,
    read_report_csv,
    read_table,
    read_work_csv,
    write_report_csv,
    write_work_csv,
)

KEYS = {"inputs": ["file"], "patients": ["center", "patient_id"], "estimates": ["estimate"]}
_OVERALL = ("proportion", "survival_probability", "median_months")
_MODELS = ("univariable", "primary", "overlap weights")
_NAMED = ["notebook", "endpoint", "estimand", "time_months", "population", "model", "variable", "level"]


def refuse_name(name: str, work: Path) -> str:
    """Say why there can be no freeze of a name below a folder of intermediates; empty if there can."""
    if not re.fullmatch(r"\w[\w.-]{0,39}", name):
        return f"--freeze {name!r}: a name has letters, digits, dots and dashes, 40 at most"
    if any(work.glob(f"*/frozen_{name}_patients.csv")):
        return f"--freeze {name!r}: there is a freeze of that name, and it stays as it is; take another name"
    return ""


def follow(run: Run, new: str | None) -> Iterator[str]:
    """Write what has changed in a scope since each of its freezes, and make a new one if named; say so line by line."""
    described = _describe(run)
    for name in sorted(path.stem[7:-9] for path in run.work.glob("frozen_*_patients.csv")):
        table = _write_changes(run, name, described)
        counts = table[table["what"] == "patients"].set_index("name")["now"]
        people = ", ".join(f"{counts[state]} {state}" for state in ("new", "gone", "changed"))
        n_others = int((table["what"] == "estimates").sum())
        yield f"{run.scope} since {name}: {people} patients, {n_others} other key estimates"
    if new:
        for what, frame in described.items():
            write_work_csv(run, f"frozen_{new}_{what}", frame)
        yield f"{run.scope}: frozen as {new}"


def _write_changes(run: Run, name: str, now: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Write what has changed since a freeze: counts and numbers below reports/, identifiers below work/ only.

    Returns
    -------
    DataFrame
        what, name, before, now: files with another digest; patients new, gone and changed; patients who entered or left
        the cohort; key estimates that are others.
    """
    before = {what: read_work_csv(run, f"frozen_{name}_{what}") for what in now}
    changed = {what: _compare(before[what], now[what], KEYS[what]) for what in now}
    patients = changed["patients"]
    write_work_csv(run, f"since_{name}", patients)
    counts = {state: int((patients["change"] == state).sum()) for state in ("new", "gone", "changed")}
    was, does = (patients[f"included_{when}"].eq("True") for when in ("before", "now"))
    counts |= {"entered the cohort": int((does & ~was).sum()), "left the cohort": int((was & ~does).sum())}
    rows = [("patients", "accepted", len(before["patients"]), len(now["patients"]))]
    rows += [("patients", state, "", count) for state, count in counts.items()]
    for what, column in (("inputs", "digest"), ("estimates", "value")):
        row_columns = [*KEYS[what], f"{column}_before", f"{column}_now"]
        rows += [(what, *row) for row in changed[what][row_columns].itertuples(index=False)]
    table = pd.DataFrame(rows, columns=["what", "name", "before", "now"])
    write_report_csv(run, f"since_{name}", table)
    return table


def _describe(run: Run) -> dict[str, pd.DataFrame]:
    """Return what a freeze keeps, all of it as text."""
    files = read_manifest(run)["nodes"].get(f"{run.scope}/01_cleaning", {}).get("inputs", {})
    inputs = [(name, digest) for name, digest in sorted(files.items()) if name.startswith("data/")]
    patients = read_table(run, "patients")
    key = pd.MultiIndex.from_frame(patients[KEYS["patients"]])
    parts = [_digest(patients).to_numpy()]
    for table in ("assessments", "adverse_events"):
        rows = read_table(run, table)
        of_patient = _digest(rows).groupby([rows[name] for name in KEYS["patients"]]).sum()  # in whatever order
        parts.append(of_patient.reindex(key, fill_value=np.uint64(0)).to_numpy(dtype=np.uint64))
    decisions = read_work_csv(run, "decisions").set_index(KEYS["patients"])["included"]
    kept = patients[KEYS["patients"]].assign(
        digest=["-".join(f"{part:x}" for part in row) for row in zip(*parts, strict=True)],
        included=decisions.reindex(key).to_numpy(),
    )
    estimates = read_report_csv(run, "estimates")
    is_overall = estimates["variable"].isna() & estimates["model"].isna() & estimates["estimand"].isin(_OVERALL)
    is_ratio = (estimates["estimand"] == "hazard_ratio") & estimates["model"].isin(_MODELS)
    rows = estimates[is_overall | (is_ratio & (estimates["level"] != estimates["reference"]))].to_dict("records")
    names = [" ".join(str(row[name]) for name in _NAMED if not is_missing(row[name])) for row in rows]
    shown = pd.DataFrame({"estimate": names, "value": [_write(row) for row in rows]}).drop_duplicates("estimate")
    return {"inputs": pd.DataFrame(inputs, columns=["file", "digest"]), "patients": kept, "estimates": shown}


def _digest(frame: pd.DataFrame) -> pd.Series:
    """Return a number per row for what its cells say: a column that nobody fills adds nothing."""
    said = np.zeros(len(frame), dtype=np.uint64)
    for name, column in frame.items():
        texts = column.astype(str)
        digests = pd.util.hash_array((f"{name} " + texts).to_numpy(dtype=object), categorize=False)
        said += np.where(column.notna() & texts.ne(""), digests, np.uint64(0))
    return pd.Series(pd.util.hash_array(said), index=frame.index)  # so that rows cannot exchange cells unseen


def _write(row: dict) -> str:
    """Write an estimate to six digits, which no rounding of a machine changes."""
    if row["status"] != "ok":
        return str(row["status"])
    limits = "" if is_missing(row["ci_lower"]) else f" ({row['ci_lower']:.6g} to {row['ci_upper']:.6g})"
    return f"{row['estimate']:.6g}{limits}, n {row['n']:g}"


def _compare(before: pd.DataFrame, now: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Return the rows that are new, gone or changed, with what they were and what they are."""
    both = before.astype(str).merge(now.astype(str), on=key, how="outer", suffixes=("_before", "_now"), indicator=True)
    content = [name for name in now if name not in key]
    differs = pd.concat([both[f"{name}_before"].ne(both[f"{name}_now"]) for name in content], axis=1).any(axis=1)
    states = both.pop("_merge").map({"left_only": "gone", "right_only": "new", "both": "changed"}).astype(object)
    both.insert(len(key), "change", states)
    return both[differs].fillna("").sort_values(key, ignore_index=True)
