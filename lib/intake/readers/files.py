"""One `[[files]]` entry of `center.toml` to one raw table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from intake.center import CenterFile
from intake.contract import KEYS, variables
from intake.readers import redcap
from intake.readers.damage import swapped_dates
from intake.readers.derived import split_analytes, split_shared_dates
from intake.readers.grid import Grid, ReadProblem, categorical_text
from intake.readers.guard import check_signature
from intake.readers.headers import HeaderMap, column_letter, count_known, header_key, map_headers, match_header
from intake.readers.raw import RawTable
from intake.readers.reporting import FileNotes, Reporter
from intake.readers.selection import name_columns, rows_of_nobody, select_rows
from intake.readers.spreadsheets import read_ods, read_xls, read_xlsx
from intake.readers.tables import read_parquet, read_statistical
from intake.readers.text_files import read_text_file
from intake.rules import Finding
from intake.values import BOXES, cell_identifiers

TEXT_READERS = {
    "csv": read_text_file,
    "tsv": read_text_file,
    "xlsx": read_xlsx,
    "xls": read_xls,
    "ods": read_ods,
    "parquet": read_parquet,
}


REDCAP = ("redcap_raw", "redcap_label")


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file as a grid, with what its format says about codes."""

    grid: Grid
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    fields: Mapping[str, redcap.Field] = field(default_factory=dict)
    several: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rows_read: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))


def open_file(folder: Path, file: CenterFile) -> OpenedFile:
    """Open one file by its format; of a REDCap export or with `where`, its selected rows.

    Raises
    ------
    ReadProblem
        With the rule that it breaks.
    """
    try:
        return _open(folder, file)
    except ReadProblem:
        raise
    except MemoryError:
        raise ReadProblem("file_too_large", "it does not fit into memory") from None
    except OSError:
        raise ReadProblem("file_unreadable", "the system refuses to open it") from None
    except Exception as error:  # the readers of other packages raise whatever their parts raise on a broken file
        raise ReadProblem("file_unreadable", f"not readable ({type(error).__name__})") from None


def _open(folder: Path, file: CenterFile) -> OpenedFile:
    path = folder / file.path
    if not path.is_file():
        raise ReadProblem("file_missing")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ReadProblem("file_unreadable", "a link that leads out of the center's folder")
    file_format = file.resolved_format
    if file_format is None:
        raise ReadProblem("file_format_wrong", f"no format has the ending {path.suffix or '(none)'}")
    check_signature(path, file_format)
    choices: Mapping[str, Mapping[str, str]] = {}
    if file_format in REDCAP:
        grid = {".xlsx": read_xlsx}.get(path.suffix.lower(), read_text_file)(path, file)
    elif file_format in TEXT_READERS:
        grid = TEXT_READERS[file_format](path, file)
    else:
        grid, choices = read_statistical(path, file)
    rows_read = grid.rows
    grid = select_rows(name_columns(grid, file), file)
    if file_format in REDCAP:
        return replace(_understand_redcap(folder, file, grid), rows_read=rows_read)
    return OpenedFile(grid, choices, rows_read=rows_read)


def _understand_redcap(folder: Path, file: CenterFile, grid: Grid) -> OpenedFile:
    """Add what the data dictionary says; of patients, tell apart a field that several events fill."""
    fields = redcap.read_dictionary(folder / file.dictionary) if file.dictionary else {}
    choices = {name: field.choices for name, field in fields.items() if field.kind != "checkbox"}
    if file.resolved_format == "redcap_label":
        # labels are what the file shows; field names are tried where a label is not known
        grid, choices = replace(grid, plain_headers=tuple(redcap.label_headers(grid.headers, fields))), {}
    if file.table != "patients":
        return OpenedFile(grid, choices, fields)
    asked = redcap.read_events(folder / file.events, fields) if file.events else {}
    grid, several = redcap.split_events(grid, asked)
    choices |= {f"{event}: {name}": choices[name] for name in several if name in choices for event in several[name]}
    return OpenedFile(grid, choices, fields, several)


def make_table(
    opened: OpenedFile, file: CenterFile, name: str, notes: FileNotes, others: Sequence[CenterFile] = ()
) -> RawTable | None:
    """Put one opened file into canonical columns.

    What `others`, tables of the same path, take is not unknown; `name` is that in the row accounting.

    Returns
    -------
    RawTable or None
        None where the file has no column with the patient identifier: none of its rows can be used.
    """
    is_redcap = file.resolved_format in REDCAP
    grid = _select_instrument(opened.grid, file) if is_redcap else opened.grid
    if is_redcap and not file.instrument and (problems := _fields_of_no_event(opened, file)):
        notes.findings += problems
        return None
    found = _refuse_headers(map_headers(grid.headers, file, grid.plain_headers), grid)
    searched = [i for i in found.unknown if not _known_elsewhere(grid, grid.headers[i], file, others)]
    found = replace(found, unknown=[i for i in searched if not _of_other_rows(opened.grid.columns[i], grid.columns[i])])
    elsewhere = frozenset(header_key(f"(sheet) {other.sheet or other.table}") for other in others)
    report = Reporter(file, grid, notes, elsewhere)
    report.headers(found, is_redcap=is_redcap)
    report.rows()
    if "patient_id" not in found.columns:
        report.add("id_column_missing", column="patient_id")
        return None
    if swapped := swapped_dates(grid, found, file):
        report.add("dates_swapped", found=swapped)
        return None
    key = found.columns["patient_id"]
    grid = report.leave_out(grid, rows_of_nobody(grid.columns[key], grid.headers[key]))
    merged = np.empty((0, 2), dtype=np.int64)
    if is_redcap and not file.instrument:
        if file.table == "patients":
            grid, merged = report.merge_events(grid, found)
        else:
            grid = _filled_rows(grid, found)
    report.identifiers(grid, searched)
    return RawTable(
        spec=file, name=name, frame=_frame(grid, found, file, name, notes), headers=_headers(grid, found, file),
        choices={column: dict(opened.choices.get(grid.headers[i], {})) for column, i in found.columns.items()},
        units=found.units, epoch=file.excel_epoch or grid.epoch, merged=merged,
        refused_rows=tuple(number for number, _ in grid.refused),
    )  # fmt: skip


def _filled_rows(grid: Grid, found: HeaderMap) -> Grid:
    """Return the rows of a REDCap export that hold anything of a table: other events of a record do not."""
    content = [i for name, i in found.columns.items() if name not in KEYS]
    content += [i for boxes in found.checkboxes.values() for i in boxes]
    return grid.take(np.logical_or.reduce([grid.columns[i].codes >= 0 for i in content] or [grid.rows > 0]))


def _fields_of_no_event(opened: OpenedFile, file: CenterFile) -> list[Finding]:
    """Return an error for each variable that several events fill and that no event is named for."""
    return [
        Finding(
            "field_in_several_events", table=file.table, file=file.path, column=column or "",
            found=f"{name} in {', '.join(events)}",
            what_to_do=f'name the event under files.columns in center.toml: "{events[-1]}: {name}" = "{column}"',
        )
        for name, events in opened.several.items()
        if (column := match_header(name, file)[0]) != "" and (column or count_known([name], file))
    ]  # fmt: skip


def _select_instrument(grid: Grid, file: CenterFile) -> Grid:
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


def _frame(grid: Grid, found: HeaderMap, file: CenterFile, name: str, notes: FileNotes) -> pd.DataFrame:
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
    by_header = {header_key(header): column for header, column in zip(grid.headers, grid.columns, strict=True)}
    frame, findings = split_shared_dates(pd.DataFrame(content), file, by_header)
    notes.findings += findings
    if file.table == "laboratory" and {"analyte", "value"} <= set(frame):
        frame, left, findings = split_analytes(frame, file)
        notes.findings += findings
        notes.unknown += [(file.path, f"(analyte) {text}") for text in left]
        notes.left_out += [(f"{name} [other analytes]", sum(left.values()))] if left else []
    return frame


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


def _headers(grid: Grid, found: HeaderMap, file: CenterFile) -> pd.DataFrame:
    """Return header and letter of every canonical column."""
    places = dict(found.columns) | {column: next(iter(boxes)) for column, boxes in found.checkboxes.items()}
    keys = [header_key(header) for header in grid.headers]
    for shared in file.shared_dates:
        if header_key(shared.date) in keys:
            place = keys.index(header_key(shared.date))
            places |= {name: place for name in (shared.event, shared.always) if name}
    if file.table == "laboratory" and "value" in places:
        places |= dict.fromkeys(variables("laboratory")["analyte"].levels, places["value"])
    rows = [(name, grid.headers[i], column_letter(grid.position(i))) for name, i in places.items()]
    return pd.DataFrame(rows, columns=["column", "header", "letter"], dtype=object)
