"""Eligibility as named criteria, the attrition they cause, and the cohort with its derived columns."""

from fhrmm.cohort.criteria import CRITERIA, CohortSelection, apply_criteria
from fhrmm.cohort.derived import add_derived

__all__ = ["CRITERIA", "CohortSelection", "add_derived", "apply_criteria"]
