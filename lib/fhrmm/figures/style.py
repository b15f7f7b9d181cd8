"""One look for every figure: widths, type, colors keyed by category with a line style, and how a figure is redrawn."""

from __future__ import annotations

import functools
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ParamSpec

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fhrmm.palette import COLORS, FAINT, INK, MUTED

WIDE_MM, NARROW_MM = 160.0, 85.0
LINE_STYLES: tuple[str | tuple[int, tuple[float, ...]], ...] = (
    "-",
    (0, (5, 2)),
    (0, (1, 1.2)),
    (0, (6, 1.5, 1, 1.5)),
    (0, (3, 1, 1, 1, 1, 1)),
    (0, (8, 3)),
    (0, (2, 3)),
)
MARKERS = ("o", "D", "s", "^", "v", "P", "X")

# A category has the same color in every figure: blue is the reference or the favorable level, vermilion the adverse.
PALETTE: Mapping[str, str] = {
    "": COLORS[0],
    "no": COLORS[0],
    "0-1": COLORS[0],
    "KRd": COLORS[0],
    "yes": COLORS[1],
    ">=2": COLORS[1],
    "other": COLORS[1],
    "ASCT, no lenalidomide maintenance": COLORS[0],
    "ASCT, lenalidomide maintenance": COLORS[1],
    "no ASCT": COLORS[2],
    "quadruplet": COLORS[2],
    "early relapse after ASCT": COLORS[3],
    "both": COLORS[4],
    "naive": COLORS[0],
    "exposed": COLORS[5],
    "refractory": COLORS[1],
    "progression": COLORS[1],
    "death without progression": COLORS[4],
    "death": COLORS[4],
    "sCR": "#08306b",
    "CR": "#08519c",
    "VGPR": "#3182bd",
    "PR": "#9ecae1",
    "MR": "#fee6ce",
    "SD": "#fdae6b",
    "PD": "#D55E00",
    "NE": "#bdbdbd",
    "missing": "#f0f0f0",
}
# Where "yes" is the favorable level, the colors follow the meaning, not the word.
_FAVORABLE_YES = frozenset({"frontline_asct", "second_line_carfilzomib"})

STYLE: Mapping[str, object] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.labelsize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.titley": 1.0,  # known beforehand, so that no layout has to look for tick labels above the axes
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "text.color": INK,
    "text.parse_math": False,  # a dollar in a center's own label is a dollar
    "text.hinting": "no_hinting",  # letters keep the width that the layout counted with, at every resolution
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "butt",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.hashsalt": "fhrmm",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,  # journals refuse the Type 3 fonts that are the default
    "figure.constrained_layout.h_pad": 0.05,
    "figure.constrained_layout.w_pad": 0.03,
}

Arguments = ParamSpec("Arguments")
Protect = Mapping[str, Callable[[object], object]]


@dataclass(frozen=True, slots=True)
class Drawn:
    """How a figure was made, so that it can be made again from protected frames.

    Attributes
    ----------
    function : callable
        The plotting function.
    arguments : mapping
        What it was called with.
    describe : callable
        Makes the text alternative from the same arguments.
    kinds : mapping
        Name of an argument to the protection it needs: estimates, curves, risk, attrition, counts, public, or
        patients for a figure that shows single patients and is never released.
    """

    function: Callable[..., Figure]
    arguments: Mapping[str, object]
    kinds: Mapping[str, str]
    describe: Callable[..., str]

    @property
    def alt(self) -> str:
        """The text alternative, made from the same frames as the figure."""
        return self.describe(**self.arguments)

    @property
    def shows_patients(self) -> bool:
        """Whether single patients can be seen."""
        return "patients" in self.kinds.values()

    def redraw(self, protect: Protect) -> Figure:
        """Draw again, each frame passed through the protection of its kind."""
        changed = {
            name: protect[kind](self.arguments[name])
            for name, kind in self.kinds.items()
            if kind in protect and self.arguments.get(name) is not None
        }
        return self.function(**{**self.arguments, **changed})


def drawn_from(
    describe: Callable[..., str], **kinds: str
) -> Callable[[Callable[Arguments, Figure]], Callable[Arguments, Figure]]:
    """Give a plotting function the common style, and its figure the memory of how it was made."""

    def decorate(function: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def draw(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Figure:
            with matplotlib.rc_context(dict(STYLE)):
                figure = function(*args, **kwargs)
            arguments = signature.bind(*args, **kwargs).arguments
            figure.fhrmm_drawn = Drawn(draw, arguments, kinds, describe)  # type: ignore[attr-defined]
            return figure

        return draw

    return decorate


def drawn_by(figure: Figure) -> Drawn | None:
    """Return how a figure was made; None for one not made here."""
    return getattr(figure, "fhrmm_drawn", None)


def keep_data(figure: Figure, **parts: pd.DataFrame) -> Figure:
    """Let a figure remember the rows it shows, by part, and return it; for figures of single patients never called."""
    figure.fhrmm_data = parts  # type: ignore[attr-defined]
    return figure


def figure_data(figure: Figure) -> pd.DataFrame | None:
    """Return the rows that a figure shows as one tidy table.

    Returns
    -------
    DataFrame or None
        With a column `part` where the figure has several; None for a figure that has none to give: one of single
        patients, or one that only says why nothing is drawn.

    Examples
    --------
    >>> figure = keep_data(new_figure(40), curve=pd.DataFrame({"time": [0.0]}), risk=pd.DataFrame({"at": [0]}))
    >>> figure_data(figure)["part"].tolist()
    ['curve', 'risk']
    """
    parts: Mapping[str, pd.DataFrame] = getattr(figure, "fhrmm_data", {})
    filled = {name: rows for name, rows in parts.items() if len(rows)}
    if not filled:
        return None
    if len(parts) == 1:
        return next(iter(filled.values())).reset_index(drop=True)
    records = [{"part": name, **row} for name, rows in filled.items() for row in rows.to_dict("records")]
    return pd.DataFrame(records).convert_dtypes(convert_string=False, convert_boolean=False)


def new_figure(height_mm: float, width_mm: float = WIDE_MM) -> Figure:
    """Return an empty figure of the given size; not known to pyplot, so nothing shows or keeps it."""
    return Figure(figsize=(width_mm / 25.4, height_mm / 25.4), layout="constrained")


def style_of(category: str, place: int, variable: str = "") -> tuple[str, str | tuple[int, tuple[float, ...]]]:
    """Return color and line style of a category; one without a color of its own gets that of its place.

    Examples
    --------
    >>> style_of("yes", 0)[0] == style_of("no", 1, variable="frontline_asct")[0]
    True
    """
    if variable in _FAVORABLE_YES and category in ("yes", "no"):
        category = {"yes": "no", "no": "yes"}[category]
    return PALETTE.get(category, COLORS[place % len(COLORS)]), LINE_STYLES[place % len(LINE_STYLES)]


def wrap(text: str, width: int) -> str:
    """Break a long label over lines.

    Examples
    --------
    >>> wrap("Extramedullary disease at second line", 22)
    'Extramedullary disease\\nat second line'
    """
    return "\n".join(textwrap.wrap(text, width)) or text


def say_instead(axes: Axes, text: str) -> None:
    """Write in an empty panel why nothing is drawn."""
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 3.0}  # no line of a grid runs through the words
    axes.text(0.5, 0.5, wrap(text, 48), transform=axes.transAxes, ha="center", va="center", color=MUTED, bbox=paper)


def draw_empty(text: str, height_mm: float = 40.0) -> Figure:
    """Return a figure that only says why nothing is drawn."""
    figure = new_figure(height_mm)
    axes = figure.subplots()
    axes.set_axis_off()
    say_instead(axes, text)
    return figure


def spread(values: Sequence[float], gap: float) -> list[float]:
    """Move label heights apart so that none is closer than `gap` to the next, keeping their order.

    Examples
    --------
    >>> [round(value, 2) for value in spread([0.5, 0.52], 0.1)]
    [0.46, 0.56]
    """
    order = sorted(range(len(values)), key=lambda place: values[place])
    placed = [float(values[place]) for place in order]
    for _ in range(200):
        crowded = [place for place in range(1, len(placed)) if placed[place] - placed[place - 1] < gap - 1e-9]
        for place in crowded:
            push = (gap - (placed[place] - placed[place - 1])) / 2
            placed[place - 1], placed[place] = placed[place - 1] - push, placed[place] + push
        if not crowded:
            break
    result = [0.0] * len(values)
    for place, value in zip(order, placed, strict=True):
        result[place] = value
    return result


def describe_figure(figure: Figure) -> str:
    """Return the text alternative of a figure drawn here: its shape, from the frames it was drawn from.

    Raises
    ------
    ValueError
        If the figure was not drawn here.
    """
    drawn = drawn_by(figure)
    if drawn is None:
        raise ValueError("only figures drawn by fhrmm.figures can describe themselves; write the text yourself")
    return drawn.alt
