"""Figures of the lessons: small, plain, drawn from small frames, with the truth marked where it is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, MultipleLocator, NullLocator, PercentFormatter

from course import figure_words
from fhrmm.figures.steps import draw_steps
from fhrmm.figures.style import COLORS, INK, LINE_STYLES, MARKERS, MUTED, Drawing, drawn_from, new_figure, wrap

# Ticks of a logarithmic axis, for narrow, wide and very wide ranges.
_RATIOS = (
    (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.5, 2, 2.5, 3),
    (0.1, 0.2, 0.33, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10),
    (0.001, 0.01, 0.1, 0.3, 1, 3, 10, 30, 100, 1000),
)
_TRUTH = {"color": INK, "linewidth": 1.0, "linestyle": (0, (4, 3))}


@drawn_from()
def plot_follow_up(patients: pd.DataFrame, *, label: str = "Months since start") -> Drawing:
    """Draw one line per patient: filled end for an event, open end for censoring, a bar where a state begins.

    Parameters
    ----------
    patients : DataFrame
        `patient`, `time_months`, `event`; optionally `change_months` (missing: never), where the line becomes thick.
    label : str
        Of the horizontal axis.
    """
    figure = new_figure(20 + 6.5 * len(patients))
    axes = figure.subplots()
    for height, row in enumerate(patients.to_dict("records")):
        axes.plot([0, row["time_months"]], [height, height], color=MUTED, linewidth=1.6)
        change = row.get("change_months")
        if change is not None and not pd.isna(change):
            axes.plot([change, row["time_months"]], [height, height], color=COLORS[0], linewidth=4.5)
            axes.plot([change] * 2, [height - 0.28, height + 0.28], color=COLORS[0], linewidth=1.6)
        face = COLORS[1] if row["event"] else "white"
        axes.plot(row["time_months"], height, "o", color=COLORS[1], markerfacecolor=face, markersize=7, clip_on=False)
    axes.set_yticks(range(len(patients)), patients["patient"].astype(str))
    axes.invert_yaxis()
    axes.set_xlim(0, patients["time_months"].max() * 1.05)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 3, 6, 10]))
    axes.set_xlabel(label)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    return Drawing(figure, figure_words.describe_follow_up(patients))


@drawn_from()
def plot_curves(
    curves: Mapping[str, pd.DataFrame],
    *,
    truth: Mapping[str, pd.DataFrame] | None = None,
    value: str = "survival",
    label: str = "Free of the event, %",
    time_label: str = "Months",
    limit: float | None = None,
    lines_at: Sequence[float] = (),
    has_half: bool = False,
) -> Drawing:
    """Draw step curves, labeled at their ends, with the true curve dashed.

    Parameters
    ----------
    curves : mapping of str to DataFrame
        Name to curve: `time`, the column named by `value`, optionally `ci_lower`, `ci_upper`, `n_censored`.
    truth : mapping of str to DataFrame, optional
        Name to the true curve: `time` and the column named by `value`.
    value : {"survival", "cumulative_incidence"}
        What is drawn.
    label, time_label : str
        Of the axes.
    limit : float, optional
        End of the horizontal axis.
    lines_at : sequence of float
        Times marked by a vertical line, such as a landmark.
    has_half : bool
        Whether to mark the height of one half.
    """
    figure = new_figure(82)
    axes = figure.subplots()
    end = limit or max(float(curve["time"].max()) for curve in curves.values())
    for at in lines_at:
        axes.axvline(at, color=MUTED, linewidth=1.0)
    if has_half:
        axes.axhline(0.5, color=MUTED, linewidth=1.0, linestyle=(0, (1, 2)))
    for name, true in (truth or {}).items():
        axes.plot(true["time"], true[value], **_TRUTH, label=name)
    for place, (name, curve) in enumerate(curves.items()):
        first = 1.0 if value == "survival" else 0.0
        start = {"time": 0.0, value: first, "ci_lower": first, "ci_upper": first, "n_censored": 0.0}
        columns = [column for column in start if column in curve.columns]
        shown = pd.DataFrame([start, *curve[columns].to_dict("records")], columns=columns)
        alpha = 0.16 if len(curves) < 3 else 0.0
        draw_steps(axes, shown, value, COLORS[place], LINE_STYLES[place], name, band_alpha=alpha)
    axes.set_xlim(0, end)
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=""))
    if end >= 18:
        axes.xaxis.set_major_locator(MultipleLocator(6 if end <= 60 else 12))
    axes.grid(axis="y")
    axes.set_xlabel(time_label)
    axes.set_ylabel(label)
    drawn = {**curves, **(truth or {})}
    if len(drawn) > 1:
        _name_ends(axes, {name: _end_of(curve, value, end) for name, curve in drawn.items()})
    return Drawing(figure, figure_words.describe_curves(curves, value))


@drawn_from()
def plot_intervals(
    rows: pd.DataFrame, *, truth: float | None = None, label: str = "Hazard ratio", is_log: bool = True
) -> Drawing:
    """Draw estimates with their intervals, one line each, and the truth as a dashed line.

    Parameters
    ----------
    rows : DataFrame
        `label`, `estimate`, `ci_lower`, `ci_upper`.
    truth : float, optional
        The true value.
    label : str
        Of the horizontal axis.
    is_log : bool
        Whether the axis is logarithmic, as for ratios.
    """
    figure = new_figure(24 + 8.0 * len(rows))
    axes = figure.subplots()
    for height, row in enumerate(rows.to_dict("records")):
        color, marker = COLORS[height % len(COLORS)], MARKERS[height % len(MARKERS)]
        axes.plot([row["ci_lower"], row["ci_upper"]], [height, height], color=color, linewidth=1.8)
        axes.plot(row["estimate"], height, marker, color=color, markersize=6.5)
        text = f"{_short(row['estimate'])} ({_short(row['ci_lower'])} to {_short(row['ci_upper'])})"
        place = {"xy": (1.02, height), "xycoords": axes.get_yaxis_transform(), "annotation_clip": False}
        axes.annotate(text, va="center", fontsize=8.5, **place)
    _name_rows(axes, rows["label"], 30)
    if is_log:
        _ratio_axis(axes, [rows["ci_lower"].min(), rows["ci_upper"].max(), *([truth] if truth else []), 1.0])
    if truth is not None:
        axes.axvline(truth, **_TRUTH)
        top = axes.get_xaxis_transform()
        axes.annotate("truth", (truth, 1.0), xycoords=top, ha="center", va="bottom", fontsize=8.5, color=MUTED)
    axes.set_xlabel(label)
    return Drawing(figure, figure_words.describe_intervals(rows, truth))


@drawn_from()
def plot_lines(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    x_label: str,
    y_label: str,
    is_percent: bool = False,
    is_log_x: bool = False,
    level: float | None = None,
    lines_at: Sequence[float] = (),
) -> Drawing:
    """Draw smooth lines, named at their right end.

    Parameters
    ----------
    lines : mapping of str to (x, y)
        Name to the points.
    x_label, y_label : str
        Of the axes.
    is_percent : bool
        Whether heights are shares, shown in percent.
    is_log_x : bool
        Whether the horizontal axis is logarithmic, as for ratios.
    level : float, optional
        A height to mark, such as a wanted power.
    lines_at : sequence of float
        Places marked by a vertical line.
    """
    figure = new_figure(78)
    axes = figure.subplots()
    for place, (name, (x, y)) in enumerate(lines.items()):
        axes.plot(x, y, color=COLORS[place], linestyle=LINE_STYLES[place], label=name)
    if level is not None:
        axes.axhline(level, **_TRUTH)
    for at in lines_at:
        axes.axvline(at, color=MUTED, linewidth=1.0)
    every_x = np.concatenate([np.asarray(x, dtype=float) for x, _ in lines.values()])
    if is_log_x:
        _ratio_axis(axes, [every_x.min(), every_x.max()])
    axes.set_xlim(every_x.min(), every_x.max())
    if is_percent:
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=""))
    axes.grid()
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    if len(lines) > 1:
        ends = {name: (float(list(x)[-1]), float(list(y)[-1])) for name, (x, y) in lines.items()}
        heights = sorted(height for _, height in ends.values())
        if min(np.diff(heights)) < 0.01 * np.ptp(axes.get_ylim()):
            axes.legend(handlelength=3)
        else:
            _name_ends(axes, ends)
    return Drawing(figure, figure_words.describe_lines(lines))


@drawn_from()
def plot_spread(
    values: Mapping[str, Sequence[float]],
    *,
    label: str,
    truth: float | None = None,
    is_log: bool = False,
    marked: Mapping[str, Sequence[bool]] | None = None,
    mark_label: str = "",
) -> Drawing:
    """Draw the distribution of estimates over simulated samples, one panel per set, the truth dashed.

    Parameters
    ----------
    values : mapping of str to sequence of float
        Name to estimates.
    label : str
        Of the horizontal axis.
    truth : float, optional
        The true value.
    is_log : bool
        Whether the axis is logarithmic, as for ratios.
    marked : mapping of str to sequence of bool, optional
        Which estimates to draw in a second color with hatching, such as those called significant.
    mark_label : str
        What these are.
    """
    figure = new_figure(22 + 38 * len(values))
    panels = figure.subplots(len(values), 1, sharex=True, squeeze=False)[:, 0]
    every = np.concatenate([np.asarray(part, dtype=float) for part in values.values()])
    edges = np.geomspace(every.min(), every.max(), 41) if is_log else np.linspace(every.min(), every.max(), 41)
    for axes, (name, part) in zip(panels, values.items(), strict=True):
        found = np.asarray(part, dtype=float)
        axes.hist(found, bins=edges, color=COLORS[0], alpha=0.75)
        if marked is not None:
            chosen = found[np.asarray(marked[name], dtype=bool)]
            axes.hist(
                chosen, bins=edges, color=COLORS[1], hatch="////", edgecolor="white", linewidth=0, label=mark_label
            )
        if truth is not None:
            axes.axvline(truth, **{**_TRUTH, "linewidth": 1.6})
        axes.set_title(wrap(name, 80), loc="left", fontsize=9)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
    if marked is not None and mark_label:
        panels[0].legend(loc="upper right")
    if is_log:
        _ratio_axis(panels[-1], [every.min(), every.max()])
    panels[-1].set_xlabel(label + ("; dashed: the truth" if truth is not None else ""))
    return Drawing(figure, figure_words.describe_spread(values, truth))


@drawn_from()
def plot_balance(balance: pd.DataFrame) -> Drawing:
    """Draw standardized mean differences before and after weighting.

    Parameters
    ----------
    balance : DataFrame
        `label`, `before`, `after`: differences of means in standard deviations.

    References
    ----------
    Austin PC. Stat Med 2009;28:3083-3107.
    """
    figure = new_figure(26 + 7.5 * len(balance))
    axes = figure.subplots()
    heights = range(len(balance))
    axes.axvline(0, color=MUTED, linewidth=0.9)
    for at in (-0.1, 0.1):
        axes.axvline(at, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    axes.plot(balance["before"], heights, MARKERS[1], color=COLORS[1], markersize=6.5, label="before weighting")
    axes.plot(
        balance["after"], heights, MARKERS[0], color=COLORS[0], markersize=6.5, markerfacecolor="white",
        label="after weighting",
    )  # fmt: skip
    _name_rows(axes, balance["label"], 32)
    axes.set_xlabel("Standardized mean difference; dotted: one tenth")
    figure.legend(loc="outside upper center", ncols=2)
    return Drawing(figure, figure_words.describe_balance(balance))


def _name_rows(axes: Axes, names: Sequence[str], width: int) -> None:
    """Write a name left of each row, the first row on top."""
    axes.set_yticks(range(len(names)), [wrap(str(name), width) for name in names])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="x")


def _end_of(curve: pd.DataFrame, value: str, end: float) -> tuple[float, float]:
    before = curve[curve["time"] <= end + 1e-9]
    if before.empty:
        return end, float(value == "survival")
    return float(before["time"].iloc[-1]), float(before[value].iloc[-1])


def _name_ends(axes: Axes, ends: Mapping[str, tuple[float, float]]) -> None:
    """Write each name right of the panel, moved apart where they would overlap, linked to the end of its line."""
    low, high = axes.get_ylim()
    names = [wrap(name, 22) for name in ends]
    gap = 0.065 * (high - low) * max(name.count("\n") + 1 for name in names)
    link = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.5, "linestyle": (0, (1, 3)), "shrinkB": 2}
    places = _spread([height for _, height in ends.values()], gap)
    for name, end, place in zip(names, ends.values(), places, strict=True):
        share = (place - low) / (high - low)
        axes.annotate(
            name, xy=end, xytext=(1.03, share), textcoords="axes fraction", va="center", fontsize=8.5,
            annotation_clip=False, arrowprops=link,
        )  # fmt: skip


def _short(number: float) -> str:
    return f"{number:.2f}" if abs(number) >= 0.01 else f"{number:.1g}"


def _ratio_axis(axes: Axes, values: Sequence[float]) -> None:
    axes.set_xscale("log")
    low, high = min(values) / 1.1, max(values) * 1.1
    scale = 0 if high / low < 3.5 else 1 if high / low < 25 else 2
    ticks = [tick for tick in _RATIOS[scale] if low <= tick <= high]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
    axes.set_xlim(low, high)


def _spread(values: Sequence[float], gap: float) -> list[float]:
    """Move label heights apart so that none is closer than `gap` to the next, keeping their order."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    placed = [float(values[place]) for place in order]
    for _ in range(200):
        crowded = [place for place in range(1, len(placed)) if placed[place] - placed[place - 1] < gap - 1e-9]
        for place in crowded:
            push = (gap - (placed[place] - placed[place - 1])) / 2
            placed[place - 1], placed[place] = placed[place - 1] - push, placed[place] + push
        if not crowded:
            break
    return [value for _, value in sorted(zip(order, placed, strict=True))]
