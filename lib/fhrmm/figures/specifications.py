"""One result under every defensible definition: estimates in order, and the choices behind each."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from fhrmm.figures.intervals import say_methods
from fhrmm.figures.style import COLORS, FAINT, INK, MUTED, Drawing, drawn_from, new_figure, wrap
from fhrmm.formats import OK, PERCENT, RATIO, Estimates, clean_estimates, format_level, humanize, kind_of, name_result
from fhrmm.study import Study
from fhrmm.wording import counted

_ROW_MM = 4.4


@drawn_from("estimates")
def plot_specification_curve(
    specifications: Estimates,
    /,
    *,
    study: Study,
    reference: str = "",
) -> Drawing:
    """Draw estimates in increasing order with intervals, and below them which choice each was made with.

    Parameters
    ----------
    specifications : DataFrame
        Estimates rows of one endpoint and estimand, one per specification, whose ``model`` holds its choices as
        ``name=value; name=value``.
    study : Study
        The plan, for labels.
    reference : str
        ``model`` of the specification of the plan: drawn in a color and shape of its own.

    Raises
    ------
    ValueError
        If the rows are of several endpoints or estimands.
    """
    frame = clean_estimates(specifications).reset_index(drop=True)
    if len(frame.groupby(["endpoint", "estimand"], sort=False)) > 1:
        raise ValueError("plot_specification_curve: rows of several endpoints or estimands; choose one")
    known = frame[(frame["status"] == OK) & frame["estimate"].notna()].sort_values("estimate", kind="stable")
    if known.empty:
        return Drawing(None, "No specification could be estimated.")
    choices = pd.DataFrame([parse_choices(model) for model in frame["model"]], index=frame.index)
    n_rows = sum(choices[name].nunique() for name in choices)
    figure = new_figure(62 + _ROW_MM * n_rows)
    top, below = figure.subplots(2, 1, height_ratios=[52, max(_ROW_MM * n_rows, 1)], sharex=True)
    is_plan = (known["model"] == reference).to_numpy()
    is_share = kind_of(str(known["estimand"].iloc[0])) == PERCENT
    _draw_curve(top, known, is_plan, f"{name_result(known.iloc[0].to_dict(), study)}{', %' if is_share else ''}")
    _draw_choices(below, choices, known.index, is_plan)
    ends = (known["estimate"].min(), known["estimate"].max())
    low, high = (f"{end:.0%}" if is_share else f"{end:.2f}" for end in ends)
    alt = f"{counted(len(known), 'specification')} in order of their estimates, from {low} to {high}."
    note = (
        f"{len(known)} of {len(frame)} specifications could be estimated. Lines, {format_level(study.models.ci_level)} "
    )
    note += f"intervals{'; diamond, the plan' if is_plan.any() else ''}.{say_methods(known)}"
    return Drawing(figure, alt, frame, note)


def parse_choices(model: str) -> dict[str, str]:
    """Split the choices of a specification.

    Examples
    --------
    >>> parse_choices("window_months=18; source=recorded")
    {'window_months': '18', 'source': 'recorded'}
    """
    pairs = (part.partition("=") for part in model.split(";") if "=" in part)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _draw_curve(axes: Axes, rows: pd.DataFrame, is_plan: np.ndarray, label: str) -> None:
    kind = kind_of(str(rows["estimand"].iloc[0]))
    for chosen, color, marker, size in ((~is_plan, COLORS[0], "o", 3.5), (is_plan, COLORS[1], "D", 6)):
        places, part = np.flatnonzero(chosen), rows[chosen]
        axes.vlines(places, part["ci_lower"], part["ci_upper"], color=color, linewidth=1.0, alpha=0.55)
        axes.plot(places, part["estimate"], marker, color=color, markersize=size)
    if kind == RATIO:
        axes.set_yscale("log")
        axes.axhline(1, color=MUTED, linewidth=0.9)
        axes.yaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    if kind == PERCENT:
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f}"))
    axes.grid(axis="y")
    axes.set_ylabel(wrap(label, 28))
    axes.tick_params(axis="x", bottom=False)
    axes.spines["bottom"].set_visible(False)


def _draw_choices(axes: Axes, choices: pd.DataFrame, order: pd.Index, is_plan: np.ndarray) -> None:
    """Draw a row of marks for each value of each choice, below the estimates made with it."""
    colors = np.where(is_plan, COLORS[1], INK)
    shown: list[str] = []
    for name in choices:
        values = choices[name].dropna().unique()
        if all(value.replace(".", "", 1).isdigit() for value in values):
            values = sorted(values, key=float)
        for value in values:
            places = np.flatnonzero(choices.loc[order, name] == value)
            axes.axhline(len(shown), color=FAINT, linewidth=0.6, zorder=0)
            axes.scatter(places, [len(shown)] * len(places), s=9, c=colors[places], marker="s", linewidths=0)
            shown.append(f"{humanize(name)}   {value}" if value == values[0] else value)
    axes.set_yticks(range(len(shown)), shown)
    axes.set(ylim=(max(len(shown), 1) - 0.5, -0.5), xlim=(-0.7, max(len(order), 2) - 0.3), xticks=[])
    axes.set_xlabel(f"{len(order)} specifications, in order of the estimate")
    axes.tick_params(axis="y", length=0, labelsize=7.5)
    axes.spines[["left", "bottom"]].set_visible(False)
