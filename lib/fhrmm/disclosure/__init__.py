"""Protection of small numbers before anything reaches reports/, and refusal of identifiers.

Two ways of showing: ``local``, for the center's own eyes, changes nothing (patient rows are never shown by anyone);
``release`` suppresses counts below a threshold, and whatever else would let a suppressed count be worked out.
Suppression acts on integers, before rounding and formatting.
"""

from fhrmm.disclosure.curves import coarsen_curves, suppress_risk
from fhrmm.disclosure.estimates import identify, suppress_estimates
from fhrmm.disclosure.identifiers import DisclosureError, known_dates, refuse_identifiers
from fhrmm.disclosure.modes import LOCAL, check_display
from fhrmm.disclosure.tables import PROTECTED, suppress_attrition, suppress_mapping, suppress_table

__all__ = [
    "LOCAL",
    "PROTECTED",
    "DisclosureError",
    "check_display",
    "coarsen_curves",
    "identify",
    "known_dates",
    "refuse_identifiers",
    "suppress_attrition",
    "suppress_estimates",
    "suppress_mapping",
    "suppress_risk",
    "suppress_table",
]
