"""Which canonical column a header stands for: by mapping, canonical name, or the label of the data dictionary."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from intake.center import CenterFile
from intake.contract import variables
from intake.values import comparison_key, find_unit, header_identifier, tidy

UNIT_BEHIND = re.compile(r"(.*\S)\s*[(\[]\s*([^()\[\]]+?)\s*[)\]]\s*$")


@dataclass(frozen=True, slots=True)
class HeaderMap:
    """What the headers of one table are.

    Attributes
    ----------
    columns : dict of str to int
        Canonical column -> position of its column in the file.
    units : dict of str to str
        Canonical column -> unit that stands in its header.
    checkboxes : dict of str to dict of int to str
        Canonical column -> position -> value when checked.
    unknown : list of int
        Positions of headers that the contract does not know.
    refused : list of (int, str)
        Positions of headers that announce a direct identifier, and which kind.
    twice : list of str
        Canonical columns that several headers stand for.
    absent : list of str
        Headers that `center.toml` names and the file does not have.
    unit_conflicts : list of str
        Canonical columns whose header names another unit than `center.toml`.
    """

    columns: dict[str, int]
    units: dict[str, str] = field(default_factory=dict)
    checkboxes: dict[str, dict[int, str]] = field(default_factory=dict)
    unknown: list[int] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    unit_conflicts: list[str] = field(default_factory=list)


def map_headers(headers: Sequence[str], file: CenterFile, plain: Sequence[str] = ()) -> HeaderMap:
    """Find the canonical column of every header.

    What the center maps comes before canonical names and labels. `plain` are the same headers joined without carrying
    merged cells to the right: tried where the first form is unknown.

    Returns
    -------
    HeaderMap
        Nothing is guessed: a header that is none of these is unknown.

    Examples
    --------
    >>> file = CenterFile(path="p.csv", table="patients", columns={"Codice": "patient_id"})
    >>> found = map_headers(["Codice", "sex", "Albumina (g/L)", "Note"], file)
    >>> found.columns, found.units, found.unknown
    ({'patient_id': 0, 'sex': 1, 'albumin_g_dl': 2}, {'albumin_g_dl': 'g/L'}, [3])
    """
    forms = [headers, plain] if plain else [headers]
    headers = _choose_form(headers, file, plain)
    positions: dict[str, list[int]] = {}
    units: dict[str, str] = {}
    checkboxes, boxed = _find_checkboxes(forms, file)
    shared = {header_key(name) for item in file.shared_dates for name in (item.date, item.status)}
    boxed |= {position for position, header in enumerate(headers) if header_key(header) in shared}
    refused, unknown = [], []
    for position, header in enumerate(headers):
        column, unit = match_header(header, file)
        if (identifier := header_identifier(header)) and not (column == "term" and identifier == "identifier_name"):
            refused.append((position, identifier))
        elif column and header_key(header) not in shared:
            positions.setdefault(column, []).append(position)
            if unit:
                units[column] = unit
        elif position not in boxed:
            unknown.append(position)
    present = {header_key(header) for headers in forms for header in headers}
    return HeaderMap(
        columns={column: found[0] for column, found in positions.items() if len(found) == 1},
        units=units, checkboxes=checkboxes, unknown=unknown, refused=refused,
        twice=[column for column, found in positions.items() if len(found) > 1 or column in checkboxes],
        # a header of which none is meant may be absent
        absent=[n for n in declared_headers(file) if header_key(n) not in present and file.columns.get(n) != ""],
        unit_conflicts=[name for name in units if find_unit(name, file.units.get(name, units[name])) != units[name]],
    )  # fmt: skip


def match_header(header: str, file: CenterFile) -> tuple[str | None, str | None]:
    """Return the canonical column of one header and the unit in it; None: not known, empty: none is meant."""
    made = [*file.checkboxes, *(name for item in file.shared_dates for name in (item.event, item.always) if name)]
    boxed = tuple((f"{column} (made of others)", column) for column in made)
    mapping = _header_mapping((*file.columns.items(), *boxed), file.table)
    key = header_key(header)
    column, unit = mapping.get(key), None
    if (found := UNIT_BEHIND.fullmatch(tidy(header))) and column != "":
        column = column or mapping.get(header_key(found[1]))
        unit = find_unit(column, found[2]) if column else None
        # a column without other units may say the one of the dictionary
        own = column and comparison_key(variables(file.table)[column].unit) == comparison_key(found[2])
        column = column if unit or key in mapping or own else None
    return column, unit


def count_known(headers: Sequence[str], file: CenterFile) -> int:
    """Return how many headers stand for something: a canonical column or a checkbox."""
    boxes = {header_key(name) for group in file.checkboxes.values() for name in group}
    return sum(match_header(header, file)[0] is not None or header_key(header) in boxes for header in headers)


def header_key(header: str) -> str:
    """Return the form in which two headers are the same: no case, no outer, doubled or non-breaking spaces.

    Examples
    --------
    >>> header_key(" Data  Diagnosi ") == header_key("data diagnosi")
    True
    """
    return tidy(header).casefold()


@cache
def _header_mapping(declared: tuple[tuple[str, str], ...], table: str) -> Mapping[str, str]:
    """Return header key -> canonical column: what the center declares, then canonical names, then labels.

    A column that the center maps is found by that header alone.
    """
    taken = {column for _, column in declared}
    free = {name: variable for name, variable in variables(table).items() if name not in taken}
    mapping: dict[str, str] = {}
    for name, variable in free.items():
        mapping |= {header_key(variable.label_it): name, header_key(variable.label_en): name}
    mapping |= {name: name for name in free}
    return mapping | {header_key(header): column for header, column in declared}


def column_letter(position: int) -> str:
    """Return the letters by which a spreadsheet names a column, counting from 0.

    Examples
    --------
    >>> column_letter(0), column_letter(27)
    ('A', 'AB')
    """
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _choose_form(headers: Sequence[str], file: CenterFile, plain: Sequence[str]) -> list[str]:
    """Take the plain form of a header where only that one is known."""
    if not plain:
        return list(headers)
    return [
        other if match_header(other, file)[0] and not match_header(header, file)[0] else header
        for header, other in zip(headers, plain, strict=True)
    ]


def _find_checkboxes(forms: Sequence[Sequence[str]], file: CenterFile) -> tuple[dict[str, dict[int, str]], set[int]]:
    """Return the positions of the boxes of each choice with their values, and all positions."""
    places = {header_key(header): position for headers in forms for position, header in enumerate(headers)}
    boxes = {
        column: {places[header_key(name)]: value for name, value in group.items() if header_key(name) in places}
        for column, group in file.checkboxes.items()
    }
    return {column: found for column, found in boxes.items() if found}, {
        position for found in boxes.values() for position in found
    }


def declared_headers(file: CenterFile) -> list[str]:
    """Return every header that an entry of `center.toml` names."""
    boxes = [name for group in file.checkboxes.values() for name in group]
    shared = [name for item in file.shared_dates for name in (item.date, item.status)]
    return [*file.columns, *boxes, *shared, *file.where, *file.fill_down]
