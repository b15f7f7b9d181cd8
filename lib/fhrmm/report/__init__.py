"""What a page shows: banner, figures, tables, generated sentences, colophon. The only user of IPython.

Everything that is shown or written below reports/ passes through here, is protected in release, and is searched for
patient identifiers and dates.
"""

from fhrmm.report.accounts import say_accounting, say_attrition, say_budget, say_findings, say_performance, say_range
from fhrmm.report.display import say, show_colophon, show_figure, show_notice, show_table
from fhrmm.report.generated import (
    key_findings,
    say_difference,
    say_follow_up,
    say_hazard_ratio,
    say_median,
    say_proportion,
    say_survival,
    say_test,
)
from fhrmm.report.page import Page, start_page
from fhrmm.report.publish import publish_estimates, publish_table

__all__ = [
    "Page",
    "key_findings",
    "publish_estimates",
    "publish_table",
    "say",
    "say_accounting",
    "say_attrition",
    "say_budget",
    "say_difference",
    "say_findings",
    "say_follow_up",
    "say_hazard_ratio",
    "say_median",
    "say_performance",
    "say_proportion",
    "say_range",
    "say_survival",
    "say_test",
    "show_colophon",
    "show_figure",
    "show_notice",
    "show_table",
    "start_page",
]
