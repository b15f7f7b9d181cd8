"""work/ and reports/: the only access to their files, and the list of centers of a dataset."""

from __future__ import annotations

import io
import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from fhrmm.errors import StudyError
from fhrmm.estimate_table import ESTIMATE_COLUMNS
from fhrmm.folders import center_folders
from fhrmm.study import Frozen, Study, describe_validation, list_problems, resolve_path
from fhrmm.wording import POOL, POOLED, RELEASE_MARK

# A text that a spreadsheet takes for a formula, unless it is a number; and the same made inert.
FORMULA = re.compile(r"(?=[=+\-@\t\r])(?![+-]?[\d.,]+$)")
INERT = r"^'(?=[=+\-@\t\r])"


class Transfer(Frozen):
    """A patient whom another center reports: counted there, not here."""

    center: str
    patient_id: str
    reported_by: str


class DatasetInfo(Frozen):
    """`dataset.toml`: what a folder of centers is."""

    name: str = "center export"
    synthetic: bool = False
    data_cutoff_date: date | None = None
    citation: str = ""
    transfers: tuple[Transfer, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """Where one notebook run reads and writes.

    Attributes
    ----------
    scope : str
        A center id, or ``ALL`` for all centers pooled.
    data_dir, work_dir, reports_dir : Path
        Dataset, patient-level intermediates, and what may be shown.
    """

    scope: str
    data_dir: Path
    work_dir: Path
    reports_dir: Path

    @property
    def work(self) -> Path:
        """Folder of patient-level intermediates of the scope."""
        return self.work_dir / self.scope

    @property
    def reports(self) -> Path:
        """Folder of shown output of the scope."""
        return self.reports_dir / self.scope

    @property
    def is_release(self) -> bool:
        """Whether what is shown is a release; `run_all.py --release` alone makes the folder of one."""
        return (self.reports_dir / RELEASE_MARK).is_file()


def open_run(scope: str, data_dir: str, work_dir: str, reports_dir: str) -> Run:
    """Return the places of one run; relative folders are taken from the repository root.

    Raises
    ------
    StudyError
        If the dataset does not exist or has no such center; the message names the centers there are.
    """
    data = resolve_path(data_dir)
    known = [] if scope == POOL else list_centers(data)
    if scope not in (POOL, POOLED) and scope not in known:
        raise StudyError(f"no center {scope!r} in the dataset; it has {', '.join(known)}, and {POOLED} for all of them")
    return Run(scope, data, resolve_path(work_dir), resolve_path(reports_dir))


def list_centers(data_dir: str | Path) -> list[str]:
    """Return the center ids of a dataset, as `center_folders` does; a relative path begins at the repository."""
    return center_folders(resolve_path(data_dir))


def scope_centers(data_dir: str | Path, scope: str) -> list[str]:
    """Return the centers a scope consists of."""
    return list_centers(data_dir) if scope == POOLED else [scope]


def read_dataset_info(data_dir: str | Path, study: Study | None = None) -> DatasetInfo:
    """Read `dataset.toml` of a dataset, with the plan's data cut-off if it states one; without, an unnamed real one."""
    path = resolve_path(data_dir) / "dataset.toml"
    cutoff = study.cohort.data_cutoff_date if study else None
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return DatasetInfo.model_validate(content | ({"data_cutoff_date": cutoff} if cutoff else {}))
    except ValidationError as error:
        raise StudyError(list_problems(describe_validation(error), path.name)) from None
    except (ValueError, RecursionError) as error:  # of numbers with thousands of digits and of deep nesting as well
        raise StudyError(f"dataset.toml: not readable as TOML: {error!s:.200}") from None


def read_truth(data_dir: str | Path) -> dict[str, Any]:
    """Read what is known of the truth behind a synthetic dataset (`_truth/truth.json`); empty for real data."""
    path = resolve_path(data_dir) / "_truth" / "truth.json"
    if not read_dataset_info(data_dir).synthetic or not path.is_file():
        return {}
    return json.loads(path.read_text(encoding="utf-8"))


def read_table(run: Run, name: str) -> pd.DataFrame:
    """Read one patient-level table of the scope (`patients`, `cohort`, `response`, `time_to_event`, ...).

    Raises
    ------
    StudyError
        If an earlier notebook has not written it yet.
    """
    return pd.read_parquet(_existing(run.work / f"{name}.parquet", run.scope))


def write_table(run: Run, name: str, frame: pd.DataFrame) -> None:
    """Write one patient-level table below work/."""
    run.work.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(run.work / f"{name}.parquet", index=False)


def write_work_csv(run: Run, name: str, frame: pd.DataFrame) -> None:
    """Write one patient-level list (issues, audit) below work/, as CSV that a spreadsheet opens."""
    run.work.mkdir(parents=True, exist_ok=True)
    _inert(frame).to_csv(run.work / f"{name}.csv", index=False, encoding="utf-8-sig", lineterminator="\n")


def _inert(frame: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before texts that a spreadsheet would take for a formula; readers here take it away again."""
    safe = frame.copy(deep=False)
    for name in frame.select_dtypes(["object", "category"]):
        texts = frame[name].astype("category").cat.categories
        if changed := {text: f"'{text}" for text in texts if isinstance(text, str) and FORMULA.match(text)}:
            safe[name] = frame[name].astype(object).replace(changed)
    return safe


def write_work_bytes(run: Run, file_name: str, content: bytes) -> None:
    """Write one file below work/, whole or not at all; a file that a program holds is said to be in use."""
    partial = run.work / f"{file_name}.part"
    partial.write_bytes(content)
    try:
        partial.replace(run.work / file_name)
    except PermissionError:
        partial.unlink()
        raise StudyError(f"{file_name} is in use: close it in Excel and run again") from None


def read_work_csv(run: Run, name: str) -> pd.DataFrame:
    """Read a list written by `write_work_csv`; every column is text."""
    path = _existing(run.work / f"{name}.csv", run.scope)
    listed = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    return listed.replace(INERT, "", regex=True)


def write_report_csv(run: Run, name: str, frame: pd.DataFrame) -> Path:
    """Write one table below reports/<SCOPE>/tables/. Only `report` calls it, after disclosure."""
    path = run.reports / "tables" / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    _inert(frame).to_csv(path, index=False, lineterminator="\n")
    return path


def read_report_csv(run: Run, name: str, scope: str | None = None) -> pd.DataFrame:
    """Read one published table of this scope, or of another scope of the same report."""
    scope = scope or run.scope
    shown = pd.read_csv(_existing(run.reports_dir / scope / "tables" / f"{name}.csv", scope))
    return shown.replace(INERT, "", regex=True)


def _existing(path: Path, scope: str) -> Path:
    """Return a file that an earlier notebook writes; say what to run if it has not."""
    if not path.is_file():
        first = f"run first, from the folder of the repository: python run_all.py --center {scope}"
        raise StudyError(f"{scope}: table {path.stem!r} is not there yet; {first}")
    return path


def read_scope_estimates(run: Run, scope: str, without: str) -> pd.DataFrame:
    """Read the estimates that the notebooks of a scope have published, in notebook order, without those of one."""
    folder = run.reports_dir / scope / "tables" / "estimates"
    files = [path for path in sorted(folder.glob("*.csv")) if path.stem != without]
    return pd.read_csv(io.StringIO(_join_estimates(files)))


def published_scopes(run: Run, name: str) -> list[str]:
    """Return the scopes that have published a table (a name, or a pattern), sorted, `ALL` last."""
    found = {path.relative_to(run.reports_dir).parts[0] for path in run.reports_dir.glob(f"*/tables/{name}.csv")}
    return sorted(found - {POOLED}) + ([POOLED] if POOLED in found else [])


def write_report_bytes(run: Run, folder: str, file_name: str, content: bytes) -> Path:
    """Write one figure or document below reports/<SCOPE>/<folder>/. Only `report` calls it."""
    path = run.reports / folder / file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def read_report_bytes(run: Run, folder: str, file_name: str) -> bytes:
    """Read one published file of the scope.

    Raises
    ------
    StudyError
        If it is not there.
    """
    path = run.reports / folder / file_name
    if not path.is_file():
        raise StudyError(f"{run.scope}: published file {folder}/{file_name} is not there; run again")
    return path.read_bytes()


def clear_report_folder(run: Run, folder: str) -> None:
    """Remove the files of a folder below reports/<SCOPE>/, so that nothing of an earlier run stays in it."""
    for path in sorted((run.reports / folder).rglob("*")):
        if path.is_file():
            path.unlink()


def read_manifest(run: Run) -> dict[str, Any]:
    """Read what the runner wrote about the report: above all, the state of every notebook.

    Raises
    ------
    StudyError
        If there is none, or it is damaged.
    """
    try:
        return json.loads((run.reports_dir / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise StudyError("the report has no readable manifest.json; run the notebooks first") from None


def is_being_made(run: Run) -> bool:
    """Tell whether the runner is making the report; it has held the plan together before the first notebook."""
    return (run.reports_dir / ".run.json").is_file()


def read_report_values(run: Run, notebook: str) -> dict[str, Any]:
    """Return the values of a notebook's parameters in the report that lies there; none while the runner makes one."""
    if is_being_made(run):
        return {}
    try:
        return read_manifest(run)["nodes"].get(f"{run.scope}/{notebook}", {}).get("values", {})
    except StudyError:
        return {}


def combine_estimates(reports_dir: str | Path, scope: str, notebooks: Sequence[str] | None = None) -> Path:
    """Join the estimates of every notebook of a scope into `tables/estimates.csv`, in notebook order.

    Returns
    -------
    Path
        The joined table; with only its header where no notebook had results.
    """
    folder = resolve_path(reports_dir) / scope / "tables"
    files = sorted((folder / "estimates").glob("*.csv"))
    chosen = [path for path in files if notebooks is None or path.stem in notebooks]
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "estimates.csv"
    target.write_text(_join_estimates(chosen), encoding="utf-8")
    return target


def _join_estimates(files: Sequence[Path]) -> str:
    lines = [path.read_text(encoding="utf-8").splitlines(keepends=True)[1:] for path in files]
    return ",".join(ESTIMATE_COLUMNS) + "\n" + "".join(line for part in lines for line in part)
