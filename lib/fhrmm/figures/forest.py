"""Forest plots: ratios with intervals on a logarithmic axis, by level of a model or by center."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from fhrmm.figures.intervals import Line, Row, center_lines, draw_lines, is_reference
from fhrmm.figures.style import MUTED, Drawing, draw_empty, drawn_from
from fhrmm.formats import OK, PER_UNIT, Estimates, capitalize, clean_estimates, name_level, name_variable
from fhrmm.study import Study
from fhrmm.wording import POOLED, counted

_AXIS_NOTE = "(log axis; right of 1: higher hazard than the reference)"
_TICKS = tuple(2.0**power for power in range(-5, 6))


@drawn_from("estimates")
def plot_forest(
    estimates: Estimates,
    /,
    *,
    study: Study,
    endpoint: str = "",
    models: Sequence[str] = (),
) -> Drawing:
    """Draw a forest plot on a log axis with reference rows, patients and events.

    Parameters
    ----------
    estimates : DataFrame
        Rows of the estimates table, of which the hazard ratios; reference rows have level equal to reference.
    study : Study
        The plan.
    endpoint : str
        PFS, OS, ...; needed if the rows are of several.
    models : sequence of str
        In order; by default all found.

    Returns
    -------
    Drawing
        One line per level. An interval that leaves the axis ends in an arrow, its numbers are written.

    Raises
    ------
    ValueError
        If the rows are of several endpoints.
    """
    frame = clean_estimates(estimates)
    frame = frame[(frame["estimand"] == "hazard_ratio") & (frame["variable"] != "")]
    if endpoint:
        frame = frame[frame["endpoint"] == endpoint]
    headings = {name: _words(name) for name in models or dict.fromkeys(frame["model"])}
    frame = frame[frame["model"].isin(list(headings))]
    alt = _describe_forest(frame, study)
    if frame.empty:
        return draw_empty("No model was fitted: there is nothing to draw", alt)
    if len(set(frame["endpoint"])) > 1:
        raise ValueError("plot_forest: rows of several endpoints; choose one")
    lines, limits = _model_lines(frame, headings, study), _limits(frame)
    heads = ("Variable", "HR (95% CI)")
    figure, axes = draw_lines(lines, study, heads=heads, limits=limits, models=list(headings.values()))
    _log_axis(axes, *limits, f"Hazard ratio for {frame['endpoint'].iloc[0]}\n{_AXIS_NOTE}")
    return Drawing(figure, alt, frame)


@drawn_from("estimates")
def plot_center_forest(
    estimates: Estimates,
    /,
    *,
    study: Study,
    endpoint: str,
    variable: str,
    level: str = "",
    model: str = "univariable",
) -> Drawing:
    """Draw the hazard ratio of one variable in each center, all centers pooled at the bottom.

    Parameters
    ----------
    estimates : DataFrame
        Estimates of several scopes.
    study : Study
        The plan.
    endpoint, variable, model : str
        Which hazard ratio.
    level : str
        Which level, where the variable has more than two.
    """
    frame = clean_estimates(estimates)
    keep = (frame["estimand"] == "hazard_ratio") & (frame["endpoint"] == endpoint)
    keep &= (frame["variable"] == variable) & (frame["model"] == model)
    keep &= (frame["level"] == level) if level else (frame["level"] != frame["reference"])
    rows = frame[keep]
    alt = _describe_centers(rows)
    if rows.empty:
        return draw_empty("No center has this hazard ratio", alt)
    limits = _limits(rows)
    lines = center_lines(rows)
    figure, axes = draw_lines(lines, study, heads=("Center", "HR (95% CI)"), limits=limits)
    label = f"Hazard ratio for {endpoint}: {name_variable(variable, study)}\n(log axis; right of 1: higher hazard)"
    _log_axis(axes, *limits, label)
    return Drawing(figure, alt, pd.DataFrame([row for line in lines for row in line.rows]))


def _words(name: str) -> str:
    return capitalize(name.replace("_", " "))


def _model_lines(frame: pd.DataFrame, headings: Mapping[str, str], study: Study) -> list[Line]:
    found: dict[tuple[object, ...], Row] = {
        (row["model"], row["variable"], row["level"]): row for row in frame.to_dict("records")
    }
    lines = []
    for variable in dict.fromkeys(frame["variable"]):
        part = frame[frame["variable"] == variable]
        lines.append(Line(name_variable(variable, study)))
        references = set(part["reference"])
        for level in sorted(dict.fromkeys(part["level"]), key=lambda name: name not in references):
            rows = tuple(found.get((model, variable, level)) for model in headings)
            known = [row for row in rows if row is not None]
            same = all(is_reference(row) for row in known) and len({(row["n"], row["n_events"]) for row in known}) == 1
            lines.append(Line(name_level(level) or PER_UNIT, (known[0],) if same else rows))
    return lines


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    """Axis limits: powers of two around the estimates and their intervals, never beyond 1/32 and 32."""
    values = rows.loc[rows["status"] == OK, ["estimate", "ci_lower", "ci_upper"]].to_numpy(dtype=float).ravel()
    known = [value for value in values if math.isfinite(value) and value > 0]
    low, high = min([0.5, *known]), max([2.0, *known])
    return max(2.0 ** math.floor(math.log2(low)), 1 / 32), min(2.0 ** math.ceil(math.log2(high)), 32.0)


def _log_axis(axes: Axes, low: float, high: float, label: str) -> None:
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    if len(ticks) > 8:
        ticks = [tick for tick in ticks if round(math.log2(tick)) % 2 == 0]
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"1/{1 / tick:.0f}" if tick < 1 else f"{tick:.0f}"))
    axes.set(xticks=ticks, xlim=(low / 1.08, high * 1.08), xlabel=label)
    axes.axvline(1, color=MUTED, linewidth=0.9)


def _describe_forest(rows: pd.DataFrame, study: Study) -> str:
    """Say how many estimates lie on which side of 1, and how many intervals include 1."""
    rows = rows[rows["level"] != rows["reference"]]
    ok = rows[rows["status"] == OK]
    if ok.empty:
        return f"Forest plot without estimates: {len(rows)} could not be estimated."
    above = int((ok["estimate"] > 1).sum())
    includes = int(((ok["ci_lower"] <= 1) & (ok["ci_upper"] >= 1)).sum())
    largest = ok.iloc[int(ok["estimate"].argmax())]
    where = f"{name_variable(largest['variable'], study)}, {name_level(largest['level'])}"
    left = len(rows) - len(ok)
    return (
        f"Forest plot of {counted(len(ok), 'estimate')}: {above} above 1, {includes} with an interval that includes 1. "
        f"The largest is {largest['estimate']:.2f} ({where})."
        + (f" {left} could not be shown as numbers." if left else "")
    )


def _describe_centers(rows: pd.DataFrame) -> str:
    """Say in how many centers the hazard ratio could be estimated, on which side of 1, and the pooled one."""
    ok = rows[rows["status"] == OK]
    centers, pooled = ok[ok["scope"] != POOLED], ok[ok["scope"] == POOLED]
    text = f"Hazard ratio in {counted(int((rows['scope'] != POOLED).sum()), 'center')}: estimated in {len(centers)}"
    text += f", above 1 in {(centers['estimate'] > 1).sum()}."
    return text + (f" Pooled: {pooled['estimate'].iloc[0]:.2f}." if len(pooled) else "")
