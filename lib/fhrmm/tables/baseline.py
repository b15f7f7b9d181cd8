"""Table 1: baseline by group and overall, missing as rows of their own, standardized differences."""

from __future__ import annotations

from collections.abc import Hashable

from fhrmm.estimate_table import Estimates, Row
from fhrmm.formats import (
    DASH,
    OK,
    capitalize,
    format_count,
    format_number,
    format_p,
    format_pct,
    format_ratio,
    is_missing,
    name_level,
    name_variable,
    status_text,
)
from fhrmm.study import Study
from fhrmm.tables.estimate_cells import read_rows
from fhrmm.tables.layout import Cells, Line, tabulate

MISSING = "missing"
_DIFFERENCE = "standardized_mean_difference"
_COMPARISONS = {_DIFFERENCE: "SMD", "difference_p": "p"}  # of all groups; they stand in the first line of a variable
_NOTES = {
    "proportion": "Categories: number (percent of patients with a known value).",
    "median": "Numbers: median (first to third quartile).",
    _DIFFERENCE: "SMD: standardized mean difference, the largest between any two groups.",
    "difference_p": "p: Fisher's exact test of categories, rank sum test (Wilcoxon; Kruskal-Wallis) of numbers.",
}


def tabulate_baseline(baseline: Estimates, study: Study) -> Cells:
    """Lay out Table 1: one row group per variable; columns are the groups in order of appearance, all patients last.

    Rows are those of endpoint ``BASELINE``: `count` and `proportion` per level, `median` with quartiles, the count of
    level ``missing``, `standardized_mean_difference`, `difference_p`. The population names the column of a group;
    ``cohort`` is the whole.
    """
    rows = read_rows(baseline)
    described = [row for row in rows if row["estimand"] == "median" or (row["estimand"] == "count" and row["level"])]
    described.sort(key=lambda row: (row["estimand"] != "median", row["level"] == MISSING))
    order = list(dict.fromkeys(row["variable"] for row in rows))
    described.sort(key=lambda row: order.index(row["variable"]))
    first_of = {row["variable"]: row for row in reversed(described)}
    comparisons = [row for row in rows if row["estimand"] in _COMPARISONS and row["variable"] in first_of]
    shares = {_place(row): row for row in rows if row["estimand"] == "proportion"}
    groups = list(dict.fromkeys(row["population"] for row in rows if row["estimand"] not in _COMPARISONS))
    heads = {group: _head(group, rows) for group in sorted(groups, key=lambda group: group == "cohort")}

    def cell(key: Hashable, line: Line) -> str:
        if key in _COMPARISONS:
            is_first = any(row is first_of[row["variable"]] for row in line.values())
            return _compare(line.get(key), study) if is_first else ""
        if key not in line:
            nobody = f"\u2264{study.rounding}" if study.rounding else "0"
            return DASH if any(row["estimand"] == "median" for row in line.values()) else nobody
        if line[key]["status"] != OK:
            return status_text(line[key])
        is_median = line[key]["estimand"] == "median"
        return _median(line[key]) if is_median else _count(line[key], shares.get(_place(line[key])), study)

    def line_of(row: Row) -> tuple[str, ...]:
        shown = first_of[row["variable"]] if row["estimand"] in _COMPARISONS else row
        level = "median (quartiles)" if shown["estimand"] == "median" else name_level(shown["level"])
        return name_variable(row["variable"], study), level

    return tabulate(
        [*described, *comparisons],
        lines=line_of,
        columns=lambda row: row["estimand"] if row["estimand"] in _COMPARISONS else row["population"],
        heads=heads | {row["estimand"]: _COMPARISONS[row["estimand"]] for row in comparisons},
        cell=cell,
        first="Characteristic",
        notes=[note for estimand, note in _NOTES.items() if any(row["estimand"] == estimand for row in rows)],
    )


def _place(row: Row) -> tuple[object, ...]:
    return row["population"], row["variable"], row["level"]


def _head(group: str, rows: list[Row]) -> str:
    counts = [row["n"] for row in rows if row["population"] == group and row["estimand"] == "count"]
    known = [count for count in counts if not is_missing(count)]
    name = "All patients" if group == "cohort" else capitalize(group)
    return f"{name} (n = {format_count(max(known))})" if known else name


def _median(row: Row) -> str:
    lower, upper = row["ci_lower"], row["ci_upper"]
    spread = "" if is_missing(lower) else f" ({format_number(lower)} to {format_number(upper)})"
    return format_number(row["estimate"]) + spread


def _count(count: Row, share: Row | None, study: Study) -> str:
    text = format_count(count["estimate"])
    known = share is not None and share["status"] == OK
    return f"{text} ({format_pct(share['estimate'], study.display, n=share['n'])})" if known else text


def _compare(row: Row | None, study: Study) -> str:
    if row is None:
        return DASH
    if row["status"] != OK:
        return status_text(row)
    return format_ratio(row["estimate"], study.display) if row["estimand"] == _DIFFERENCE else format_p(row["p_value"])
