"""Estimates with intervals, one line each: labels and counts left, the interval in the middle, its numbers right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fhrmm.figures.style import COLORS, FAINT, INK, MARKERS, hide_spine, new_figure, wrap
from fhrmm.formats import OK, format_estimate, format_events, status_text
from fhrmm.study import Study
from fhrmm.wording import POOLED

Row = dict[str, object]
_ROW_MM = 6.2
_HEADING_CHARACTERS, _LABEL_CHARACTERS = 44, 26
_STEP = 0.62  # between the estimates of several models in one line
_WHOLE = len(MARKERS) - 1
_COLOR = {**dict(enumerate(COLORS[:_WHOLE])), _WHOLE: COLORS[1]}
_MARKER = {**dict(enumerate(MARKERS[:_WHOLE])), _WHOLE: "D"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a heading (no rows), or one row per model that has it; the whole is drawn apart from its parts."""

    label: str
    rows: tuple[Row | None, ...] = ()
    is_whole: bool = False

    @property
    def text(self) -> str:
        """The label, broken over lines."""
        return wrap(self.label, _LABEL_CHARACTERS if self.rows else _HEADING_CHARACTERS)

    @property
    def height(self) -> float:
        """The height in lines of text."""
        n_rows = sum(row is not None for row in self.rows)
        return max(1.0, 0.72 * n_rows, 0.75 * (self.text.count("\n") + 1))

    def shown(self, middle: float) -> list[Row]:
        """Return the rows with the height of each and its place among the models: no gaps where a model has none."""
        found = [(place, row) for place, row in enumerate(self.rows) if row is not None]
        first = middle - _STEP * (len(found) - 1) / 2
        return [
            {**row, "height": first + _STEP * order, "place": _WHOLE if self.is_whole else place % _WHOLE}
            for order, (place, row) in enumerate(found)
        ]


def center_lines(rows: pd.DataFrame) -> list[Line]:
    """Return one line per center in order, all centers pooled at the bottom."""
    ordered = rows.sort_values("scope", key=lambda scopes: (scopes == POOLED).astype(str) + scopes)
    return [
        Line("All centers" if row["scope"] == POOLED else str(row["scope"]), (row,), row["scope"] == POOLED)
        for row in ordered.to_dict("records")
    ]


def is_reference(row: Row) -> bool:
    """Whether a row is the level that others are compared with."""
    return bool(row["level"]) and row["level"] == row["reference"] and row["status"] == OK


def draw_lines(
    lines: Sequence[Line],
    study: Study,
    *,
    heads: tuple[str, str],
    limits: tuple[float, float],
    models: Sequence[str] = (),
) -> tuple[Figure, Axes]:
    """Draw lines in three panels.

    Parameters
    ----------
    lines : sequence of Line
        From top to bottom.
    study : Study
        The plan, for decimals.
    heads : tuple of str
        Heads of the labels and of the numbers.
    limits : tuple of float
        Ends of the axis; an interval that leaves it ends in an arrow.
    models : sequence of str
        Names of several estimates per line, for the legend.

    Returns
    -------
    tuple of Figure and Axes
        The panel of intervals has no ticks yet.
    """
    total = sum(line.height for line in lines)
    figure = new_figure(_ROW_MM * (total + 1.2) + (26 if len(models) > 1 else 18))
    left, axes, right = figure.subplots(1, 3, width_ratios=[1.25, 1.15, 0.85], sharey=True)
    middles = np.cumsum([0.0, *(line.height for line in lines)])[:-1] + [line.height / 2 - 0.5 for line in lines]
    points = [point for line, middle in zip(lines, middles, strict=True) for point in line.shown(middle)]
    for line, middle in zip(lines, middles, strict=True):
        is_bold = line.is_whole or not line.rows
        weight, indent = ("bold", 0.0) if is_bold else ("normal", 0.05)
        left.text(indent, middle, line.text, va="center", fontweight=weight, fontsize=8.5)
        counts = dict.fromkeys(format_events(row) for row in line.rows if row is not None)
        heights = [point["height"] for point in line.shown(middle)] if len(counts) > 1 else [middle]
        for height, row in zip(heights, line.shown(middle), strict=False):
            left.text(1.0, height, format_events(row), ha="right", va="center", fontsize=8.5)
    for point in points:
        right.text(0.0, point["height"], write_numbers(point, study), va="center", fontsize=8.5)
    left.text(0.0, -0.95, heads[0], fontweight="bold", va="center")
    left.text(1.0, -0.95, "Events/\npatients", fontweight="bold", ha="right", va="center", linespacing=1.0)
    right.text(0.0, -0.95, heads[1], fontweight="bold", va="center")
    for panel in (left, right):
        panel.set_axis_off()
        panel.set_xlim(0, 1)
    _draw_points(axes, pd.DataFrame([point for point in points if point["status"] == OK]), limits)
    axes.set(ylim=(total - 0.2, -1.6), yticks=[], ylabel="")
    axes.grid(axis="x")
    hide_spine(axes, "left")
    if len(models) > 1:
        looks = [{"marker": _MARKER[place % _WHOLE], "color": _COLOR[place % _WHOLE]} for place in range(len(models))]
        handles = [axes.plot([], [], label=name, **look)[0] for name, look in zip(models, looks, strict=True)]
        figure.legend(handles=handles, loc="outside upper center", ncols=min(len(models), 4))
    return figure, axes


def _draw_points(axes: Axes, points: pd.DataFrame, limits: tuple[float, float]) -> None:
    if points.empty:
        return
    low, high = limits
    references = points[[is_reference(row) for row in points.to_dict("records")]]
    axes.plot(references["estimate"], references["height"], "D", color="white", markeredgecolor=INK, markersize=5)
    points = points.drop(references.index).dropna(subset=["estimate"])
    known = points.dropna(subset=["ci_lower", "ci_upper"])
    ends = known["ci_lower"].clip(low, high), known["ci_upper"].clip(low, high)
    axes.hlines(known["height"], *ends, colors=known["place"].map(_COLOR), linewidth=1.5)
    for cut, marker, end in ((known["ci_lower"] < low, "<", low), (known["ci_upper"] > high, ">", high)):
        axes.scatter([end] * cut.sum(), known[cut]["height"], marker=marker, c=known[cut]["place"].map(_COLOR), s=36)
    for whole in points[points["place"] == _WHOLE].to_dict("records"):
        axes.axvspan(whole["ci_lower"], whole["ci_upper"], color=COLORS[1], alpha=0.08, linewidth=0, zorder=0)
        axes.axvline(whole["estimate"], color=COLORS[1], linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)
        axes.axhline(whole["height"] - 0.5, color=FAINT, linewidth=0.8)
    inside = points[points["estimate"].between(low, high)]
    sized = {"size": "n", "sizes": (28, 75)} if (points["place"] == _WHOLE).any() else {"s": 40}
    if len(inside):
        look = {"palette": _COLOR, "markers": _MARKER, "linewidth": 0, "zorder": 2.5, "legend": False}
        sns.scatterplot(inside, x="estimate", y="height", hue="place", style="place", ax=axes, **sized, **look)


def write_numbers(row: Row, study: Study) -> str:
    """Write value and interval, or why there is none."""
    if is_reference(row) and row["estimand"] == "hazard_ratio":
        return "1 (reference)"
    return format_estimate(row, study.display, instead=status_text(row))
