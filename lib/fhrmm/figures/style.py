"""One look for every figure: seaborn's style and sizes, the study's widths and colors, a line style for each color."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, ParamSpec

import matplotlib
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

WIDE_MM = 160.0
INK, MUTED, FAINT = "#1a1a1a", "#595959", "#d9d9d9"
_BLUE, _AMBER, _GREEN, _VERMILION, _PINK, _, _, _GRAY, _, _SKY = sns.color_palette("colorblind").as_hex()
COLORS = (_BLUE, _VERMILION, _GREEN, _PINK, "#000000", _AMBER, _SKY)
LINE_STYLES: tuple[str | tuple[int, tuple[float, ...]], ...] = (
    "-",
    (0, (5, 2)),
    (0, (1, 1.2)),
    (0, (6, 1.5, 1, 1.5)),
    (0, (3, 1, 1, 1, 1, 1)),
    (0, (8, 3)),
    (0, (2, 3)),
)
PERCENT_TICKS = {"ticks": (0, 0.25, 0.5, 0.75, 1), "labels": ("0", "25", "50", "75", "100")}  # of shares from 0 to 1
MARKERS = ("o", "D", "s", "^", "v", "P", "X")

# A category has the same color in every figure: blue is the reference or the favorable level, vermilion the adverse.
PALETTE: Mapping[str, str] = {
    **dict.fromkeys(("", "no", "0-1", "KRd", "naive", "no ASCT"), COLORS[0]),
    **dict.fromkeys(("yes", ">=2", "other", "refractory", "progression"), COLORS[1]),
    "ASCT, lenalidomide maintenance": COLORS[1],
    "ASCT, no lenalidomide maintenance": COLORS[2],
    "quadruplet": COLORS[2],
    "early relapse after ASCT": COLORS[3],
    **dict.fromkeys(("both", "death", "death without progression"), COLORS[4]),
    "exposed": COLORS[5],
    "sCR": "#08306b",
    "CR": "#08519c",
    "VGPR": "#3182bd",
    "PR": "#9ecae1",
    "MR": "#fee6ce",
    "SD": "#fdae6b",
    "PD": COLORS[1],
    "NE": "#bdbdbd",
    "missing": "#f0f0f0",
}
# Where "yes" is the favorable level, the colors follow the meaning, not the word.
_FAVORABLE_YES = frozenset({"frontline_asct", "second_line_carfilzomib"})

STYLE: Mapping[str, object] = {
    **sns.axes_style("ticks"),
    **sns.plotting_context("paper", font_scale=0.9375),
    "font.family": "DejaVu Sans",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.labelpad": 4.0,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 3.5,
    "ytick.major.size": 3.5,
    "xtick.major.width": 0.8,
    "ytick.major.width": 0.8,
    "text.color": INK,
    "text.parse_math": False,  # a dollar in a center's own label is a dollar
    "text.hinting": "no_hinting",  # letters keep the width that the layout counted with, at every resolution
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "butt",
    "hatch.linewidth": 0.8,
    "savefig.facecolor": "white",
    "svg.hashsalt": "fhrmm",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,  # journals refuse the Type 3 fonts that are the default
    "figure.constrained_layout.h_pad": 0.05,
    "figure.constrained_layout.w_pad": 0.03,
}

Arguments = ParamSpec("Arguments")


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a plotting function returns.

    Attributes
    ----------
    figure : Figure or None
        Not known to pyplot: nothing shows or keeps it. None where there is nothing to draw.
    alt : str
        The text alternative: the shape in one or two sentences; or why nothing is drawn.
    rows : DataFrame, optional
        The rows shown, as one tidy table; None for single patients, and where nothing is drawn.
    note : str
        Ends the caption: who is shown, what the marks mean, by which methods the numbers were made.
    """

    figure: Figure | None
    alt: str
    rows: pd.DataFrame | None = None
    note: str = ""


class Plot(Generic[Arguments]):
    """A plotting function in the common style, which knows how its frames are protected in release.

    Attributes
    ----------
    kinds : tuple of str
        The protection of each frame, in the order of the arguments, which take no names: estimates, curves, risk,
        attrition, counts, or patients for a figure that shows single patients and is never released.
    """

    def __init__(self, draw: Callable[Arguments, Drawing], kinds: tuple[str, ...]) -> None:
        functools.update_wrapper(self, draw)
        self._draw, self.kinds = draw, kinds

    def __call__(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Drawing:
        """Draw in the common style."""
        with matplotlib.rc_context(dict(STYLE)):
            return self._draw(*args, **kwargs)


def drawn_from(*kinds: str) -> Callable[[Callable[Arguments, Drawing]], Plot[Arguments]]:
    """Make a function a `Plot` of frames of these kinds."""
    return lambda draw: Plot(draw, kinds)


def join_rows(**parts: pd.DataFrame) -> pd.DataFrame | None:
    """Return several parts of what a figure shows as one table with a column `part`; None if all are empty.

    Examples
    --------
    >>> join_rows(curve=pd.DataFrame({"time": [0.0]}), risk=pd.DataFrame({"at": [0]}))["part"].tolist()
    ['curve', 'risk']
    """
    records = [{"part": name, **row} for name, rows in parts.items() for row in rows.to_dict("records")]
    return pd.DataFrame(records).convert_dtypes(convert_string=False, convert_boolean=False) if records else None


def new_figure(height_mm: float) -> Figure:
    """Return an empty figure of the common width and the given height."""
    return Figure(figsize=(WIDE_MM / 25.4, height_mm / 25.4), layout="constrained")


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
