"""Map of known values: variables against centers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from fhrmm.figures.describe import describe_missingness
from fhrmm.figures.style import draw_empty, drawn_from, keep_data, new_figure
from fhrmm.formats import OK, Estimates, clean_estimates, name_variable
from fhrmm.study import Study

_ROW_MM = 4.6
_LONGEST = 46
_MOST_NUMBERED = 40


@drawn_from(describe_missingness, completeness="estimates")
def plot_missingness(completeness: Estimates, study: Study | None = None) -> Figure:
    """Draw the share of known values of each variable, by center where given.

    Parameters
    ----------
    completeness : DataFrame
        Estimates rows of endpoint ``COMPLETENESS``; a group is named in ``model`` as ``center=C01``.
    study : Study, optional
        The plan, for labels.

    Returns
    -------
    Figure
        One row per variable, one column per group; the number in a cell is the percentage, left out where more than
        40 groups leave no room for it. An empty cell could not be shown.
    """
    frame = clean_estimates(completeness)
    rows = frame[frame["endpoint"] == "COMPLETENESS"]
    grouped = rows[rows["model"] != ""]
    rows = grouped if len(grouped) else rows
    if rows.empty:
        return draw_empty("No variable to show")
    group = rows["model"].str.split("=", n=1).str[-1].replace("", "All patients")
    shares = rows["estimate"].where(rows["status"] == OK)
    table = pd.DataFrame({"variable": rows["variable"], "group": group, "share": 100 * shares})
    grid = table.pivot_table(index="variable", columns="group", values="share", sort=False, dropna=False)
    grid = grid.reindex(index=list(dict.fromkeys(table["variable"])), columns=list(dict.fromkeys(table["group"])))
    return keep_data(_draw(grid, study), completeness=rows)


def _draw(grid: pd.DataFrame, study: Study | None) -> Figure:
    figure = new_figure(_ROW_MM * (len(grid) + 1) + 14)
    axes = figure.subplots()
    labels = [_shorten(name_variable(str(name), study)) for name in grid.index]
    numbers = grid.to_numpy(dtype=float)
    text = np.array([["" if np.isnan(value) else f"{value:.0f}" for value in row] for row in numbers])
    has_room = grid.shape[1] <= _MOST_NUMBERED
    sns.heatmap(
        numbers,
        ax=axes,
        vmin=0,
        vmax=100,
        cmap="Blues",
        annot=text if has_room else None,
        fmt="",
        annot_kws={"fontsize": 7},
        linewidths=0.6 if has_room else 0.0,
        linecolor="white",
        cbar=False,
        yticklabels=False,
        xticklabels=False,
    )
    # not by seaborn, which measures each label to see whether they overlap
    axes.set_yticks(np.arange(len(labels)) + 0.5, labels, va="center")
    named = range(0, grid.shape[1], -(-grid.shape[1] // _MOST_NUMBERED))
    axes.set_xticks([place + 0.5 for place in named], [str(grid.columns[place]) for place in named])
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelsize=7.5)
    axes.tick_params(axis="x", rotation=0 if grid.shape[1] <= 12 else 90)
    axes.tick_params(axis="y", rotation=0)
    axes.set_xlabel("Patients with a known value, %")
    return figure


def _shorten(label: str) -> str:
    return label if len(label) <= _LONGEST else label[: _LONGEST - 1].rstrip() + "…"
