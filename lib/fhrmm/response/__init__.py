"""Response to second line: from laboratory values, confirmation by the next visit, best response of each patient."""

from fhrmm.response.best_response import derive_response
from fhrmm.response.confirmation import derive_depth, derive_visits
from fhrmm.response.imwg import derive_best_change, derive_visit_response
from fhrmm.response.worked_example import tabulate_confirmation
