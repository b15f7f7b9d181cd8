"""One raw table to typed columns, with a row for every change and every finding."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from fhrmm.schema import Variable
from intake.contract import variables
from intake.readers import PLACE, RawTable
from intake.rules import Finding
from intake.rules.typed_rows import place
from intake.values import (
    CellDialect,
    ColumnValues,
    cell_identifiers,
    comparison_key,
    load_synonyms,
    missing_codes,
    parse_column,
    write_number,
)

REFUSED_ID = "(refused)"
COMMA_DECIMAL = re.compile(r"\D*\d{1,3}(?:\.\d{3})*,(?:\d{1,2}|\d{4,})\D*")
FREE_TEXT = ("id", "text", "regimen")


@dataclass(frozen=True, slots=True)
class Changes:
    """Changed cells of one column.

    Attributes
    ----------
    column : str
        Canonical name.
    rows : numpy.ndarray of int
        Positions in the table.
    codes : numpy.ndarray of int
        Which distinct text stood there.
    raw, clean, rules : numpy.ndarray of object
        By distinct text: before, after, and the rule that changed it.
    """

    column: str
    rows: np.ndarray
    codes: np.ndarray
    raw: np.ndarray
    clean: np.ndarray
    rules: np.ndarray

    def without(self, rows: np.ndarray) -> Changes:
        """Return the changes in other rows than these."""
        keep = ~np.isin(self.rows, rows)
        return replace(self, rows=self.rows[keep], codes=self.codes[keep])


@dataclass(slots=True)
class TypedTable:
    """One table of one file, typed.

    Attributes
    ----------
    raw : RawTable
        What it was made from.
    frame : DataFrame
        Canonical typed columns (those the file has), dates with bounds and precision, and the place of each row.
    findings : list of Finding
        What was found in its cells.
    changes : list of Changes
        Cells that are not what the file has.
    """

    raw: RawTable
    frame: pd.DataFrame
    findings: list[Finding] = field(default_factory=list)
    changes: list[Changes] = field(default_factory=list)


def type_table(raw: RawTable, center: str, position: int = 0) -> TypedTable:
    """Read every cell of a raw table.

    A cell that breaks a rule is missing in the frame and has a finding. `position` says which table of the center it is
    (`_table`).
    """
    known = variables(raw.spec.table)
    present = [name for name in known if name in raw.frame]
    decimal = raw.spec.decimal or _find_decimal(raw)
    columns = {name: parse_column(raw.frame[name], known[name], _cell_dialect(raw, name, decimal)) for name in present}
    misread = {name: rule for name, values in columns.items() if (rule := _misread(values))}
    columns = {name: values for name, values in columns.items() if name not in misread}
    identity = _find_identifiers(columns)
    content: dict[str, object] = {}
    for name, values in columns.items():
        content |= _hide(values, identity.get(name, {})).canonical()
    content |= {name: raw.frame[name] for name in PLACE} | {"_table": np.full(len(raw.frame), position)}
    typed = TypedTable(raw, pd.DataFrame(content, copy=False))
    where = {"table": raw.spec.table, "file": raw.spec.path}
    typed.findings += [Finding(rule, column=name, **where) for name, rule in misread.items()]
    for name, values in columns.items():
        _note_problems(values, identity.get(name, {}), typed)
        _note_changes(values, identity.get(name, {}), typed)
    _complete_limits(typed)
    _check_center(typed, center)
    return typed


def _misread(values: ColumnValues) -> str:
    """Return the rule by which a whole column is something else than it seems: it is left out, or empty text.

    Cells of a date say yes and none says when; no percentage is above 1, as where a spreadsheet shows 0.6 as 60%.
    """
    if values.variable.type == "date":
        yes = {comparison_key(word) for word in load_synonyms()["groups"]["status"]["yes"]}
        is_answer = values.is_missing.all() and any(comparison_key(text) in yes for text in values.texts)
        return "date_says_whether" if is_answer else ""
    shares = values.typed[~values.is_missing].astype(float) if values.variable.unit == "%" else np.empty(0)
    return "percent_as_fraction" if len(shares) and shares.max() <= 1 and (shares % 1 > 0).any() else ""


def _cell_dialect(raw: RawTable, column: str, decimal: str | None) -> CellDialect:
    """Return how the cells of one column are read."""
    spec = raw.spec
    codes, keys = missing_codes(spec.missing, of_redcap=(spec.format or "").startswith("redcap"))
    return CellDialect(
        decimal=decimal,
        thousands=spec.thousands,
        date_order=spec.date_order,
        epoch=raw.epoch,
        unit=spec.units.get(column, raw.units.get(column)),
        missing=codes,
        missing_keys=keys,
        mapping=spec.values.get(column, {}),  # noqa: PD011 (a mapping of center.toml)
        choices=raw.choices.get(column, {}),
        boxed=column in spec.checkboxes,
    )


def _find_decimal(raw: RawTable) -> str | None:
    """Return the comma where some number of the file can only have a decimal comma."""
    numeric = [name for name, variable in variables(raw.spec.table).items() if variable.type == "number"]
    texts = (text for name in numeric if name in raw.frame for text in raw.frame[name].cat.categories)
    return "," if any("," in text and COMMA_DECIMAL.fullmatch(text) for text in texts) else None


def _find_identifiers(columns: Mapping[str, ColumnValues]) -> dict[str, dict[str, np.ndarray]]:
    """Return by column the kinds of identifiers in free text and in cells that are no value, as masks of its texts.

    The texts of all columns are searched together: preparing the patterns takes longer than searching a small file.
    """
    places = {
        name: np.flatnonzero((values.problems != "") | (values.variable.type in FREE_TEXT))
        for name, values in columns.items()
    }
    kinds = cell_identifiers(np.concatenate([columns[name].texts[some] for name, some in places.items()] or [[]]))
    found: dict[str, dict[str, np.ndarray]] = {}
    start = 0
    for name, some in places.items():
        for kind, mask in kinds.items():
            own = np.zeros(len(columns[name].texts), dtype=bool)
            own[some] = mask[start : start + len(some)]
            if own.any() and not (kind == "identifier_phone" and columns[name].variable.type == "id"):
                found.setdefault(name, {})[kind] = own
        start += len(some)
    return found


def _hide(values: ColumnValues, identity: dict[str, np.ndarray]) -> ColumnValues:
    """Return the column without the values that identify a person."""
    if not identity:
        return values
    hidden = np.logical_or.reduce(list(identity.values()))
    stands_for_it = REFUSED_ID if values.variable.column == "patient_id" else None
    return replace(values, typed=np.where(hidden, stands_for_it, values.typed))


def _note_problems(values: ColumnValues, identity: dict[str, np.ndarray], typed: TypedTable) -> None:
    """Make one finding per rule that cells of the column break; identifiers are never repeated."""
    hidden = np.zeros(len(values.texts), dtype=bool)
    for kind, mask in identity.items():
        _add(typed, values, kind, mask & ~hidden, shown=False)
        hidden |= mask
    for rule in sorted(set(values.problems[values.problems != ""])):
        _add(typed, values, rule, (values.problems == rule) & ~hidden, shown=not rule.startswith("identifier"))
    name = values.variable.column
    if name == "patient_id" or (values.variable.required and name != "center"):
        rule = "patient_id_missing" if name == "patient_id" else "required_missing"
        _add(typed, values, rule, values.is_missing & (values.problems == ""), shown=True)
    if short := len(values.rows_where(values.changes == "two_digit_year")):
        where = {"table": typed.raw.spec.table, "file": typed.raw.spec.path, "column": name}
        typed.findings.append(Finding("two_digit_years", found=f"{short} dates", **where))


def _add(typed: TypedTable, values: ColumnValues, rule: str, distinct: np.ndarray, *, shown: bool) -> None:
    """Add a finding for the rows of some distinct texts of a column."""
    rows = values.rows_where(distinct)
    if not len(rows):
        return
    codes = values.codes[rows]
    expected = values.expected[codes]
    typed.findings.append(
        Finding(
            rule, table=typed.raw.spec.table, column=values.variable.column, **place(typed.frame, rows),
            found=values.texts[codes] if shown else "(not repeated here)",
            expected=np.where(expected == "", expected_text(values.variable), expected),
            what_to_do=values.advice[codes],
        )
    )  # fmt: skip


def expected_text(variable: Variable) -> str:
    """Say in words what a column holds."""
    if variable.levels:
        return "one of " + ", ".join(variable.levels)
    if variable.minimum is not None:
        return f"{write_number(variable.minimum)} to {write_number(variable.maximum)} {variable.unit}".strip()
    return {"date": "a date", "id": "an identifier"}.get(variable.type, "text")


def _note_changes(values: ColumnValues, identity: dict[str, np.ndarray], typed: TypedTable) -> None:
    """Write down every changed cell; what identifies a person is not written down."""
    shown = ~np.logical_or.reduce(list(identity.values())) if identity else True
    rows = values.rows_where((values.changes != "") & shown)
    if len(rows):
        texts = values.texts, values.clean_texts, values.changes
        typed.changes.append(Changes(values.variable.column, rows, values.codes[rows], *texts))


def _note_change(typed: TypedTable, rows: np.ndarray, column: str, raw: object, clean: object, rule: str) -> None:
    """Write down changes of some rows of one column: texts before and after, one per row or one for all."""
    texts = (np.full(len(rows), text, dtype=object) for text in (raw, clean, rule))
    typed.changes.append(Changes(column, rows, np.arange(len(rows)), *texts))


def _complete_limits(typed: TypedTable) -> None:
    """Fill in the upper limit of LDH that `center.toml` gives, and turn ratios into U/L."""
    spec, frame = typed.raw.spec, typed.frame
    if spec.table != "patients" or "ldh_u_l" not in frame:
        return
    if "ldh_uln_u_l" not in frame:
        frame["ldh_uln_u_l"] = np.nan
        if limit := spec.uln.get("ldh_uln_u_l"):
            rows = np.flatnonzero(frame["ldh_u_l"].notna())
            frame.loc[frame.index[rows], "ldh_uln_u_l"] = limit
            _note_change(typed, rows, "ldh_uln_u_l", "", write_number(float(limit)), "limit_from_center")
    unit = spec.units.get("ldh_u_l", typed.raw.units.get("ldh_u_l"))
    if CellDialect(unit=unit).is_ratio:
        _resolve_ratio(typed)


def _resolve_ratio(typed: TypedTable) -> None:
    """Turn LDH ratios into U/L where the limit is known; else keep them with a limit of 1."""
    frame = typed.frame
    ratio, limit = frame["ldh_u_l"].to_numpy(), frame["ldh_uln_u_l"].to_numpy()
    known = np.flatnonzero(~np.isnan(ratio) & ~np.isnan(limit))
    unknown = np.flatnonzero(~np.isnan(ratio) & np.isnan(limit))
    products, back = np.unique(ratio[known] * limit[known], return_inverse=True)
    absolute = np.array([float(f"{x:.12g}") for x in products])
    texts = typed.raw.frame["ldh_u_l"].astype(object).to_numpy()
    typed.changes = [part.without(known) if part.column == "ldh_u_l" else part for part in typed.changes]
    clean = np.array([write_number(x) for x in absolute.tolist()], dtype=object)
    _note_change(typed, known, "ldh_u_l", texts[known], clean[back], "unit_converted")
    _note_change(typed, unknown, "ldh_uln_u_l", "", "1", "ratio_kept")
    frame.loc[frame.index[known], "ldh_u_l"] = absolute[back]
    frame.loc[frame.index[unknown], "ldh_uln_u_l"] = 1.0
    where = {"table": "patients", "column": "ldh_u_l"} | place(frame, unknown)
    typed.findings.append(Finding("ratio_without_limit", found=texts[unknown], **where))


def _check_center(typed: TypedTable, center: str) -> None:
    """Hold the center column to the folder; where there is none, the folder is the center."""
    frame = typed.frame
    if "center" in frame:
        named = frame["center"].to_numpy(dtype=object)
        rows = np.flatnonzero(~pd.isna(named) & (named != center))
        where = {"table": typed.raw.spec.table, "column": "center"} | place(frame, rows)
        typed.findings.append(Finding("center_mismatch", found=named[rows], expected=center, **where))
    frame["center"] = center
