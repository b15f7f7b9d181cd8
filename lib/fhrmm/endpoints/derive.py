"""From declarations to one time per patient and endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from fhrmm.endpoints.sources import CUTOFF_SOURCE, KEYS, NO_DAY, Candidate, Tables, earliest, latest
from fhrmm.errors import StudyError, nearest
from fhrmm.store import DatasetInfo
from fhrmm.study import Endpoint, Study

DEATH = "patients.death_date"
NEXT_LINE = "patients.next_line_start_date"
NOT_DERIVABLE = "time not derivable"
PRECISION = ("day", "month", "year")
# What is said on a time; from the third on it cannot be used.
NOTES = ("", "time zero", "origin date missing", "no end date", "end before origin")
_USABLE = 1


def derive_time_to_event(
    cohort: pd.DataFrame,
    response: pd.DataFrame,
    study: Study,
    *,
    endpoints: Sequence[str] | None = None,
    info: DatasetInfo | None = None,
) -> pd.DataFrame:
    """Derive the time to event of every declared endpoint.

    The earliest event date that lies within observation is the event; without one, the latest censor date. Observation
    ends at the data cut-off and, where the endpoint says so, at the next therapy: later events do not count and later
    censor dates are moved there. Of dates on the same day the one declared first decides. Partial dates are narrowed
    to what the other dates of the patient allow, then placed by ``study.time.partial_date_policy``.

    Parameters
    ----------
    cohort : DataFrame
        Included patients, one row each.
    response : DataFrame
        From `derive_response`, one row per cohort patient, in any order.
    study : Study
        The plan: ``endpoints`` and ``time``.
    endpoints : sequence of str, optional
        Names to derive; by default all declared ones.
    info : DatasetInfo, optional
        The dataset, for its data cut-off.

    Returns
    -------
    DataFrame
        One row per endpoint and patient of its population: center, patient_id, endpoint, origin_date, end_date,
        time_months, event (bool), event_description, censor_reason, source_table, source_column, date_precision (of
        the deciding date), derivable (bool), note. A time of zero is kept and noted. A time that cannot be derived,
        for a missing origin, no date at all or a date before the origin, is NaN, without event, with the reason.

    Raises
    ------
    StudyError
        If an endpoint, table or column is unknown.
    """
    names = list(study.endpoints) if endpoints is None else list(endpoints)
    tables = Tables(cohort, response, study.time.partial_date_policy, info.data_cutoff_date if info else None)
    parts = [_derive_endpoint(code, _declared(name, study), tables, study) for code, name in enumerate(names)]
    if not parts:
        return pd.DataFrame(columns=[*KEYS, "endpoint"])
    return _label({name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, names, tables)


def _declared(name: str, study: Study) -> Endpoint:
    if name not in study.endpoints:
        raise StudyError(f"no endpoint {name!r} in study.toml{nearest(name, study.endpoints)}")
    return study.endpoints[name]


def _derive_endpoint(code: int, endpoint: Endpoint, tables: Tables, study: Study) -> dict[str, np.ndarray]:
    """Return days and codes of one endpoint, with the row of each patient; texts are added for all together."""
    origin = tables.origin(endpoint.origin).point(tables.policy)
    end = _end_of_observation(endpoint, tables, origin)
    event = earliest(_events(endpoint, tables, origin, end), tables.n)
    censor = latest(_censors(endpoint, tables, origin, end), tables.n)
    event, gap = _apply_gap(event, endpoint, tables)
    is_event = ~np.isnat(event.day)
    chosen = censor.where(~np.isnat(gap.day), gap).where(is_event, event)
    days = (chosen.day - origin) / np.timedelta64(1, "D")
    note = _judge(origin, chosen.day, days)
    derivable = note <= _USABLE
    found = {
        "row": np.arange(tables.n),
        "endpoint": np.full(tables.n, code),
        "origin": origin,
        "end": chosen.day,
        "months": np.where(derivable, days / study.time.days_per_month, np.nan),
        "event": is_event & derivable,
        "meaning": chosen.meaning,
        "source": chosen.source,
        "width": chosen.width,
        "note": note,
    }
    if endpoint.population == "responders":
        responds = tables.frames["response"]["responder"].to_numpy(dtype=bool, na_value=False)
        return {name: values[responds] for name, values in found.items()}
    return found


def _end_of_observation(endpoint: Endpoint, tables: Tables, origin: np.ndarray) -> Candidate:
    cutoff = tables.fixed(np.full(tables.n, tables.cutoff), "data cut-off", CUTOFF_SOURCE)
    if endpoint.next_therapy != "censor":
        return cutoff
    next_line = tables.candidate(NEXT_LINE, "next therapy without documented progression", origin)
    return earliest([next_line, cutoff], tables.n)


def _events(endpoint: Endpoint, tables: Tables, origin: np.ndarray, end: Candidate) -> list[Candidate]:
    found = [tables.candidate(item.source, item.description, origin) for item in endpoint.events]
    if endpoint.next_therapy == "event":
        found.append(tables.candidate(NEXT_LINE, "next therapy without documented progression", origin))
    return [replace(item, day=np.where(item.day > end.day, NO_DAY, item.day)) for item in found]


def _censors(endpoint: Endpoint, tables: Tables, origin: np.ndarray, end: Candidate) -> list[Candidate]:
    found = [tables.candidate(item.source, item.reason, origin) for item in endpoint.censors]
    return [item.where(item.day > end.day, end) for item in found]


def _apply_gap(event: Candidate, endpoint: Endpoint, tables: Tables) -> tuple[Candidate, Candidate]:
    """Move events after too long a silence to the last assessment before them, where that one is known."""
    nothing = earliest([], tables.n)
    if endpoint.maximum_gap_days == 0:
        return event, nothing
    meaning = f"event more than {endpoint.maximum_gap_days} days after the last assessment"
    sources = ("response.last_visit_without_progression_date", "patients.last_assessment_date")
    known = [tables.fixed(tables.bounds(source).point(tables.policy), meaning, source) for source in sources]
    before = [replace(item, day=np.where(item.day < event.day, item.day, NO_DAY)) for item in known]
    last = latest(before, tables.n)
    silent = (event.day - last.day) > np.timedelta64(endpoint.maximum_gap_days, "D")
    if endpoint.gap_applies_to == "death":
        silent &= event.source == tables.sources.position(DEATH)
    return event.where(silent, nothing), nothing.where(silent, last)


def _judge(origin: np.ndarray, end: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Return the position in `NOTES` of what is to be said on each time."""
    return np.select([np.isnat(origin), np.isnat(end), days < 0, days == 0], [2, 3, 4, 1], 0)


def _label(found: dict[str, np.ndarray], names: list[str], tables: Tables) -> pd.DataFrame:
    """Replace codes by texts; what was not an event has a censor reason, what could not be derived says so."""
    event, note, meaning = found["event"], found["note"], found["meaning"]
    derivable = note <= _USABLE
    refused = [f"{NOT_DERIVABLE}: {text}" for text in NOTES]
    reason = np.where(derivable, meaning, len(tables.meanings.texts) + note)
    source = np.where(derivable, found["source"], -1)
    parts = [text.split(".", 1) for text in tables.sources.texts]
    width = found["width"]
    precision = np.select([source < 0, width == 0, width <= 31], [-1, 0, 1], 2)
    patients = tables.frames["patients"]
    columns = {name: patients[name].to_numpy()[found["row"]] for name in KEYS} | {
        "endpoint": pd.Categorical.from_codes(found["endpoint"], categories=names),
        "origin_date": found["origin"].astype("datetime64[ns]"),
        "end_date": found["end"].astype("datetime64[ns]"),
        "time_months": found["months"],
        "event": event,
        "event_description": _texts(np.where(event, meaning, -1), tables.meanings.texts),
        "censor_reason": _texts(np.where(event, -1, reason), [*tables.meanings.texts, *refused]),
        "source_table": _texts(source, [table for table, _ in parts]),
        "source_column": _texts(source, [column for _, column in parts]),
        "date_precision": pd.Categorical.from_codes(precision, categories=list(PRECISION), ordered=True),
        "derivable": derivable,
        "note": pd.Categorical.from_codes(note, categories=list(NOTES)),
    }
    return pd.DataFrame(columns)


def _texts(codes: np.ndarray, texts: list[str]) -> pd.Categorical:
    """Return texts by position as a categorical of those that occur; -1 is missing."""
    used = sorted({texts[code] for code in np.unique(codes) if code >= 0})
    place = np.array([used.index(text) if text in used else -1 for text in texts] + [-1])
    return pd.Categorical.from_codes(place[codes], categories=used)
