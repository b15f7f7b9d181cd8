"""What leaves the study: one release of one pooled scope, made from rounded counts, and a gate over the folder.

In the middle nothing is guarded. A local report is for the eyes of the center and has full numbers.
"""

from fhrmm.disclosure.count_tables import round_counts, round_risk, take_curves
from fhrmm.disclosure.estimates import name_bounds, round_estimates
from fhrmm.disclosure.gate import Secrets, refuse_identifiers, search_folder, search_text

__all__ = [
    "Secrets",
    "name_bounds",
    "refuse_identifiers",
    "round_counts",
    "round_estimates",
    "round_risk",
    "search_folder",
    "search_text",
    "take_curves",
]
