"""Which rows and columns of a grid an entry of `center.toml` means, before any header is understood."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fnmatch import fnmatchcase

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from intake.center import CenterFile
from intake.readers.grid import Grid, ReadProblem
from intake.readers.headers import column_letter, declared_headers, header_key
from intake.values import comparison_key, load_synonyms


def name_columns(grid: Grid, file: CenterFile) -> Grid:
    """Give columns the names that `center.toml` gives to tell them apart: ``[H]`` by letter, ``Data [2]`` by order.

    Examples
    --------
    >>> file = CenterFile(path="p.csv", table="patients", columns={"Data [2]": "death_date", "[A]": "patient_id"})
    >>> name_columns(Grid(["Data", "Data", "Data"], [], np.array([])), file).headers
    ['[A]', 'Data [2]', 'Data']
    """
    declared = {header_key(name): name for name in declared_headers(file)}
    seen: Counter[str] = Counter()
    headers = []
    for position, header in enumerate(grid.headers):
        seen[header] += 1
        forms = (f"[{column_letter(grid.position(position))}]", f"{header} [{seen[header]}]")
        headers.append(next((declared[key] for form in forms if (key := header_key(form)) in declared), header))
    return replace(grid, headers=headers)


def select_rows(grid: Grid, file: CenterFile) -> Grid:
    """Return the rows that `where` selects, with the cells that `fill_down` completes.

    Raises
    ------
    ReadProblem
        `mapped_column_absent` where the file has no such header, `no_rows_selected` where nothing is left.
    """
    places = {header_key(header): position for position, header in enumerate(grid.headers)}
    for header in (*file.where, *file.fill_down):
        if header_key(header) not in places:
            raise ReadProblem("mapped_column_absent", header)
    columns = list(grid.columns)
    for header in file.fill_down:
        column = columns[places[header_key(header)]]
        last = np.maximum.accumulate(np.where(column.codes >= 0, np.arange(len(column)), 0))
        columns[places[header_key(header)]] = column[last]
    grid, keep = replace(grid, columns=columns), np.ones(len(grid.rows), dtype=bool)
    for header, wanted in file.where.items():
        patterns = [comparison_key(text) for text in ([wanted] if isinstance(wanted, str) else wanted)]
        column = columns[places[header_key(header)]]
        fits = [any(fnmatchcase(comparison_key(text), p) for p in patterns) for text in column.categories]
        keep &= np.array([*fits, "" in patterns])[column.codes]
    if not keep.any() and len(keep):
        raise ReadProblem("no_rows_selected", ", ".join(file.where))
    return grid if keep.all() else grid.take(keep)


def rows_of_nobody(identifiers: pd.Categorical, header: str) -> dict[str, np.ndarray]:
    """Return the rows that are no patient's, by rule: totals below the table, and headers repeated inside it."""
    texts = pc.utf8_lower(pc.utf8_trim_whitespace(pa.array(identifiers.categories, type=pa.string())))
    total = pc.match_substring_regex(texts, rf"^({'|'.join(load_synonyms()['totals'])})([\s:=].*)?$")
    found = {"total_row": total, "header_repeated": pc.equal(texts, header.strip().lower())}
    masks = {rule: np.append(mask.to_numpy(zero_copy_only=False), False).astype(bool) for rule, mask in found.items()}
    return {rule: mask[identifiers.codes] for rule, mask in masks.items() if mask.any()}
