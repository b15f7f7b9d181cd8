"""Forest plots: ratios with intervals on a logarithmic axis, by level of a model or by center."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from fhrmm.figures.intervals import Line, Row, center_lines, draw_lines, is_reference
from fhrmm.figures.style import MUTED, Drawing, drawn_from
from fhrmm.formats import OK, PER_UNIT, Estimates, capitalize, clean_estimates, name_level, name_variable
from fhrmm.study import Study
from fhrmm.wording import counted

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
        One line per level; for one comparison by several models or in several scopes, one line for each. An interval
        that leaves the axis ends in an arrow, its numbers are written.

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
        return Drawing(None, "No model was fitted: there is nothing to draw.")
    if len(set(frame["endpoint"])) > 1:
        raise ValueError("plot_forest: rows of several endpoints; choose one")
    lines, limits = _model_lines(frame, headings, study), _limits(frame)
    models = list(headings.values()) if any(len(line.rows) > 1 for line in lines) else ()
    figure, axes = draw_lines(lines, study, heads=("Variable", "HR (95% CI)"), limits=limits, models=models)
    _log_axis(axes, *limits, f"Hazard ratio for {frame['endpoint'].iloc[0]}\n{_AXIS_NOTE}")
    return Drawing(figure, alt, frame)


def _words(name: str) -> str:
    return capitalize(name.replace("_", " "))


def _model_lines(frame: pd.DataFrame, headings: Mapping[str, str], study: Study) -> list[Line]:
    found: dict[tuple[object, ...], Row] = {
        (row["model"], row["variable"], row["level"]): row for row in frame.to_dict("records")
    }
    lines = []
    compared = frame[frame["level"] != frame["reference"]]
    if len(compared[["variable", "level"]].drop_duplicates()) == 1 and len(compared) > 1:
        first = compared.iloc[0]
        levels = f"{name_level(first['level'])} versus {name_level(first['reference'])}"
        lines.append(Line(f"{name_variable(first['variable'], study)}: {levels}"))
        if len(set(compared["scope"]) - {""}) > 1:
            return lines + center_lines(compared)
        return lines + [Line(headings[row["model"]], (row,)) for row in compared.to_dict("records")]
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
