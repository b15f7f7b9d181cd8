"""A typed table as the checks see it: columns by name, missing where the file has none, and the place of each row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from fhrmm.schema import column_types, conform, missing_column
from fhrmm.staging import derive_staging
from fhrmm.study import Study
from intake.rules.catalog import Finding, Rule

NO_DATE = np.datetime64("NaT", "ns")
SHOWN = {"day": 10, "month": 7, "year": 4}


def patient_ids(frame: pd.DataFrame) -> np.ndarray:
    """Return the patient identifiers of a typed table as text, empty where missing."""
    ids = frame["patient_id"].to_numpy(dtype=object)
    return np.where(pd.isna(ids), "", ids)


def place(frame: pd.DataFrame, rows: np.ndarray) -> dict[str, object]:
    """Return where some rows of a typed table stand, as fields of a finding."""
    return {
        "file": frame["_file"].iloc[rows].astype(object),
        "sheet": frame["_sheet"].iloc[rows].astype(object),
        "row": frame["_row"].to_numpy()[rows],
        "patient_id": patient_ids(frame)[rows],
    }


def other_rows(frame: pd.DataFrame, groups: np.ndarray, rows: np.ndarray) -> list[str]:
    """Return for each of some rows where the others of its group stand: row and file, five at most."""
    places = list(zip(frame["_file"].iloc[rows].astype(str), frame["_row"].iloc[rows].astype(str), strict=True))
    together = pd.Series(places, dtype=object).groupby(groups).agg(list)
    return [
        ", ".join(f"row {other[1]} of {other[0]}" for other in together[group][:5] if other != own)
        for group, own in zip(groups, places, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Rows:
    """One typed table.

    Attributes
    ----------
    table : str
        Canonical name.
    frame : DataFrame
        Typed columns that the files have, dates with bounds and precision, and the place of each row.
    """

    table: str
    frame: pd.DataFrame
    _filled: dict[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    def has(self, *columns: str) -> bool:
        """Tell whether the files have all these columns."""
        return all(column in self.frame for column in columns)

    def filled(self, column: str) -> np.ndarray:
        """Return which rows have a value; to be read only, since every rule that asks gets the same array."""
        if column not in self._filled:
            name = f"{column}_lower" if f"{column}_lower" in self.frame else column
            known = name in self.frame
            self._filled[column] = ~pd.isna(self.frame[name].array) if known else np.zeros(len(self.frame), dtype=bool)
            self._filled[column].setflags(write=False)
        return self._filled[column]

    def text(self, column: str) -> np.ndarray:
        """Return values as text, empty where missing."""
        if column not in self.frame:
            return np.full(len(self.frame), "", dtype=object)
        values = self.frame[column].astype(object).to_numpy()
        return np.where(pd.isna(values), "", values.astype(str) if values.dtype != object else values).astype(object)

    def is_in(self, column: str, values: Sequence[object]) -> np.ndarray:
        """Return which rows have one of some values, compared as text."""
        if column not in self.frame:
            return np.zeros(len(self.frame), dtype=bool)
        wanted = {str(value) for value in values}
        codes, distinct = pd.factorize(self.frame[column])
        return np.array([*(str(value) in wanted for value in distinct), False], dtype=bool)[codes]

    def lower(self, column: str) -> np.ndarray:
        """Return the earliest possible day of a date."""
        return self._bound(column, "lower")

    def upper(self, column: str) -> np.ndarray:
        """Return the latest possible day of a date."""
        return self._bound(column, "upper")

    def middle(self, column: str) -> np.ndarray:
        """Return the middle of a date's interval."""
        lower, upper = self.lower(column), self.upper(column)
        return lower if (lower == upper).all() else lower + (upper - lower) // 2

    def _bound(self, column: str, side: str) -> np.ndarray:
        name = f"{column}_{side}"
        return self.frame[name].to_numpy() if name in self.frame else np.full(len(self.frame), NO_DATE)

    def shown(self, column: str, rows: np.ndarray) -> list[str]:
        """Return values of some rows as a person wrote them: dates no more precise than known."""
        if f"{column}_lower" not in self.frame:
            return ["" if pd.isna(value) else str(value) for value in self.frame[column].iloc[rows]]
        dates = self.lower(column)[rows].astype("datetime64[D]").astype(str)
        precision = self.frame[f"{column}_precision"].iloc[rows].astype(object)
        return ["" if text == "NaT" else text[: SHOWN[kind]] for text, kind in zip(dates, precision, strict=True)]

    def finding(self, rule: Rule, selected: np.ndarray, columns: Sequence[str] | None = None) -> Finding:
        """Return the finding of a rule in the selected rows (boolean or positions), showing values of its columns."""
        rows = np.flatnonzero(selected) if selected.dtype == bool else selected
        if not len(rows):
            return Finding(rule.id, row=())
        shown = [name for name in (rule.columns if columns is None else columns) if self.has(name)]
        texts = [[f"{name} {text or 'empty'}" for text in self.shown(name, rows)] for name in shown]
        found = ["; ".join(parts) for parts in zip(*texts, strict=True)] if texts else ""
        where = {"table": self.table, "column": shown[-1] if shown else ""} | place(self.frame, rows)
        return Finding(rule.id, found=found, **where)


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of a center, its derived stages, and what the checks are held against."""

    patients: Rows
    assessments: Rows
    adverse_events: Rows
    staging: pd.DataFrame
    study: Study
    cutoff: date | None
    _places: dict[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, frames: Mapping[str, pd.DataFrame], study: Study, cutoff: date | None) -> Tables:
        """Wrap the typed frames of a center."""
        rows = {name: Rows(name, frame) for name, frame in frames.items()}
        staging = derive_staging(conform(frames["patients"], "patients"), study)
        return cls(**rows, staging=staging, study=study, cutoff=cutoff)

    def rows(self, table: str) -> Rows:
        """Return one table by name."""
        return getattr(self, table)

    def holds(self, rule: Rule) -> np.ndarray:
        """Return in which rows of its table the condition of a rule holds; what is missing makes it false."""
        frame, content = self.rows(rule.table).frame, {}
        for name in set(re.findall(r"[a-z]\w+", rule.when)):
            if name in column_types(rule.table):
                content[name] = _values(frame, rule.table, name)
            elif (own := name.removeprefix("patient_")) in column_types("patients") and own != name:
                values = pd.array(_values(self.patients.frame, "patients", own))
                content[name] = values.take(self._places_of(rule.table), allow_fill=True)
        found = pd.DataFrame(content, index=frame.index).eval(" ".join(rule.when.split()), engine="python")
        return found.astype("boolean").fillna(False).to_numpy(dtype=bool)

    def _places_of(self, table: str) -> np.ndarray:
        """Return for each row of a table where its patient stands, -1 where nowhere; worked out once."""
        if table not in self._places:
            known = pd.Index(self.patients.frame["patient_id"])
            first = np.flatnonzero(known.notna() & ~known.duplicated())
            codes, ids = pd.factorize(self.rows(table).frame["patient_id"])
            self._places[table] = np.append(np.append(first, -1)[known[first].get_indexer(ids)], -1)[codes]
        return self._places[table]


def _values(frame: pd.DataFrame, table: str, name: str) -> object:
    """Return a column, all missing where the files have none."""
    return frame[name].array if name in frame else missing_column(column_types(table)[name], len(frame))
