"""The problem list: findings in the order of the source file, held against the list before and its answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.styles import Alignment, Font, NamedStyle, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from fhrmm.errors import StudyError
from fhrmm.store import Run, read_work_csv, write_work_bytes, write_work_csv
from intake.cleaning.scope import CleanedScope
from intake.language import canonical, say, say_all
from intake.rules import load_rules
from intake.workbooks import workbook_bytes

NAME = "issues"
STATES = ("new", "still open", "resolved")
# What a center may answer to a finding; its words, its name and the day are kept as they are written.
ANSWERS = ("accepted", "corrected", "disputed")
ANSWER = ["answer", "answered_by", "answered_on"]
COLUMNS = (
    "state", "severity", "center", "file", "sheet", "row", "letter", "header", "column", "patient_id", "problem",
    "found", "expected", "what_to_do", *ANSWER, "rule", "table", "id",
)  # fmt: skip
IDENTITY = ["center", "rule", "table", "file", "sheet", "column", "patient_id", "found"]
TITLES = {name: name.replace("_", " ").capitalize() for name in COLUMNS} | {
    "letter": "Column", "column": "Variable", "patient_id": "Patient", "id": "Number",
}  # fmt: skip
WORDS = ("state", "severity", "answer")  # written as words of the language in the workbook
TEXTS = ("problem", "found", "expected", "what_to_do")
WIDTHS = {"problem": 44, "found": 34, "expected": 30, "what_to_do": 52, "file": 26, "header": 22, "column": 24}
FILLS = {"error": "FCE4D6", "warning": "FFF8DC", "resolved": "E2EFDA"}
TOP, PLAIN = Alignment(vertical="top", wrap_text=True), Font(name="Calibri", size=11)
LONGEST_CELL = 32_000
MOST_ROWS = 100_000


def _compare(current: pd.DataFrame, previous: pd.DataFrame) -> pd.DataFrame:
    """Say what has changed since an earlier list, and carry its answers over.

    A finding is the same as an earlier one when rule, place, patient and found text agree: rows may have moved. Where
    the findings are those of the earlier list, that list stays as it is: running again without a change in the files
    changes nothing. Findings that are gone are kept as `resolved` until the next change, those with an answer for good.
    """
    before = previous.drop_duplicates("id").set_index("id")
    current[ANSWER] = before[ANSWER].reindex(current["id"]).fillna("").to_numpy()
    was_open = before[before["state"] != "resolved"]
    is_known, is_gone = current["id"].isin(was_open.index), ~before.index.isin(current["id"])
    if len(current) == len(was_open) and is_known.all():
        current["state"] = current["id"].map(was_open["state"])
    else:
        current["state"] = np.where(is_known, "still open", "new")
        is_gone &= (before["state"] != "resolved") | (before["answer"] != "")
    gone = before[is_gone].reset_index().assign(state="resolved")
    return pd.concat([current, gone], ignore_index=True) if len(gone) else current


def write_problem_list(run: Run, cleaned: CleanedScope, language: str = "en") -> pd.DataFrame:
    """Write `work/<SCOPE>/issues.csv` and `issues.xlsx`: every finding in the order of the source files.

    Compared with the list that an earlier run has left, findings are `new`, `still open` or `resolved`; what the center
    has answered in it stays beside its finding.

    Returns
    -------
    DataFrame
        The list, one row per finding: `COLUMNS`. `summarize_problems` counts it without patients.
    """
    current, previous = _with_place(cleaned.issues, cleaned.headers), _read_previous(run)
    for name in TEXTS:
        current[name] = say_all(current[name], language)
    blank = current.assign(state="new", **dict.fromkeys(ANSWER, ""))
    listed = _sorted(blank if previous is None else _compare(current, previous))
    write_work_csv(run, NAME, listed)
    write_work_bytes(run, f"{NAME}.xlsx", workbook_bytes(make_workbook(listed.head(MOST_ROWS), language)))
    return listed


def summarize_problems(listed: pd.DataFrame) -> pd.DataFrame:
    """Count findings by severity, rule and state; no row of it concerns a single patient.

    Returns
    -------
    DataFrame
        severity, rule, problem, new, still open, resolved, answered; errors first.
    """
    counts = pd.crosstab([listed["severity"], listed["rule"]], listed["state"]).reindex(
        columns=list(STATES), fill_value=0
    )
    counts["answered"] = listed["answer"].ne("").groupby([listed["severity"], listed["rule"]]).sum()
    table = counts.rename_axis(columns=None).reset_index()
    rules = load_rules()
    table.insert(2, "problem", [rules[name].message if name in rules else "" for name in table["rule"]])
    return table


def _read_previous(run: Run) -> pd.DataFrame | None:
    """Return the list that an earlier run has left, with the answers of whichever file was saved last; or None."""
    table, book = run.work / f"{NAME}.csv", run.work / f"{NAME}.xlsx"
    previous = read_work_csv(run, NAME) if table.is_file() else pd.DataFrame()
    if not set(COLUMNS) <= set(previous):
        return None
    if book.is_file() and book.stat().st_mtime_ns >= table.stat().st_mtime_ns:
        given = _read_answers(book)[ANSWER].reindex(previous["id"]).set_axis(previous.index)
        previous[ANSWER] = given.fillna(previous[ANSWER])
    return previous


def _read_answers(book: Path) -> pd.DataFrame:
    """Return the answers of a workbook by the number of the finding, in the words of the list."""
    try:
        sheet = pd.read_excel(book, dtype=str, keep_default_na=False, engine="calamine")
    except Exception as error:  # whatever the reader raises: answers must not be lost without a word
        raise StudyError(
            f"{book.name}: its answers cannot be read; save it again as a workbook, or delete it"
        ) from error
    names = {title: name for name, title in TITLES.items()}
    sheet = sheet.rename(columns=lambda title: names.get(canonical(str(title)), title)).reindex(columns=["id", *ANSWER])
    answered = sheet.fillna("").drop_duplicates("id").set_index("id")
    answered["answer"] = answered["answer"].map(canonical)
    answered["answered_on"] = answered["answered_on"].str.removesuffix(" 00:00:00")
    return answered


def make_workbook(listed: pd.DataFrame, language: str) -> Workbook:
    """Return a problem list as a workbook: errors in red, warnings in yellow, resolved ones in green; no formulas."""
    book = Workbook()
    sheet = book.active
    sheet.title = say("Problems", language)
    sheet.append([say(TITLES[name], language) for name in COLUMNS])
    for name, color in FILLS.items():  # named once: a style made anew for each cell takes most of the time
        fill = PatternFill("solid", start_color=color)
        book.add_named_style(NamedStyle(name, font=PLAIN, fill=fill, alignment=TOP))
    kinds = np.where(listed["state"] == "resolved", "resolved", listed["severity"])
    shown = listed[list(COLUMNS)].assign(**{name: say_all(listed[name], language) for name in WORDS})
    for number, (kind, row) in enumerate(zip(kinds, shown.to_numpy(), strict=True), start=2):
        for position, value in enumerate(row, start=1):
            _write_cell(sheet.cell(number, position), COLUMNS[position - 1], str(value), str(kind))
    _lay_out(sheet)
    choice = DataValidation("list", formula1=f'"{",".join(say(word, language) for word in ANSWERS)}"', allow_blank=True)
    place = get_column_letter(COLUMNS.index("answer") + 1)
    choice.add(f"{place}2:{place}{max(len(listed), 1) + 1}")
    sheet.add_data_validation(choice)
    return book


def _with_place(issues: pd.DataFrame, headers: pd.DataFrame) -> pd.DataFrame:
    """Return findings as text with header and letter of the column, the rule's message, and a number of their own."""
    places = headers.astype(object).drop_duplicates(["center", "file", "table", "column"])
    columns = ["center", "file", "table", "column", "header", "letter"]
    placed = issues.merge(places[columns], on=columns[:4], how="left")
    rules = load_rules()
    placed["problem"] = [rules[name].message for name in placed["rule"]]
    named = placed["column"].astype(str).str.extract(r"^column ([A-Z]+)$")[0]
    placed["letter"] = placed["letter"].where(placed["letter"].notna(), named)
    known = [name for name in COLUMNS if name in placed]
    text = pd.DataFrame(
        {name: placed[name].astype(object).where(placed[name].notna(), "").astype(str) for name in known}
    )
    text["id"] = text.groupby(IDENTITY, sort=False).cumcount().astype(str)  # of those that agree in all but the row
    identity = text[[*IDENTITY, "id"]].assign(found=text["found"].str.replace(r"row \d+", "row", regex=True))
    digests = pd.util.hash_pandas_object(identity, index=False, categorize=False)
    return text.assign(id=[f"{digest:016x}" for digest in digests])


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
