"""Definitions of functional high-risk disease: who is in, out or undetermined, and by which route."""

from fhrmm.definitions.classify import BOTH_ROUTES, Classification, classify, compare_definitions

__all__ = ["BOTH_ROUTES", "Classification", "classify", "compare_definitions"]
