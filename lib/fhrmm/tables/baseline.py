"""Table 1: baseline by group and overall, missing as rows of their own, standardized differences."""

from __future__ import annotations

import math
from functools import partial

import pandas as pd

from fhrmm.formats import (
    DASH,
    OK,
    Estimates,
    capitalize,
    clean_estimates,
    format_count,
    format_number,
    format_pct,
    format_ratio,
    is_missing,
    name_level,
    name_variable,
    status_text,
)
from fhrmm.study import Study
from fhrmm.tables.table import Cells, Table

MISSING = "missing"
_DIFFERENCE = "standardized_mean_difference"
Row = dict[str, object]


def tabulate_baseline(baseline: Estimates, study: Study, *, labels: dict[str, str] | None = None) -> Table:
    """Lay out Table 1.

    Parameters
    ----------
    baseline : DataFrame
        Estimates rows of endpoint ``BASELINE``: `count` and `proportion` per level, `median` with quartiles, the
        count of level ``missing``, `standardized_mean_difference`. The population names the column of a group;
        ``cohort`` is the whole.
    study : Study
        The plan: labels and decimals.
    labels : dict of str to str, optional
        Names of variables that the plan does not label.

    Returns
    -------
    Table
        One row group per variable; columns are the groups in order of appearance, all patients last.
    """
    return Table(clean_estimates(baseline), partial(_draw, study=study, labels=labels or {}))


def _draw(baseline: pd.DataFrame, *, study: Study, labels: dict[str, str]) -> Cells:
    frame = clean_estimates(baseline)
    described = frame[frame["estimand"] != _DIFFERENCE]
    groups = _order_groups(list(dict.fromkeys(described["population"])))
    found = {_place(row): row for row in described.to_dict("records")}
    content, headings = [], []
    for variable in dict.fromkeys(described["variable"]):
        difference = _difference(frame, variable, study)
        for line, (level, cells) in enumerate(_lines(described, variable, groups, found, study)):
            content.append([level, *cells, difference if line == 0 else ""])
            headings.append(_label(variable, study, labels))
    heads = [_head(group, described) for group in groups]
    columns = ["Characteristic", *heads, "SMD"]
    text = pd.DataFrame(content, columns=columns).astype(object)
    if not (frame["estimand"] == _DIFFERENCE).any():
        text = text.drop(columns="SMD")
    return Cells(text, tuple(headings), numeric=frozenset([*heads, "SMD"]), notes=_notes(described, frame))


def _notes(described: pd.DataFrame, frame: pd.DataFrame) -> tuple[str, ...]:
    estimands = set(described["estimand"])
    lines = []
    if "proportion" in estimands:
        lines.append("Categories: number (percent of patients with a known value).")
    if "median" in estimands:
        lines.append("Numbers: median (first to third quartile).")
    if (frame["estimand"] == _DIFFERENCE).any():
        lines.append("SMD: standardized mean difference between the first two groups.")
    return tuple(lines)


def _order_groups(groups: list[str]) -> list[str]:
    return [group for group in groups if group != "cohort"] + [group for group in groups if group == "cohort"]


def _place(row: Row) -> tuple[str, str, str, str]:
    return str(row["population"]), str(row["variable"]), str(row["level"]), str(row["estimand"])


def _label(variable: str, study: Study, labels: dict[str, str]) -> str:
    return labels.get(variable) or name_variable(variable, study)


def _head(group: str, described: pd.DataFrame) -> str:
    counts = described[(described["population"] == group) & (described["estimand"] == "count")]["n"].dropna()
    name = "All patients" if group == "cohort" else capitalize(group)
    return f"{name} (n = {format_count(counts.max())})" if len(counts) else name


def _lines(
    described: pd.DataFrame,
    variable: str,
    groups: list[str],
    found: dict[tuple[str, str, str, str], Row],
    study: Study,
) -> list[tuple[str, list[str]]]:
    rows = described[described["variable"] == variable]
    lines = []
    if (rows["estimand"] == "median").any():
        cells = [_median_cell(found.get((group, variable, "", "median"))) for group in groups]
        lines.append(("median (quartiles)", cells))
    levels = [level for level in dict.fromkeys(rows["level"]) if level]
    ordered = [level for level in levels if level != MISSING] + [level for level in levels if level == MISSING]
    for level in ordered:
        cells = []
        for group in groups:
            count, share = (found.get((group, variable, level, name)) for name in ("count", "proportion"))
            cells.append(_count_cell(count, share, study))
        lines.append((name_level(level), cells))
    return lines


def _median_cell(row: Row | None) -> str:
    if row is None:
        return DASH
    if row["status"] != OK:
        return status_text(row)
    lower, upper = row["ci_lower"], row["ci_upper"]
    spread = "" if is_missing(lower) else f" ({format_number(lower)} to {format_number(upper)})"  # type: ignore[arg-type]
    return format_number(row["estimate"]) + spread  # type: ignore[arg-type]


def _count_cell(count: Row | None, share: Row | None, study: Study) -> str:
    if count is None:
        return "0"
    if count["status"] != OK:
        return status_text(count)
    text = format_count(count["estimate"])  # type: ignore[arg-type]
    if share is None or share["status"] != OK:
        return text
    return f"{text} ({format_pct(share['estimate'], study.display)})"  # type: ignore[arg-type]


def _difference(frame: pd.DataFrame, variable: str, study: Study) -> str:
    rows = frame[(frame["estimand"] == _DIFFERENCE) & (frame["variable"] == variable)]
    if rows.empty:
        return DASH
    row = rows.iloc[0].to_dict()
    value = row["estimate"]
    return format_ratio(value, study.display) if row["status"] == OK and not math.isnan(value) else status_text(row)
