"""Tables as they are read: results in, text cells with units, denominators, reference rows and footnotes out.

Nothing is computed here. A layout takes results and the plan; the page protects the results before it lays them out.
"""

from fhrmm.tables.across import tabulate_across, tabulate_survival
from fhrmm.tables.baseline import tabulate_baseline
from fhrmm.tables.comparison import (
    tabulate_balance,
    tabulate_by_grade,
    tabulate_limits,
    tabulate_range,
    tabulate_sample_size,
    tabulate_within,
)
from fhrmm.tables.headline import tabulate_headline
from fhrmm.tables.html import render_table
from fhrmm.tables.layout import Cells
from fhrmm.tables.one_per_row import tabulate_estimates
from fhrmm.tables.performance import tabulate_performance, tabulate_truth
from fhrmm.tables.plain import tabulate_attrition, tabulate_frame, tabulate_row_accounting
from fhrmm.tables.regression_table import tabulate_model
