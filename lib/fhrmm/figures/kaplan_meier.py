"""Survival curves with their numbers at risk, censored and events under the axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fhrmm.figures.describe import describe_curves, describe_incidence
from fhrmm.figures.steps import cut_curve, draw_steps
from fhrmm.figures.style import MUTED, drawn_from, keep_data, new_figure, say_instead, spread, style_of, wrap
from fhrmm.formats import is_missing, name_endpoint, name_level, name_variable
from fhrmm.study import Study

Curves = Mapping[str, pd.DataFrame]
_ROWS = (("n_at_risk", "At risk"), ("n_censored", "Censored"), ("n_events", "Events"))
_LINE_MM = 4.2
_MOST_DIRECT_LABELS = 3


@dataclass(frozen=True, slots=True)
class Group:
    """One curve as drawn: its level, its shown name, its curve up to where too few are at risk."""

    level: str
    name: str
    curve: pd.DataFrame
    color: str
    line: str | tuple[int, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class RiskLine:
    """One line under the axis: the heading of a group, or one of its three rows of counts."""

    name: str
    group: Group | None = None
    counts: Mapping[float, str] | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes: curves, the lines under them, the label of the height, what the groups are."""

    groups: list[Group]
    lines: list[RiskLine]
    label: str
    title: str = ""


@drawn_from(describe_curves, curves="curves", risk_table="risk")
def plot_kaplan_meier(
    curves: Curves | Mapping[str, Curves],
    risk_table: pd.DataFrame | Mapping[str, pd.DataFrame],
    study: Study,
    *,
    endpoint: str = "",
    variable: str = "",
    names: Mapping[str, str] | None = None,
) -> Figure:
    """Draw Kaplan-Meier curves with pointwise bands, censoring ticks, and counts under the axis.

    Parameters
    ----------
    curves : mapping of str to DataFrame
        Level to curve (`time`, `n_at_risk`, `n_censored`, `survival`, `ci_lower`, `ci_upper`), in order; key ""
        for all patients. Or endpoint to such a mapping: one panel each, side by side.
    risk_table : DataFrame
        One row per group and tick: group, at, n_at_risk, n_censored, n_events; at risk means ``t >= tick``,
        censored and events are those before the tick. With several endpoints, a mapping.
    study : Study
        The plan: labels, month limit, and the number at risk below which a curve stops.
    endpoint : str
        PFS, OS, ...; labels the axis of a single panel.
    variable : str
        What the groups are levels of.
    names : mapping of str to str, optional
        Level to the words shown.

    Returns
    -------
    Figure
        Wide; the height grows with the number of groups.

    References
    ----------
    Morris TP, et al. Proposals on Kaplan-Meier plots in medical research. BMJ Open 2019;9:e030215.
    """
    several = any(isinstance(part, Mapping) for part in curves.values())
    parts: Mapping[str, Curves] = curves if several else {endpoint: curves}  # type: ignore[assignment]
    tables: Mapping[str, pd.DataFrame] = risk_table if several else {endpoint: risk_table}  # type: ignore[assignment]
    panels = []
    for name, part in parts.items():
        groups = _make_groups(part, study, variable, names or {}, "survival")
        label = f"{name_endpoint(name, study)}, %" if name else "Survival, %"
        title = name_variable(variable, study) if variable else ""
        panels.append(Panel(groups, _risk_lines(groups, tables.get(name)), label, title))
    drawn = [_drawn_rows(panel.groups, study, endpoint=name) for name, panel in zip(parts, panels, strict=True)]
    counts = [_counted_rows(tables.get(name), endpoint=name) for name in parts]
    return keep_data(_draw(panels, study, "survival"), curve=_stack(drawn), numbers_at_risk=_stack(counts))


@drawn_from(describe_incidence, curves="curves", risk_table="risk")
def plot_cumulative_incidence(
    curves: pd.DataFrame,
    study: Study,
    *,
    risk_table: pd.DataFrame | None = None,
    label: str = "Cumulative incidence, %",
) -> Figure:
    """Draw cumulative incidence of competing causes.

    Parameters
    ----------
    curves : DataFrame
        Step functions: cause, time, cumulative_incidence, ci_lower, ci_upper.
    study : Study
        The plan.
    risk_table : DataFrame, optional
        Counts under the axis, as in `plot_kaplan_meier`; the same risk set serves all causes.
    label : str
        Of the vertical axis.
    """
    by_cause = {str(cause): part for cause, part in curves.groupby("cause", sort=False, observed=True)}
    groups = _make_groups(by_cause, study, "cause", {}, "cumulative_incidence")
    figure = _draw([Panel(groups, _risk_lines(groups, risk_table), label)], study, "cumulative_incidence")
    return keep_data(figure, curve=_drawn_rows(groups, study), numbers_at_risk=_counted_rows(risk_table))


def _drawn_rows(groups: list[Group], study: Study, endpoint: str = "") -> pd.DataFrame:
    """The steps inside the axes: what lies beyond the month limit, or beyond too few at risk, is not shown."""
    parts = []
    for group in groups:
        inside = group.curve[group.curve["time"] <= study.display.km_limit_months] if len(group.curve) else group.curve
        parts.append(inside.assign(endpoint=endpoint, group=group.level))
    return _stack(parts)


def _counted_rows(risk_table: pd.DataFrame | None, endpoint: str = "") -> pd.DataFrame:
    return pd.DataFrame() if risk_table is None else risk_table.rename(columns={"at": "time"}).assign(endpoint=endpoint)


def _stack(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Rows below each other, what they are first; a part without rows adds no column."""
    filled = [part for part in parts if len(part)]
    if not filled:
        return pd.DataFrame()
    rows = pd.concat(filled, ignore_index=True)
    first = [name for name in ("endpoint", "group", "time") if name in rows.columns]
    return rows[[*first, *(name for name in rows.columns if name not in first)]]


def _make_groups(curves: Curves, study: Study, variable: str, names: Mapping[str, str], value: str) -> list[Group]:
    groups = []
    for place, (level, curve) in enumerate(curves.items()):
        color, line = style_of(level, place, variable)
        name = names.get(level, name_level(level) or "All patients")
        groups.append(Group(level, name, cut_curve(curve, study.display.km_minimum_at_risk, value), color, line))
    return groups


def _draw(panels: list[Panel], study: Study, value: str) -> Figure:
    n_lines = max((len(panel.lines) for panel in panels), default=0)
    figure = new_figure(82.0 + _LINE_MM * n_lines)
    heights = [70.0, max(_LINE_MM * n_lines, 0.1)]
    grid = figure.subplots(2, max(len(panels), 1), height_ratios=heights, squeeze=False)
    for place, panel in enumerate(panels):
        _draw_panel(grid[0, place], panel, study, value, is_narrow=len(panels) > 1)
        _draw_risk(grid[1, place], panel.lines, n_lines, study.display.km_limit_months, with_names=place == 0)
    return figure


def _draw_panel(axes: Axes, panel: Panel, study: Study, value: str, *, is_narrow: bool) -> None:
    limit = study.display.km_limit_months
    axes.grid(axis="y")
    axes.set_xlim(0, limit)
    axes.set_ylim(0, 1.02)
    axes.set_xticks(np.arange(0, limit + 1, 6 if limit <= 36 else 12))
    axes.set_yticks(np.arange(0, 1.01, 0.25), ["0", "25", "50", "75", "100"])
    axes.set_ylabel(wrap(panel.label, 34))
    axes.set_xlabel("Months" if is_narrow else "Months since start of second line")
    if panel.title:
        axes.set_title(wrap(panel.title, 60), loc="left", fontsize=9)
    drawn = [group for group in panel.groups if not group.curve.empty]
    for group in drawn:
        draw_steps(
            axes, group.curve, value, group.color, group.line, group.name, band_alpha=0.18 if len(drawn) < 3 else 0.1
        )
    if not drawn:
        say_instead(axes, f"No curve: fewer than {study.display.km_minimum_at_risk} patients at risk")
    _label_curves(axes, drawn, value)


def _label_curves(axes: Axes, groups: list[Group], value: str) -> None:
    """Name each curve at its end; from four on, in a legend."""
    if not groups or (len(groups) == 1 and not groups[0].level):
        return
    if len(groups) > _MOST_DIRECT_LABELS:
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), handlelength=3)
        return
    ends = [(float(group.curve["time"].iloc[-1]), float(group.curve[value].iloc[-1])) for group in groups]
    limit = axes.get_xlim()[1]
    names = [wrap(group.name, 20) for group in groups]
    gap = 0.075 * max(name.count("\n") + 1 for name in names)
    for name, end, height in zip(names, ends, spread([y for _, y in ends], gap), strict=True):
        axes.text(limit * 1.015, height, name, va="center")
        # a line, not an annotation's arrow: that one is clipped by bisection each time its size is asked for
        leader = [min(end[0] + 0.007 * limit, limit), limit * 1.008], [end[1], height]
        axes.plot(*leader, color=MUTED, linewidth=0.5, linestyle=(0, (1, 3)), dash_capstyle="round", clip_on=False)


def _risk_lines(groups: list[Group], risk_table: pd.DataFrame | None) -> list[RiskLine]:
    """Lines under the axis from top to bottom: a heading per group, then its three rows."""
    if risk_table is None or risk_table.empty:
        return []
    levels = risk_table["group"].astype(object).where(risk_table["group"].notna(), "").astype(str)
    by_level = {group.level: group for group in groups}
    several = len(set(levels)) > 1
    lines = []
    for level in dict.fromkeys(levels):
        rows = risk_table[levels == level]
        if level or several:
            lines.append(RiskLine(name_level(level), by_level.get(level)))
        for column, name in _ROWS:
            counts = {float(at): _count(count) for at, count in zip(rows["at"], rows[column], strict=True)}
            lines.append(RiskLine(name, counts=counts))
    return lines


def _count(count: object) -> str:
    return "·" if is_missing(count) else f"{count:.0f}"


def _draw_risk(axes: Axes, lines: list[RiskLine], n_lines: int, limit: float, *, with_names: bool) -> None:
    axes.set_axis_off()
    axes.set_xlim(0, limit)  # not shared with the curves: ticks that nobody sees would be made too
    axes.set_ylim(max(n_lines, 1) - 0.5, -0.5)
    for place, line in enumerate(lines):
        if line.counts is None:
            _draw_heading(axes, place, line, limit)
            continue
        if with_names:
            axes.annotate(
                line.name,
                xy=(0, place),
                xytext=(-16, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                fontsize=8,
                color=MUTED,
                annotation_clip=False,
            )
        for at, count in line.counts.items():
            if at <= limit + 1e-9:
                text = axes.text(at, place, count, ha="center", va="center", fontsize=8, clip_on=False)
                # counts between the first and the last tick cannot widen anything: no need to measure them
                text.set_in_layout(at in (0, limit))


def _draw_heading(axes: Axes, place: int, line: RiskLine, limit: float) -> None:
    name = line.group.name if line.group else line.name
    axes.annotate(
        name,
        xy=(0, place),
        xytext=(12, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
        fontweight="bold",
        annotation_clip=False,
    )
    if line.group:
        ends = [-0.01 * limit, 0.015 * limit]
        axes.plot(ends, [place] * 2, color=line.group.color, linestyle=line.group.line, clip_on=False)
