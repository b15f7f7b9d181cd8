"""Figures drawn from tidy results: each function returns a matplotlib Figure and never shows or saves it.

A figure remembers what it was drawn from: it can be drawn again from protected frames, and words its own text
alternative (`describe_figure`).
"""

from fhrmm.figures.completeness import plot_missingness
from fhrmm.figures.describe import (
    describe_center_forest,
    describe_center_rates,
    describe_curves,
    describe_flow,
    describe_forest,
    describe_incidence,
    describe_missingness,
    describe_rates,
    describe_response,
    describe_schoenfeld,
    describe_specifications,
    describe_swimmer,
    describe_waterfall,
)
from fhrmm.figures.diagnostics import plot_schoenfeld
from fhrmm.figures.flow import count_routes, plot_flow
from fhrmm.figures.forest import plot_center_forest, plot_forest
from fhrmm.figures.kaplan_meier import plot_cumulative_incidence, plot_kaplan_meier
from fhrmm.figures.output import mark_synthetic, save_figure
from fhrmm.figures.rates import plot_center_rates, plot_rates
from fhrmm.figures.response import plot_response_bars, plot_swimmer, plot_waterfall
from fhrmm.figures.specifications import plot_specification_curve
from fhrmm.figures.style import Drawn, describe_figure, drawn_by, figure_data

__all__ = [
    "Drawn",
    "count_routes",
    "describe_center_forest",
    "describe_center_rates",
    "describe_curves",
    "describe_figure",
    "describe_flow",
    "describe_forest",
    "describe_incidence",
    "describe_missingness",
    "describe_rates",
    "describe_response",
    "describe_schoenfeld",
    "describe_specifications",
    "describe_swimmer",
    "describe_waterfall",
    "drawn_by",
    "figure_data",
    "mark_synthetic",
    "plot_center_forest",
    "plot_center_rates",
    "plot_cumulative_incidence",
    "plot_flow",
    "plot_forest",
    "plot_kaplan_meier",
    "plot_missingness",
    "plot_rates",
    "plot_response_bars",
    "plot_schoenfeld",
    "plot_specification_curve",
    "plot_swimmer",
    "plot_waterfall",
    "save_figure",
]
