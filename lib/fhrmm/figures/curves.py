"""Curves over time: survival and cumulative incidence with the counts under the axis, and probabilities of states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from fhrmm.figures.intervals import say_methods, write_numbers
from fhrmm.figures.steps import cut_curve, draw_steps
from fhrmm.figures.style import COLORS, MUTED, PERCENT_TICKS, Drawing, drawn_from, join_rows, new_figure, style_of, wrap
from fhrmm.formats import (
    NOT_REACHED,
    OK,
    SUPPRESSED,
    Estimates,
    capitalize,
    clean_estimates,
    format_events,
    format_level,
    format_p,
    format_value,
    is_missing,
    name_endpoint,
    name_level,
    name_variable,
    status_text,
)
from fhrmm.study import Study

_ROWS = {"n_at_risk": "At risk", "n_censored": "Censored", "n_events": "Events"}
_LINE_MM = 4.2
# What stands beside the name of each curve: estimand, head, middle of the column.
_BESIDE = (
    ("counts", "Events/\npatients", 0.37),
    ("median_months", "Median, months\n(95% CI)", 0.515),
    ("survival_probability", "At {at:g} months, %\n(95% CI)", 0.725),
    ("cumulative_incidence", "At {at:g} months, %\n(95% CI)", 0.725),
    ("hazard_ratio", "Hazard ratio\n(95% CI)", 0.935),
)
_CURVES = ("survival_probability", "cumulative_incidence")
_EVERY = 6.0  # months between the heights that the text alternative says
_STATE_COLORS = (COLORS[0], COLORS[5], "#4d4d4d")


@dataclass(frozen=True, slots=True)
class Group:
    """One curve as drawn: its level, its names in legend and text, its curve up to where too few are at risk."""

    level: str
    name: str
    subject: str
    curve: pd.DataFrame
    color: str
    line: str | tuple[int, tuple[float, ...]]


# A line under the axis: the heading of a group, or the counts of one of its rows by tick.
RiskLine = tuple[str, Group | dict[float, str] | None]


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
        median, rate at the headline time, hazard ratio; below them the log-rank test and the median follow-up.
    study : Study
        The plan: labels, month limit, and the number at risk below which a curve stops.
    endpoint : str
        PFS, OS, ...; without one, the levels are endpoints.
    variable : str
        What the groups are levels of.

    References
    ----------
    Morris TP, et al. Proposals on Kaplan-Meier plots in medical research. BMJ Open 2019;9:e030215.
    """
    subject, groups = name_endpoint(endpoint, study) if endpoint else "", []
    for place, (level, curve) in enumerate(curves.items()):
        name = name_level(level) or "All patients" if endpoint else name_endpoint(level, study)
        head = f"{subject} ({name})" if endpoint and level else subject or name
        curve = cut_curve(curve, study.display.km_minimum_at_risk)
        groups.append(Group(level, name, head, curve, *style_of(level, place, variable)))
    found = clean_estimates(estimates)
    rows = found[(found["variable"] == variable) & (found["endpoint"].isin([endpoint] if endpoint else list(curves)))]
    rows = rows.assign(level=rows["level"] if endpoint else rows["endpoint"])
    follow_up = found[(found["endpoint"] == "FOLLOW_UP") & (found["estimand"] == "median_months")]
    names = {"label": f"{subject or 'Survival'}, %", "variable": variable, "endpoint": endpoint}
    return _draw(groups, risk_table, pd.concat([rows, follow_up]), study, value="survival", **names)


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
    groups = []
    for place, (cause, part) in enumerate(curves.astype({"cause": str}).groupby("cause", sort=False)):
        head, curve = f"Cumulative incidence ({cause})", cut_curve(part, minimum, value)
        groups.append(Group(cause, name_level(cause), head, curve, *style_of(cause, place, "cause")))
    rows = clean_estimates(estimates)
    rows = rows[rows["variable"] == "cause"]
    return _draw(groups, risk_table, rows, study, value=value, label="Cumulative incidence, %")


@drawn_from("curves")
def plot_states(curves: pd.DataFrame, /, *, study: Study) -> Drawing:
    """Draw the probabilities of states as stacked areas, up to where fewer are at risk than the plan asks for.

    Parameters
    ----------
    curves : DataFrame
        time, one column per state, which add up to 1, from the lowest area to the highest, and n_at_risk.
    study : Study
        The plan: month limit.
    """
    names, least = list(curves.columns[1:-1]), study.display.km_minimum_at_risk
    shown = curves[(curves["time"] <= study.display.km_limit_months) & (curves["n_at_risk"] >= least)]
    if len(shown) < 2:
        return Drawing(None, "Nobody changed state.")
    figure = new_figure(88.0)
    axes = figure.subplots()
    shares = [shown[name] for name in names]
    axes.stackplot(shown["time"], *shares, labels=names, colors=_STATE_COLORS, step="post", alpha=0.75)
    _set_axes(axes, study, "Patients, %")
    axes.set_ylim(0, 1)
    figure.legend(loc="outside upper center", ncols=len(names))
    at = study.time.headline_months
    last = shown[shown["time"] <= at].iloc[-1]
    said = ", ".join(f"{name} {last[name]:.0%}" for name in names)
    note = f"Aalen-Johansen estimates, shown without intervals; the areas end where fewer than {least} are at risk."
    return Drawing(figure, f"Stacked areas; at {at:g} months: {said}.", shown, note)


def _set_axes(axes: Axes, study: Study, label: str) -> None:
    limit = study.display.km_limit_months
    axes.set(xlim=(0, limit), ylim=(0, 1.02), xticks=np.arange(0, limit + 1, 6 if limit <= 36 else 12))
    axes.set(xlabel="Months since start of second line", ylabel=wrap(label, 34))
    axes.set_yticks(**PERCENT_TICKS)


def _draw(
    groups: list[Group],
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
    if variable and len(drawn) < 2 and drawn[0].level:
        return Drawing(None, f"No two groups have {minimum} patients at risk.")
    lines, legend = _risk_lines(groups, risk_table), _LINE_MM * (len(groups) + 4)
    figure = new_figure(82.0 + _LINE_MM * len(lines) + legend)
    heights = [legend, 70.0, max(_LINE_MM * len(lines), 0.1)]
    grid = figure.add_gridspec(3, 1, height_ratios=heights)
    axes, below, above = (figure.add_subplot(grid[place]) for place in (1, 2, 0))
    axes.grid(axis="y")
    _set_axes(axes, study, label)
    alpha = 0.18 if len(drawn) < 3 else 0.1
    for group in drawn:
        draw_steps(axes, group.curve, value, group.color, group.line, group.name, band_alpha=alpha)
    shown = _draw_legend(above, groups, rows, study, name_variable(variable, study) if variable else "")
    _draw_risk(below, lines, limit)
    steps = pd.concat([group.curve[group.curve["time"] <= limit].assign(group=group.level) for group in drawn])
    counts = pd.DataFrame() if risk_table is None else risk_table.rename(columns={"at": "time"})
    data = join_rows(curve=steps, numbers_at_risk=counts).assign(endpoint=endpoint)  # type: ignore[union-attr]
    first = ["part", "endpoint", "group", "time"]
    data = data[[*first, *(column for column in data.columns if column not in first)]]
    alt = " ".join(_describe(group, value, minimum) for group in groups)
    return Drawing(figure, alt, data, _explain(drawn, shown, study))


def _explain(drawn: list[Group], shown: pd.DataFrame, study: Study) -> str:
    """Say who the curves are of, what band and ticks mean, where curves end, and the methods of the numbers above."""
    rates = shown[shown["estimand"].isin(_CURVES)]
    counts = {row["level"]: format_events(row) for row in rates.to_dict("records")}
    said = "; ".join(f"{group.name} {counts[group.level]}" for group in drawn if group.level in counts)
    said = said.removeprefix("All patients ")
    steps = pd.concat([group.curve for group in drawn])
    marks = []
    if "ci_lower" in steps and steps.loc[steps["time"] > 0, "ci_lower"].notna().any():
        marks.append(f"shaded, pointwise {format_level(study.models.ci_level)} intervals")
    if "n_censored" in steps and (steps["n_censored"] > 0).any():
        marks.append("ticks, censored patients")
    marks.append(f"a curve ends where fewer than {study.display.km_minimum_at_risk} patients are at risk")
    by = f" by {study.time.headline_months:g} months" if (rates["estimand"] == "cumulative_incidence").any() else ""
    known = f"Events{by}/patients: {said}. " if said else ""
    return f"{known}{capitalize('; '.join(marks))}.{say_methods(shown)}"


def _draw_legend(axes: Axes, groups: list[Group], rows: pd.DataFrame, study: Study, title: str) -> pd.DataFrame:
    """Name each curve, with its numbers in columns beside it, and the test of all below; return the rows shown."""
    at, least = float(study.time.headline_months), study.display.minimum_patients
    rows = rows[rows["time_months"].isna() | (rows["time_months"] == at)]
    follow_up, rows = rows[rows["endpoint"] == "FOLLOW_UP"], rows[rows["endpoint"] != "FOLLOW_UP"]
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(len(groups) + 0.9, -1.9))
    axes.text(-0.1, -1.1, wrap(title, 26), fontsize=8, fontweight="bold", va="center")
    records = [row for row in rows.to_dict("records") if row["level"] or not row["variable"]]
    found = {(row["level"], row["estimand"]): row for row in records}
    few = {level for (level, _), row in found.items() if row["n"] < least}
    for estimand, head, x in _BESIDE:
        source = "survival_probability" if estimand == "counts" else estimand
        shown = [found.get((group.level, source)) for group in groups]
        if not any(shown):
            continue
        axes.text(x, -1.1, head.format(at=at), fontsize=7.5, fontweight="bold", ha="center", va="center", linespacing=1)
        for place, row in enumerate(shown):
            text = "" if row is None else format_events(row) if estimand == "counts" else _number(row, few, study)
            axes.text(x, place, text, fontsize=7.5, ha="center", va="center")
    for place, group in enumerate(groups):
        axes.plot([-0.1, -0.055], [place] * 2, color=group.color, linestyle=group.line, clip_on=False)
        axes.text(-0.04, place, group.name, fontsize=7.5, va="center")
    test = rows[(rows["estimand"] == "log_rank_p") & (rows["status"] == OK)]
    said = [f"Log-rank p {format_p(value)}." for value in test["estimate"] if not few]
    said += [f"Too few: fewer than {least} patients{', so no log-rank test' if len(test) else ''}."] if few else []
    for row in follow_up.head(1).to_dict("records"):
        median = status_text(row) or format_value(row["estimate"], row["estimand"], study.display)
        said.append(f"Median follow-up, months: {median.replace(NOT_REACHED, 'NR')}.")
    said += ["NR: not reached."] if any("NR" in text.get_text() for text in axes.texts) or "NR" in "".join(said) else []
    axes.text(-0.04, len(groups) + 0.1, " ".join(said), fontsize=7.5, color=MUTED, va="center")
    return pd.concat([rows[rows["estimand"].isin([name for name, *_ in _BESIDE])], test])


def _number(row: Mapping[str, object], few: set[str], study: Study) -> str:
    """Write what stands beside a curve, but no number of few patients, or in comparison with them."""
    if row["status"] != SUPPRESSED and {row["level"], row["reference"]} & few:
        return "too few"
    return write_numbers(dict(row), study).replace(NOT_REACHED, "NR")


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


def _describe(group: Group, value: str, minimum: int) -> str:
    """Say how high a curve is at six-month steps, and where it ends."""
    curve = group.curve
    if curve.empty:
        return f"{group.subject}: no curve, fewer than {minimum} at risk."
    end = float(curve["time"].iloc[-1])
    ticks = np.arange(_EVERY, end + 1e-9, _EVERY)
    heights = [f"{curve[curve['time'] <= at + 1e-9][value].iloc[-1]:.0%} at {at:g} months" for at in ticks]
    verb = "falls" if value == "survival" else "rises"
    said = ", ".join(heights) or f"{curve[value].iloc[-1]:.0%} at its end"
    return f"{group.subject} {verb} to {said}; the curve ends at {end:.0f} months."
