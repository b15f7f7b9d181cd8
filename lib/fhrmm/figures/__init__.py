"""Figures drawn from tidy results: each function returns a `Drawing` and never shows or saves it."""

from fhrmm.figures.completeness import plot_missingness
from fhrmm.figures.curves import plot_cumulative_incidence, plot_kaplan_meier, plot_states
from fhrmm.figures.diagnostics import plot_balance, plot_schoenfeld
from fhrmm.figures.flow import plot_flow
from fhrmm.figures.intervals import plot_forest, plot_rates
from fhrmm.figures.output import PRINT_DPI, SCREEN_DPI, mark_synthetic, save_figure
from fhrmm.figures.response import plot_response_bars, plot_swimmer, plot_waterfall
from fhrmm.figures.specifications import plot_specification_curve
from fhrmm.figures.style import Drawing, Plot

__all__ = [
    "PRINT_DPI",
    "SCREEN_DPI",
    "Drawing",
    "Plot",
    "mark_synthetic",
    "plot_balance",
    "plot_cumulative_incidence",
    "plot_flow",
    "plot_forest",
    "plot_kaplan_meier",
    "plot_missingness",
    "plot_rates",
    "plot_response_bars",
    "plot_schoenfeld",
    "plot_specification_curve",
    "plot_states",
    "plot_swimmer",
    "plot_waterfall",
    "save_figure",
]
