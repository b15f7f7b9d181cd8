"""Rules as data (`rules.toml`), and findings as rows of the issue log."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from fhrmm.study import Frozen

ISSUE_COLUMNS = (
    "center", "severity", "rule", "table", "file", "sheet", "row", "column", "patient_id", "found", "expected",
    "what_to_do",
)  # fmt: skip


class Rule(Frozen):
    """One rule of `rules.toml`."""

    id: str
    severity: Literal["error", "warning"]
    message: str
    reason: str
    what_to_do: str
    table: str = ""
    columns: tuple[str, ...] = ()
    check: str = ""
    when: str = ""
    needs: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


@cache
def load_rules() -> Mapping[str, Rule]:
    """Return every rule by its identifier, in the order of the file.

    Examples
    --------
    >>> load_rules()["date_ambiguous"].severity
    'error'
    """
    content = tomllib.loads((Path(__file__).parent / "rules.toml").read_text(encoding="utf-8"))
    rules = [Rule.model_validate(row | ({"check": "when"} if "when" in row else {})) for row in content["rules"]]
    return {rule.id: rule for rule in rules}


@dataclass(frozen=True, slots=True)
class Finding:
    """Some rows that break one rule, in one column of one file.

    Attributes
    ----------
    rule : str
        Identifier of the rule.
    table : str
        Canonical table; empty where it does not apply.
    file, sheet, column : array_like of str, or str
        Where: one per row, or the same for all.
    row : array_like of int, optional
        Row numbers as a spreadsheet shows them; one missing number for a finding about the whole file.
    patient_id, found, expected, what_to_do : array_like of str, or str
        One per row, or the same for all. `what_to_do` empty: the rule's own.
    """

    rule: str
    table: str = ""
    file: object = ""
    sheet: object = ""
    column: object = ""
    row: object = field(default_factory=lambda: [None])
    patient_id: object = ""
    found: object = ""
    expected: object = ""
    what_to_do: object = ""

    def columns(self, center: str) -> dict[str, object]:
        """Return the finding as columns of the issue log."""
        rule, size = load_rules()[self.rule], len(self.row)
        constant = {"center": center, "severity": rule.severity, "rule": rule.id}
        columns = {name: _repeat(value, size) for name, value in constant.items()}
        for name in ("table", "file", "sheet", "column", "patient_id", "found", "expected", "what_to_do"):
            columns[name] = _repeat(getattr(self, name), size)
        blank = columns["what_to_do"] == ""
        columns["what_to_do"] = np.where(blank, rule.what_to_do, columns["what_to_do"])
        return columns | {"row": pd.array(self.row, dtype="Int64")}


def findings_frame(findings: Sequence[Finding], center: str) -> pd.DataFrame:
    """Return findings as one issue log of a center, in the order they were made.

    Examples
    --------
    >>> findings_frame([Finding("file_empty", file="a.csv")], "C01")[["severity", "rule", "file"]].values.tolist()
    [['error', 'file_empty', 'a.csv']]
    """
    parts = [finding.columns(center) for finding in findings if len(finding.row)]
    if not parts:
        types = {name: "Int64" if name == "row" else object for name in ISSUE_COLUMNS}
        return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in types.items()})
    rows = pd.concat([pd.Series(part["row"]) for part in parts], ignore_index=True)
    columns = {
        name: rows if name == "row" else np.concatenate([part[name] for part in parts]) for name in ISSUE_COLUMNS
    }
    return pd.DataFrame(columns, copy=False)


def rule_catalog(issues: pd.DataFrame) -> pd.DataFrame:
    """Return every rule with its number of findings.

    Returns
    -------
    DataFrame
        One row per rule: rule, severity, columns, message, reason, what_to_do, n_findings.
    """
    shown = ["id", "severity", "columns", "message", "reason", "what_to_do"]
    catalog = pd.DataFrame([rule.model_dump(include=set(shown)) for rule in load_rules().values()])[shown]
    counts = catalog["id"].map(issues["rule"].value_counts()).fillna(0).astype(int)
    return catalog.rename(columns={"id": "rule"}).assign(columns=catalog["columns"].str.join(", "), n_findings=counts)


def _repeat(value: object, size: int) -> np.ndarray:
    """Return one value per row as an object array."""
    array = np.empty(size, dtype=object)
    array[:] = value if isinstance(value, str) else list(value)
    return array
