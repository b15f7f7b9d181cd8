"""Response of a visit from its laboratory values, by a version of the IMWG criteria."""

from fhrmm.imwg.matching import match_patients
from fhrmm.imwg.visit_response import Graded, derive_best_change, derive_visit_response, grade_visits

__all__ = ["Graded", "derive_best_change", "derive_visit_response", "grade_visits", "match_patients"]
