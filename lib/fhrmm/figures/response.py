"""Response figures: best response as stacked bars, courses of single patients, best change of the M-protein."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MultipleLocator

from fhrmm.figures.describe import describe_response, describe_swimmer, describe_waterfall
from fhrmm.figures.style import COLORS, INK, MUTED, PALETTE, draw_empty, drawn_from, keep_data, new_figure, wrap
from fhrmm.formats import SUPPRESSED, Estimates, clean_estimates, format_count, name_level, name_variable
from fhrmm.schema import RESPONSES
from fhrmm.study import Study

_LEVELS = (*RESPONSES, "missing")
_DARK = frozenset({"sCR", "CR", "VGPR", "PD"})
_LEGEND_LINE_MM = 4.4
_HATCH = {"NE": "///", "missing": "..."}
# Marks on a course: column, words, marker, color.
_MARKS = (
    ("first_response", "First response", "^", COLORS[2]),
    ("asct", "Second-line ASCT", "s", COLORS[3]),
    ("next_line", "Next line of therapy", "d", COLORS[5]),
    ("progression", "Progression", "o", "white"),
    ("death", "Death", "X", COLORS[4]),
)


@drawn_from(describe_response, categories="estimates", by_group="estimates")
def plot_response_bars(categories: Estimates, by_group: Estimates | None = None, study: Study | None = None) -> Figure:
    """Draw best response as one stacked bar per group.

    Parameters
    ----------
    categories : DataFrame
        Estimates rows of endpoint ``BEST_RESPONSE``, one per category, of all patients.
    by_group : DataFrame, optional
        The same by group; the group is named in ``model`` as ``variable=level``.
    study : Study, optional
        The plan, for labels.

    Returns
    -------
    Figure
        Widths are shares of the group; numbers in the bars are patients. A group with a suppressed category is
        drawn without its bar.
    """
    frame = clean_estimates([clean_estimates(part) for part in (categories, by_group) if part is not None])
    rows = frame[frame["endpoint"] == "BEST_RESPONSE"]
    if rows.empty:
        return draw_empty("No response to show")
    groups = list(dict.fromkeys(rows["model"]))
    figure = new_figure(11.0 * len(groups) + 24)
    axes = figure.subplots()
    for height, model in enumerate(groups):
        _draw_bar(axes, height, rows[rows["model"] == model])
    labels = [_group_label(model, rows[rows["model"] == model], study) for model in groups]
    axes.set_yticks(range(len(groups)), labels)
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.set_xticks(np.arange(0, 1.01, 0.25), ["0", "25", "50", "75", "100"])
    axes.set_xlabel("Patients, %")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    present = [level for level in _LEVELS if (rows[rows["level"] == level]["n_events"] > 0).any()]
    if present:
        figure.legend(handles=[_patch(level) for level in present], loc="outside upper center", ncols=len(present))
    return keep_data(figure, estimates=rows)


@drawn_from(describe_swimmer, courses="patients")
def plot_swimmer(courses: pd.DataFrame, study: Study | None = None) -> Figure:
    """Draw the course of each patient as one bar in months, without identifiers or dates.

    Parameters
    ----------
    courses : DataFrame
        One row per patient: `end_months`; optionally `best_response`, `ongoing` (bool), and marks
        `first_response_months`, `asct_months`, `next_line_months`, `progression_months`, `death_months`.
        Columns beyond these are not looked at.
    study : Study, optional
        Not needed; taken so that all plotting functions can be called alike.

    Returns
    -------
    Figure
        Longest course on top. Never shown in a released report.
    """
    if courses.empty or courses["end_months"].dropna().empty:
        return draw_empty("No patient was followed")
    ordered = courses.dropna(subset=["end_months"]).sort_values("end_months", ascending=False, kind="stable")
    figure = new_figure(min(3.2 * len(ordered) + 30, 230))
    axes = figure.subplots()
    heights = np.arange(len(ordered))
    responses = _responses(ordered)
    for level in dict.fromkeys(responses):
        places = heights[[response == level for response in responses]]
        axes.barh(
            places,
            ordered["end_months"].to_numpy()[places],
            height=0.7,
            color=PALETTE.get(level, PALETTE["missing"]),
            edgecolor=MUTED,
            linewidth=0.3,
            hatch=_HATCH.get(level),
        )
    handles = [_patch(level) for level in _LEVELS if level in responses]
    handles += _draw_marks(axes, ordered, heights)
    axes.set_ylim(len(ordered) - 0.3, -0.7)
    axes.set_yticks([])
    axes.set_ylabel("Patients, one bar each")
    axes.set_xlim(0, float(ordered["end_months"].max()) * 1.04 + 0.1)
    axes.xaxis.set_major_locator(MultipleLocator(6))
    axes.set_xlabel("Months since start of second line")
    _place_legend(figure, handles)
    return figure


@drawn_from(describe_waterfall, changes="patients")
def plot_waterfall(changes: pd.DataFrame, study: Study | None = None) -> Figure:
    """Draw the best change of the M-protein of each patient, largest increase first.

    Parameters
    ----------
    changes : DataFrame
        One row per patient: `change_pct` (-100 to any), optionally `best_response`.
    study : Study, optional
        Not needed.

    Returns
    -------
    Figure
        Changes beyond +100% are cut there and marked. Never shown in a released report.
    """
    known = changes.dropna(subset=["change_pct"]).sort_values("change_pct", ascending=False, kind="stable")
    if known.empty:
        return draw_empty("No measured change of the M-protein")
    figure = new_figure(75)
    axes = figure.subplots()
    heights = known["change_pct"].clip(-100, 100).to_numpy(dtype=float)
    responses = _responses(known)
    for place, (height, level) in enumerate(zip(heights, responses, strict=True)):
        axes.bar(
            place,
            height,
            width=0.8,
            color=PALETTE.get(level, PALETTE["missing"]),
            edgecolor=MUTED,
            linewidth=0.3,
            hatch=_HATCH.get(level),
        )
    beyond = np.flatnonzero(known["change_pct"].to_numpy(dtype=float) > 100)
    axes.plot(beyond, np.full(len(beyond), 103.0), "^", color=INK, markersize=4)
    for level in (-25, -50, -90):
        axes.axhline(level, color=MUTED, linewidth=0.7, linestyle=(0, (4, 3)), zorder=0)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_ylim(-104, 110)
    axes.set_xlim(-0.8, max(len(known), 5) - 0.2)
    axes.set_xticks([])
    axes.set_xlabel("Patients, one bar each")
    axes.set_ylabel("Best change of M-protein, %")
    handles = [_patch(level) for level in _LEVELS if level in responses]
    _place_legend(figure, handles)
    return figure


def _group_label(model: str, rows: pd.DataFrame, study: Study | None) -> str:
    n = rows["n"].dropna()
    size = f"(n = {format_count(n.iloc[0])})" if len(n) else "(suppressed)"
    if not model:
        return f"All patients\n{size}"
    variable, _, level = model.partition("=")
    return f"{wrap(f'{name_variable(variable, study)}: {name_level(level)}', 26)}\n{size}"


def _place_legend(figure: Figure, handles: list[Patch | Line2D]) -> None:
    """Put the legend beside the bars, and make the figure as high as it needs where the bars are few."""
    figure.legend(handles=handles, loc="outside right upper", title="Best response")
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, max(height, (_LEGEND_LINE_MM * (len(handles) + 1) + 9) / 25.4))


def _draw_bar(axes: Axes, height: int, rows: pd.DataFrame) -> None:
    if (rows["status"] == SUPPRESSED).any() or not (rows["n"] > 0).any():
        reason = "suppressed: small numbers" if (rows["status"] == SUPPRESSED).any() else "no patients"
        axes.text(0.01, height, reason, va="center", color=MUTED)
        return
    left = 0.0
    by_level = {row["level"]: row for row in rows.to_dict("records")}
    for level in _LEVELS:
        row = by_level.get(level)
        count = 0 if row is None else int(row["n_events"])
        if count:
            share = count / float(row["n"])  # type: ignore[index]
            axes.barh(
                height,
                share,
                left=left,
                height=0.62,
                color=PALETTE[level],
                edgecolor="white",
                linewidth=0.8,
                hatch=_HATCH.get(level),
            )
            _write_count(axes, left + share / 2, height, share, level, count)
            left += share


def _write_count(axes: Axes, x: float, y: float, share: float, level: str, count: int) -> None:
    if share < 0.022:
        return
    color = "white" if level in _DARK else INK
    backing = {"facecolor": PALETTE[level], "edgecolor": "none", "pad": 0.8} if level in _HATCH else None
    axes.text(x, y, str(count), ha="center", va="center", fontsize=8, color=color, bbox=backing)


def _patch(level: str) -> Patch:
    return Patch(facecolor=PALETTE[level], edgecolor=MUTED, linewidth=0.3, hatch=_HATCH.get(level), label=level)


def _responses(frame: pd.DataFrame) -> list[str]:
    if "best_response" not in frame.columns:
        return ["missing"] * len(frame)
    return frame["best_response"].astype(object).where(frame["best_response"].notna(), "missing").astype(str).tolist()


def _draw_marks(axes: Axes, ordered: pd.DataFrame, heights: np.ndarray) -> list[Line2D]:
    handles = []
    for name, words, marker, color in _MARKS:
        column = f"{name}_months"
        if column in ordered.columns and ordered[column].notna().any():
            drawn = axes.plot(
                ordered[column].to_numpy(dtype=float),
                heights,
                linestyle="none",
                marker=marker,
                color=color,
                markeredgecolor=INK if color == "white" else "white",
                markeredgewidth=0.9 if color == "white" else 0.6,
                markersize=5.5,
                label=words,
                clip_on=False,
            )
            handles += drawn
    if "ongoing" in ordered.columns and ordered["ongoing"].any():
        ongoing = ordered["ongoing"].to_numpy(dtype=bool)
        x = ordered["end_months"].to_numpy(dtype=float)[ongoing]
        handles += axes.plot(
            x, heights[ongoing], ">", color=MUTED, markersize=5, label="Observation goes on", clip_on=False
        )
    return handles
