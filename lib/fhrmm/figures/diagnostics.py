"""Checks of models: scaled Schoenfeld residuals over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fhrmm.figures.describe import describe_schoenfeld
from fhrmm.figures.style import COLORS, MUTED, draw_empty, drawn_from, new_figure, wrap
from fhrmm.formats import name_level, name_variable
from fhrmm.study import Study

_COLUMNS = 2


@drawn_from(describe_schoenfeld, residuals="patients")
def plot_schoenfeld(residuals: pd.DataFrame, study: Study | None = None) -> Figure:
    """Draw scaled Schoenfeld residuals over time, one panel per term, with a moving median.

    Parameters
    ----------
    residuals : DataFrame
        One row per event and term: term, time, residual (the coefficient is included, so that a level curve is a
        constant log hazard ratio).
    study : Study, optional
        The plan, for labels.

    Returns
    -------
    Figure
        Every point is one patient's event: never shown in a released report.

    References
    ----------
    Grambsch PM, Therneau TM. Biometrika 1994;81:515-526.
    """
    terms = list(dict.fromkeys(residuals["term"])) if len(residuals) else []
    if not terms:
        return draw_empty("No coefficient has an estimate")
    n_rows = -(-len(terms) // _COLUMNS)
    figure = new_figure(52.0 * n_rows + 4)
    grid = figure.subplots(n_rows, min(_COLUMNS, len(terms)), squeeze=False, sharex=True)
    for axes in grid.flat[len(terms) :]:
        axes.set_axis_off()
    for axes, term in zip(grid.flat, terms, strict=False):
        _draw_term(axes, residuals[residuals["term"] == term], str(term), study)
    for axes in grid[-1]:
        axes.set_xlabel("Months")
    return figure


def _draw_term(axes: Axes, rows: pd.DataFrame, term: str, study: Study | None) -> None:
    ordered = rows.dropna(subset=["time", "residual"]).sort_values("time", kind="stable")
    variable, _, level = term.partition("=")
    name = name_variable(variable, study) + (f": {name_level(level)}" if level else "")
    axes.set_title(wrap(name, 38), fontsize=8.5, loc="left")
    axes.axhline(0, color=MUTED, linewidth=0.8)
    time, residual = ordered["time"].to_numpy(dtype=float), ordered["residual"].to_numpy(dtype=float)
    axes.plot(time, residual, "o", color=COLORS[0], markersize=3.5, alpha=0.7)
    if len(time) >= 5:
        axes.plot(time, _moving_median(residual), color=COLORS[1], linewidth=1.6)
    axes.set_ylabel("Scaled residual")


def _moving_median(values: np.ndarray) -> np.ndarray:
    """Median over a window of about a third of the points, narrower at the ends."""
    half = max(len(values) // 6, 2)
    return np.array([np.median(values[max(place - half, 0) : place + half + 1]) for place in range(len(values))])
