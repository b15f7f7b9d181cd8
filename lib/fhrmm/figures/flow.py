"""Flow of patients into the cohort, drawn from the attrition table."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from fhrmm.figures.style import INK, MUTED, Drawing, drawn_from, join_rows, new_figure, style_of, wrap
from fhrmm.formats import capitalize, format_count, is_missing
from fhrmm.study import Study

_LEFT, _RIGHT = 22.0, 50.0  # middle of the boxes of those who remain, left edge of the others
_STEP = 17.0


@drawn_from("attrition", "counts")
def plot_flow(attrition: pd.DataFrame, routes: pd.DataFrame | None = None, /, *, study: Study | None = None) -> Drawing:
    """Draw the flow diagram: patients received, each criterion with the patients it excludes, the cohort, its routes.

    Parameters
    ----------
    attrition : DataFrame
        Columns label, n_before, n_excluded, n_remaining; the first row is all patients. Criteria that
        exclude nobody are drawn as well: the reader sees that they were asked.
    routes : DataFrame, optional
        Patients of the cohort by route (route, n), shown side by side at the bottom.
    study : Study, optional
        Not needed; taken so that all plotting functions can be called alike.
    """
    rows = attrition.to_dict("records")
    if not rows:
        return Drawing(None, "No attrition table: there is no flow to draw.")
    shares = {} if routes is None else dict(zip(routes["route"].astype(str), routes["n"], strict=True))
    few = dict([attrition.attrs["few"]] if "few" in attrition.attrs else [])
    depth = _STEP * (len(rows) - 1) + (30.0 if shares else 12.0)
    figure = new_figure(depth + 8)
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set(xlim=(0, 106), ylim=(-depth + 4, 7))
    _box(axes, f"{wrap(str(rows[0]['label']), 30)}\nn = {_count(rows[0]['n_remaining'])}", (_LEFT, 0), is_bold=True)
    for place, row in enumerate(rows[1:], start=1):
        height, is_last = -_STEP * place, place == len(rows) - 1
        name, above, middle = "Cohort" if is_last else "Remaining", (_LEFT, height + _STEP), height + _STEP / 2
        _box(axes, f"{name}\nn = {_count(row['n_remaining'])}", (_LEFT, height), above, is_bold=is_last)
        text = f"{wrap(str(row['label']), 50)}\nexcluded: n = {few.get(row['n_excluded']) or _count(row['n_excluded'])}"
        is_nobody = not is_missing(row["n_excluded"]) and row["n_excluded"] == 0
        _box(axes, text, (_RIGHT, middle), (_LEFT, middle), ha="left", is_faint=is_nobody)
    bottom, width = -_STEP * (len(rows) - 1), 106 / max(len(shares), 1)
    for place, (name, count) in enumerate(shares.items()):
        center, turn = width * (place + 0.5), bottom - 9
        axes.plot([_LEFT, _LEFT, center], [bottom, turn, turn], color=MUTED, linewidth=1.0, zorder=-99)
        text = f"{wrap(capitalize(name), int(width * 0.62))}\nn = {_count(count)}"
        _box(axes, text, (center, bottom - 18), (center, turn), edge=style_of(name, place)[0])
    taken = pd.DataFrame({"label": list(shares), "n_remaining": list(shares.values())})
    return Drawing(figure, _describe(attrition), join_rows(attrition=attrition, route=taken))


def _count(count: object) -> str:
    return format_count(count)  # type: ignore[arg-type]


def _box(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    source: tuple[float, float] | None = None,
    *,
    ha: str = "center",
    is_bold: bool = False,
    is_faint: bool = False,
    edge: str = MUTED,
) -> None:
    """Write a text in a box, with an arrow to it from its source, which lies behind the boxes drawn before."""
    box = {"boxstyle": "round,pad=0.6,rounding_size=0.3", "facecolor": "#eef4f9" if is_bold else "white"}
    box |= {"edgecolor": edge, "linestyle": "--" if is_faint else "-"}
    arrow = {"arrowstyle": "<|-", "color": MUTED, "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0} if source else None
    weight, color = "bold" if is_bold else "normal", MUTED if is_faint else INK
    axes.annotate(
        text, xy=source or at, xytext=at, ha=ha, va="center", fontsize=8, fontweight=weight, color=color, bbox=box,
        arrowprops=arrow, zorder=-len(axes.texts), annotation_clip=False,
    )  # fmt: skip


def _describe(attrition: pd.DataFrame) -> str:
    """Say how many patients came in, which criterion excluded most, and how many form the cohort."""
    ends = [attrition["n_remaining"].iloc[place] for place in (0, -1)]
    first, last = ("an undisclosed number of" if is_missing(count) else str(count) for count in ends)
    text = f"Flow diagram: {first} patients, {last} in the cohort"
    excluded = pd.to_numeric(attrition["n_excluded"]).astype("Float64").fillna(0)
    if excluded.max() > 0:
        most = attrition.loc[excluded.idxmax()]
        text += f"; most were excluded by: {most['label']} ({most['n_excluded']})"
    return text + "."
