"""The data dictionary as typed variables, and the check that a table keeps its contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np
import pandas as pd

from fhrmm.study import repository_root

TABLES = ("patients", "assessments", "adverse_events")
# The response categories, deepest first as they are shown; and ordered for comparison: `response >= "PR"` is partial
# response or better. NE could not be evaluated and is below all others.
RESPONSES = ("sCR", "CR", "VGPR", "PR", "MR", "SD", "PD", "NE")
RESPONSE_DEPTH = pd.CategoricalDtype(RESPONSES[::-1], ordered=True)

# What can record an event: any of these columns. Of an export that has none of them, no event is no evidence.
_VISITS = ("response", "serum_m_protein_g_dl", "urine_m_protein_mg_24h", "flc_kappa_mg_l", "flc_lambda_mg_l")
VISIT_EVIDENCE = tuple(f"assessments.{name}" for name in _VISITS)
EVIDENCE = {
    "a death": ("patients.death_date",),
    "a progression": ("patients.progression_date", *VISIT_EVIDENCE),
    "a progression on the next line": VISIT_EVIDENCE,
    "a response": ("patients.best_response", *VISIT_EVIDENCE),
    "a next line of therapy": ("patients.next_line_start_date",),
    "an adverse event": ("adverse_events.term",),
    "the grade of an adverse event": ("adverse_events.grade",),
}
NO_WAY = "this export has no way to record "


@dataclass(frozen=True, slots=True)
class Variable:
    """One row of `data/dictionary.csv`: a canonical column with type, unit, levels and plausible range."""

    table: str
    column: str
    type: str
    unit: str
    levels: tuple[str, ...]
    minimum: float | None
    maximum: float | None
    group: str
    required: bool
    description: str
    label_en: str
    label_it: str


@cache
def load_dictionary() -> tuple[Variable, ...]:
    """Return every canonical variable, in the order of the dictionary.

    Examples
    --------
    >>> load_dictionary()[0].column
    'patient_id'
    """
    rows = pd.read_csv(repository_root() / "data" / "dictionary.csv", dtype=str, keep_default_na=False)
    return tuple(_variable(row) for row in rows.to_dict("records"))


@cache
def variables(table: str) -> Mapping[str, Variable]:
    """Return the variables of one table by column name, in the order of the dictionary."""
    return MappingProxyType({found.column: found for found in load_dictionary() if found.table == table})


def date_columns(table: str) -> list[str]:
    """Return the date columns of one table."""
    return [name for name, variable in variables(table).items() if variable.type == "date"]


def empty_table(table: str) -> pd.DataFrame:
    """Return the canonical table without rows: right columns, right types."""
    return _empty_table(table).copy()


@cache
def _empty_table(table: str) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in column_types(table).items()})


def missing_column(dtype: object, size: int) -> object:
    """Return a column of a canonical type in which every value is missing.

    Examples
    --------
    >>> missing_column("Int64", 2)
    <IntegerArray>
    [<NA>, <NA>]
    Length: 2, dtype: Int64
    """
    if isinstance(dtype, pd.CategoricalDtype):
        return pd.Categorical.from_codes(np.full(size, -1, dtype=np.int8), dtype=dtype)
    if dtype == "Int64":
        return pd.arrays.IntegerArray(np.zeros(size, dtype=np.int64), np.ones(size, dtype=bool))
    if dtype == "datetime64[ns]":
        return np.full(size, np.datetime64("NaT", "ns"))
    return np.full(size, np.nan, dtype=dtype)


def column_types(table: str) -> dict[str, object]:
    """Return column name -> pandas type of a clean canonical table, with three companions per date.

    A date ``x`` is a timestamp (the policy's point inside its possible interval) with companions
    ``x_lower``, ``x_upper`` (timestamps) and ``x_precision`` (day, month or year).
    """
    return dict(_column_types(table))


@cache
def _column_types(table: str) -> dict[str, object]:
    plain = {"date": "datetime64[ns]", "integer": "Int64", "number": "float64"}
    types: dict[str, object] = {}
    for name, variable in variables(table).items():
        levels = pd.CategoricalDtype(list(variable.levels), ordered=False)
        types[name] = levels if variable.levels else plain.get(variable.type, "object")
        if variable.type == "date":
            types |= {f"{name}_lower": "datetime64[ns]", f"{name}_upper": "datetime64[ns]"}
            types[f"{name}_precision"] = pd.CategoricalDtype(["day", "month", "year"], ordered=True)
    return types


def conform(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """Return the frame with exactly the canonical columns, absent ones all missing, every type set."""
    types = column_types(table)
    return frame.reindex(columns=list(types)).astype(types)


def cannot_record(frame: pd.DataFrame, event: str) -> pd.Series:
    """Return of which patients no event of a kind (a key of `EVIDENCE`) can be known, by `unrecorded` of their center.

    Examples
    --------
    >>> cannot_record(pd.DataFrame({"unrecorded": ["", "a death; a response"]}), "a death").tolist()
    [False, True]
    """
    if "unrecorded" not in frame:
        return pd.Series(False, index=frame.index)
    texts = frame["unrecorded"].astype(object).fillna("")
    return texts.map({text: event in text.split("; ") for text in texts.unique()}).astype(bool)


def _variable(row: dict[str, str]) -> Variable:
    number = {name: float(row[name]) if row[name] else None for name in ("minimum", "maximum")}
    return Variable(
        **{
            name: row[name]
            for name in ("table", "column", "type", "unit", "group", "description", "label_en", "label_it")
        },
        levels=tuple(row["levels"].split("|")) if row["levels"] else (),
        required=row["required"] == "yes",
        **number,
    )
