"""Rates with intervals on a 0 to 100 percent axis: by group, by center."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fhrmm.figures.describe import describe_center_rates, describe_rates
from fhrmm.figures.style import COLORS, FAINT, draw_empty, drawn_from, keep_data, new_figure, wrap
from fhrmm.formats import (
    DASH,
    OK,
    Estimates,
    clean_estimates,
    format_ci,
    format_count,
    format_value,
    is_missing,
    name_endpoint,
    name_level,
    name_variable,
    status_text,
)
from fhrmm.study import Study
from fhrmm.wording import POOLED

_ROW_MM = 6.2
_RATES = ("proportion", "survival_probability")
Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a heading, or a rate; the whole is drawn apart from its parts."""

    label: str
    row: Row | None = None
    is_whole: bool = False


@drawn_from(describe_center_rates, estimates="estimates")
def plot_center_rates(
    estimates: Estimates, study: Study, *, endpoint: str = "", estimand: str = "", label: str = ""
) -> Figure:
    """Draw one rate per center with its interval, all centers pooled at the bottom.

    Parameters
    ----------
    estimates : DataFrame
        Estimates of several scopes. Overall rates are used: a proportion, or a survival probability at the
        headline time of the plan.
    study : Study
        The plan.
    endpoint, estimand : str
        Which rate, where the rows hold several.
    label : str
        Of the axis; by default the endpoint and the time.

    Raises
    ------
    ValueError
        If a scope has two such rows: they would be drawn over each other.
    """
    rows = _overall_rates(clean_estimates(estimates), study, endpoint, estimand)
    if rows.empty:
        return draw_empty("No center has this rate")
    if rows["scope"].duplicated().any():
        raise ValueError("plot_center_rates: several rates per scope; name the endpoint and the estimand")
    ordered = rows.sort_values("scope", key=lambda scopes: (scopes == POOLED).astype(str) + scopes)
    lines = [
        Line("All centers" if row["scope"] == POOLED else str(row["scope"]), row, row["scope"] == POOLED)
        for row in ordered.to_dict("records")
    ]
    figure = _draw(lines, study, label or _axis_label(ordered.iloc[0].to_dict(), study), "Center")
    return keep_data(figure, estimates=ordered)


@drawn_from(describe_rates, estimates="estimates")
def plot_rates(estimates: Estimates, study: Study, *, endpoint: str, label: str = "") -> Figure:
    """Draw the rate of one endpoint in each group with its interval, all patients at the bottom.

    Parameters
    ----------
    estimates : DataFrame
        Rows of the estimates table: groups by variable and level, and the overall row.
    study : Study
        The plan.
    endpoint : str
        ORR, PFS, ...; for time-to-event endpoints the rate at the headline time.
    label : str
        Of the axis.
    """
    frame = clean_estimates(estimates)
    rows = _at_headline(frame[(frame["endpoint"] == endpoint) & frame["estimand"].isin(_RATES)], study)
    lines: list[Line] = []
    for variable in dict.fromkeys(rows[rows["variable"] != ""]["variable"]):
        lines.append(Line(name_variable(variable, study)))
        part = rows[rows["variable"] == variable].to_dict("records")
        lines += [Line(name_level(str(row["level"])), row) for row in part]
    whole = rows[(rows["variable"] == "") & rows["population"].isin(["cohort", ""]) & (rows["model"] == "")]
    lines += [Line("All patients", row, True) for row in whole.to_dict("records")[:1]]
    if not lines:
        return draw_empty("No group has this rate")
    figure = _draw(lines, study, label or _axis_label(rows.iloc[0].to_dict(), study), "Group")
    return keep_data(figure, estimates=pd.concat([rows[rows["variable"] != ""], whole.head(1)]))


def _overall_rates(frame: pd.DataFrame, study: Study, endpoint: str, estimand: str) -> pd.DataFrame:
    keep = frame["estimand"].isin([estimand] if estimand else list(_RATES)) & (frame["variable"] == "")
    keep &= frame["population"].isin(["cohort", ""]) & (frame["model"] == "")
    keep &= (frame["endpoint"] == endpoint) if endpoint else True
    return _at_headline(frame[keep], study)


def _at_headline(rows: pd.DataFrame, study: Study) -> pd.DataFrame:
    return rows[rows["time_months"].isna() | (rows["time_months"] == study.time.headline_months)]


def _axis_label(row: Row, study: Study) -> str:
    name = name_endpoint(str(row["endpoint"]), study)
    time = row["time_months"]
    return f"{name}, %" if is_missing(time) else f"{name} at {time:g} months, %"


def _draw(lines: list[Line], study: Study, label: str, head: str) -> Figure:
    figure = new_figure(_ROW_MM * (len(lines) + 1.4) + 16)
    left, axes, right = figure.subplots(1, 3, width_ratios=[1.0, 1.4, 0.8], sharey=True)
    _percent_axis(axes, label)
    for height, line in enumerate(lines):
        _draw_label(left, right, height, line, study)
        if line.row is not None and line.row["status"] == OK and not is_missing(line.row["estimate"]):
            _draw_rate(axes, height, line)
    left.text(0, -1.0, head, fontweight="bold", va="center")
    left.text(1, -1.0, "Events/\npatients", fontweight="bold", ha="right", va="center", linespacing=1.0)
    right.text(0, -1.0, "% (95% CI)", fontweight="bold", va="center")
    for panel in (left, right):
        panel.set_axis_off()
        panel.set_xlim(0, 1)
    axes.set_ylim(len(lines) - 0.4, -1.6)
    return figure


def _percent_axis(axes: Axes, label: str) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_xticks(np.arange(0, 1.01, 0.25), ["0", "25", "50", "75", "100"])
    axes.grid(axis="x")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(wrap(label, 44))


def _draw_rate(axes: Axes, height: int, line: Line) -> None:
    row = line.row or {}
    color = COLORS[1] if line.is_whole else COLORS[0]
    if line.is_whole:
        axes.axvspan(_number(row["ci_lower"]), _number(row["ci_upper"]), color=color, alpha=0.08, linewidth=0, zorder=0)
        axes.axvline(_number(row["estimate"]), color=color, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)
        axes.axhline(height - 0.5, color=FAINT, linewidth=0.8)
    axes.plot([_number(row["ci_lower"]), _number(row["ci_upper"])], [height, height], color=color, linewidth=1.5)
    size = 9.0 if line.is_whole else min(4.0 + math.sqrt(max(_number(row["n"]), 0.0)), 8.0)
    axes.plot(_number(row["estimate"]), height, "D" if line.is_whole else "s", color=color, markersize=size)


def _draw_label(left: Axes, right: Axes, height: int, line: Line, study: Study) -> None:
    is_heading = line.row is None
    weight = "bold" if is_heading or line.is_whole else "normal"
    indent = 0.0 if is_heading or line.is_whole else 0.05
    shown = line.label if len(line.label) <= 40 else line.label[:38].rstrip() + "…"
    left.text(indent, height, shown, va="center", fontweight=weight, fontsize=8.5)
    if line.row is None:
        return
    counts = f"{format_count(_number(line.row['n_events']))}/{format_count(_number(line.row['n']))}"
    left.text(1.0, height, counts, ha="right", va="center", fontsize=8.5)
    right.text(0.0, height, _text(line.row, study), va="center", fontsize=8.5)


def _text(row: Row, study: Study) -> str:
    if row["status"] != OK:
        return status_text(row)
    estimand = str(row["estimand"])
    value = format_value(_number(row["estimate"]), estimand, study.display, sign=False)
    interval = format_ci(_number(row["ci_lower"]), _number(row["ci_upper"]), estimand, study.display, sign=False)
    return value if interval == DASH else f"{value} ({interval})"


def _number(value: object) -> float:
    return float(value)  # type: ignore[arg-type]
