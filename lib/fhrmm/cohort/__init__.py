"""Functional high risk, eligibility and the attrition it causes, and the cohort with its derived columns."""

from fhrmm.cohort.criteria import apply_criteria
from fhrmm.cohort.definitions import classify, compare_definitions
from fhrmm.cohort.derived import add_derived
