"""REDCap exports: data dictionary, raw and label forms, repeated instruments, longitudinal events, checkboxes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from intake.readers.grid import Grid, ReadProblem, categorical_text
from intake.readers.headers import header_key
from intake.readers.text_files import to_utf8
from intake.values import comparison_key

LARGEST_DICTIONARY = 2**24
CHOICES = 5
# Its own columns: in label exports without "redcap" before them.
STRUCTURE = ("event name", "repeat instrument", "repeat instance", "data access group", "survey identifier")
FIELD_TYPES = {
    "text", "notes", "radio", "dropdown", "checkbox", "yesno", "truefalse", "calc", "slider", "file", "descriptive",
    "sql",
}  # fmt: skip
UNCHECKED = ("0", "unchecked", "no", "false", "falso", "non selezionato")
COMPLETE = re.compile(r".*_complete|complete\?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a REDCap data dictionary."""

    name: str
    form: str
    kind: str
    label: str
    choices: Mapping[str, str]


def read_dictionary(path: Path) -> dict[str, Field]:
    """Read a REDCap data dictionary: field name -> field.

    Of REDCap's 18 columns the position counts, since it translates their names.

    Raises
    ------
    ReadProblem
        `dictionary_unreadable`.
    """
    try:
        if path.stat().st_size > LARGEST_DICTIONARY:
            raise ReadProblem("dictionary_unreadable", f"{path.name} is larger than any dictionary")
        text = to_utf8(path.read_bytes(), None).decode("utf-8").removeprefix("\ufeff")
        head = text.split("\n", 1)[0]
        rows = list(csv.reader(io.StringIO(text), delimiter=";" if head.count(";") > head.count(",") else ","))
    except (OSError, csv.Error):
        raise ReadProblem("dictionary_unreadable", f"{path.name} cannot be read") from None
    if len(rows) < 2 or len(rows[0]) < 6:
        raise ReadProblem("dictionary_unreadable", f"{path.name} has {len(rows[0]) if rows else 0} columns")
    found = {}
    for name, form, _, kind, label, choices in (row[: CHOICES + 1] for row in rows[1:] if len(row) > CHOICES):
        kind = kind.strip().lower()
        plain = re.sub(r"<[^>]+>", "", label).strip()  # exported with its HTML tags
        if name := name.strip():
            found[name] = Field(name, form.strip(), kind, plain, parse_choices(choices, kind))
    return found


def read_events(path: Path, fields: Mapping[str, Field]) -> dict[str, list[str]]:
    """Read which events each field is asked in: of the form it stands on, by REDCap's mapping of forms to events.

    Raises
    ------
    ReadProblem
        `dictionary_unreadable`.
    """
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
        events = rows.groupby("form")["unique_event_name"].agg(list).to_dict()
    except (OSError, ValueError, KeyError):
        raise ReadProblem("dictionary_unreadable", f"{path.name} is no mapping of forms to events") from None
    return {name: events.get(field.form, []) for name, field in fields.items()}


def parse_choices(text: str, kind: str = "") -> dict[str, str]:
    """Read REDCap's choices: code -> label.

    Examples
    --------
    >>> parse_choices("1, Female | 2, Male, or unknown")
    {'1': 'Female', '2': 'Male, or unknown'}
    """
    if kind in ("yesno", "truefalse"):
        return {"1": "yes", "0": "no"}
    if kind not in ("radio", "dropdown", "checkbox", ""):
        return {}
    parts = (part.split(",", 1) for part in text.split("|") if "," in part)
    return {code.strip(): label.strip() for code, label in parts}


def find_structure(headers: list[str]) -> dict[str, int]:
    """Return the positions of REDCap's own columns, in raw and label exports."""
    keys = [comparison_key(header).removeprefix("redcap ") for header in headers]
    return {f"redcap_{name.replace(' ', '_')}": keys.index(name) for name in STRUCTURE if name in keys}


def is_structure(header: str) -> bool:
    """Tell whether a header is one that REDCap itself adds.

    Examples
    --------
    >>> is_structure("redcap_event_name"), is_structure("baseline_complete"), is_structure("sex")
    (True, True, False)
    """
    return bool(find_structure([header])) or COMPLETE.fullmatch(header) is not None


def instruments(grid: Grid) -> pd.Series:
    """Return the repeated instrument of each row, empty for rows that do not repeat."""
    position = find_structure(grid.headers).get("redcap_repeat_instrument")
    if position is None:
        return pd.Series("", index=range(len(grid.rows)), dtype=object)
    return pd.Series(grid.columns[position]).astype(object).where(lambda names: names.notna(), "")


def select_instrument(grid: Grid, instrument: str | None) -> Grid:
    """Return the rows of one repeated instrument, or those of none."""
    names = instruments(grid)
    wanted = comparison_key(instrument or "")
    keys = {name: comparison_key(name) for name in names.unique()}
    return grid.take(names.map(keys).eq(wanted).to_numpy())


def split_events(grid: Grid, asked: Mapping[str, Sequence[str]]) -> tuple[Grid, dict[str, list[str]]]:
    """Give a field that is asked or filled in several events one column per event, named ``event: field``.

    The response of the first and of the second line is one field of one form; only the event tells them apart. The
    first column is the identifier of the record and stands in each event.

    Returns
    -------
    grid : Grid
        Rows of repeated instruments give nothing to it.
    several : dict of str to list of str
        Header of each such field -> its events.
    """
    structure = find_structure(grid.headers)
    if "redcap_event_name" not in structure:
        return grid, {}
    event, repeats = grid.columns[structure["redcap_event_name"]], instruments(grid).ne("").to_numpy()
    headers, columns, plain, positions, several = [], [], [], [], {}
    for place, column in enumerate(grid.columns):
        filled = (column.codes >= 0) & ~repeats
        events = event.categories[np.unique(event.codes[filled & (event.codes >= 0)])].tolist()
        events = list(dict.fromkeys([*asked.get(grid.headers[place].split("___")[0], []), *events]))
        parts = [(grid.headers[place], column)]
        if len(events) > 1 and place and not is_structure(grid.headers[place]):
            several[grid.headers[place]] = events
            codes = [np.where(filled & (event == name), column.codes, -1) for name in events]
            cells = [pd.Categorical.from_codes(own, dtype=column.dtype) for own in codes]
            parts = [(f"{name}: {grid.headers[place]}", own) for name, own in zip(events, cells, strict=True)]
        for name, cells in parts:
            headers.append(name)
            columns.append(cells)
            label = grid.plain_headers[place] if grid.plain_headers else ""
            plain.append(name.replace(grid.headers[place], label) if label else name)
            positions.append(grid.position(place))
    names = tuple(plain) if grid.plain_headers else ()
    split = replace(grid, headers=headers, columns=columns, plain_headers=names, positions=tuple(positions))
    return split, several


def merge_events(grid: Grid, key: int) -> tuple[Grid, np.ndarray, list[tuple[int, int]]]:
    """Put the rows of one record over several events together.

    Returns
    -------
    grid : Grid
        One row per record, in the place of its first row.
    into : numpy.ndarray of int
        For each row of the input, the row number of the record's first row.
    conflicts : list of (int, int)
        Row number of the record and position of a column that has two different values in it.
    """
    identity = grid.columns[key].codes.astype(np.int64)
    identity = np.where(identity < 0, -1 - np.arange(len(identity)), identity)
    _, first, group = np.unique(identity, return_index=True, return_inverse=True)
    conflicts: list[tuple[int, int]] = []
    columns = []
    for position, column in enumerate(grid.columns):
        found = pd.Series(column.codes).where(column.codes >= 0).groupby(group).agg(["min", "max"])
        columns.append(pd.Categorical.from_codes(found["min"].fillna(-1).astype(int), categories=column.categories))
        if not is_structure(grid.headers[position]):
            differing = np.flatnonzero(found["min"] < found["max"])
            conflicts += [(int(grid.rows[first[record]]), position) for record in differing]
    order = np.argsort(first, kind="stable")
    merged_grid = replace(grid, columns=[column[order] for column in columns], rows=grid.rows[first][order])
    return merged_grid, grid.rows[first][group], conflicts


def label_headers(headers: list[str], fields: Mapping[str, Field]) -> list[str]:
    """Return the headers of a label export with field names in the place of labels that belong to one field only.

    A checkbox header ``Label (choice=Option)`` becomes ``field___code``.
    """
    names: dict[str, list[str]] = {}
    for field in fields.values():
        names.setdefault(header_key(field.label), []).append(field.name)
        for code, option in field.choices.items() if field.kind == "checkbox" else ():
            names.setdefault(header_key(f"{field.label} (choice={option})"), []).append(f"{field.name}___{code}")
    return [found[0] if len(found := names.get(header_key(name), [])) == 1 else name for name in headers]


def checkbox_text(column: pd.Categorical, value: str) -> pd.Categorical:
    """Return the value where a checkbox is checked, and missing elsewhere; ``yes|no`` names both.

    A checkbox that is not checked says nothing by itself: it may never have been asked.
    """
    checked, unchecked = value.split("|", 1) if "|" in value else (value, "")
    texts = [unchecked if comparison_key(text) in UNCHECKED else checked for text in column.categories]
    return categorical_text(texts, column.codes.astype(np.int64))
