"""From declarations to one time per patient and endpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from fhrmm.endpoints.candidates import KEYS, DateSources, deciding
from fhrmm.schema import EVIDENCE, NO_WAY, cannot_record
from fhrmm.store import DatasetInfo
from fhrmm.study import Endpoint, Study
from fhrmm.threevalued import name_precision

DEATH = "patients.death_date"
NEXT_LINE = "patients.next_line_start_date"
NOT_DERIVABLE = "time not derivable"
# What is said on a time; from the third on it cannot be used.
NOTES = ["", "time zero", "origin date missing", "no end date", "end before origin", *(NO_WAY + x for x in EVIDENCE)]
# Which evidence an event source needs.
EVIDENCE_OF = {
    DEATH: "a death",
    NEXT_LINE: "a next line of therapy",
    "response.progression_date": "a progression",
    "response.next_line_progression_date": "a progression on the next line",
    "response.first_response_date": "a response",
}


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
        for a missing origin, no date at all, a date before the origin, or a center that has no way to record one of
        the events, is NaN, without event, with the reason.
    """
    names = list(study.endpoints) if endpoints is None else list(endpoints)
    if not names:
        return pd.DataFrame(columns=[*KEYS, "endpoint"])
    dates = DateSources(cohort, response, study.time.partial_date_policy, info.data_cutoff_date if info else None)
    times = {name: _derive_endpoint(study.endpoints[name], dates, study) for name in names}
    found = pd.concat(times, names=["endpoint"]).reset_index("endpoint").reset_index(drop=True)
    found = found[[*KEYS, "endpoint", *found.columns.drop([*KEYS, "endpoint"])]]
    texts = ["event_description", "censor_reason", "source_table", "source_column"]
    return found.astype(
        dict.fromkeys(texts, "category") | {"endpoint": pd.CategoricalDtype(names), "note": pd.CategoricalDtype(NOTES)}
    )


def _derive_endpoint(endpoint: Endpoint, dates: DateSources, study: Study) -> pd.DataFrame:
    origin = dates.origin(endpoint.origin)
    events = [dates.candidate(item.source, item.description, origin) for item in endpoint.events]
    end = dates.cutoff
    if endpoint.next_therapy != "ignore":
        next_line = dates.candidate(NEXT_LINE, "next therapy without documented progression", origin)
        if endpoint.next_therapy == "event":
            events.append(next_line)
        else:
            end = deciding(next_line, end)
    event = deciding(*(item.assign(day=item["day"].mask(item["day"] > end["day"])) for item in events))
    censors = [dates.candidate(item.source, item.reason, origin) for item in endpoint.censors]
    censor = deciding(*(item.mask(item["day"] > end["day"], end) for item in censors), last=True)
    is_event = event["day"].notna()
    if endpoint.maximum_gap_days:
        is_silent, last = _after_silence(event, endpoint, dates)
        censor, is_event = censor.mask(is_silent, last), is_event & ~is_silent
    decided = censor.mask(is_event, event)

    needed = [*(item.source for item in endpoint.events), *([NEXT_LINE] if endpoint.next_therapy == "event" else [])]
    kinds = [EVIDENCE_OF[source] for source in needed if source in EVIDENCE_OF]
    unseen = {NO_WAY + kind: cannot_record(dates.cohort, kind) for kind in kinds}
    found = _describe(origin, decided, is_event, dates, study, unseen)
    return found[dates.frames["response"]["responder"].eq(True)] if endpoint.population == "responders" else found


def _describe(
    origin: pd.Series,
    decided: pd.DataFrame,
    is_event: pd.Series,
    dates: DateSources,
    study: Study,
    unseen: Mapping[str, pd.Series],
) -> pd.DataFrame:
    """Return the time between two dates with all that is said on it; `unseen` says who cannot have an event."""
    days = (decided["day"] - origin).dt.days
    reasons = [*unseen.values(), origin.isna(), days.isna(), days < 0, days == 0]
    said = [*unseen, *NOTES[2:5], NOTES[1]]
    note = pd.Series(np.select(reasons, said, NOTES[0]), index=origin.index, dtype=object)
    derivable = note.isin(NOTES[:2])
    is_event = is_event & derivable
    source = decided["source"].where(derivable)
    table_and_column = {text: text.split(".", 1) for text in source.dropna().unique()}
    return pd.DataFrame(
        {
            **{name: dates.cohort[name] for name in KEYS},
            "origin_date": origin,
            "end_date": decided["day"],
            "time_months": (days / study.time.days_per_month).where(derivable),
            "event": is_event,
            "event_description": decided["text"].where(is_event),
            "censor_reason": decided["text"].where(derivable, f"{NOT_DERIVABLE}: " + note).mask(is_event),
            "source_table": source.map({text: table for text, (table, _) in table_and_column.items()}),
            "source_column": source.map({text: column for text, (_, column) in table_and_column.items()}),
            "date_precision": name_precision(decided["width"].where(derivable & source.notna())),
            "derivable": derivable,
            "note": note,
        }
    )


def _after_silence(event: pd.DataFrame, endpoint: Endpoint, dates: DateSources) -> tuple[pd.Series, pd.DataFrame]:
    """Find events after too long a silence, and the last assessment before each, where that one is known."""
    text = f"event more than {endpoint.maximum_gap_days} days after the last assessment"
    sources = ("response.last_visit_without_progression_date", "patients.last_assessment_date")
    seen = [dates.fixed(dates.bounds(source).point(dates.policy), text, source) for source in sources]
    last = deciding(*(item.assign(day=item["day"].where(item["day"] < event["day"])) for item in seen), last=True)
    is_silent = event["day"] - last["day"] > pd.Timedelta(days=endpoint.maximum_gap_days)
    if endpoint.gap_applies_to == "death":
        is_silent &= event["source"] == DEATH
    return is_silent, last
