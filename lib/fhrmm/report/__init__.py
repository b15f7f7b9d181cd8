"""What a page shows: banner, figures, tables, generated sentences, colophon. The only user of IPython.

Everything that is shown or written below reports/ passes through here; in a release it is made from rounded counts.
"""

from fhrmm.report.accounts import (
    say_accounting,
    say_attrition,
    say_centers,
    say_findings,
    say_performance,
    say_range,
    say_recording,
)
from fhrmm.report.display import show_colophon, show_figure, show_notice, show_table
from fhrmm.report.findings import key_findings, say
from fhrmm.report.page import Page, open_page
from fhrmm.report.publish import publish_estimates, publish_table
