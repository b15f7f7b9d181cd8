"""Checks of models: scaled Schoenfeld residuals over time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fhrmm.figures.style import COLORS, MUTED, Drawing, drawn_from, new_figure, wrap
from fhrmm.formats import name_level, name_variable
from fhrmm.study import Study
from fhrmm.wording import counted

_COLUMNS = 2


@drawn_from("patients")
def plot_schoenfeld(residuals: pd.DataFrame, /, *, study: Study | None = None) -> Drawing:
    """Draw scaled Schoenfeld residuals over time, one panel per term, with a moving median.

    Parameters
    ----------
    residuals : DataFrame
        One row per event and term: term, time, residual (the coefficient is included, so that a level curve is a
        constant log hazard ratio).
    study : Study, optional
        The plan, for labels.

    References
    ----------
    Grambsch PM, Therneau TM. Biometrika 1994;81:515-526.
    """
    terms = list(dict.fromkeys(residuals["term"])) if len(residuals) else []
    if not terms:
        return Drawing(None, "No coefficient has an estimate.")
    n_rows = -(-len(terms) // _COLUMNS)
    figure = new_figure(52.0 * n_rows + 4)
    grid = figure.subplots(n_rows, min(_COLUMNS, len(terms)), squeeze=False, sharex=True)
    for axes in grid.flat[len(terms) :]:
        axes.set_axis_off()
    said = []
    for axes, term in zip(grid.flat, terms, strict=False):
        rows = residuals[residuals["term"] == term].dropna(subset=["time", "residual"])
        rows = rows.sort_values("time", kind="stable")
        variable, _, level = str(term).partition("=")
        name, shown = name_variable(variable, study), name_level(level)
        axes.set_title(wrap(f"{name}: {shown}" if level else name, 38), fontsize=8.5, loc="left")
        axes.axhline(0, color=MUTED, linewidth=0.8)
        axes.plot(rows["time"], rows["residual"], "o", color=COLORS[0], markersize=3.5, alpha=0.7)
        if len(rows) >= 5:
            axes.plot(rows["time"], _moving_median(rows["residual"].to_numpy()), color=COLORS[1], linewidth=1.6)
        axes.set_ylabel("Scaled residual")
        slope = rows["time"].corr(rows["residual"], method="spearman") if len(rows) > 2 else 0.0
        trend = ("rising" if slope > 0 else "falling") if abs(slope) >= 0.3 else "no clear trend"
        said.append(f"{name} ({shown}): {trend}" if level else f"{name}: {trend}")
    for axes in grid[-1]:
        axes.set_xlabel("Months")
    alt, events = f"Scaled Schoenfeld residuals over time. {'; '.join(said)}.", residuals["term"].value_counts().max()
    return Drawing(figure, alt, note=f"{counted(events, 'event')}.")


def _moving_median(values: np.ndarray) -> np.ndarray:
    """Median over a window of about a third of the points, narrower at the ends."""
    half = max(len(values) // 6, 2)
    return np.array([np.median(values[max(place - half, 0) : place + half + 1]) for place in range(len(values))])
