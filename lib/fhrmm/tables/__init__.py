"""Tables as they are read: tidy results in, text cells with units, denominators, reference rows and footnotes out.

Nothing is computed here. A `Table` keeps the frame it was made from, so that it can be drawn again from a protected
one before release.
"""

from fhrmm.tables.across import tabulate_across, tabulate_survival
from fhrmm.tables.baseline import tabulate_baseline
from fhrmm.tables.comparison import (
    tabulate_balance,
    tabulate_e_values,
    tabulate_range,
    tabulate_sample_size,
    tabulate_within,
)
from fhrmm.tables.headline import tabulate_headline
from fhrmm.tables.html import render_table
from fhrmm.tables.long import tabulate_estimates
from fhrmm.tables.models import tabulate_model
from fhrmm.tables.performance import tabulate_performance, tabulate_truth
from fhrmm.tables.plain import tabulate_attrition, tabulate_frame, tabulate_row_accounting
from fhrmm.tables.table import PUBLIC, Cells, Table

__all__ = [
    "PUBLIC",
    "Cells",
    "Table",
    "render_table",
    "tabulate_across",
    "tabulate_attrition",
    "tabulate_balance",
    "tabulate_baseline",
    "tabulate_e_values",
    "tabulate_estimates",
    "tabulate_frame",
    "tabulate_headline",
    "tabulate_model",
    "tabulate_performance",
    "tabulate_range",
    "tabulate_row_accounting",
    "tabulate_sample_size",
    "tabulate_survival",
    "tabulate_truth",
    "tabulate_within",
]
