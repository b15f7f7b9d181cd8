"""Survival curves with their numbers at risk, censored and events under the axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fhrmm.figures.style import MUTED, drawn_from, new_figure, say_instead, spread, style_of, wrap
from fhrmm.formats import SUPPRESSED, is_missing
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


@drawn_from(curves="curves", risk_table="risk")
def plot_kaplan_meier(
    curves: Curves,
    risk_table: pd.DataFrame,
    study: Study,
    *,
    endpoint: str,
    variable: str = "",
    names: Mapping[str, str] | None = None,
) -> Figure:
    """Draw Kaplan-Meier curves with pointwise bands, censoring ticks, and counts under the axis.

    Parameters
    ----------
    curves : mapping of str to DataFrame
        Level to curve (`time`, `n_at_risk`, `n_censored`, `survival`, `ci_lower`, `ci_upper`), in order; key ""
        for all patients.
    risk_table : DataFrame
        One row per group and tick: group, at, n_at_risk, n_censored, n_events; at risk means ``t >= tick``,
        censored and events are those before the tick.
    study : Study
        The plan: labels, month limit, and the number at risk below which a curve stops.
    endpoint : str
        PFS, OS, ...
    variable : str
        What the groups are levels of; names the legend.
    names : mapping of str to str, optional
        Level to the words shown.

    Returns
    -------
    Figure
        Wide format; the height grows with the number of groups.

    References
    ----------
    Morris TP, et al. Proposals on Kaplan-Meier plots in medical research. BMJ Open 2019;9:e030215.
    """
    groups = _make_groups(curves, study, variable, names or {}, "survival")
    label = study.endpoints[endpoint].label if endpoint in study.endpoints else endpoint
    return _draw(groups, risk_table, study, f"{label}, %", "survival")


@drawn_from(curves="curves", risk_table="risk")
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
    return _draw(groups, risk_table, study, label, "cumulative_incidence")


def cut_curve(curve: pd.DataFrame, minimum_at_risk: int, value: str = "survival") -> pd.DataFrame:
    """Return a curve from time 0 to the last time with enough subjects at risk; empty if there never were."""
    rows = curve
    if "n_at_risk" in curve.columns:
        rows = curve[curve["n_at_risk"] >= minimum_at_risk]
        if rows.empty:
            return rows
    start = {"time": 0.0, value: 1.0 if value == "survival" else 0.0}
    start |= {"ci_lower": start[value], "ci_upper": start[value], "n_censored": 0.0}
    known = pd.DataFrame([start])[[name for name in start if name in rows.columns]]
    later = rows[rows["time"] > 0] if len(rows) and rows["time"].iloc[0] > 0 else rows
    return pd.concat([known, later], ignore_index=True)


def _make_groups(curves: Curves, study: Study, variable: str, names: Mapping[str, str], value: str) -> list[Group]:
    groups = []
    for place, (level, curve) in enumerate(curves.items()):
        color, line = style_of(level, place, variable)
        name = names.get(level, level or "All patients")
        groups.append(Group(level, name, cut_curve(curve, study.display.km_minimum_at_risk, value), color, line))
    return groups


def _draw(groups: list[Group], risk_table: pd.DataFrame | None, study: Study, label: str, value: str) -> Figure:
    lines = _risk_lines(groups, risk_table)
    figure = new_figure(82.0 + _LINE_MM * len(lines))
    heights = [70.0, max(_LINE_MM * len(lines), 0.1)]
    axes, below = figure.subplots(2, 1, height_ratios=heights, sharex=True)
    _frame(axes, study, label)
    drawn = [group for group in groups if not group.curve.empty]
    for group in drawn:
        _draw_curve(axes, group, value, band_alpha=0.18 if len(drawn) < 3 else 0.1)
    if not drawn:
        say_instead(axes, f"No curve: fewer than {study.display.km_minimum_at_risk} patients at risk")
    _label_curves(axes, drawn, value)
    _draw_risk(below, lines)
    return figure


def _frame(axes: Axes, study: Study, label: str) -> None:
    limit = study.display.km_limit_months
    axes.set_xlim(0, limit)
    axes.set_ylim(0, 1.02)
    axes.set_xticks(np.arange(0, limit + 1, 6 if limit <= 36 else 12))
    axes.set_yticks(np.arange(0, 1.01, 0.25), ["0", "25", "50", "75", "100"])
    axes.grid(axis="y")
    axes.set_ylabel(wrap(label, 34))
    axes.set_xlabel("Months since start of second line")
    axes.tick_params(labelbottom=True)


def _draw_curve(axes: Axes, group: Group, value: str, *, band_alpha: float) -> None:
    curve = group.curve
    band = curve.assign(
        ci_lower=curve["ci_lower"].fillna(curve[value]), ci_upper=curve["ci_upper"].fillna(curve[value])
    )
    axes.fill_between(
        band["time"], band["ci_lower"], band["ci_upper"], step="post", color=group.color, alpha=band_alpha, linewidth=0
    )
    axes.step(curve["time"], curve[value], where="post", color=group.color, linestyle=group.line, label=group.name)
    if "n_censored" in curve.columns:
        ticks = curve[curve["n_censored"] > 0]
        axes.plot(ticks["time"], ticks[value], "|", color=group.color, markersize=6, markeredgewidth=1.0)


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
        axes.annotate(
            name,
            xy=(min(end[0], limit), end[1]),
            xytext=(limit * 1.015, height),
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.5, "shrinkB": 3, "linestyle": (0, (1, 3))},
        )


def _risk_lines(
    groups: list[Group], risk_table: pd.DataFrame | None
) -> list[tuple[str, Group | None, dict[float, str]]]:
    """Lines under the axis from top to bottom: a heading per group, then its three rows."""
    if risk_table is None or risk_table.empty:
        return []
    table = risk_table.assign(
        group=risk_table["group"].astype(object).where(risk_table["group"].notna(), "").astype(str)
    )
    by_level = {group.level: group for group in groups}
    levels = list(dict.fromkeys(table["group"]))
    lines: list[tuple[str, Group | None, dict[float, str]]] = []
    for level in levels:
        rows = table[table["group"] == level]
        if level or len(levels) > 1:
            lines.append((level, by_level.get(level), {}))
        for column, name in _ROWS:
            counts = {float(at): _count(count) for at, count in zip(rows["at"], rows[column], strict=True)}
            lines.append((name, None, counts))
    return lines


def _count(count: object) -> str:
    return "·" if is_missing(count) or count == SUPPRESSED else f"{count:.0f}"


def _draw_risk(axes: Axes, lines: list[tuple[str, Group | None, dict[float, str]]]) -> None:
    axes.set_axis_off()
    axes.set_ylim(len(lines) - 0.5 if lines else 1, -0.5)
    limit = axes.get_xlim()[1]
    for place, (name, group, counts) in enumerate(lines):
        is_heading = not counts
        shown = (group.name if group else name) if is_heading else name
        axes.annotate(
            wrap(shown, 400),
            xy=(0, place),
            xytext=(-16, 0) if not is_heading else (12, 0),
            textcoords="offset points",
            ha="left" if is_heading else "right",
            va="center",
            fontsize=8,
            fontweight="bold" if is_heading else "normal",
            color=None if is_heading else MUTED,
            annotation_clip=False,
        )
        if is_heading and group:
            axes.plot(
                [-0.01 * limit, 0.015 * limit], [place] * 2, color=group.color, linestyle=group.line, clip_on=False
            )
        for at, count in counts.items():
            if at <= limit + 1e-9:
                axes.text(at, place, count, ha="center", va="center", fontsize=8, clip_on=False)
