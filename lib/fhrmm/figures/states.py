"""Where patients are over time: probabilities of states, stacked to one hundred percent."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fhrmm.figures.style import COLORS, PERCENT_TICKS, Drawing, drawn_from, new_figure
from fhrmm.study import Study

_COLORS = (COLORS[0], COLORS[5], "#4d4d4d")


@drawn_from("curves")
def plot_states(curves: pd.DataFrame, /, *, study: Study) -> Drawing:
    """Draw the probabilities of states as stacked areas.

    Parameters
    ----------
    curves : DataFrame
        time, one column per state, which add up to 1, from the lowest area to the highest, and n_at_risk.
    study : Study
        The plan: month limit.

    Returns
    -------
    Drawing
        The areas end where fewer are at risk than the plan asks for.
    """
    limit, names = study.display.km_limit_months, list(curves.columns[1:-1])
    shown = curves[(curves["time"] <= limit) & (curves["n_at_risk"] >= study.display.km_minimum_at_risk)]
    if len(shown) < 2:
        return Drawing(None, "Nobody changed state.")
    figure = new_figure(88.0)
    axes = figure.subplots()
    colors = dict(zip(names, _COLORS, strict=False))
    shares = [shown[name] for name in names]
    axes.stackplot(shown["time"], *shares, labels=names, colors=colors.values(), step="post", alpha=0.75)
    axes.set(xlim=(0, limit), ylim=(0, 1), xticks=np.arange(0, limit + 1, 6), ylabel="Patients, %")
    axes.set(xlabel="Months since start of second line")
    axes.set_yticks(**PERCENT_TICKS)
    figure.legend(loc="outside upper center", ncols=len(names))
    at = study.time.headline_months
    last = shown[shown["time"] <= at].iloc[-1]
    said = ", ".join(f"{name} {last[name]:.0%}" for name in names)
    return Drawing(figure, f"Stacked areas; at {at:g} months: {said}.", shown)
