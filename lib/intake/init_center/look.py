"""What is in a center's folder: files, sheets, instruments, and what their headers may stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import openpyxl
from charset_normalizer import from_bytes
from python_calamine import CalamineWorkbook

from fhrmm.schema import TABLES
from intake.center import FORMAT_BY_EXTENSION, CenterFile
from intake.contract import variables
from intake.init_center.evidence import distinct_texts, looks_like
from intake.readers import redcap
from intake.readers.files import OpenedFile, open_file
from intake.readers.grid import Grid, ReadProblem
from intake.readers.headers import UNIT_BEHIND, header_key, match_header
from intake.values import comparison_key, find_unit, header_identifier, load_synonyms, tidy

MOST_SHEETS = 20
MOST_TITLE_ROWS = 10
NOT_OF_A_LINE = ("identity", "diagnosis", "visit", "event")
SAMPLE = 2**18
CHECKBOX = re.compile(r"(\w+?)___(\w+)|(.+) \(choice=(.*)\)")
UNITS_BEHIND = (
    UNIT_BEHIND,
    re.compile(r"(.*\S),\s+([^,]*[/%][^,]*)"),
    re.compile(r"(.*[^\s/])\s+((?:[a-zA-Z\u00b5\u03bc]+/\S+|%))"),
)


@dataclass(frozen=True, slots=True)
class Match:
    """What one header may stand for.

    Attributes
    ----------
    header : str
        As the file has it.
    column : str
        Canonical column; empty where there is no idea.
    how : str
        The evidence, in words.
    certain : bool
        False: a person has to confirm it.
    """

    header: str
    column: str
    how: str
    certain: bool


@dataclass(slots=True)
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
    """

    file: CenterFile
    opened: OpenedFile
    matches: list[Match] = field(default_factory=list)
    fields: Mapping[str, redcap.Field] = field(default_factory=dict)

    @property
    def grid(self) -> Grid:
        """Its cells."""
        return self.opened.grid


def look_at(folder: Path) -> tuple[list[Source], list[str]]:
    """Open every data file of a folder as far as possible.

    Parameters
    ----------
    folder : Path
        The center's folder.

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
        if path.suffix.lower() not in FORMAT_BY_EXTENSION or path.name in (dictionary, "center.toml"):
            continue
        found, problem = _look_at_file(folder, path, dictionary)
        sources += found
        problems += problem
    return sorted(sources, key=lambda source: TABLES.index(source.file.table)), problems


def _find_dictionary(folder: Path) -> str | None:
    """Return the name of the REDCap data dictionary in a folder: a CSV with its 18 columns.

    Parameters
    ----------
    folder : Path
        The center's folder.
    """
    for path in sorted(folder.glob("*.csv")):
        try:
            fields = redcap.read_dictionary(path)
        except ReadProblem:
            continue
        kinds = {item.kind for item in fields.values()}
        if kinds & {"radio", "text", "dropdown", "checkbox", "notes"} and kinds <= redcap.FIELD_TYPES:
            return path.name
    return None


def _match_headers(headers: list[str], table: str) -> list[Match]:
    """Say what each header may stand for in a table.

    Parameters
    ----------
    headers : list of str
        As the file has them.
    table : str
        Canonical table.

    Returns
    -------
    list of Match
        One per header; the same canonical column only once with certainty.
    """
    matches = [_match(header, table) for header in headers]
    seen: set[str] = set()
    for position, match in enumerate(matches):
        if match.certain and match.column in seen:
            matches[position] = Match(match.header, match.column, f"{match.how}; another header came first", False)
        seen |= {match.column} if match.certain and match.column else set()
    return [Match(m.header, "", "", False) if not m.certain and m.column in seen else m for m in matches]


def _match(header: str, table: str) -> Match:
    if kind := header_identifier(header):
        return Match(header, "", f"refused: {kind.replace('_', ' ')}", True)
    plain = CenterFile(path="x.csv", table=table)
    column, _ = match_header(header, plain)
    if column:
        return Match(header, column, "canonical name or label", True)
    known = _header_synonyms(table)
    keys = _header_forms(header)
    for position, key in enumerate(keys):
        if key in known:
            whole = position < len(keys) - 2 or variables(table)[known[key]].group in NOT_OF_A_LINE
            return Match(header, known[key], "usual name of this variable" if whole else f"its end is {key!r}", whole)
    near = _alike(keys, get_close_matches(keys[-1], known, n=1, cutoff=0.84)) or _alike(
        keys, _contained(keys[0], known)
    )
    return Match(header, known[near[0]], f"looks like {near[0]!r}", False) if near else Match(header, "", "", False)


def _header_forms(header: str) -> list[str]:
    """Return the forms in which a header is looked up: whole, without its unit, its last part alone.

    Parameters
    ----------
    header : str
        As the file has it.

    Examples
    --------
    >>> _header_forms("FISH / t(4;14)")[-1], _header_forms("Albumina, g/dL")[1]
    ('t(4;14)', 'albumina')
    """
    text = tidy(header)
    without = next((found[1] for form in UNITS_BEHIND if (found := form.fullmatch(text))), text)
    parts = [text, without, re.sub(r"\s*[/,:]\s+|\s+/\s+", " ", text), re.split(r" / |: |, ", text)[-1]]
    parts.insert(3, re.split(r" / |: ", without)[-1])
    return [comparison_key(part) for part in parts]


def unit_behind(header: str, column: str) -> str | None:
    """Return the unit that stands behind a header without parentheses, where the column is met in it.

    Parameters
    ----------
    header : str
        As the file has it.
    column : str
        Canonical column.

    Examples
    --------
    >>> unit_behind("Alb g/L", "albumin_g_dl"), unit_behind("Alb", "albumin_g_dl")
    ('g/L', None)
    """
    found = (form.fullmatch(tidy(header)) for form in UNITS_BEHIND[1:])
    return next((unit for match in found if match and (unit := find_unit(column, match[2]))), None)


def _alike(keys: list[str], near: list[str]) -> list[str]:
    """Keep a likely name only with the same digits: 'L3 start' is no '2L start'."""
    return [
        name for name in near if re.findall(r"\d", name) in (re.findall(r"\d", keys[0]), re.findall(r"\d", keys[-1]))
    ]


def _contained(key: str, known: Mapping[str, str]) -> list[str]:
    """Return the longest usual name whose words all stand in the header."""
    words = set(re.findall(r"\w+", key))
    inside = [name for name in known if len(name) > 2 and set(re.findall(r"\w+", name)) <= words]
    return sorted(inside, key=len)[-1:]


def _header_synonyms(table: str) -> dict[str, str]:
    groups = load_synonyms()["headers"]
    shared = {} if table == "patients" else {"patient_id": groups["patients"]["patient_id"]}
    return {comparison_key(text): column for column, texts in (shared | groups[table]).items() for text in texts}


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
        if path.suffix.lower() == ".xls":
            names = CalamineWorkbook.from_path(str(path)).sheet_names[:MOST_SHEETS]
            return names if len(names) > 1 else [None]
        book = openpyxl.load_workbook(path, read_only=True)
    except Exception:  # a broken workbook is reported where it is opened for reading
        return [None]
    names = [sheet.title for sheet in book.worksheets][:MOST_SHEETS]
    book.close()
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
    """Try two header rows where one gives unnamed columns, and keep what is understood better."""
    if all(opened.grid.headers) or not len(opened.grid.rows):
        return file, opened
    two = file.model_copy(update={"header_rows": 2})
    try:
        reopened = open_file(folder, two)
    except ReadProblem:
        return file, opened
    better = _known(reopened.grid.headers, "patients") > _known(opened.grid.headers, "patients")
    return (two, reopened) if better else (file, opened)


def _known(headers: list[str], table: str) -> int:
    return sum(bool(match.column) and match.certain for match in _match_headers(headers, table))


def _best_table(file: CenterFile, opened: OpenedFile) -> Source | None:
    """Return the table whose columns the headers are, or None where fewer than two are known."""
    scores = {table: _known(opened.grid.headers, table) for table in TABLES}
    table = max(TABLES, key=lambda name: scores[name])
    if scores[table] < 2:
        return None
    chosen = file.model_copy(update={"table": table})
    matches = _match_headers(opened.grid.headers, table)
    known = variables(table)
    believed = [
        match
        if match.certain or not match.column or looks_like(distinct_texts(cells), known[match.column])
        else Match(match.header, "", "", False)
        for match, cells in zip(matches, opened.grid.columns, strict=True)
    ]
    return Source(chosen, opened, believed)


def _redcap_sources(folder: Path, file: CenterFile, opened: OpenedFile, dictionary: str | None) -> list[Source]:
    fields = redcap.read_dictionary(folder / dictionary) if dictionary else {}
    known = sum(header_key(header).split("___")[0] in fields for header in opened.grid.headers)
    raw = known > 2 or not (fields or any(" " in header for header in opened.grid.headers))
    form = file.model_copy(update={"format": "redcap_raw" if raw else "redcap_label", "dictionary": dictionary})
    names = [None, *sorted(name for name in redcap.instruments(opened.grid).unique() if name)]
    sources = []
    for instrument in names:
        grid = redcap.select_instrument(opened.grid, instrument)
        used = [
            h
            for h, c in zip(grid.headers, grid.columns, strict=True)
            if (c.codes >= 0).any() and not redcap.is_structure(h)
        ]
        scores = {table: _known(used, table) for table in (TABLES[1:] if instrument else TABLES[:1])}
        table = max(scores, key=lambda name: scores[name])
        entry = form.model_copy(update={"table": table, "instrument": instrument})
        sources.append(Source(entry, OpenedFile(grid, opened.choices), _match_headers(used, table), fields))
    return sources
