"""Response of a visit from its laboratory values, by a version of the IMWG criteria."""

from fhrmm.imwg.visit_response import Graded, derive_visit_response, grade_visits

__all__ = ["Graded", "derive_visit_response", "grade_visits"]
