"""Survival curves with their numbers at risk, censored and events under the axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from fhrmm.figures.intervals import Row, write_numbers
from fhrmm.figures.steps import cut_curve, draw_steps
from fhrmm.figures.style import MUTED, PERCENT_TICKS, Drawing, drawn_from, join_rows, new_figure, style_of, wrap
from fhrmm.formats import (
    NOT_REACHED,
    OK,
    SUPPRESSED,
    Estimates,
    clean_estimates,
    format_events,
    format_p,
    is_missing,
    name_endpoint,
    name_level,
    name_variable,
)
from fhrmm.study import Study

_ROWS = {"n_at_risk": "At risk", "n_censored": "Censored", "n_events": "Events"}
_LINE_MM = 4.2
# What stands beside the name of each curve: estimand, head, middle of the column.
_BESIDE = (
    ("counts", "Events/\npatients", 0.38),
    ("median_months", "Median, months\n(95% CI)", 0.53),
    ("survival_probability", "At {at:g} months, %\n(95% CI)", 0.73),
    ("cumulative_incidence", "At {at:g} months, %\n(95% CI)", 0.73),
    ("hazard_ratio", "Hazard ratio\n(95% CI)", 0.93),
)
_TOO_FEW = "too few"
_EVERY = 6.0  # months between the heights that the text alternative says


# A line under the axis: the heading of a group, or the counts of one of its rows by tick.
RiskLine = tuple[str, "Group | dict[float, str] | None"]


@dataclass(frozen=True, slots=True)
class Group:
    """One curve as drawn: its level, its shown name, its curve up to where too few are at risk."""

    level: str
    name: str
    curve: pd.DataFrame
    color: str
    line: str | tuple[int, tuple[float, ...]]


@drawn_from("curves", "risk", "estimates")
def plot_kaplan_meier(
    curves: Mapping[str, pd.DataFrame],
    risk_table: pd.DataFrame | None = None,
    estimates: Estimates = (),
    /,
    *,
    study: Study,
    endpoint: str = "",
    variable: str = "",
) -> Drawing:
    """Draw Kaplan-Meier curves with pointwise bands, censoring ticks, and counts under the axis.

    Parameters
    ----------
    curves : mapping of str to DataFrame
        Level to curve (`time`, `n_at_risk`, `n_censored`, `survival`, `ci_lower`, `ci_upper`), in order; key ""
        for all patients.
    risk_table : DataFrame, optional
        One row per group and tick: group, at, n_at_risk, n_censored, n_events; at risk means ``t >= tick``,
        censored and events are those before the tick.
    estimates : DataFrame, optional
        Rows of the estimates table, of which those of the curves shown stand above the axes: events and patients,
        median, rate at the headline time, hazard ratio, and the log-rank test below them.
    study : Study
        The plan: labels, month limit, and the number at risk below which a curve stops.
    endpoint : str
        PFS, OS, ...; without one, the levels are endpoints.
    variable : str
        What the groups are levels of.

    Returns
    -------
    Drawing
        The height grows with the number of groups.

    References
    ----------
    Morris TP, et al. Proposals on Kaplan-Meier plots in medical research. BMJ Open 2019;9:e030215.
    """
    minimum = study.display.km_minimum_at_risk
    groups = []
    for place, (level, curve) in enumerate(curves.items()):
        name = name_level(level) or "All patients" if endpoint else name_endpoint(level, study)
        groups.append(Group(level, name, cut_curve(curve, minimum), *style_of(level, place, variable)))
    subject = name_endpoint(endpoint, study) if endpoint else ""
    rows = clean_estimates(estimates)
    rows = rows[(rows["variable"] == variable) & (rows["endpoint"].isin([endpoint] if endpoint else list(curves)))]
    rows = rows.assign(level=rows["level"] if endpoint else rows["endpoint"])
    heads = [
        f"{subject} ({name_level(group.level)})" if subject and group.level else subject or group.name
        for group in groups
    ]
    names = {"label": f"{subject or 'Survival'}, %", "variable": variable, "endpoint": endpoint}
    return _draw(groups, heads, risk_table, rows, study, value="survival", **names)


@drawn_from("curves", "risk", "estimates")
def plot_cumulative_incidence(
    curves: pd.DataFrame,
    risk_table: pd.DataFrame | None = None,
    estimates: Estimates = (),
    /,
    *,
    study: Study,
) -> Drawing:
    """Draw cumulative incidence of competing causes.

    Parameters
    ----------
    curves : DataFrame
        Step functions: cause, time, cumulative_incidence, ci_lower, ci_upper.
    risk_table : DataFrame, optional
        Counts under the axis, as in `plot_kaplan_meier`; the same risk set serves all causes.
    estimates : DataFrame, optional
        Rows of the estimates table: the cumulative incidence of each cause at the headline time stands above the axes.
    study : Study
        The plan.
    """
    value, minimum = "cumulative_incidence", study.display.km_minimum_at_risk
    by_cause = curves.astype({"cause": str}).groupby("cause", sort=False)
    groups = [
        Group(cause, name_level(cause), cut_curve(part, minimum, value), *style_of(cause, place, "cause"))
        for place, (cause, part) in enumerate(by_cause)
    ]
    heads = [f"Cumulative incidence ({group.level})" for group in groups]
    rows = clean_estimates(estimates)
    rows = rows[rows["variable"] == "cause"]
    return _draw(groups, heads, risk_table, rows, study, value=value, label="Cumulative incidence, %")


def _shown_rows(
    groups: list[Group], risk_table: pd.DataFrame | None, study: Study, endpoint: str
) -> pd.DataFrame | None:
    """The steps inside the axes, and the counts: what lies beyond the month limit is not shown."""
    limit = study.display.km_limit_months
    drawn = [group for group in groups if len(group.curve)]
    steps = [group.curve[group.curve["time"] <= limit].assign(group=group.level) for group in drawn]
    counts = [risk_table.rename(columns={"at": "time"})] if risk_table is not None and len(risk_table) else []
    parts = {}
    for name, found in (("curve", steps), ("numbers_at_risk", counts)):
        rows = pd.concat(found, ignore_index=True).assign(endpoint=endpoint) if found else pd.DataFrame()
        first = ["endpoint", "group", "time"] if found else []
        parts[name] = rows[[*first, *(column for column in rows.columns if column not in first)]]
    return join_rows(**parts)


def _draw(
    groups: list[Group],
    heads: list[str],
    risk_table: pd.DataFrame | None,
    rows: pd.DataFrame,
    study: Study,
    *,
    value: str,
    label: str,
    variable: str = "",
    endpoint: str = "",
) -> Drawing:
    limit, minimum = study.display.km_limit_months, study.display.km_minimum_at_risk
    drawn = [group for group in groups if not group.curve.empty]
    if not drawn:
        return Drawing(None, f"Fewer than {minimum} patients at risk.")
    lines, legend = _risk_lines(groups, risk_table), _LINE_MM * (len(groups) + 4)
    figure = new_figure(82.0 + _LINE_MM * len(lines) + legend)
    heights = [legend, 70.0, max(_LINE_MM * len(lines), 0.1)]
    grid = figure.add_gridspec(3, 1, height_ratios=heights)
    axes, below, above = (figure.add_subplot(grid[place]) for place in (1, 2, 0))
    axes.grid(axis="y")
    axes.set(xlim=(0, limit), ylim=(0, 1.02), xticks=np.arange(0, limit + 1, 6 if limit <= 36 else 12))
    axes.set(xlabel="Months since start of second line", ylabel=wrap(label, 34))
    axes.set_yticks(**PERCENT_TICKS)
    alpha = 0.18 if len(drawn) < 3 else 0.1
    for group in drawn:
        draw_steps(axes, group.curve, value, group.color, group.line, group.name, band_alpha=alpha)
    _draw_legend(above, groups, rows, study, name_variable(variable, study) if variable else "")
    _draw_risk(below, lines, limit)
    sentences = [_describe(head, group, value, minimum) for head, group in zip(heads, groups, strict=True)]
    return Drawing(figure, " ".join(sentences), _shown_rows(groups, risk_table, study, endpoint))


def _draw_legend(axes: Axes, groups: list[Group], rows: pd.DataFrame, study: Study, title: str) -> None:
    """Name each curve, with its numbers in columns beside it, and the test of all below."""
    at = float(study.time.headline_months)
    rows = rows[rows["time_months"].isna() | (rows["time_months"] == at)]
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(len(groups) + 0.9, -1.9))
    axes.text(-0.1, -1.1, wrap(title, 26), fontsize=8, fontweight="bold", va="center")
    found = {(row["level"], row["estimand"]): row for row in rows.to_dict("records") if row["level"]}
    found |= {("", row["estimand"]): row for row in rows.to_dict("records") if not row["variable"]}
    least = study.display.minimum_patients
    few = {level for (level, _), row in found.items() if row["n"] < least}
    for estimand, head, x in _BESIDE:
        shown = [
            found.get((group.level, "survival_probability" if estimand == "counts" else estimand)) for group in groups
        ]
        if not any(shown):
            continue
        axes.text(x, -1.1, head.format(at=at), fontsize=7.5, fontweight="bold", ha="center", va="center", linespacing=1)
        for place, row in enumerate(shown):
            text = "" if row is None else format_events(row) if estimand == "counts" else _number(row, few, study)
            axes.text(x, place, text, fontsize=8, ha="center", va="center")
    for place, group in enumerate(groups):
        axes.plot([-0.1, -0.055], [place] * 2, color=group.color, linestyle=group.line, clip_on=False)
        axes.text(-0.04, place, group.name, fontsize=8, va="center")
    test = rows[(rows["estimand"] == "log_rank_p") & (rows["status"] == OK)]
    said = [f"Log-rank p {format_p(value)}." for value in test["estimate"] if not few]
    said += [f"Too few: fewer than {least} patients{', so no log-rank test' if len(test) else ''}."] if few else []
    said += ["NR: not reached."] if any("NR" in text.get_text() for text in axes.texts) else []
    axes.text(-0.04, len(groups) + 0.1, " ".join(said), fontsize=7.5, color=MUTED, va="center")


def _number(row: Row, few: set[str], study: Study) -> str:
    """Write what stands beside a curve, but no number of few patients, or in comparison with them."""
    if row["status"] != SUPPRESSED and {row["level"], row["reference"]} & few:
        return _TOO_FEW
    return write_numbers(row, study).replace(NOT_REACHED, "NR")


def _risk_lines(groups: list[Group], risk_table: pd.DataFrame | None) -> list[RiskLine]:
    """Lines under the axis from top to bottom: a heading per group with its group, then its three rows of counts."""
    if risk_table is None or risk_table.empty:
        return []
    levels = risk_table["group"].astype(object).where(risk_table["group"].notna(), "").astype(str)
    by_level = {group.level: group for group in groups}
    lines: list[RiskLine] = []
    for level in dict.fromkeys(levels):
        rows = risk_table[levels == level]
        if level or len(set(levels)) > 1:
            group = by_level.get(level)
            lines.append((group.name if group else name_level(level), group))
        # beyond two groups only who is at risk: the rest is in the numbers above and in the data beside the figure
        for column, name in list(_ROWS.items())[: 3 if len(set(levels)) < 3 else 1]:
            counts = ["·" if is_missing(count) else f"{count:.0f}" for count in rows[column]]
            lines.append((name, dict(zip(rows["at"].astype(float), counts, strict=True))))
    return lines


def _draw_risk(axes: Axes, lines: list[RiskLine], limit: float) -> None:
    axes.set_axis_off()
    axes.set(xlim=(0, limit), ylim=(max(len(lines), 1) - 0.5, -0.5))
    aside = {"textcoords": "offset points", "va": "center", "fontsize": 8, "annotation_clip": False}
    for place, (name, content) in enumerate(lines):
        if isinstance(content, dict):
            axes.annotate(name, xy=(0, place), xytext=(-16, 0), ha="right", color=MUTED, **aside)
            for at, count in content.items():
                if at <= limit + 1e-9:
                    axes.text(at, place, count, ha="center", va="center", fontsize=8, clip_on=False)
            continue
        axes.annotate(name, xy=(0, place), xytext=(12, 0), fontweight="bold", **aside)
        if content is not None:
            ends = [-0.01 * limit, 0.015 * limit]
            axes.plot(ends, [place] * 2, color=content.color, linestyle=content.line, clip_on=False)


def _describe(head: str, group: Group, value: str, minimum: int) -> str:
    """Say how high a curve is at six-month steps, and where it ends."""
    curve = group.curve
    if curve.empty:
        return f"{head}: no curve, fewer than {minimum} at risk."
    end = float(curve["time"].iloc[-1])
    ticks = np.arange(_EVERY, end + 1e-9, _EVERY)
    heights = [f"{curve[curve['time'] <= at + 1e-9][value].iloc[-1]:.0%} at {at:g} months" for at in ticks]
    verb = "falls" if value == "survival" else "rises"
    said = ", ".join(heights) or f"{curve[value].iloc[-1]:.0%} at its end"
    return f"{head} {verb} to {said}; the curve ends at {end:.0f} months."
