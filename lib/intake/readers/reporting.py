"""What is noticed while a file is read, written down as findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from intake.center import CenterFile
from intake.readers import redcap
from intake.readers.grid import Grid
from intake.readers.headers import HeaderMap, column_letter, header_key
from intake.rules import Finding
from intake.values import cell_identifiers

IN_HEADER, IN_CELLS = "in the header", "in its cells"


@dataclass(slots=True)
class FileNotes:
    """What is noticed while one file is read."""

    findings: list[Finding] = field(default_factory=list)
    unknown: list[tuple[str, str]] = field(default_factory=list)
    left_out: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reporter:
    """Writes down what one file has that it should not have."""

    file: CenterFile
    grid: Grid
    notes: FileNotes
    sheets_elsewhere: frozenset[str]

    def add(self, rule: str, **fields: object) -> None:
        """Add a finding in this file."""
        place = {"table": self.file.table, "file": self.file.path, "sheet": self.grid.sheet}
        self.notes.findings.append(Finding(rule, **place, **fields))

    def said(self, where: str) -> set[tuple[str, object]]:
        """Return rule and column of what another table of the same sheet has reported already."""
        same = (self.file.path, self.grid.sheet, where)
        return {(x.rule, x.column) for x in self.notes.findings if (x.file, x.sheet, x.found) == same}

    def headers(self, found: HeaderMap, *, is_redcap: bool) -> None:
        headers, said = self.grid.headers, self.said(IN_HEADER)
        for position, rule in found.refused:
            column = f"column {column_letter(self.grid.position(position))}"
            if (rule, column) not in said:
                self.add(rule, column=column, found=IN_HEADER)
        for column in found.twice:
            self.add("column_twice", column=column, found="several headers")
        for header in found.absent:
            self.add("mapped_column_absent", found=header)
        for column in found.unit_conflicts:
            self.add("unit_conflict", column=column, found=found.units[column], expected=self.file.units[column])
        unknown = [headers[i] or f"(column {column_letter(self.grid.position(i))})" for i in found.unknown]
        left = [name for name in unknown if not (is_redcap and redcap.is_structure(name))]
        sheets = [f"(sheet) {name}" for name in self.grid.other_sheets]
        left += [name for name in sheets if header_key(name) not in self.sheets_elsewhere]
        self.notes.unknown += [(self.file.path, name) for name in left]

    def rows(self) -> None:
        """Report rows of another width, and rows that the sheet hides or strikes out."""
        for rule, numbers in (("rows_hidden", self.grid.hidden), ("rows_struck", self.grid.struck)):
            if numbers:
                self.add(rule, row=list(numbers))
        if refused := self.grid.refused:
            found = [f"{width} cells" for _, width in refused]
            expected = f"{len(set(self.grid.positions) or self.grid.headers)} cells"
            self.add("row_width", row=[number for number, _ in refused], found=found, expected=expected)

    def leave_out(self, grid: Grid, nobody: Mapping[str, np.ndarray]) -> Grid:
        """Report rows that are no patient's, and count them with the refused ones."""
        for rule, mask in nobody.items():
            self.add(rule, row=grid.rows[mask].tolist())
        if not nobody:
            return grid
        gone = np.logical_or.reduce(list(nobody.values()))
        refused = [*grid.refused, *((int(number), 0) for number in grid.rows[gone])]
        return replace(grid.take(~gone), refused=refused)

    def merge_events(self, grid: Grid, found: HeaderMap) -> tuple[Grid, np.ndarray]:
        """Put the events of one record together; report values that differ."""
        merged, into, conflicts = redcap.merge_events(grid, found.columns["patient_id"])
        names = {position: column for column, position in found.columns.items()}
        ids = dict(zip(merged.rows, pd.Series(merged.columns[found.columns["patient_id"]]).astype(object), strict=True))
        for row, position in conflicts:
            if position in names:
                self.add("record_conflict", column=names[position], row=[row], patient_id=[ids[row]])
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
                hits = np.flatnonzero(kinds[kind][owner == place])
                rows = grid.rows[np.isin(grid.columns[searched[place]].codes, hits)].tolist()
                self.add(kind, column=column, found=IN_CELLS, row=[min(rows, default=None)])
