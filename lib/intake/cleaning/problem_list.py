"""The problem list: findings in the order of the source file, compared with the list before."""

from __future__ import annotations

import numpy as np
import pandas as pd
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.styles import Alignment, Font, NamedStyle, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from fhrmm.store import Run, read_work_csv, write_work_csv
from intake.rules import load_rules
from intake.workbooks import workbook_bytes

NAME = "issues"
STATES = ("new", "still open", "resolved")
COLUMNS = (
    "state", "severity", "center", "file", "sheet", "row", "letter", "header", "column", "patient_id", "problem",
    "found", "expected", "what_to_do", "rule", "table",
)  # fmt: skip
IDENTITY = ["center", "rule", "table", "file", "sheet", "column", "patient_id", "found", "occurrence"]
TITLES = {
    "state": "State", "severity": "Severity", "center": "Center", "file": "File", "sheet": "Sheet", "row": "Row",
    "letter": "Column", "header": "Header", "column": "Variable", "patient_id": "Patient", "problem": "Problem",
    "found": "Found", "expected": "Expected", "what_to_do": "What to do", "rule": "Rule", "table": "Table",
}  # fmt: skip
WIDTHS = {"problem": 44, "found": 34, "expected": 30, "what_to_do": 52, "file": 26, "header": 22, "column": 24}
FILLS = {"error": "FCE4D6", "warning": "FFF8DC", "resolved": "E2EFDA"}
TOP, PLAIN = Alignment(vertical="top", wrap_text=True), Font(name="Calibri", size=11)
LONGEST_CELL = 32_000
MOST_ROWS = 100_000


def _make_problem_list(
    issues: pd.DataFrame, headers: pd.DataFrame, previous: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Put findings in the order in which a person goes through the source, and say what has changed.

    Parameters
    ----------
    issues : DataFrame
        The issue log.
    headers : DataFrame
        Header and column letter of each canonical column, by center, file, sheet and table.
    previous : DataFrame, optional
        An earlier problem list; its findings that are gone are kept as `resolved`.

    Returns
    -------
    DataFrame
        One row per finding: `COLUMNS`. A finding is the same as an earlier one when rule, place, patient and found
        text agree: rows may have moved. Where the findings are those of the earlier list, that list stays as it is:
        running again without a change in the files changes nothing.
    """
    current = _with_place(issues, headers)
    if previous is None or previous.empty:
        return _sorted(current.assign(state="new"))
    current, earlier = _numbered(current), _numbered(previous[previous["state"] != "resolved"])
    known = pd.MultiIndex.from_frame(earlier[IDENTITY])
    keys = pd.MultiIndex.from_frame(current[IDENTITY])
    if len(known) == len(keys) and known.isin(keys).all():
        states = pd.Series(earlier["state"].to_numpy(), index=known)
        unchanged = current.assign(state=states.reindex(keys).to_numpy())
        gone = previous[previous["state"] == "resolved"]
        return _sorted(pd.concat([unchanged, gone], ignore_index=True) if len(gone) else unchanged)
    current["state"] = np.where(keys.isin(known), "still open", "new")
    gone = earlier[~known.isin(keys)].assign(state="resolved")
    return _sorted(pd.concat([current, gone], ignore_index=True) if len(gone) else current)


def write_problem_list(run: Run, issues: pd.DataFrame, headers: pd.DataFrame) -> pd.DataFrame:
    """Write `issues.csv` and `issues.xlsx` of a scope below work/, compared with those that are there.

    Parameters
    ----------
    run : Run
        Where.
    issues, headers : DataFrame
        Of the cleaned scope.

    Returns
    -------
    DataFrame
        The problem list; see `_make_problem_list`.
    """
    listed = _make_problem_list(issues, headers, _read_previous(run))
    write_work_csv(run, NAME, listed)
    with (run.work / f"{NAME}.xlsx").open("wb") as stream:
        stream.write(workbook_bytes(make_workbook(listed.head(MOST_ROWS))))
    return listed


def summarize_problems(listed: pd.DataFrame) -> pd.DataFrame:
    """Count findings by severity, rule and state; no row of it concerns a single patient.

    Parameters
    ----------
    listed : DataFrame
        A problem list.

    Returns
    -------
    DataFrame
        severity, rule, problem, new, still open, resolved; errors first.
    """
    counts = pd.crosstab([listed["severity"], listed["rule"]], listed["state"]).reindex(
        columns=list(STATES), fill_value=0
    )
    table = counts.rename_axis(columns=None).reset_index()
    rules = load_rules()
    table.insert(2, "problem", [rules[name].message if name in rules else "" for name in table["rule"]])
    return table


def _read_previous(run: Run) -> pd.DataFrame | None:
    """Return the problem list that an earlier run has left, or None."""
    if not (run.work / f"{NAME}.csv").is_file():
        return None
    previous = read_work_csv(run, NAME)
    return previous if set(COLUMNS) <= set(previous) else None


def make_workbook(listed: pd.DataFrame) -> Workbook:
    """Return a problem list as a workbook: errors in red, warnings in yellow, resolved ones in green; no formulas.

    Parameters
    ----------
    listed : DataFrame
        A problem list.

    Returns
    -------
    openpyxl.Workbook
        One sheet, with fixed header row and filters.
    """
    book = Workbook()
    sheet = book.active
    sheet.title = "Problems"
    sheet.append([TITLES[name] for name in COLUMNS])
    for name, color in FILLS.items():  # named once: a style made anew for each cell takes most of the time
        fill = PatternFill("solid", start_color=color)
        book.add_named_style(NamedStyle(name, font=PLAIN, fill=fill, alignment=TOP))
    kinds = np.where(listed["state"] == "resolved", "resolved", listed["severity"])
    for number, (kind, row) in enumerate(zip(kinds, listed[list(COLUMNS)].to_numpy(), strict=True), start=2):
        for position, value in enumerate(row, start=1):
            _write_cell(sheet.cell(number, position), COLUMNS[position - 1], str(value), str(kind))
    _lay_out(sheet)
    return book


def _with_place(issues: pd.DataFrame, headers: pd.DataFrame) -> pd.DataFrame:
    """Add header and letter of the column, and the rule's message."""
    places = headers.astype(object).drop_duplicates(["center", "file", "table", "column"])
    columns = ["center", "file", "table", "column", "header", "letter"]
    placed = issues.merge(places[columns], on=columns[:4], how="left")
    rules = load_rules()
    placed["problem"] = [rules[name].message for name in placed["rule"]]
    text = {name: placed[name].astype(object).where(placed[name].notna(), "").astype(str) for name in COLUMNS[1:]}
    return pd.DataFrame(text)


def _numbered(listed: pd.DataFrame) -> pd.DataFrame:
    """Number findings that agree in everything but the row."""
    return listed.assign(occurrence=listed.groupby(IDENTITY[:-1], sort=False).cumcount().astype(str))


def _sorted(listed: pd.DataFrame) -> pd.DataFrame:
    """Sort by center, file, sheet and row; findings about a whole file first, resolved ones last."""
    number = pd.to_numeric(listed["row"], errors="coerce").fillna(0)
    order = listed.assign(
        _done=listed["state"].eq("resolved"), _row=number, _warning=listed["severity"].eq("warning"),
        _letter=listed["letter"].str.len(),
    )  # fmt: skip
    keys = ["_done", "center", "file", "sheet", "_row", "_letter", "letter", "_warning", "rule", "column", "patient_id"]
    return order.sort_values(keys, kind="stable")[list(COLUMNS)].reset_index(drop=True)


def _write_cell(cell: Cell, column: str, text: str, kind: str) -> None:
    """Write text as text, so that nothing in it can become a formula; row numbers as numbers."""
    cell.value = int(text) if column == "row" and text else ILLEGAL_CHARACTERS_RE.sub("", text)[:LONGEST_CELL]
    cell.data_type = "n" if column == "row" and text else "s"
    cell.style = kind


def _lay_out(sheet: Worksheet) -> None:
    for position, name in enumerate(COLUMNS, start=1):
        sheet.cell(1, position).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(position)].width = WIDTHS.get(name, 13)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
