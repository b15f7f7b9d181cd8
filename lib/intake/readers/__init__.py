"""Export files of any dialect to text tables in canonical columns, with the place of every row."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from fhrmm.errors import StudyError
from fhrmm.study import Study, resolve_path
from intake.center import FILE_NAME, FORMAT_BY_EXTENSION, PROPOSED, Center, CenterFile, load_center
from intake.readers import redcap
from intake.readers.files import REDCAP, OpenedFile, make_table, open_file
from intake.readers.grid import ReadProblem
from intake.readers.raw import PLACE, RawCenter, RawTable, unknown_frame
from intake.readers.reporting import FileNotes
from intake.rules import Finding

READABLE = ", ".join(sorted(FORMAT_BY_EXTENSION))


def read_center(data_dir: str | Path, center: str, study: Study, description: str = FILE_NAME) -> RawCenter:
    """Read every file of a center as text in canonical columns.

    Returns
    -------
    RawCenter
        What was read, and a finding for everything that was not: bad data never raises.

    Examples
    --------
    >>> from fhrmm.study import load_study
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "C01").mkdir()
    >>> _ = (folder / "C01" / "patients.csv").write_text("patient_id,sex\\nP1,female\\n")
    >>> read_center(folder, "C01", load_study()).tables[0].frame[["patient_id", "_row"]].values.tolist()
    [['P1', 2]]
    """
    folder = resolve_path(data_dir) / center
    try:
        if folder.is_symlink():
            raise StudyError("a link to another folder, whose patients would count twice: put the files here")
        described = load_center(folder, description)
    except StudyError as error:
        return RawCenter(center, findings=(Finding("center_unreadable", file=description, found=str(error)),))
    notes = FileNotes()
    tables = _read_files(folder, described, notes)
    for name in _files_not_named(folder, described):
        known = Path(name).suffix.lower() in FORMAT_BY_EXTENSION
        advice = "" if known else f"nothing if it holds no data; else save it as one of {READABLE}"
        notes.findings.append(Finding("file_not_read", file=name, what_to_do=advice))
    unknown = unknown_frame(center, list(dict.fromkeys(notes.unknown)))
    return RawCenter(center, tuple(tables), tuple(notes.findings), unknown, tuple(dict(notes.left_out).items()))


def _read_files(folder: Path, center: Center, notes: FileNotes) -> list[RawTable]:
    """Read the files in their order; a path that holds several tables is opened once per table."""
    times = Counter(file.path for file in center.files)
    tables, taken = [], {}
    for file in center.files:
        part = file.sheet or file.instrument or file.table
        name = f"{file.path} [{part}]" if times[file.path] > 1 else file.path
        try:
            opened = open_file(folder, file)
            others = [other for other in center.files if other.path == file.path and other is not file]
            table = make_table(opened, file, name, notes, others)
        except ReadProblem as problem:
            said = {"found": problem.found, "expected": problem.expected, "what_to_do": problem.what_to_do}
            place = {"table": file.table, "file": file.path, "sheet": file.sheet or ""}
            notes.findings.append(Finding(problem.rule, **place, **said))
            continue
        if table is None:
            notes.left_out.append((name, len(opened.grid.rows) + len(opened.grid.refused)))
            continue
        tables.append(table)
        if not table.n_rows:
            notes.findings.append(Finding("no_rows", table=file.table, file=file.path))
        if file.resolved_format in REDCAP:
            notes.left_out += _instruments_left(center, file, opened, notes)
        used, left = taken.get((file.path, file.sheet), (np.empty(0), opened.rows_read))
        of_instruments = opened.grid.rows[redcap.instruments(opened.grid).ne("").to_numpy()]  # accounted for by those
        rows = [table.frame["_row"], table.merged[:, 0], table.refused_rows, of_instruments]
        rows += [opened.grid.rows] if file.table == "laboratory" else []
        taken[file.path, file.sheet] = np.concatenate([used, *rows]), left
    for (path, _), (used, rows_read) in taken.items():
        chosen = any(file.where or file.resolved_format in REDCAP for file in center.files if file.path == path)
        if chosen and (n := len(np.setdiff1d(rows_read, used))):
            notes.left_out.append((f"{path} [rows not selected]", n))
    return tables


def _instruments_left(center: Center, file: CenterFile, opened: OpenedFile, notes: FileNotes) -> list[tuple[str, int]]:
    """Return the rows of instruments that no entry takes; say so once per path."""
    first = next(other for other in center.files if other.path == file.path)
    if first is not file:
        return []
    taken = {redcap.comparison_key(other.instrument or "") for other in center.files if other.path == file.path}
    counts = redcap.instruments(opened.grid).value_counts()
    left = {name: int(n) for name, n in counts.items() if redcap.comparison_key(name) not in taken and name}
    notes.findings += [
        Finding("instrument_not_read", file=file.path, found=f"{name}: {n} rows") for name, n in left.items()
    ]
    notes.unknown += [(file.path, f"(instrument) {name}") for name in left]
    return [(f"{file.path} [{name}]", n) for name, n in left.items()]


def _files_not_named(folder: Path, center: Center) -> list[str]:
    """Return the files in the folder that no entry names, of whatever kind."""
    named = {name for file in center.files for name in (file.path, file.dictionary, file.events)}
    there = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    named |= {FILE_NAME, PROPOSED}
    return [name for name in there if name not in named and not Path(name).name.startswith((".", "~"))]
