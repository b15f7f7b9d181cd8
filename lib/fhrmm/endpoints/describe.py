"""The declared endpoints in words, for the reader of a page."""

from __future__ import annotations

import pandas as pd

from fhrmm.study import Endpoint, Study

_NEXT_THERAPY = {
    "ignore": "does not end observation",
    "event": "is an event",
    "censor": "ends observation",
}


def describe_endpoints(study: Study) -> pd.DataFrame:
    """Return the endpoint declarations of the plan as a table.

    Returns
    -------
    DataFrame
        One row per endpoint: endpoint, label, population, origin, events, censoring, next_therapy.

    Examples
    --------
    >>> from fhrmm.study import load_study
    >>> describe_endpoints(load_study()).set_index("endpoint").loc["OS", "events"]
    'death (patients.death_date)'
    """
    columns = ["endpoint", "label", "population", "origin", "events", "censoring", "next_therapy"]
    rows = [{"endpoint": name, **_describe(endpoint)} for name, endpoint in study.endpoints.items()]
    return pd.DataFrame(rows, columns=columns)


def _describe(endpoint: Endpoint) -> dict[str, str]:
    return {
        "label": endpoint.label,
        "population": endpoint.population,
        "origin": endpoint.origin,
        "events": "; ".join(f"{item.description} ({item.source})" for item in endpoint.events),
        "censoring": "; ".join(f"{item.reason} ({item.source})" for item in endpoint.censors),
        "next_therapy": _NEXT_THERAPY[endpoint.next_therapy],
    }
