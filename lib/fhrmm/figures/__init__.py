"""Figures drawn from tidy results: each function returns a matplotlib Figure and never shows or saves it."""

from fhrmm.figures.flow import plot_flow
from fhrmm.figures.forest import plot_center_rates, plot_forest
from fhrmm.figures.kaplan_meier import plot_cumulative_incidence, plot_kaplan_meier
from fhrmm.figures.output import mark_synthetic, save_figure
from fhrmm.figures.style import drawn_by

__all__ = [
    "drawn_by",
    "mark_synthetic",
    "plot_center_rates",
    "plot_cumulative_incidence",
    "plot_flow",
    "plot_forest",
    "plot_kaplan_meier",
    "save_figure",
]
