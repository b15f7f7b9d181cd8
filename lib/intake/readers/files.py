"""One `[[files]]` entry of `center.toml` to one raw table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from fhrmm.schema import variables
from intake.center import CenterFile
from intake.readers import redcap
from intake.readers.damage import swapped_dates
from intake.readers.grid import Grid, ReadProblem, categorical_text
from intake.readers.guard import check_signature
from intake.readers.headers import HeaderMap, column_letter, count_known, header_key, map_headers, match_header
from intake.readers.raw import RawTable
from intake.readers.spreadsheets import read_ods, read_xls, read_xlsx
from intake.readers.tables import read_parquet, read_statistical
from intake.readers.text_files import read_text_file
from intake.rules import Finding
from intake.values import BOXES, CELL_PATTERNS, PLACE_NAME

TEXT_READERS = {
    "csv": read_text_file,
    "tsv": read_text_file,
    "xlsx": read_xlsx,
    "xls": read_xls,
    "ods": read_ods,
    "parquet": read_parquet,
}
IN_HEADER, IN_CELLS = "in the header", "in its cells"


@dataclass(slots=True)
class FileNotes:
    """What is noticed while one file is read."""

    findings: list[Finding] = field(default_factory=list)
    unknown: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file as a grid, with what its format says about codes."""

    grid: Grid
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    fields: Mapping[str, redcap.Field] = field(default_factory=dict)
    several: Mapping[str, Sequence[str]] = field(default_factory=dict)


def open_file(folder: Path, file: CenterFile) -> OpenedFile:
    """Open one file by its format.

    Raises
    ------
    ReadProblem
        With the rule that it breaks.
    """
    try:
        return _open(folder, file)
    except OSError:
        raise ReadProblem("file_unreadable", "the system refuses to open it") from None
    except MemoryError:
        raise ReadProblem("file_too_large", "it does not fit into memory") from None


def _open(folder: Path, file: CenterFile) -> OpenedFile:
    path = folder / file.path
    if not path.is_file():
        raise ReadProblem("file_missing")
    file_format = file.resolved_format
    if file_format is None:
        raise ReadProblem("file_format_wrong", f"no format has the ending {path.suffix or '(none)'}")
    check_signature(path, file_format)
    if file_format in TEXT_READERS:
        return OpenedFile(TEXT_READERS[file_format](path, file))
    if file_format in ("redcap_raw", "redcap_label"):
        return _open_redcap(folder, file)
    return OpenedFile(*read_statistical(path, file))


def make_table(
    opened: OpenedFile, file: CenterFile, name: str, notes: FileNotes, others: Sequence[CenterFile] = ()
) -> RawTable | None:
    """Put one opened file into canonical columns.

    Parameters
    ----------
    opened : OpenedFile
        The grid.
    file : CenterFile
        Its description.
    name : str
        Its name in the row accounting.
    notes : FileNotes
        Collects findings and unknown columns.
    others : sequence of CenterFile
        Other tables of the same path: what they take is not unknown.

    Returns
    -------
    RawTable or None
        None where the file has no column with the patient identifier: none of its rows can be used.
    """
    grid = opened.grid
    is_redcap = file.resolved_format in ("redcap_raw", "redcap_label")
    if is_redcap:
        grid = _select_rows(grid, file)
        if problems := [] if file.instrument else _fields_of_no_event(opened, file):
            notes.findings += problems
            return None
    found = _refuse_headers(map_headers(grid.headers, file, grid.plain_headers), grid)
    searched = [i for i in found.unknown if not _known_elsewhere(grid, grid.headers[i], file, others)]
    found = replace(found, unknown=[i for i in searched if not _of_other_rows(opened.grid.columns[i], grid.columns[i])])
    elsewhere = frozenset(header_key(f"(sheet) {other.sheet or other.table}") for other in others)
    report = _Reporter(file, grid, notes, elsewhere)
    report.headers(found, is_redcap=is_redcap)
    report.refused_rows()
    if "patient_id" not in found.columns:
        notes.findings.append(report.finding("id_column_missing", column="patient_id"))
        return None
    if (swapped := swapped_dates(grid, found, file)) and file.resolved_format in ("xlsx", "xls", "ods"):
        notes.findings.append(report.finding("dates_swapped", found=swapped))
        return None
    merged = np.empty((0, 2), dtype=np.int64)
    if is_redcap and not file.instrument:
        grid, merged = report.merge_events(grid, found)
    report.identifiers(grid, searched)
    return RawTable(
        spec=file, name=name, frame=_frame(grid, found, file), headers=_headers(grid, found), units=found.units,
        choices={column: dict(opened.choices.get(grid.headers[i], {})) for column, i in found.columns.items()},
        epoch=file.excel_epoch or grid.epoch, refused_rows=tuple(number for number, _ in grid.refused), merged=merged,
    )  # fmt: skip


def _open_redcap(folder: Path, file: CenterFile) -> OpenedFile:
    path = folder / file.path
    grid = {".xlsx": read_xlsx}.get(path.suffix.lower(), read_text_file)(path, file)
    fields = redcap.read_dictionary(folder / file.dictionary) if file.dictionary else {}
    if file.resolved_format == "redcap_label":
        # labels are what the file shows; field names are tried where a label is not known
        named = replace(grid, plain_headers=tuple(redcap.label_headers(grid.headers, fields)))
        grid, several = redcap.split_events(named)
        return OpenedFile(grid, {}, fields, several)
    choices = {name: field.choices for name, field in fields.items() if field.kind != "checkbox"}
    grid, several = redcap.split_events(grid)
    choices |= {f"{event}: {name}": choices[name] for name in several if name in choices for event in several[name]}
    return OpenedFile(grid, choices, fields, several)


def _fields_of_no_event(opened: OpenedFile, file: CenterFile) -> list[Finding]:
    """Return an error for each variable that several events fill and that no event is named for."""
    return [
        Finding(
            "field_in_several_events", table=file.table, file=file.path, column=column or "",
            found=f"{name} in {', '.join(events)}",
            what_to_do=f'name the event under files.columns in center.toml: "{events[-1]}: {name}" = "{column}"',
        )
        for name, events in opened.several.items()
        if (column := match_header(name, file)[0]) or count_known([name], file)
    ]  # fmt: skip


def _select_rows(grid: Grid, file: CenterFile) -> Grid:
    """Take the rows of the declared repeated instrument."""
    selected = redcap.select_instrument(grid, file.instrument)
    if file.instrument and not len(selected.rows) and len(grid.rows):
        raise ReadProblem(
            "instrument_missing", f"instruments there are: {', '.join(set(redcap.instruments(grid)) - {''})}"
        )
    return selected


def _refuse_headers(found: HeaderMap, grid: Grid) -> HeaderMap:
    """Refuse unknown headers that are themselves an identifier, such as a patient's name above a column."""
    kinds = cell_identifiers([grid.headers[i] for i in found.unknown])
    refused = {found.unknown[place]: kind for kind, mask in kinds.items() for place in np.flatnonzero(mask)}
    if not refused:
        return found
    unknown = [i for i in found.unknown if i not in refused]
    return replace(found, unknown=unknown, refused=[*found.refused, *sorted(refused.items())])


def _known_elsewhere(grid: Grid, header: str, file: CenterFile, others: Sequence[CenterFile]) -> bool:
    """Tell whether another table of the same rows or sheet knows a header."""
    same = (other for other in others if other.sheet == file.sheet and (file.sheet or not grid.other_sheets))
    return any(count_known([header], other) for other in same)


def _of_other_rows(everywhere: pd.Categorical, here: pd.Categorical) -> bool:
    """Tell whether a column has values in the rows of other instruments alone: it is one of theirs."""
    return len(here) < len(everywhere) and not (here.codes >= 0).any() and bool((everywhere.codes >= 0).any())


@dataclass(frozen=True, slots=True)
class _Reporter:
    """Writes down what one file has that it should not have."""

    file: CenterFile
    grid: Grid
    notes: FileNotes
    sheets_elsewhere: frozenset[str]

    def finding(self, rule: str, **fields: object) -> Finding:
        return Finding(rule, table=self.file.table, file=self.file.path, sheet=self.grid.sheet, **fields)

    def said(self, where: str) -> set[tuple[str, object]]:
        """Return rule and column of what another table of the same sheet has reported already."""
        same = (self.file.path, self.grid.sheet, where)
        return {(x.rule, x.column) for x in self.notes.findings if (x.file, x.sheet, x.found) == same}

    def headers(self, found: HeaderMap, *, is_redcap: bool) -> None:
        add, headers = self.notes.findings.append, self.grid.headers
        said = self.said(IN_HEADER)
        for position, rule in found.refused:
            column = f"column {column_letter(self.grid.position(position))}"
            if (rule, column) not in said:
                add(self.finding(rule, column=column, found=IN_HEADER))
        for column in found.twice:
            add(self.finding("column_twice", column=column, found="several headers"))
        for header in found.absent:
            add(self.finding("mapped_column_absent", found=header))
        for column in found.unit_conflicts:
            add(
                self.finding(
                    "unit_conflict", column=column, found=found.units[column], expected=self.file.units[column]
                )
            )
        unknown = [headers[i] or f"(column {column_letter(self.grid.position(i))})" for i in found.unknown]
        left = [name for name in unknown if not (is_redcap and redcap.is_structure(name))]
        sheets = [f"(sheet) {name}" for name in self.grid.other_sheets]
        left += [name for name in sheets if header_key(name) not in self.sheets_elsewhere]
        self.notes.unknown += [(self.file.path, name) for name in left]

    def refused_rows(self) -> None:
        if refused := self.grid.refused:
            self.notes.findings.append(
                self.finding(
                    "row_width",
                    row=[number for number, _ in refused],
                    found=[f"{width} cells" for _, width in refused],
                    expected=f"{len(self.grid.headers)} cells",
                )
            )

    def merge_events(self, grid: Grid, found: HeaderMap) -> tuple[Grid, np.ndarray]:
        """Put the events of one record together; report values that differ."""
        merged, into, conflicts = redcap.merge_events(grid, found.columns["patient_id"])
        names = {position: column for column, position in found.columns.items()}
        ids = dict(zip(merged.rows, pd.Series(merged.columns[found.columns["patient_id"]]).astype(object), strict=True))
        for row, position in conflicts:
            if position in names:
                self.notes.findings.append(
                    self.finding("record_conflict", column=names[position], row=[row], patient_id=[ids[row]])
                )
        absorbed = into != grid.rows
        return merged, np.column_stack([grid.rows[absorbed], into[absorbed]])

    def identifiers(self, grid: Grid, searched: Sequence[int]) -> None:
        """Look for direct identifiers in columns that are kept out: one finding per column and kind."""
        groups = [grid.columns[position].categories.to_numpy(dtype=object) for position in searched]
        if not groups:
            return
        owner = np.repeat(np.arange(len(groups)), [len(texts) for texts in groups])
        kinds = cell_identifiers(np.concatenate(groups))
        places = sorted((int(place), kind) for kind, mask in kinds.items() for place in np.unique(owner[mask]))
        for place, kind in places:
            column = f"column {column_letter(grid.position(searched[place]))}"
            if (kind, column) not in self.said(IN_CELLS):
                self.notes.findings.append(self.finding(kind, column=column, found=IN_CELLS))


def cell_identifiers(texts: pd.Index | Sequence[str]) -> dict[str, np.ndarray]:
    """Return the kinds of direct identifiers in distinct texts, each with the texts concerned as a boolean array.

    Examples
    --------
    >>> list(cell_identifiers(["KRd", "sig. Rossi", "a@b.it"]))
    ['identifier_email', 'identifier_name']
    """
    array = pa.array(texts, type=pa.string(), from_pandas=True)
    if len(array) == 0:
        return {}
    found = {kind: _matches(array, pattern) for kind, pattern in CELL_PATTERNS.items()}
    named = np.flatnonzero(found["identifier_name"])
    if len(named):
        without_places = pc.replace_substring_regex(array.take(pa.array(named)), PLACE_NAME, " ; ")
        found["identifier_name"][named] = _matches(without_places, CELL_PATTERNS["identifier_name"])
    return {kind: mask for kind, mask in found.items() if mask.any()}


def _matches(array: pa.Array, pattern: str) -> np.ndarray:
    return np.array(pc.fill_null(pc.match_substring_regex(array, pattern), False).to_numpy(zero_copy_only=False))


def _frame(grid: Grid, found: HeaderMap, file: CenterFile) -> pd.DataFrame:
    """Return the canonical columns and the place of each row."""
    content: dict[str, object] = {
        column: grid.columns[found.columns[column]] for column in variables(file.table) if column in found.columns
    }
    for column, boxes in found.checkboxes.items():
        if column not in found.twice:
            content[column] = _joined_checkboxes([redcap.checkbox_text(grid.columns[i], v) for i, v in boxes.items()])
    size = len(grid.rows)
    content |= {"_file": _constant(file.path, size), "_sheet": _constant(grid.sheet, size), "_row": grid.rows}
    content["_rest"] = _digest_rows([grid.columns[i] for i in found.unknown], size)
    return pd.DataFrame(content)


def _digest_rows(columns: Sequence[pd.Categorical], size: int) -> np.ndarray:
    """Return one number per row: rows that agree in the columns that stay out have the same."""
    digest = np.zeros(size, dtype=np.uint64)
    for column in columns:
        texts = np.append(pd.util.hash_array(column.categories.to_numpy(dtype=object)), np.uint64(0))
        digest = digest * np.uint64(1_000_003) + texts[column.codes]
    return digest


def _joined_checkboxes(columns: list[pd.Categorical]) -> pd.Categorical:
    """Join the boxes of one choice; where several are checked their values are joined by `BOXES`, which is no level."""
    codes = np.column_stack([column.codes for column in columns])
    combinations, back = np.unique(codes, axis=0, return_inverse=True)
    texts = [
        BOXES.join(dict.fromkeys(c.categories[code] for c, code in zip(columns, row, strict=True) if code >= 0))
        for row in combinations
    ]
    return categorical_text(texts, back.reshape(-1))


def _constant(text: str, size: int) -> pd.Categorical:
    return pd.Categorical.from_codes(np.zeros(size, dtype=np.int8), categories=[text])


def _headers(grid: Grid, found: HeaderMap) -> pd.DataFrame:
    """Return header and letter of every canonical column."""
    places = dict(found.columns) | {column: next(iter(boxes)) for column, boxes in found.checkboxes.items()}
    rows = [(name, grid.headers[i], column_letter(grid.position(i))) for name, i in places.items()]
    return pd.DataFrame(rows, columns=["column", "header", "letter"], dtype=object)
