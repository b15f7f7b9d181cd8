"""Map of known values: variables against centers."""

from __future__ import annotations

import pandas as pd
import seaborn as sns

from fhrmm.figures.style import Drawing, drawn_from, new_figure
from fhrmm.formats import OK, Estimates, clean_estimates, name_variable
from fhrmm.study import Study
from fhrmm.wording import counted

_ROW_MM = 4.6
_LONGEST = 46
_MOST_NUMBERED = 40


@drawn_from("estimates")
def plot_missingness(completeness: Estimates, /, *, study: Study | None = None) -> Drawing:
    """Draw the share of known values: a row per variable, a column per center where given.

    Parameters
    ----------
    completeness : DataFrame
        Estimates rows of endpoint ``COMPLETENESS``; a group is named in ``model`` as ``center=C01``.
    study : Study, optional
        The plan, for labels.
    """
    frame = clean_estimates(completeness)
    rows = frame[frame["endpoint"] == "COMPLETENESS"]
    alt = _describe(rows[rows["status"] == OK], study)
    grouped = rows[rows["model"] != ""]
    rows = grouped if len(grouped) else rows
    if rows.empty:
        return Drawing(None, "No variable to show.")
    group = rows["model"].str.split("=", n=1).str[-1].replace("", "All patients")
    share = 100 * rows["estimate"].where(rows["status"] == OK)
    table = rows[["variable"]].assign(group=group, share=share)
    grid = table.pivot_table(index="variable", columns="group", values="share", sort=False, dropna=False)
    grid = grid.reindex(index=table["variable"].unique(), columns=table["group"].unique()).astype(float)
    has_room = grid.shape[1] <= _MOST_NUMBERED
    names = [name_variable(str(name), study) for name in grid.index]
    figure = new_figure(_ROW_MM * (len(grid) + 1) + 14)
    axes = figure.subplots()
    sns.heatmap(
        grid, vmin=0, vmax=100, cmap="Blues", cbar=False, annot=has_room, fmt=".0f", annot_kws={"fontsize": 7},
        linewidths=0.6 if has_room else 0.0, linecolor="white", xticklabels=-(-grid.shape[1] // _MOST_NUMBERED),
        yticklabels=[name if len(name) <= _LONGEST else name[: _LONGEST - 1].rstrip() + "…" for name in names], ax=axes,
    )  # fmt: skip
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelsize=7.5)
    axes.tick_params(axis="x", rotation=0 if grid.shape[1] <= 12 else 90)
    axes.set(xlabel="Patients with a known value, %", ylabel="")
    note = "Numbers, percentages; the stronger the color, the more complete." if has_room else ""
    note += " Empty: nobody to whom it applies, or not shown." if grid.isna().any(axis=None) else ""
    return Drawing(figure, alt, rows, note)


def _describe(rows: pd.DataFrame, study: Study | None) -> str:
    """Say how many variables are nearly complete, and which is known least often."""
    if rows.empty:
        return "Completeness map without values."
    mean = rows.groupby("variable", sort=False)["estimate"].mean()
    worst = name_variable(str(mean.idxmin()), study)
    many = f"{(mean >= 0.95).sum()} known in at least 95% of patients"
    return f"Map of {counted(len(mean), 'variable')}: {many}; known least often: {worst}, {mean.min():.0%}."
