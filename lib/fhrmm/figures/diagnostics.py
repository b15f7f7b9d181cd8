"""Checks of models: scaled Schoenfeld residuals over time, and balance of covariates before and after weighting."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fhrmm.figures.intervals import say_methods
from fhrmm.figures.style import COLORS, FAINT, INK, MARKERS, MUTED, Drawing, drawn_from, new_figure, wrap
from fhrmm.formats import OK, Estimates, capitalize, clean_estimates, name_level, name_variable
from fhrmm.study import Study
from fhrmm.wording import counted

_COLUMNS = 2
_BALANCED = 0.1


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


@drawn_from("estimates")
def plot_balance(estimates: Estimates, /, *, study: Study) -> Drawing:
    """Draw the size of each standardized mean difference before weighting, and after each kind of it.

    Parameters
    ----------
    estimates : DataFrame
        `standardized_mean_difference` rows whose model ends in ``, before`` or ``, after``.
    study : Study
        The plan: labels.
    """
    rows = clean_estimates(estimates)
    rows = rows[(rows["estimand"] == "standardized_mean_difference") & (rows["status"] == OK)]
    if rows.empty:
        return Drawing(None, "No difference could be estimated.")
    is_before = rows["model"].str.endswith(", before")
    rows = rows.assign(model=rows["model"].str.removesuffix(", after").mask(is_before, "unweighted"))
    rows = rows.drop_duplicates(["model", "variable", "level"])
    pairs = list(dict.fromkeys(zip(rows["variable"], rows["level"], strict=True)))
    names = [f"{name_variable(name, study)}{f': {name_level(level)}' if level else ''}" for name, level in pairs]
    figure = new_figure(9.0 * len(pairs) + 26)
    axes = figure.subplots()
    for place, (model, part) in enumerate(rows.groupby("model", sort=False)):
        heights = [pairs.index(pair) for pair in zip(part["variable"], part["level"], strict=True)]
        look = {"color": COLORS[place], "label": capitalize(model), "markersize": 7}
        axes.plot(part["estimate"].abs(), heights, MARKERS[place], **look)
    axes.axvline(_BALANCED, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.hlines(range(len(pairs)), 0, axes.get_xlim()[1], color=FAINT, linewidth=0.6, zorder=0)
    axes.set_yticks(range(len(pairs)), [wrap(name, 30) for name in names])
    axes.set(ylim=(len(pairs) - 0.5, -0.5), xlabel="Standardized mean difference, absolute value")
    axes.set_xlim(left=-0.01)
    figure.legend(loc="outside upper center", ncols=3)
    beyond = int((rows[rows["model"] == "unweighted"]["estimate"].abs() > _BALANCED).sum())
    alt = f"Balance of {counted(len(pairs), 'covariate')}: {beyond} beyond a tenth before weighting."
    return Drawing(figure, alt, rows, f"Dashed: a difference of {_BALANCED:g}, the usual limit.{say_methods(rows)}")
