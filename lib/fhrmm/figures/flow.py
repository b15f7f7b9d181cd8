"""Flow of patients into the cohort, drawn from the attrition table."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from fhrmm.figures.style import INK, MUTED, Drawing, drawn_from, join_rows, new_figure, style_of, wrap
from fhrmm.formats import capitalize, format_count, is_missing
from fhrmm.study import Study

Routes = Mapping[str, int] | pd.Series | pd.DataFrame | None
_LEFT, _RIGHT, _HALF, _WIDE_HALF = 22.0, 77.0, 20.0, 28.0
_STEP = 17.0


@drawn_from("attrition", "counts")
def plot_flow(attrition: pd.DataFrame, routes: Routes = None, /, *, study: Study | None = None) -> Drawing:
    """Draw the flow diagram: patients received, each criterion with the patients it excludes, the cohort, its routes.

    Parameters
    ----------
    attrition : DataFrame
        Columns label, n_before, n_excluded, n_remaining; the first row is all patients. Criteria that
        exclude nobody are drawn as well: the reader sees that they were asked.
    routes : mapping of str to int, DataFrame (route, n), or Series, optional
        Patients of the cohort by route, shown side by side at the bottom; a Series holds the route of each
        patient, to be counted.
    study : Study, optional
        Not needed; taken so that all plotting functions can be called alike.
    """
    rows = attrition.to_dict("records")
    if not rows:
        return Drawing(None, "No attrition table: there is no flow to draw.")
    shares = count_routes(routes)
    few = dict([attrition.attrs["few"]] if "few" in attrition.attrs else [])
    depth = _STEP * (len(rows) - 1) + (30.0 if shares else 12.0)
    figure = new_figure(depth + 8)
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set(xlim=(0, 106), ylim=(-depth + 4, 7))
    _box(axes, _LEFT, 0, f"{wrap(str(rows[0]['label']), 30)}\nn = {_count(rows[0]['n_remaining'])}", is_bold=True)
    for place, row in enumerate(rows[1:], start=1):
        height, is_last = -_STEP * place, place == len(rows) - 1
        middle = height + _STEP / 2
        _arrow(axes, (_LEFT, height + _STEP - 4.6), (_LEFT, height + 4.6))
        _arrow(axes, (_LEFT, middle), (_RIGHT - _WIDE_HALF - 1, middle))
        count = few.get(row["n_excluded"]) or _count(row["n_excluded"])
        text = f"{wrap(str(row['label']), 46)}\nexcluded: n = {count}"
        is_nobody = not is_missing(row["n_excluded"]) and row["n_excluded"] == 0
        _box(axes, _RIGHT, middle, text, half=_WIDE_HALF, is_faint=is_nobody)
        name = "Cohort" if is_last else "Remaining"
        _box(axes, _LEFT, height, f"{name}\nn = {_count(row['n_remaining'])}", is_bold=is_last)
    if shares:
        _draw_routes(axes, -_STEP * (len(rows) - 1), shares)
    taken = pd.DataFrame({"label": list(shares), "n_remaining": list(shares.values())})
    return Drawing(figure, _describe(attrition), join_rows(attrition=attrition, route=taken))


def count_routes(routes: Routes) -> dict[str, object]:
    """Count patients by route, in the declared order; a mapping is taken as counted.

    Examples
    --------
    >>> count_routes(pd.Series(["both", "quadruplet", "both"]))
    {'both': 2, 'quadruplet': 1}
    """
    if routes is None:
        return {}
    if isinstance(routes, pd.DataFrame):
        return dict(zip(routes["route"].astype(str), routes["n"], strict=True))
    if isinstance(routes, pd.Series):
        routes = routes.value_counts(sort=False)
    return {str(name): count for name, count in routes.items()}


def _count(count: object) -> str:
    return format_count(count)  # type: ignore[arg-type]


def _draw_routes(axes: Axes, top: float, shares: Mapping[str, object]) -> None:
    width = 106 / len(shares)
    for place, (name, count) in enumerate(shares.items()):
        center, color = width * (place + 0.5), style_of(name, place)[0]
        text = f"{wrap(capitalize(name), int(width * 0.62))}\nn = {_count(count)}"
        axes.plot([_LEFT, _LEFT, center], [top - 4.6, top - 8, top - 8], color=MUTED, linewidth=1.0, zorder=1)
        _arrow(axes, (center, top - 8), (center, top - 17.6 + _half_height(text)))
        _box(axes, center, top - 18, text, half=width / 2 - 1.5, edge=color)


def _half_height(text: str) -> float:
    return 4.2 + 1.6 * max(text.count("\n") - 1, 0)


def _box(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    *,
    half: float = _HALF,
    is_bold: bool = False,
    is_faint: bool = False,
    edge: str = MUTED,
) -> None:
    tall = _half_height(text)
    look = {"facecolor": "#eef4f9" if is_bold else "white", "edgecolor": edge, "linestyle": "--" if is_faint else "-"}
    style = "round,pad=0.3,rounding_size=0.8"
    axes.add_patch(FancyBboxPatch((x - half, y - tall), 2 * half, 2 * tall, boxstyle=style, zorder=2, **look))
    weight, color = "bold" if is_bold else "normal", MUTED if is_faint else INK
    axes.text(x, y, text, ha="center", va="center", fontsize=8, fontweight=weight, color=color, zorder=3)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    arrow = {"arrowstyle": "-|>", "color": MUTED, "linewidth": 1.0}
    axes.annotate("", xy=end, xytext=start, arrowprops=arrow, zorder=1)


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
