"""Forest plots: ratios with intervals on a logarithmic axis, by level of a model or by center."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from fhrmm.figures.describe import describe_center_forest, describe_forest, select_comparison
from fhrmm.figures.style import COLORS, INK, MARKERS, MUTED, draw_empty, drawn_from, keep_data, new_figure, wrap
from fhrmm.formats import (
    DASH,
    OK,
    Estimates,
    capitalize,
    clean_estimates,
    format_ci,
    format_count,
    format_value,
    is_missing,
    name_level,
    name_undivided,
    name_variable,
    status_text,
)
from fhrmm.study import Study
from fhrmm.wording import POOLED

_ROW_MM = 6.2
_AXIS_NOTE = "(log axis; right of 1: higher hazard than the reference)"
_HEADING_CHARACTERS, _LABEL_CHARACTERS = 44, 26
_TICKS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16, 32)
Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a forest plot: a heading (no estimates), or a label with counts and one estimate per model."""

    label: str
    counts: str = ""
    rows: tuple[Row | None, ...] = ()
    is_heading: bool = False


@drawn_from(describe_forest, estimates="estimates")
def plot_forest(
    estimates: Estimates,
    study: Study,
    *,
    endpoint: str = "",
    models: Sequence[str] | Mapping[str, str] | None = None,
    estimand: str = "hazard_ratio",
    label: str = "",
) -> Figure:
    """Draw a forest plot on a log axis with reference rows, patients and events.

    Parameters
    ----------
    estimates : DataFrame
        Rows of the estimates table with that estimand; reference rows have level equal to reference.
    study : Study
        The plan.
    endpoint : str
        PFS, OS, ...; needed if the rows are of several.
    models : sequence of str, or mapping of str to str, optional
        Models in order, or model to legend text; by default all found.
    estimand : str
        hazard_ratio or odds_ratio.
    label : str
        Of the axis; by default the estimand and the endpoint.

    Returns
    -------
    Figure
        Wide; one line per level. An interval that leaves the axis ends in an arrow, its numbers are written.

    Raises
    ------
    ValueError
        If the rows are of several endpoints.
    """
    frame = clean_estimates(estimates)
    frame = frame[(frame["estimand"] == estimand) & (frame["variable"] != "")]
    if endpoint:
        frame = frame[frame["endpoint"] == endpoint]
    headings = _headings(models or tuple(dict.fromkeys(frame["model"])))
    frame = frame[frame["model"].isin(list(headings))]
    if frame.empty:
        return draw_empty("No model was fitted: there is nothing to draw")
    lines = _model_lines(frame, headings, study)
    if len(set(frame["endpoint"])) > 1:
        raise ValueError("plot_forest: rows of several endpoints; choose one")
    default = f"{_words(estimand)} for {frame['endpoint'].iloc[0]}\n{_AXIS_NOTE}"
    figure = _draw_forest(lines, list(headings.values()), study, label or default, estimand)
    return keep_data(figure, estimates=frame)


@drawn_from(describe_center_forest, estimates="estimates")
def plot_center_forest(
    estimates: Estimates,
    study: Study,
    *,
    endpoint: str,
    variable: str,
    level: str = "",
    model: str = "univariable",
) -> Figure:
    """Draw the hazard ratio of one variable in each center, all centers pooled at the bottom.

    Parameters
    ----------
    estimates : DataFrame
        Estimates of several scopes.
    study : Study
        The plan.
    endpoint, variable, model : str
        Which hazard ratio.
    level : str
        Which level, where the variable has more than two.
    """
    rows = select_comparison(clean_estimates(estimates), endpoint, variable, model, level)
    if rows.empty:
        return draw_empty("No center has this hazard ratio")
    ordered = rows.sort_values("scope", key=lambda scopes: (scopes == POOLED).astype(str) + scopes)
    lines = [
        Line("All centers" if row["scope"] == POOLED else str(row["scope"]), _counts(row), (row,))
        for row in ordered.to_dict("records")
    ]
    label = f"Hazard ratio for {endpoint}: {name_variable(variable, study)}\n(log axis; right of 1: higher hazard)"
    return keep_data(_draw_forest(lines, [""], study, label, "hazard_ratio", head="Center"), estimates=ordered)


def _words(name: str) -> str:
    return capitalize(name.replace("_", " "))


def _headings(models: Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    return dict(models) if isinstance(models, Mapping) else {name: _words(name) for name in models}


def _counts(row: Row) -> str:
    return f"{format_count(row['n_events'])}/{format_count(row['n'])}"  # type: ignore[arg-type]


def _model_lines(frame: pd.DataFrame, headings: Mapping[str, str], study: Study) -> list[Line]:
    found = {(row["model"], row["variable"], row["level"]): row for row in frame.to_dict("records")}
    lines = []
    for variable in dict.fromkeys(frame["variable"]):
        part = frame[frame["variable"] == variable]
        lines.append(Line(name_variable(variable, study), is_heading=True))
        levels = [level for level in dict.fromkeys(part["level"]) if level] or [""]
        references = set(part["reference"])
        for level in sorted(levels, key=lambda name: name not in references):
            rows = tuple(found.get((model, variable, level)) or found.get((model, variable, "")) for model in headings)
            first = next((row for row in rows if row is not None and row["level"]), next(filter(None, rows)))
            is_reference = all(row is None or _is_reference(row) for row in rows)
            name = name_level(level) or name_undivided(part["status"])
            lines.append(Line(name, _counts(first), (first,) if is_reference else rows))
    return lines


def _is_reference(row: Row) -> bool:
    return bool(row["level"]) and row["level"] == row["reference"] and row["status"] == OK


def _draw_forest(
    lines: list[Line], models: list[str], study: Study, label: str, estimand: str, head: str = "Variable"
) -> Figure:
    figure = new_figure(_ROW_MM * (sum(_height(line) for line in lines) + 1.2) + (26 if len(models) > 1 else 18))
    left, axes, right = figure.subplots(1, 3, width_ratios=[1.25, 1.15, 0.85], sharey=True)
    heights = _positions(lines)
    low, high = _limits([row for line in lines for row in line.rows if row is not None])
    _log_axis(axes, low, high, label)
    for height, line in zip(heights, lines, strict=True):
        _draw_labels(left, right, height, line, study, estimand)
        for at, place, row in _shown(line, height):
            _draw_interval(axes, at, row, place, low, high)
    top = -0.95
    left.text(0.0, top, head, fontweight="bold", va="center")
    left.text(1.0, top, "Events/\npatients", fontweight="bold", ha="right", va="center", linespacing=1.0)
    right.text(0.0, top, f"{_short(estimand)} (95% CI)", fontweight="bold", va="center")
    for panel in (left, right):
        panel.set_axis_off()
        panel.set_xlim(0, 1)
    axes.set_ylim(sum(map(_height, lines)) - 0.2, -1.6)
    _legend(figure, models)
    return figure


def _short(estimand: str) -> str:
    return {"hazard_ratio": "HR", "odds_ratio": "OR"}.get(estimand, _words(estimand))


def _height(line: Line) -> float:
    width = _HEADING_CHARACTERS if line.is_heading else _LABEL_CHARACTERS
    n_rows = sum(row is not None for row in line.rows)
    return max(1.0, 0.72 * n_rows, 0.75 * (wrap(line.label, width).count("\n") + 1))


def _positions(lines: Sequence[Line]) -> list[float]:
    positions, edge = [], 0.0
    for line in lines:
        positions.append(edge + _height(line) / 2 - 0.5)
        edge += _height(line)
    return positions


def _shown(line: Line, height: float) -> list[tuple[float, int, Row]]:
    """Height, place among the models, and row of each model that has the line: no gaps for those that do not."""
    found = [(place, row) for place, row in enumerate(line.rows) if row is not None]
    middle = (len(found) - 1) / 2
    return [(height + (order - middle) * 0.62, place, row) for order, (place, row) in enumerate(found)]


def _limits(rows: list[Row]) -> tuple[float, float]:
    """Axis limits: powers of two around the estimates and their intervals, never beyond 1/32 and 32."""
    values = [row[name] for row in rows if row["status"] == OK for name in ("estimate", "ci_lower", "ci_upper")]
    known = [float(value) for value in values if not is_missing(value) and math.isfinite(value) and value > 0]  # type: ignore[arg-type]
    low = min([0.5, *known])
    high = max([2.0, *known])
    return max(2.0 ** math.floor(math.log2(low)), 1 / 32), min(2.0 ** math.ceil(math.log2(high)), 32.0)


def _log_axis(axes: Axes, low: float, high: float, label: str) -> None:
    axes.set_xscale("log")
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    if len(ticks) > 8:
        ticks = [tick for tick in ticks if round(math.log2(tick)) % 2 == 0]
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(ticks)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"1/{1 / tick:.0f}" if tick < 1 else f"{tick:.0f}"))
    axes.set_xlim(low / 1.08, high * 1.08)
    axes.axvline(1, color=MUTED, linewidth=0.9)
    axes.grid(axis="x")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(label)


def _draw_interval(axes: Axes, height: float, row: Row, place: int, low: float, high: float) -> None:
    color = COLORS[place % len(COLORS)]
    if row["status"] != OK or is_missing(row["estimate"]):
        return
    estimate = float(row["estimate"])  # type: ignore[arg-type]
    if _is_reference(row):
        axes.plot(1, height, "D", color="white", markeredgecolor=INK, markersize=5)
        return
    lower, upper = (float(row[name]) for name in ("ci_lower", "ci_upper"))  # type: ignore[arg-type]
    start, end = max(lower, low), min(upper, high)
    if not (math.isnan(start) or math.isnan(end)):
        axes.plot([start, end], [height, height], color=color, linewidth=1.5)
        _arrows(axes, height, lower, upper, low, high, color)
    if low <= estimate <= high:
        axes.plot(estimate, height, MARKERS[place % len(MARKERS)], color=color, markersize=6)


def _arrows(axes: Axes, height: float, lower: float, upper: float, low: float, high: float, color: str) -> None:
    if lower < low:
        axes.plot(low, height, "<", color=color, markersize=6)
    if upper > high:
        axes.plot(high, height, ">", color=color, markersize=6)


def _draw_labels(left: Axes, right: Axes, height: float, line: Line, study: Study, estimand: str) -> None:
    weight = "bold" if line.is_heading else "normal"
    text = wrap(line.label, _HEADING_CHARACTERS if line.is_heading else _LABEL_CHARACTERS)
    left.text(0.0 if line.is_heading else 0.05, height, text, va="center", fontweight=weight, fontsize=8.5)
    left.text(1.0, height, line.counts, ha="right", va="center", fontsize=8.5)
    for at, _, row in _shown(line, height):
        right.text(0.0, at, _text(row, study, estimand), va="center", fontsize=8.5)


def _text(row: Row, study: Study, estimand: str) -> str:
    if row["status"] != OK:
        return status_text(row)
    if _is_reference(row):
        return "1 (reference)"
    value = format_value(row["estimate"], estimand, study.display, sign=False)  # type: ignore[arg-type]
    interval = format_ci(row["ci_lower"], row["ci_upper"], estimand, study.display, sign=False)  # type: ignore[arg-type]
    return value if interval == DASH else f"{value} ({interval})"


def _legend(figure: Figure, models: list[str]) -> None:
    if len(models) < 2:
        return
    axes = figure.axes[1]
    handles = [
        axes.plot([], [], MARKERS[place % len(MARKERS)] + "-", color=COLORS[place % len(COLORS)], label=name)[0]
        for place, name in enumerate(models)
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(models), 4))
