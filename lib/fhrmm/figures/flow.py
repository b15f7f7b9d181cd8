"""Flow of patients into the cohort, drawn from the attrition table."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from fhrmm.figures.describe import describe_flow
from fhrmm.figures.style import INK, MUTED, draw_empty, drawn_from, keep_data, new_figure, style_of, wrap
from fhrmm.formats import capitalize, format_count, is_missing

Routes = Mapping[str, int] | pd.Series | pd.DataFrame | None
_LEFT, _RIGHT, _HALF = 22.0, 77.0, 20.0
_STEP = 17.0


@drawn_from(describe_flow, attrition="attrition", routes="counts")
def plot_flow(attrition: pd.DataFrame, routes: Routes = None) -> Figure:
    """Draw the flow diagram: accepted patients, each criterion with the patients it excludes, the cohort, its routes.

    Parameters
    ----------
    attrition : DataFrame
        Columns label, n_before, n_excluded, n_remaining; the first row is all accepted patients. Criteria that
        exclude nobody are drawn as well: the reader sees that they were asked.
    routes : mapping of str to int, DataFrame (route, n), or Series, optional
        Patients of the cohort by route, shown side by side at the bottom; a Series holds the route of each
        patient, to be counted.

    Returns
    -------
    Figure
        Wide; the height grows with the number of criteria.
    """
    rows = attrition.to_dict("records")
    if not rows:
        return draw_empty("No attrition table: there is no flow to draw")
    shares = count_routes(routes)
    depth = _STEP * (len(rows) - 1) + (30.0 if shares else 12.0)
    figure = new_figure(depth + 8)
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_xlim(0, 106)
    axes.set_ylim(-depth + 4, 7)
    _box(axes, _LEFT, 0, f"{wrap(str(rows[0]['label']), 30)}\nn = {_count(rows[0]['n_remaining'])}", bold=True)
    for place, row in enumerate(rows[1:], start=1):
        _criterion(axes, -_STEP * place, row, is_last=place == len(rows) - 1)
    if shares:
        _draw_routes(axes, -_STEP * (len(rows) - 1), shares)
    routes_taken = pd.DataFrame({"label": list(shares), "n_remaining": list(shares.values())})
    return keep_data(figure, attrition=attrition, route=routes_taken)


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
        counted = routes.value_counts(sort=False)
        return {str(name): int(count) for name, count in counted.items()}
    return {str(name): count for name, count in routes.items()}


def _count(count: object) -> str:
    if is_missing(count):
        return "suppressed"
    return format_count(count)  # type: ignore[arg-type]


def _criterion(axes: Axes, height: float, row: dict[str, object], *, is_last: bool) -> None:
    middle = height + _STEP / 2
    _arrow(axes, (_LEFT, height + _STEP - 4.6), (_LEFT, height + 4.6))
    _arrow(axes, (_LEFT, middle), (_RIGHT - 29, middle))
    nobody = not is_missing(row["n_excluded"]) and row["n_excluded"] == 0
    _box(
        axes,
        _RIGHT,
        middle,
        half=28.0,
        text=f"{wrap(str(row['label']), 46)}\nnot met: n = {_count(row['n_excluded'])}",
        faint=nobody,
    )
    name = "Cohort" if is_last else "Remaining"
    _box(axes, _LEFT, height, f"{name}\nn = {_count(row['n_remaining'])}", bold=is_last)


def _draw_routes(axes: Axes, top: float, shares: Mapping[str, object]) -> None:
    width = 106 / len(shares)
    height = top - 18
    for place, (name, count) in enumerate(shares.items()):
        center = width * (place + 0.5)
        color = style_of(name, place)[0]
        axes.plot([_LEFT, _LEFT, center], [top - 4.6, top - 8, top - 8], color=MUTED, linewidth=1.0, zorder=1)
        _arrow(axes, (center, top - 8), (center, height + _tall(name, width) + 0.4))
        text = f"{_route_name(name, width)}\nn = {_count(count)}"
        _box(axes, center, height, text, half=width / 2 - 1.5, edge=color)


def _route_name(name: str, width: float) -> str:
    return wrap(capitalize(name), int(width * 0.62))


def _tall(name: str, width: float) -> float:
    return _half_height(_route_name(name, width) + "\n")


def _half_height(text: str) -> float:
    return 4.2 + 1.6 * max(text.count("\n") - 1, 0)


def _box(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    *,
    half: float = _HALF,
    bold: bool = False,
    faint: bool = False,
    edge: str = MUTED,
) -> None:
    tall = _half_height(text)
    patch = FancyBboxPatch(
        (x - half, y - tall),
        2 * half,
        2 * tall,
        boxstyle="round,pad=0.3,rounding_size=0.8",
        facecolor="white" if not bold else "#eef4f9",
        edgecolor=edge,
        linewidth=1.0,
        linestyle="--" if faint else "-",
        zorder=2,
    )
    axes.add_patch(patch)
    weight = "bold" if bold else "normal"
    color = MUTED if faint else INK
    axes.text(x, y, text, ha="center", va="center", fontsize=8, fontweight=weight, color=color, zorder=3)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], *, color: str = MUTED) -> None:
    arrow = axes.annotate(
        "", xy=end, xytext=start, arrowprops={"arrowstyle": "-|>", "color": color, "linewidth": 1.0}, zorder=1
    )
    # between two boxes: measuring it, clipped by bisection at both ends, could not widen anything
    arrow.set_in_layout(False)
