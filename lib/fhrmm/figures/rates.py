"""Rates with intervals on a 0 to 100 percent axis: by group, by center."""

from __future__ import annotations

import pandas as pd

from fhrmm.figures.intervals import Line, center_lines, draw_lines
from fhrmm.figures.style import PERCENT_TICKS, Drawing, drawn_from, wrap
from fhrmm.formats import OK, Estimates, clean_estimates, is_missing, name_endpoint, name_level, name_variable
from fhrmm.study import Study
from fhrmm.wording import POOLED, counted

_RATES = ("proportion", "survival_probability")


@drawn_from("estimates")
def plot_rates(estimates: Estimates, /, *, study: Study, endpoint: str) -> Drawing:
    """Draw the rate of one endpoint in each group, or in each scope, with its interval, all patients at the bottom.

    Parameters
    ----------
    estimates : DataFrame
        Rows of the estimates table: groups by variable and level, and the overall row; or overall rows of several
        scopes.
    study : Study
        The plan.
    endpoint : str
        ORR, PFS, ...; for time-to-event endpoints the rate at the headline time.

    Raises
    ------
    ValueError
        If one of several scopes has two such rows: they would be drawn over each other.
    """
    frame = clean_estimates(estimates)
    at = frame["time_months"].isna() | (frame["time_months"] == study.time.headline_months)
    rows = frame[frame["estimand"].isin(_RATES) & (frame["endpoint"] == endpoint) & at]
    whole = rows[rows["population"].isin(["cohort", ""]) & (rows["model"] == "") & (rows["variable"] == "")]
    lines: list[Line] = []
    if len(set(rows["scope"]) - {""}) > 1:
        if whole["scope"].duplicated().any():
            raise ValueError("plot_rates: several rates per scope")
        return _draw(center_lines(whole), "Center", _describe_centers(whole), study)
    for variable, part in rows[rows["variable"] != ""].groupby("variable", sort=False):
        lines.append(Line(name_variable(str(variable), study)))
        lines += [Line(name_level(str(row["level"])), (row,)) for row in part.to_dict("records")]
    lines += [Line("All patients", (row,), is_whole=True) for row in whole.head(1).to_dict("records")]
    return _draw(lines, "Group", _describe_groups(rows, study), study)


def _draw(lines: list[Line], head: str, alt: str, study: Study) -> Drawing:
    rows = [row for line in lines for row in line.rows if row is not None]
    if not rows:
        return Drawing(None, f"No {head.lower()} has this rate.")
    name, time = name_endpoint(str(rows[0]["endpoint"]), study), rows[0]["time_months"]
    figure, axes = draw_lines(lines, study, heads=(head, "% (95% CI)"), limits=(0.0, 1.0))
    label = f"{name}, %" if is_missing(time) else f"{name} at {time:g} months, %"
    axes.set(xlim=(-0.02, 1.02), xlabel=wrap(label, 44))
    axes.set_xticks(**PERCENT_TICKS)
    return Drawing(figure, alt, pd.DataFrame(rows))


def _describe_groups(rows: pd.DataFrame, study: Study) -> str:
    """Say the range of the rates of groups, and that of all patients."""
    rows = rows[rows["status"] == OK]
    groups, whole = rows[rows["variable"] != ""], rows[rows["variable"] == ""]
    if groups.empty:
        return "Rates by group: none could be estimated."
    ordered = groups.sort_values("estimate", kind="stable").to_dict("records")
    low, high = (
        f"{row['estimate']:.0%} ({name_variable(row['variable'], study)}, {name_level(row['level'])})"
        for row in (ordered[0], ordered[-1])
    )
    text = f"Rates of {counted(len(groups), 'group')} with intervals, from {low} to {high}."
    return text + (f" All patients: {whole['estimate'].iloc[0]:.0%}." if len(whole) else "")


def _describe_centers(rows: pd.DataFrame) -> str:
    """Say the range of the centers' rates and the pooled one."""
    centers, pooled = rows[rows["scope"] != POOLED], rows[(rows["scope"] == POOLED) & (rows["status"] == OK)]
    ok = centers[centers["status"] == OK]
    if ok.empty:
        return f"Rates of {counted(len(centers), 'center')}: none could be estimated."
    low, high = ok["estimate"].min(), ok["estimate"].max()
    text = f"Rates of {counted(len(ok), 'center')} with intervals, from {low:.0%} to {high:.0%}."
    for row in pooled.to_dict("records")[:1]:
        inside = int(((ok["ci_lower"] <= row["estimate"]) & (ok["ci_upper"] >= row["estimate"])).sum())
        text += f" Pooled: {row['estimate']:.0%}, which lies within the interval of {inside} of them."
    return text
