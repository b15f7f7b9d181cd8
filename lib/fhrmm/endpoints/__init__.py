"""Endpoints as declarations of the plan: origin, event sources, censor sources, with every date traceable."""

from fhrmm.endpoints.derive import derive_time_to_event
from fhrmm.endpoints.describe import describe_endpoints
from fhrmm.endpoints.specifications import DerivedSpecification, derive_specifications

__all__ = ["DerivedSpecification", "derive_specifications", "derive_time_to_event", "describe_endpoints"]
