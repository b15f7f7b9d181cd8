"""Endpoints as declarations of the plan: origin, event sources, censor sources, with every date traceable."""

from fhrmm.endpoints.grid import DerivedSpecification, derive_specifications
from fhrmm.endpoints.time_to_event import derive_time_to_event
