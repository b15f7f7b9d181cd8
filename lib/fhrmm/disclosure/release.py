"""A release from beginning to end: what is refused, what is done to the finished folder, and what is remembered."""

from __future__ import annotations

import getpass
import hashlib
import hmac
import json
import secrets
import socket
from collections.abc import Callable, Collection, Mapping
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from fhrmm.disclosure.certainty import read_ledger
from fhrmm.disclosure.gate import DIRECT, IDENTIFIER, Secrets, search_folder
from fhrmm.errors import StudyError
from fhrmm.folders import center_folders
from fhrmm.store import read_dataset_info
from fhrmm.study import PLAN_PARAMETERS, Study, load_study, plan_choices, repository_root
from fhrmm.wording import POOLED, RELEASE_MARK, counted

LEAST_CENTERS = 3
_TABLES = ("patients", "assessments", "adverse_events")
# Names of users and machines that stand in any text.
_COMMON_NAMES = frozenset({"root", "user", "admin", "runner", "localhost", "home", "work", "data"})
_REGISTER, _KEY = "releases.json", "releases.key"
_COUNTS = ("n", "n_events", "n_at_risk", "n_censored", "n_before", "n_excluded", "n_remaining")
_DERIVED = ("estimate", "ci_lower", "ci_upper", "survival", "cumulative_incidence")


def _describe_release(study: Study) -> str:
    """Say what a release is, for its cover and its folder."""
    base = study.disclosure.rounding_base
    return (
        f"This folder is a release and may be shared. Counts are rounded to the midpoint of {base}: "
        f"{base - base // 2} stands for 0 to {base}, {2 * base - base // 2} for {base + 1} to {2 * base}, and so on; "
        "shares, intervals, curves, medians and numbers at risk are computed from the rounded counts, estimates of "
        "models have two significant decimals. Not in a release: single centers and patients, files and rows read, "
        "smallest and largest values, and the model without each center in turn."
    )


def make_release(
    make: Callable[[Path, str], int], data: Path, out: Path, work: Path, parameters: Mapping[str, str]
) -> tuple[int, str]:
    """Make a release in a folder of nobody else, and publish it if nothing is in its way.

    ``make(folder, words)`` makes ``folder/reports``, with the words on its cover, and ``folder/work``, and returns an
    exit status; the register is in `work`. Returned are the exit status, and where the release is or why it is not.
    """
    for folder in (out.parent, work):
        folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".unchecked-", dir=out.parent) as made:
        reports, rows = Path(made) / "reports", Path(made) / "work"
        try:
            choices = {name: value for name, value in parameters.items() if name in PLAN_PARAMETERS}
            study = load_study(parameters.get("study_file", "study.toml"), plan_choices(**choices))
            begin_release(data, out, reports, study)
            if status := make(Path(made), _describe_release(study)):
                return status, "run_all: --release: nothing is published, since not everything could be made"
            finish_release(reports, study)
            names = [getpass.getuser(), socket.gethostname(), *map(str, (Path.home(), repository_root(), data, made))]
            check_release(reports, _read_secrets(rows, names, data, study), study)
            remember_release(work, rows, study, date.today())
        except StudyError as error:
            return 1, f"run_all: {error}"
        if out.exists():
            out.rmdir()
        reports.rename(out)
    return 0, f"Release: {out / 'index.html'}"


def find_identifiers(reports: Path, work: Path) -> list[tuple[str, str]]:
    """Return file and kind of every identifier of a person in a local report, of the patients of its work folder."""
    return search_folder(reports, Secrets(_read_ids(work)), (IDENTIFIER, DIRECT))


def begin_release(data: Path, out: Path, staged: Path, study: Study) -> None:
    """Mark a fresh folder as one in which a release is made.

    Raises
    ------
    StudyError
        If there is something in the folder of the release already, or the dataset has two centers: each could
        subtract its own patients and see those of the other.
    """
    n_centers = len(center_folders(data))
    if 1 < n_centers < LEAST_CENTERS:
        raise StudyError(
            f"--release: {n_centers} centers; a release pools at least {LEAST_CENTERS}, or is of a single dataset that "
            "is never released otherwise: with two, each sees the other by subtraction"
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise StudyError(f"--release: {out.name!r} is not empty; a release has a folder of its own, by --out")
    staged.mkdir(parents=True)
    (staged / RELEASE_MARK).write_text(_describe_release(study) + "\n", encoding="utf-8")


def _read_secrets(work: Path, names: Collection[str], data: Path, study: Study) -> Secrets:
    """Return what must not be in a release: identifiers and dates of patients, names of machine, folders and centers.

    Dates of the plan and the dataset are none of patients, though one may have come on them.
    """
    dates: set[Any] = set()
    for path in (path for name in _TABLES for path in work.glob(f"*/{name}.parquet")):
        frame = pd.read_parquet(path).select_dtypes("datetime")
        dates |= {day for column in frame for day in frame[column].dropna().dt.date}
    info = read_dataset_info(data, study)
    dates -= {study.cohort.second_line_from, study.cohort.second_line_to, info.data_cutoff_date}
    centers = [name for name in center_folders(data) if len(name) > 2 and any(map(str.isdigit, name))]
    told = [name for name in names if len(name) > 3 and name not in _COMMON_NAMES]
    return Secrets(_read_ids(work), dates, [*told, *centers])


def _read_ids(work: Path) -> set[str]:
    tables = [pd.read_parquet(path, columns=["patient_id"]) for path in work.glob("*/patients.parquet")]
    return {str(name) for table in tables for name in table["patient_id"].dropna()}


def finish_release(staged: Path, study: Study) -> None:
    """Name the rounded columns, and say in the manifest what a release may say: no inputs, no digests of them."""
    base = study.disclosure.rounding_base
    names = {name: f"{name}_midpoint{base}" for name in _COUNTS}
    names |= {name: f"{name}_midpoint{base}_derived" for name in _DERIVED}
    for path in [*staged.glob("*/tables/**/*.csv"), *staged.glob("*/figures/*.csv")]:
        head, newline, rest = path.read_text(encoding="utf-8").partition("\n")
        shown = ",".join(names.get(name, name) for name in head.split(","))
        path.write_text(shown + newline + rest, encoding="utf-8")
    made = json.loads((staged / "manifest.json").read_text(encoding="utf-8"))
    for path in staged.rglob(".*"):
        path.unlink()
    files = sorted(path for path in staged.rglob("*") if path.is_file() and path.name != "manifest.json")
    manifest = {name: made[name] for name in ("version", "title", "dataset", "parameters", "packages")}
    manifest["release"] = _describe_release(study)
    manifest["files"] = {p.relative_to(staged).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
    text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    (staged / "manifest.json").write_text(text, encoding="utf-8")


def check_release(staged: Path, found: Secrets, study: Study) -> None:
    """Let a finished release pass, or say everything that is in the way.

    Raises
    ------
    StudyError
        If a file holds what must not leave, or a count can be worked out.
    """
    problems = [f"{name}: {kind}" for name, kind in search_folder(staged, found)]
    if problems:
        raise StudyError("--release: nothing is published\n- " + "\n- ".join(problems))
    base = study.disclosure.rounding_base
    pinned = read_ledger(staged / POOLED, study).find_pinned(base)
    if pinned:
        raise StudyError(
            f"--release: nothing is published, since {counted(len(pinned), 'count')} below {base} can be worked out; "
            "raise rounding_base of the plan"
        )


def remember_release(work: Path, rows: Path, study: Study, day: date) -> None:
    """Enter a release, whose patient-level tables are in `rows`, into the register of a work folder.

    Raises
    ------
    StudyError
        If the patients of an earlier release differ by fewer than the base of rounding: the same twice, or a
        difference that is one small count.
    """
    register, key = work / _REGISTER, work / _KEY
    if not key.exists():
        key.write_text(secrets.token_hex(32), encoding="utf-8")
        key.chmod(0o600)
    secret = bytes.fromhex(key.read_text(encoding="utf-8"))
    table = pd.read_parquet(rows / POOLED / "cohort.parquet", columns=["center", "patient_id"])
    keys = (f"{center}/{patient}" for center, patient in table.itertuples(index=False))
    # without the secret nobody can try patients out
    cohort = sorted(hmac.new(secret, key.encode(), hashlib.sha256).hexdigest() for key in keys)
    former = json.loads(register.read_text(encoding="utf-8")) if register.exists() else []
    for entry in former:
        if len(set(entry["cohort"]) ^ set(cohort)) < study.disclosure.rounding_base:
            raise StudyError(
                f"--release: the cohort of the release of {entry['date']} differs from this one by fewer than "
                f"{study.disclosure.rounding_base} patients: from both together, single ones could be worked out. "
                "Nothing is published"
            )
    plan = hashlib.sha256(study.model_dump_json().encode()).hexdigest()
    entries = [*former, {"date": day.isoformat(), "plan": plan, "cohort": cohort}]
    register.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
