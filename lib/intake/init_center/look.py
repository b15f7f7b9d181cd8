"""What is in a center's folder: files, sheets, instruments, and what their headers may stand for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from charset_normalizer import from_bytes
from python_calamine import CalamineError, CalamineWorkbook

from fhrmm.schema import TABLES
from intake.center import FILE_NAME, FORMAT_BY_EXTENSION, PROPOSED, CenterFile
from intake.contract import KEYS, LONG, variables
from intake.init_center.evidence import distinct_texts, looks_like
from intake.init_center.match import BY_NAME, Match, match_headers
from intake.readers import redcap
from intake.readers.files import OpenedFile, open_file
from intake.readers.grid import Grid, ReadProblem
from intake.readers.headers import header_key
from intake.readers.redcap_api import EVENTS
from intake.readers.selection import rows_of_nobody

SEVERAL = "the file has several rows per patient, and one row is needed: is it a table of lines or of visits?"
MOST_SHEETS = 20
MOST_TITLE_ROWS = 10
SAMPLE = 2**18
CHECKBOX = re.compile(r"(\w+?)___(\w+)|(.+) \(choice=(.*)\)")
TABLES_IN_ORDER = (*TABLES, *LONG)


@dataclass
class Source:
    """One table that a file seems to hold.

    Attributes
    ----------
    file : CenterFile
        How it was opened.
    opened : OpenedFile
        Its cells.
    matches : list of Match
        One per header.
    fields : mapping of str to Field
        REDCap dictionary.
    completes : str
        The file whose patients it tells more of; empty for a table of its own.
    """

    file: CenterFile
    opened: OpenedFile
    matches: list[Match] = field(default_factory=list)
    fields: Mapping[str, redcap.Field] = field(default_factory=dict)
    completes: str = ""

    @property
    def grid(self) -> Grid:
        """Its cells."""
        return self.opened.grid

    @cached_property
    def texts(self) -> dict[str, pd.Series]:
        """The distinct texts under each header, with their counts."""
        cells = zip(self.grid.headers, self.grid.columns, strict=True)
        return {header: distinct_texts(column) for header, column in cells}


def look_at(folder: Path) -> tuple[list[Source], list[str]]:
    """Open every data file of a folder as far as possible.

    Returns
    -------
    sources : list of Source
        Tables found, patients first.
    problems : list of str
        Files that could not be opened, and why.
    """
    dictionary = _find_dictionary(folder)
    sources, problems = [], []
    for path in sorted(folder.iterdir()):
        if path.name in (dictionary, FILE_NAME, PROPOSED, EVENTS) or path.name.startswith((".", "~")):
            continue
        if path.suffix.lower() not in FORMAT_BY_EXTENSION:
            problems.append(f"{path.name}: not read, no format has the ending {path.suffix or '(none)'}")
            continue
        found, problem = _look_at_file(folder, path, dictionary)
        sources += found
        problems += problem or ([] if found else [f"{path.name}: not read, no header says what it holds"])
    sources.sort(key=lambda source: TABLES_IN_ORDER.index(source.file.table))
    first = next((set(_identifiers(s.grid, s.matches)) for s in sources if s.file.table == "patients"), set())
    for source in sources[1:]:
        same = set(_identifiers(source.grid, source.matches)) & first
        if source.file.table == "patients" and len(same) * 2 > len(first):
            source.completes = sources[0].file.path
    return sources, problems


def _identifiers(grid: Grid, matches: list[Match]) -> pd.Categorical:
    """Return the patient identifiers of a table, none where no column has them for certain."""
    pairs = zip(matches, grid.columns, strict=False)
    found = (cells for match, cells in pairs if match.certain and match.column == "patient_id")
    return next(found, pd.Categorical([]))


def _find_dictionary(folder: Path) -> str | None:
    """Return the name of the REDCap data dictionary in a folder: a CSV with its 18 columns."""
    for path in sorted(folder.glob("*.csv")):
        try:
            fields = redcap.read_dictionary(path)
        except ReadProblem:
            continue
        kinds = {item.kind for item in fields.values()}
        if kinds & {"radio", "text", "dropdown", "checkbox", "notes"} and kinds <= redcap.FIELD_TYPES:
            return path.name
    return None


def _look_at_file(folder: Path, path: Path, dictionary: str | None) -> tuple[list[Source], list[str]]:
    sources, problems = [], []
    for sheet in _sheets(path):
        try:
            sources += _sources(folder, path.name, sheet, dictionary)
        except ReadProblem as problem:
            place = f"{path.name} [{sheet}]" if sheet else path.name
            likely = ""
            if problem.rule == "encoding_ambiguous" and (best := from_bytes(path.read_bytes()[:SAMPLE]).best()):
                likely = f"; likely {best.encoding}"  # the guess of a detector, for the report alone
            problems.append(f"{place}: {problem.rule.replace('_', ' ')}. {problem.found}{likely}".strip())
    return sources, problems


def _sheets(path: Path) -> list[str | None]:
    """Return the sheets of a workbook; one nameless sheet for any other file."""
    if path.suffix.lower() not in (".xlsx", ".xlsm", ".xls"):
        return [None]
    try:
        names = CalamineWorkbook.from_path(str(path)).sheet_names[:MOST_SHEETS]
    except CalamineError:  # a broken workbook is reported where it is opened for reading
        return [None]
    return names if len(names) > 1 else [None]


def _sources(folder: Path, name: str, sheet: str | None, dictionary: str | None) -> list[Source]:
    """Open one sheet, and once per repeated instrument of a REDCap export."""
    file, opened = _open_below_titles(folder, CenterFile(path=name, table="patients", sheet=sheet))
    structure = redcap.find_structure(opened.grid.headers)
    if structure or any(CHECKBOX.fullmatch(header) for header in opened.grid.headers):
        return _redcap_sources(folder, file, opened, dictionary)
    file, opened = _with_header_rows(folder, file, opened)
    source = _best_table(file, opened)
    return [source] if source else []


def _open_below_titles(folder: Path, file: CenterFile) -> tuple[CenterFile, OpenedFile]:
    """Open a file; where its first row says nothing, with the row as header that says most."""
    tried, problems = [], []
    for skip_rows in range(MOST_TITLE_ROWS + 1):
        form = file.model_copy(update={"skip_rows": skip_rows})
        try:
            opened = open_file(folder, form)
        except ReadProblem as problem:
            problems.append(problem)
            continue
        n_known = max(_known(opened.grid.headers, table) for table in TABLES)
        if n_known >= 2 and not tried and not problems:
            return form, opened
        tried.append((n_known, -skip_rows, form, opened))
    if not tried:
        raise problems[0]
    return max(tried, key=lambda item: item[:2])[2:]


def _with_header_rows(folder: Path, file: CenterFile, opened: OpenedFile) -> tuple[CenterFile, OpenedFile]:
    """Try two header rows where one gives unnamed columns, or stands below others; keep what is understood better.

    A row of groups above the header (first line, second line) says which response a "response" is.
    """
    if not len(opened.grid.rows) or (all(opened.grid.headers) and not file.skip_rows):
        return file, opened
    above = bool(file.skip_rows and all(opened.grid.headers))
    two = file.model_copy(update={"header_rows": 2, "skip_rows": file.skip_rows - above})
    try:
        reopened = open_file(folder, two)
    except ReadProblem:
        return file, opened
    groups = {header.partition(" / ")[0] for header in reopened.grid.headers if " / " in header}
    least = _known(opened.grid.headers, "patients") + (not above or len(groups) < 2)
    return (two, reopened) if _known(reopened.grid.headers, "patients") >= least else (file, opened)


def _known(headers: list[str], table: str) -> int:
    return sum(bool(match.column) and match.certain for match in match_headers(headers, table))


def _best_table(file: CenterFile, opened: OpenedFile) -> Source | None:
    """Return the table whose columns the headers are, or None where fewer than two are known."""
    grid = _tell_apart(opened.grid)
    filled = [int((cells.codes >= 0).sum()) for cells in grid.columns]
    found = {table: match_headers(grid.headers, table, filled) for table in TABLES_IN_ORDER}
    if nobody := rows_of_nobody(_identifiers(grid, found["patients"]), ""):
        grid = grid.take(~np.logical_or.reduce(list(nobody.values())))
    opened = replace(opened, grid=grid)
    certain = {table: {match.column for match in found[table] if match.certain and match.column} for table in found}
    table = max(TABLES, key=lambda name: len(certain[name]))
    if {"analyte", "value"} <= certain["laboratory"]:
        table = "laboratory"
    elif {"patient_id", "start_date"} <= certain["lines"] and certain["lines"] & {"regimen", "drug"}:
        # a first and a second line in one row are columns of patients; several rows of a patient are lines
        table = "lines" if "line_number" in certain["lines"] or _repeats(opened.grid, found["lines"]) else table
    if len(certain[table]) < 2:
        return None
    matches, known = found[table], variables(table)
    if table == "patients" and _repeats(opened.grid, matches):
        matches = [replace(m, certain=False, how=SEVERAL) if m.certain and m.column not in KEYS else m for m in matches]
    believed = [
        match
        if not match.column or match.how == BY_NAME or looks_like(distinct_texts(cells), known[match.column])
        else Match(match.header, "", "", False)
        for match, cells in zip(matches, opened.grid.columns, strict=True)
    ]
    return Source(file.model_copy(update={"table": table}), opened, believed)


def _tell_apart(grid: Grid) -> Grid:
    """Number headers that stand several times, as `center.toml` addresses them."""
    seen: Counter[str] = Counter()
    headers = []
    for header in grid.headers:
        seen[header] += 1
        headers.append(f"{header} [{seen[header]}]" if header and grid.headers.count(header) > 1 else header)
    return replace(grid, headers=headers)


def _repeats(grid: Grid, matches: list[Match]) -> bool:
    """Tell whether a third or more of the rows have the identifier of an earlier row."""
    codes = _identifiers(grid, matches).codes
    known = codes[codes >= 0]
    return len(known) - len(np.unique(known)) >= max(1, len(known) / 3)


def _redcap_sources(folder: Path, file: CenterFile, opened: OpenedFile, dictionary: str | None) -> list[Source]:
    fields = redcap.read_dictionary(folder / dictionary) if dictionary else {}
    known = sum(header_key(header).split("___")[0] in fields for header in opened.grid.headers)
    raw = known > 2 or not (fields or any(" " in header for header in opened.grid.headers))
    form = file.model_copy(update={"format": "redcap_raw" if raw else "redcap_label", "dictionary": dictionary})
    form = form.model_copy(update={"events": EVENTS if fields and (folder / EVENTS).is_file() else None})
    header, events = _events_of_visits(opened.grid)
    parts = [(None, "first"), *([(None, "visits")] if events else [])]
    parts += [(name, "") for name in sorted(redcap.instruments(opened.grid).unique()) if name]
    sources = []
    for instrument, rows in parts:
        grid = redcap.select_instrument(opened.grid, instrument)
        if events and rows:
            event = grid.columns[grid.headers.index(header)]
            grid = grid.take(np.asarray(event.isin(events)) == (rows == "visits"))
        used = [
            h
            for h, c in zip(grid.headers, grid.columns, strict=True)
            if (c.codes >= 0).any() and not redcap.is_structure(h)
        ]
        scores = {table: _known(used, table) for table in (TABLES[:1] if rows == "first" else TABLES_IN_ORDER[1:])}
        table = max(scores, key=lambda name: scores[name])
        entry = form.model_copy(update={"table": table, "instrument": instrument})
        if rows == "visits":
            entry = entry.model_copy(update={"where": {header: tuple(events)}})
        sources.append(Source(entry, OpenedFile(grid, opened.choices), match_headers(used, table), fields))
    return sources


def _events_of_visits(grid: Grid) -> tuple[str, list[str]]:
    """Return the header of events, and those that are visits: their rows have the date of one."""
    place = redcap.find_structure(grid.headers).get("redcap_event_name")
    certain = {m.column: i for i, m in enumerate(match_headers(grid.headers, "assessments")) if m.certain and m.column}
    if place is None or len({"assessment_date", *certain} - set(KEYS)) < 2 or "assessment_date" not in certain:
        return "", []
    rows = (grid.columns[certain["assessment_date"]].codes >= 0) & redcap.instruments(grid).eq("").to_numpy()
    return grid.headers[place], sorted(grid.columns[place][rows].dropna().unique())
