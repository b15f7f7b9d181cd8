"""Response figures: best response as stacked bars, courses of single patients, best change of the M-protein."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from fhrmm.figures.style import (
    COLORS,
    INK,
    MUTED,
    PALETTE,
    PERCENT_TICKS,
    Drawing,
    drawn_from,
    new_figure,
    wrap,
)
from fhrmm.formats import OK, SUPPRESSED, Estimates, clean_estimates, format_count, name_level, name_variable
from fhrmm.schema import RESPONSES
from fhrmm.study import Study
from fhrmm.wording import counted

_LEVELS = (*RESPONSES, "missing")
_DARK = frozenset({"sCR", "CR", "VGPR", "PD"})
_HATCH = {"NE": "///", "missing": "\\\\\\"}
_NARROWEST = 0.022  # a narrower part of a bar has no room for its number
_LEGEND_LINE_MM = 4.4
# Marks on a course: column, words, marker, color.
_MARKS = (
    ("first_response", "First response", "^", COLORS[2]),
    ("asct", "Second-line ASCT", "s", COLORS[3]),
    ("next_line", "Next line of therapy", "d", COLORS[5]),
    ("progression", "Progression", "o", "white"),
    ("death", "Death", "X", COLORS[4]),
)


@drawn_from("estimates", "estimates")
def plot_response_bars(categories: Estimates, by_group: Estimates | None = None, /, *, study: Study) -> Drawing:
    """Draw best response as one stacked bar per group.

    Parameters
    ----------
    categories : DataFrame
        Estimates rows of endpoint ``BEST_RESPONSE``, one per category, of all patients.
    by_group : DataFrame, optional
        The same by group; the group is named in ``model`` as ``variable=level``.
    study : Study
        The plan, for labels.

    Notes
    -----
    A category of few patients in a release is drawn as none: what is missing to the right belongs to such.
    """
    frame = clean_estimates([clean_estimates(part) for part in (categories, by_group) if part is not None])
    rows = frame[frame["endpoint"] == "BEST_RESPONSE"]
    is_shown = (rows["status"] != SUPPRESSED) & (rows["n"] > 0)
    if not is_shown.any():
        return Drawing(None, "No response to show.")
    groups = list(dict.fromkeys(rows["model"]))
    shares = (rows["n_events"] / rows["n"]).where(is_shown, 0.0).fillna(0.0).astype(float)
    present = [level for level in _LEVELS if (shares[rows["level"] == level] > 0).any()]
    figure = new_figure(11.0 * len(groups) + 24)
    axes = figure.subplots()
    sns.histplot(
        y=pd.Categorical(rows["model"], groups), hue=rows["level"], weights=shares, hue_order=present[::-1] or None,
        multiple="stack", discrete=True, shrink=0.62, palette=PALETTE, alpha=1.0, edgecolor="white", linewidth=0.8,
        legend=False, ax=axes,
    )  # fmt: skip
    for level, bars in zip(present, axes.containers, strict=False):
        _number_bars(axes, bars, level, rows[rows["level"] == level].set_index("model")["n_events"].reindex(groups))
    for place, model in enumerate(groups):
        if not is_shown[rows["model"] == model].any():
            reason = "each category has few patients" if study.rounding else "no patients"
            axes.text(0.01, place, reason, va="center", color=MUTED)
    axes.set_yticks(range(len(groups)), [_group_label(model, rows[rows["model"] == model], study) for model in groups])
    axes.set_xticks(**PERCENT_TICKS)
    axes.set(xlim=(0, 1), ylim=(len(groups) - 0.5, -0.5), xlabel="Patients, %", ylabel="")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    if present:
        legend = figure.legend(axes.containers, present, loc="outside upper center", ncols=len(present))
        for patch in legend.get_patches():
            patch.set(edgecolor=MUTED, linewidth=0.3)
    return Drawing(
        figure, _describe_response(rows), rows, "Widths: shares of the group; numbers in the bars: patients."
    )


@drawn_from("patients")
def plot_swimmer(courses: pd.DataFrame, /, *, study: Study | None = None) -> Drawing:
    """Draw the course of each patient as one bar in months, longest on top, without identifiers or dates.

    Parameters
    ----------
    courses : DataFrame
        One row per patient: `end_months`; optionally `best_response`, `ongoing` (bool), and marks
        `first_response_months`, `asct_months`, `next_line_months`, `progression_months`, `death_months`.
    study : Study, optional
        Not needed; taken so that all plotting functions can be called alike.
    """
    marks = [f"{name}_months" for name, *_ in _MARKS]
    rows = courses.reindex(columns=["end_months", "best_response", "ongoing", *marks]).dropna(subset=["end_months"])
    rows = rows.sort_values("end_months", ascending=False, kind="stable", ignore_index=True)
    if rows.empty:
        return Drawing(None, "No patient was followed.")
    figure = new_figure(min(3.2 * len(rows) + 30, 230))
    axes = figure.subplots()
    handles = _draw_patients(axes, rows, "end_months", orient="h")
    for column, (_, words, marker, color) in zip(marks, _MARKS, strict=True):
        if rows[column].notna().any():
            edge, width = (INK, 0.9) if color == "white" else ("white", 0.6)
            look = {"color": color, "markeredgecolor": edge, "markeredgewidth": width, "markersize": 5.5}
            handles += axes.plot(rows[column], rows.index, marker, label=words, clip_on=False, **look)
    ends = rows.loc[rows["ongoing"].isin([True]), "end_months"]
    if len(ends):
        handles += axes.plot(
            ends, ends.index, ">", color=MUTED, markersize=5, label="Alive at last contact", clip_on=False
        )
    axes.set(ylim=(len(rows) - 0.3, -0.7), yticks=[], ylabel="Patients, one bar each")
    axes.set(xlim=(0, float(rows["end_months"].max()) * 1.04 + 0.1), xlabel="Months since start of second line")
    axes.xaxis.set_major_locator(MultipleLocator(6))
    _place_legend(figure, handles)
    patients, longest = counted(len(rows), "patient"), f"the longest {rows['end_months'].max():.0f} months"
    said = ", ".join(f"{rows[f'{name}_months'].notna().sum()} with {name}" for name in ("progression", "death"))
    return Drawing(figure, f"One bar for each of {patients}, {longest}; {said}.", note=f"{patients}, one bar each.")


@drawn_from("patients")
def plot_waterfall(changes: pd.DataFrame, /, *, study: Study | None = None) -> Drawing:
    """Draw the best change of the M-protein of each patient, largest increase first.

    Parameters
    ----------
    changes : DataFrame
        One row per patient: `change_pct` (-100 to any), optionally `best_response`.
    study : Study, optional
        Not needed.
    """
    known = changes.dropna(subset=["change_pct"]).sort_values("change_pct", ascending=False, kind="stable")
    if known.empty:
        return Drawing(None, "No measured change of the M-protein.")
    figure = new_figure(75)
    axes = figure.subplots()
    handles = _draw_patients(axes, known.assign(shown=known["change_pct"].clip(-100, 100)), "shown", orient="v")
    beyond = np.flatnonzero(known["change_pct"] > 100)
    axes.plot(beyond, np.full(len(beyond), 103.0), "^", color=INK, markersize=4)
    for level in (-25, -50, -90):
        axes.axhline(level, color=MUTED, linewidth=0.7, linestyle=(0, (4, 3)), zorder=0)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set(ylim=(-104, 110), ylabel="Best change of M-protein, %")
    axes.set(xlim=(-0.8, max(len(known), 5) - 0.2), xticks=[], xlabel="Patients, one bar each")
    _place_legend(figure, handles)
    patients, fell = counted(len(known), "patient"), (known["change_pct"] < 0).sum()
    alt = f"Waterfall plot of the best change of the M-protein in {patients}: {fell} fell, "
    alt += f"median change {known['change_pct'].median():.0f}%."
    note = f"{patients} with a measured change. Dashed: falls by 25, 50 and 90 percent."
    note += " Triangles: rises beyond 100 percent." if len(beyond) else ""
    return Drawing(figure, alt, note=note)


def _number_bars(axes: Axes, bars: BarContainer, level: str, counts: pd.Series) -> None:
    """Write the patients into the bars of one level."""
    for bar in bars:
        bar.set_hatch(_HATCH.get(level))
    widths = [bar.get_width() for bar in bars]
    texts = [f"{count:.0f}" if width >= _NARROWEST else "" for count, width in zip(counts, widths, strict=True)]
    backing = {"facecolor": PALETTE[level], "edgecolor": "none", "pad": 0.8} if level in _HATCH else None
    labels = axes.bar_label(bars, texts, label_type="center", fontsize=8, color="white" if level in _DARK else INK)
    for label in labels:
        if backing and label.get_text():
            label.set_bbox(backing)


def _draw_patients(axes: Axes, patients: pd.DataFrame, value: str, *, orient: str) -> list[Artist]:
    """Draw one bar per patient in order, colored by best response; return one bar per response for the legend."""
    column = patients.reindex(columns=["best_response"])["best_response"].astype(object)
    responses = column.where(column.notna(), "missing").astype(str).to_numpy()
    levels = [level for level in _LEVELS if level in responses]
    along, across = ("y", "x") if orient == "h" else ("x", "y")
    sns.barplot(
        **{along: np.arange(len(patients)), across: patients[value].to_numpy(dtype=float)}, hue=responses,
        hue_order=levels, palette=PALETTE, saturation=1.0, orient=orient, native_scale=True, dodge=False, width=0.75,
        errorbar=None, edgecolor=MUTED, linewidth=0.3, legend=False, ax=axes,
    )  # fmt: skip
    for level, bars in zip(levels, axes.containers, strict=True):
        for bar in bars:
            bar.set_hatch(_HATCH.get(level))
        bars[0].set_label(level)
    return [bars[0] for bars in axes.containers]


def _place_legend(figure: Figure, handles: Sequence[Artist]) -> None:
    """Put the legend beside the bars, and make the figure as high as it needs where the bars are few."""
    figure.legend(handles=handles, loc="outside right upper", title="Best response")
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, max(height, (_LEGEND_LINE_MM * (len(handles) + 1) + 9) / 25.4))


def _group_label(model: str, rows: pd.DataFrame, study: Study) -> str:
    n = rows["n"].dropna()
    size = f"(n = {format_count(n.iloc[0])})" if len(n) else "(suppressed)"
    variable, _, level = model.partition("=")
    name = wrap(f"{name_variable(variable, study)}: {name_level(level)}", 26) if model else "All patients"
    return f"{name}\n{size}"


def _describe_response(rows: pd.DataFrame) -> str:
    """Say the shares of the categories among all patients, or in the last group."""
    rows = rows[(rows["status"] == OK) & (rows["n"] > 0)]
    model = "" if (rows["model"] == "").any() else rows["model"].iloc[-1]
    rows = rows[(rows["model"] == model) & (rows["n_events"] > 0)]
    where = f", {name_level(model.partition('=')[2])}" if model else ""
    shares = ", ".join(f"{row['level']} {row['estimate']:.0%}" for row in rows.to_dict("records"))
    return f"Stacked bar of best response among {rows['n'].iloc[0]:.0f} patients{where}: {shares}."
