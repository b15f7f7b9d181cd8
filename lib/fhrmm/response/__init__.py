"""Response to second line: visits, confirmation, best response, progression."""

from fhrmm.response.agreement import tabulate_agreement
from fhrmm.response.best import derive_response
from fhrmm.response.confirmation import confirm_visits, derive_visits
from fhrmm.response.depth import derive_depth
from fhrmm.response.example import tabulate_confirmation

__all__ = [
    "confirm_visits",
    "derive_depth",
    "derive_response",
    "derive_visits",
    "tabulate_agreement",
    "tabulate_confirmation",
]
