"""One result under every defensible definition: estimates in order, and the choices behind each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from fhrmm.figures.describe import describe_specifications
from fhrmm.figures.style import COLORS, FAINT, INK, MUTED, draw_empty, drawn_from, keep_data, new_figure, wrap
from fhrmm.formats import OK, PERCENT, RATIO, Estimates, clean_estimates, humanize, kind_of, name_endpoint
from fhrmm.study import Study

_ROW_MM = 4.4
Choices = dict[str, dict[str, str]]


@drawn_from(describe_specifications, specifications="estimates")
def plot_specification_curve(
    specifications: Estimates,
    study: Study,
    *,
    reference: str = "",
    labels: Mapping[str, str] | None = None,
    label: str = "",
) -> Figure:
    """Draw estimates in increasing order with intervals, and below them which choice each was made with.

    Parameters
    ----------
    specifications : DataFrame
        Estimates rows of one endpoint and estimand, one per specification, whose ``model`` holds its choices as
        ``name=value; name=value``.
    study : Study
        The plan, for decimals.
    reference : str
        ``model`` of the specification of the plan: drawn in a color and shape of its own.
    labels : mapping of str to str, optional
        Words for names of choices.
    label : str
        Of the vertical axis.

    Raises
    ------
    ValueError
        If the rows are of several endpoints or estimands.
    """
    frame = clean_estimates(specifications)
    if len(frame.groupby(["endpoint", "estimand"], sort=False)) > 1:
        raise ValueError("plot_specification_curve: rows of several endpoints or estimands; choose one")
    known = frame[(frame["status"] == OK) & frame["estimate"].notna()].sort_values("estimate", kind="stable")
    if known.empty:
        return draw_empty("No specification could be estimated")
    choices = {model: parse_choices(model) for model in frame["model"]}
    rows = _choice_rows(choices)
    figure = new_figure(62 + _ROW_MM * len(rows))
    top, below = figure.subplots(2, 1, height_ratios=[52, max(_ROW_MM * len(rows), 1)], sharex=True)
    _draw_curve(top, known, reference, label or _axis_label(known, study))
    _draw_choices(below, rows, [choices[model] for model in known["model"]], known["model"].tolist(), reference, labels)
    return keep_data(figure, estimates=frame)


def parse_choices(model: str) -> dict[str, str]:
    """Split the choices of a specification.

    Examples
    --------
    >>> parse_choices("window_months=18; source=recorded")
    {'window_months': '18', 'source': 'recorded'}
    """
    pairs = (part.partition("=") for part in model.split(";") if "=" in part)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _choice_rows(choices: Choices) -> list[tuple[str, str]]:
    found: dict[str, dict[str, None]] = {}
    for one in choices.values():
        for name, value in one.items():
            found.setdefault(name, {})[value] = None
    return [(name, value) for name, values in found.items() for value in _ordered(list(values))]


def _ordered(values: Sequence[str]) -> list[str]:
    return sorted(values, key=float) if all(value.replace(".", "", 1).isdigit() for value in values) else list(values)


def _axis_label(rows: pd.DataFrame, study: Study) -> str:
    first = rows.iloc[0]
    name = name_endpoint(first["endpoint"], study)
    if first["estimand"] == "survival_probability":
        return f"{name} at {first['time_months']:g} months, %"
    return f"{name}, %" if first["estimand"] == "proportion" else f"{humanize(first['estimand'])}, {first['endpoint']}"


def _draw_curve(axes: Axes, rows: pd.DataFrame, reference: str, label: str) -> None:
    kind = kind_of(str(rows["estimand"].iloc[0]))
    is_plan = (rows["model"] == reference).to_numpy()
    for chosen, color, marker, size in ((~is_plan, COLORS[0], "o", 3.5), (is_plan, COLORS[1], "D", 6)):
        places, part = np.flatnonzero(chosen), rows[chosen]
        _draw_intervals(axes, places, part, color)
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


def _draw_intervals(axes: Axes, places: np.ndarray, rows: pd.DataFrame, color: str) -> None:
    """One broken line for all intervals: a line each makes hundreds of objects to lay out and draw."""
    ends = rows[["ci_lower", "ci_upper"]].to_numpy(dtype=float)
    heights = np.column_stack([ends, np.full(len(ends), np.nan)]).ravel()
    axes.plot(np.repeat(places, 3), heights, color=color, linewidth=1.0, alpha=0.55)


def _draw_choices(
    axes: Axes,
    rows: list[tuple[str, str]],
    chosen: list[dict[str, str]],
    models: list[str],
    reference: str,
    labels: Mapping[str, str] | None,
) -> None:
    names = []
    for height, (name, value) in enumerate(rows):
        places = [place for place, one in enumerate(chosen) if one.get(name) == value]
        colors = [COLORS[1] if models[place] == reference else INK for place in places]
        axes.axhline(height, color=FAINT, linewidth=0.6, zorder=0)
        axes.scatter(places, [height] * len(places), s=9, c=colors, marker="s", linewidths=0)
        is_first = height == 0 or rows[height - 1][0] != name
        words = (labels or {}).get(name, humanize(name)) if is_first else ""
        names.append(f"{words}   {value}" if words else value)
    axes.set_yticks(range(len(rows)), names)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(-0.7, max(len(chosen), 2) - 0.3)
    axes.set_xticks([])
    axes.set_xlabel(f"{len(chosen)} specifications, in order of the estimate")
    axes.tick_params(axis="y", length=0, labelsize=7.5)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
