"""Estimates with intervals, one line each: labels and counts left, the interval in the middle, its numbers right.

Hazard ratios on a logarithmic axis, by level of a model or by center; rates from 0 to 100 percent, by group or center.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from fhrmm.estimate_table import select_rows
from fhrmm.figures.style import COLORS, FAINT, INK, MARKERS, MUTED, PERCENT_TICKS, Drawing, drawn_from, new_figure, wrap
from fhrmm.formats import (
    OK,
    PER_UNIT,
    Estimates,
    capitalize,
    clean_estimates,
    format_estimate,
    format_events,
    format_level,
    name_level,
    name_result,
    name_variable,
    status_text,
)
from fhrmm.study import Study
from fhrmm.wording import POOLED, counted

Row = dict[str, object]
_AXIS_NOTE = "(log axis; right of 1: higher hazard than the reference)"
_TICKS = tuple(2.0**power for power in range(-5, 6))
_RATES = ("proportion", "survival_probability")
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


@drawn_from("estimates")
def plot_forest(
    estimates: Estimates,
    /,
    *,
    study: Study,
    endpoint: str = "",
    models: Sequence[str] = (),
) -> Drawing:
    """Draw hazard ratios on a log axis with reference rows, patients and events.

    Parameters
    ----------
    estimates : DataFrame
        Rows of the estimates table, of which the hazard ratios; reference rows have level equal to reference.
    study : Study
        The plan.
    endpoint : str
        PFS, OS, ...; needed if the rows are of several.
    models : sequence of str
        In order; by default all found.

    Returns
    -------
    Drawing
        One line per level; for one comparison by several models or in several scopes, one line for each. An interval
        that leaves the axis ends in an arrow, its numbers are written.

    Raises
    ------
    ValueError
        If the rows are of several endpoints.
    """
    frame = clean_estimates(estimates)
    frame = frame[(frame["estimand"] == "hazard_ratio") & (frame["variable"] != "")]
    if endpoint:
        frame = frame[frame["endpoint"] == endpoint]
    headings = {name: capitalize(name.replace("_", " ")) for name in models or dict.fromkeys(frame["model"])}
    frame = frame[frame["model"].isin(list(headings))]
    if frame.empty:
        return Drawing(None, "No model was fitted: there is nothing to draw.")
    if len(set(frame["endpoint"])) > 1:
        raise ValueError("plot_forest: rows of several endpoints; choose one")
    lines, limits = _model_lines(frame, headings, study), _limits(frame)
    models = list(headings.values()) if any(len(line.rows) > 1 for line in lines) else ()
    figure, axes = _draw_lines(lines, study, heads=("Variable", "HR (95% CI)"), limits=limits, models=models)
    _log_axis(axes, *limits, f"Hazard ratio for {frame['endpoint'].iloc[0]}\n{_AXIS_NOTE}")
    marks = f"Points, hazard ratios; lines, {format_level(study.models.ci_level)} confidence intervals"
    has_reference = any(row and _is_reference(row) for line in lines for row in line.rows)
    marks += "; open diamonds, reference levels" if has_reference else ""
    note = f"{marks}. Events and patients are those of the level in the model.{say_methods(frame)}"
    return Drawing(figure, _describe_forest(frame, study), frame, note)


@drawn_from("estimates")
def plot_rates(estimates: Estimates, /, *, study: Study, endpoint: str) -> Drawing:
    """Draw the rate of one endpoint in each group, or in each scope, with its interval, all patients at the bottom.

    Parameters
    ----------
    estimates : DataFrame
        Rows of the estimates table: groups by variable and level, and the overall row; or overall rows of several
        scopes.
    study : Study
        The plan.
    endpoint : str
        ORR, PFS, ...; for time-to-event endpoints the rate at the headline time.

    Raises
    ------
    ValueError
        If one of several scopes has two such rows: they would be drawn over each other.
    """
    frame = clean_estimates(estimates)
    at = frame["time_months"].isna() | (frame["time_months"] == study.time.headline_months)
    rows = frame[frame["estimand"].isin(_RATES) & (frame["endpoint"] == endpoint) & at]
    whole = select_rows(rows[rows["population"].isin(["cohort", ""])])
    if len(set(rows["scope"]) - {""}) > 1:
        if whole["scope"].duplicated().any():
            raise ValueError("plot_rates: several rates per scope")
        kind, lines, parts = "center", _center_lines(whole), whole[whole["scope"] != POOLED]
        whole, names = whole[whole["scope"] == POOLED], parts["scope"]
    else:
        kind, lines, parts = "group", [], rows[rows["variable"] != ""]
        for variable, part in parts.groupby("variable", sort=False):
            lines.append(Line(name_variable(str(variable), study)))
            lines += [Line(name_level(str(row["level"])), (row,)) for row in part.to_dict("records")]
        whole, names = whole.head(1), _name_levels(parts, study)
        lines += [Line("All patients", (row,), is_whole=True) for row in whole.to_dict("records")]
    drawn = pd.DataFrame([row for line in lines for row in line.rows if row is not None])
    least = study.display.minimum_patients
    if drawn.empty or (kind == "group" and whole["n"].max() < least):
        return Drawing(None, f"No {kind} has this rate." if drawn.empty else f"Fewer than {least} patients.")
    figure, axes = _draw_lines(lines, study, heads=(capitalize(kind), "% (95% CI)"), limits=(0.0, 1.0))
    axes.set(xlim=(-0.02, 1.02), xlabel=wrap(f"{name_result(drawn.iloc[0].to_dict(), study)}, %", 44))
    axes.set_xticks(**PERCENT_TICKS)
    note = f"Points, rates; lines, {format_level(study.models.ci_level)} intervals"
    note += "".join(f"; dashed line and band, all patients ({format_events(row)})" for row in whole.to_dict("records"))
    alt = _describe_rates(parts.assign(name=names), whole, kind)
    return Drawing(figure, alt, drawn, f"{note}.{say_methods(drawn)}")


def say_methods(rows: pd.DataFrame) -> str:
    """Name the methods of rows, to end a caption with."""
    methods = "; ".join(name for name in dict.fromkeys(rows["method"]) if name)
    return f" Methods: {methods}." if methods else ""


def write_numbers(row: Row, study: Study) -> str:
    """Write value and interval, or why there is none."""
    if _is_reference(row) and row["estimand"] == "hazard_ratio":
        return "1 (reference)"
    return format_estimate(row, study.display, instead=status_text(row))


def _name_levels(rows: pd.DataFrame, study: Study) -> list[str]:
    pairs = zip(rows["variable"], rows["level"], strict=True)
    return [f"{name_variable(variable, study)}, {name_level(level)}" for variable, level in pairs]


def _is_reference(row: Row) -> bool:
    return bool(row["level"]) and row["level"] == row["reference"] and row["status"] == OK


def _center_lines(rows: pd.DataFrame) -> list[Line]:
    """Return one line per center in order, all centers pooled at the bottom."""
    ordered = rows.sort_values("scope", key=lambda scopes: (scopes == POOLED).astype(str) + scopes)
    return [
        Line("All centers" if row["scope"] == POOLED else str(row["scope"]), (row,), row["scope"] == POOLED)
        for row in ordered.to_dict("records")
    ]


def _model_lines(frame: pd.DataFrame, headings: Mapping[str, str], study: Study) -> list[Line]:
    found: dict[tuple[object, ...], Row] = {
        (row["model"], row["variable"], row["level"]): row for row in frame.to_dict("records")
    }
    lines = []
    compared = frame[frame["level"] != frame["reference"]]
    if len(compared[["variable", "level"]].drop_duplicates()) == 1 and len(compared) > 1:
        variable, level, reference = (name for name in compared[["variable", "level", "reference"]].iloc[0])
        lines.append(Line(f"{name_variable(variable, study)}: {name_level(level)} versus {name_level(reference)}"))
        if len(set(compared["scope"]) - {""}) > 1:
            return lines + _center_lines(compared)
        return lines + [Line(headings[row["model"]], (row,)) for row in compared.to_dict("records")]
    for variable in dict.fromkeys(frame["variable"]):
        part = frame[frame["variable"] == variable]
        lines.append(Line(name_variable(variable, study)))
        references = set(part["reference"])
        for level in sorted(dict.fromkeys(part["level"]), key=lambda name: name not in references):
            rows = tuple(found.get((model, variable, level)) for model in headings)
            known = [row for row in rows if row is not None]
            same = all(_is_reference(row) for row in known) and len({(row["n"], row["n_events"]) for row in known}) == 1
            lines.append(Line(name_level(level) or PER_UNIT, (known[0],) if same else rows))
    return lines


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    """Axis limits: powers of two around the estimates and their intervals, never beyond 1/32 and 32."""
    values = rows.loc[rows["status"] == OK, ["estimate", "ci_lower", "ci_upper"]].to_numpy(dtype=float).ravel()
    known = [value for value in values if math.isfinite(value) and value > 0]
    low, high = min([0.5, *known]), max([2.0, *known])
    return max(2.0 ** math.floor(math.log2(low)), 1 / 32), min(2.0 ** math.ceil(math.log2(high)), 32.0)


def _log_axis(axes: Axes, low: float, high: float, label: str) -> None:
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    if len(ticks) > 8:
        ticks = [tick for tick in ticks if round(math.log2(tick)) % 2 == 0]
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"1/{1 / tick:.0f}" if tick < 1 else f"{tick:.0f}"))
    axes.set(xticks=ticks, xlim=(low / 1.08, high * 1.08), xlabel=label)
    axes.axvline(1, color=MUTED, linewidth=0.9)


def _describe_forest(rows: pd.DataFrame, study: Study) -> str:
    """Say how many estimates lie on which side of 1, and how many intervals include 1."""
    rows = rows[rows["level"] != rows["reference"]]
    ok = rows[rows["status"] == OK]
    if ok.empty:
        return f"Forest plot without estimates: {len(rows)} could not be estimated."
    above, left = int((ok["estimate"] > 1).sum()), len(rows) - len(ok)
    includes = int(((ok["ci_lower"] <= 1) & (ok["ci_upper"] >= 1)).sum())
    largest = ok.loc[[ok["estimate"].idxmax()]]
    return (
        f"Forest plot of {counted(len(ok), 'estimate')}: {above} above 1, {includes} with an interval that includes 1. "
        f"The largest is {largest['estimate'].iloc[0]:.2f} ({_name_levels(largest, study)[0]})."
        + (f" {left} could not be shown as numbers." if left else "")
    )


def _describe_rates(rows: pd.DataFrame, whole: pd.DataFrame, kind: str) -> str:
    """Say the range of the rates, that of all patients, and how many intervals include it."""
    ok, whole = rows[rows["status"] == OK], whole[whole["status"] == OK]
    if ok.empty:
        return f"Rates of {counted(len(rows), kind)}: none could be estimated."
    ends = ok.sort_values("estimate", kind="stable").iloc[[0, -1]]
    low, high = (f"{row['estimate']:.0%} ({row['name']})" for row in ends.to_dict("records"))
    text = f"Rates of {counted(len(ok), kind)} with intervals, from {low} to {high}."
    for rate in whole["estimate"]:
        inside = int(((ok["ci_lower"] <= rate) & (ok["ci_upper"] >= rate)).sum())
        text += f" All patients: {rate:.0%}, which lies within the interval of {inside} of them."
    return text


def _draw_lines(
    lines: Sequence[Line],
    study: Study,
    *,
    heads: tuple[str, str],
    limits: tuple[float, float],
    models: Sequence[str] = (),
) -> tuple[Figure, Axes]:
    """Draw lines in three panels, under `heads`; several estimates per line are told apart in a legend of `models`."""
    total = sum(line.height for line in lines)
    figure = new_figure(_ROW_MM * (total + 1.4) + (26 if len(models) > 1 else 18))
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
    left.text(0.0, -1.15, heads[0], fontweight="bold", va="center")
    left.text(1.0, -1.15, "Events/\npatients", fontweight="bold", ha="right", va="center", linespacing=1.0)
    right.text(0.0, -1.15, heads[1], fontweight="bold", va="center")
    for panel in (left, right):
        panel.set_axis_off()
        panel.set_xlim(0, 1)
    _draw_points(axes, pd.DataFrame([point for point in points if point["status"] == OK]), limits)
    axes.set(ylim=(total - 0.2, -1.8), yticks=[], ylabel="")
    axes.grid(axis="x")
    axes.spines["left"].set_visible(False)
    if len(models) > 1:
        looks = [{"marker": _MARKER[place % _WHOLE], "color": _COLOR[place % _WHOLE]} for place in range(len(models))]
        handles = [axes.plot([], [], label=name, **look)[0] for name, look in zip(models, looks, strict=True)]
        figure.legend(handles=handles, loc="outside upper center", ncols=min(len(models), 4))
    return figure, axes


def _draw_points(axes: Axes, points: pd.DataFrame, limits: tuple[float, float]) -> None:
    if points.empty:
        return
    low, high = limits
    references = points[[_is_reference(row) for row in points.to_dict("records")]]
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
