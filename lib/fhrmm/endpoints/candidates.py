"""Dates that may end observation, by their declared source, with what they mean and where they come from.

A candidate is a frame with one row per cohort patient: `day`, the `width` of its possible interval, what it means
(`text`), and the `source` it was read from ("table.column").
"""

from __future__ import annotations

from datetime import date

import pandas as pd

from fhrmm.threevalued import Bounds, date_bounds

KEYS = ["center", "patient_id"]
# Derived dates that are always a visit's.
FROM_VISITS = {
    "response.confirmed_progression_date",
    "response.last_visit_without_progression_date",
    "response.next_line_progression_date",
    "response.best_confirmed_response_date",
}


class DateSources:
    """The cohort and its response, row by row, as sources of dates."""

    def __init__(self, cohort: pd.DataFrame, response: pd.DataFrame, policy: str, cutoff: date | None) -> None:
        self.cohort, self.policy = cohort.reset_index(drop=True), policy
        # rows in any order, patients without one have missing values
        aligned = self.cohort[KEYS].merge(response, on=KEYS, how="left", validate="one_to_one")
        self.frames = {"patients": self.cohort, "response": aligned}
        self._bounds: dict[str, Bounds] = {}
        self.cutoff = self.fixed(pd.Timestamp(cutoff), "data cut-off", "dataset.data_cutoff_date")

    def bounds(self, source: str) -> Bounds:
        """Return the possible interval of a declared date."""
        if source not in self._bounds:
            table, _, column = source.partition(".")
            self._bounds[source] = date_bounds(self.frames[table], column)
        return self._bounds[source]

    def origin(self, source: str) -> pd.Series:
        """Return the day of an origin; a response cannot precede second line, nor follow death."""
        bounds = self.bounds(source)
        if not source.startswith("patients."):
            start = self.bounds("patients.second_line_start_date").point(self.policy)
            bounds = self._narrow(bounds, source, start)
        return bounds.point(self.policy)

    def candidate(self, source: str, text: str, origin: pd.Series) -> pd.DataFrame:
        """Return a declared date as a candidate, its partial dates narrowed to what the other dates allow."""
        recorded = self.bounds(source)
        day = self._narrow(recorded, source, origin).point(self.policy)
        return self.fixed(day, text, source).assign(width=recorded.upper - recorded.lower)

    def fixed(self, day: pd.Series | pd.Timestamp, text: str, source: str) -> pd.DataFrame:
        """Return exactly known days as a candidate; derived dates keep a companion that names their own source."""
        table, _, column = source.partition(".")
        own = self.frames.get(table, self.cohort).get(f"{column.removesuffix('_date')}_source")
        columns = {"day": day, "width": pd.Timedelta(0), "text": text, "source": source}
        found = pd.DataFrame(columns, index=self.cohort.index)
        if source in FROM_VISITS:
            found["source"] = "assessments.assessment_date"
        elif own is not None:
            found["source"] = own.astype(object).fillna(source)
        return found.astype({"day": "datetime64[ns]", "width": "timedelta64[ns]", "text": object, "source": object})

    def _narrow(self, bounds: Bounds, source: str, origin: pd.Series) -> Bounds:
        """Narrow partial dates: not before the origin, not after death, progression after the last visit without."""
        bounds = bounds.clip(earliest=origin)
        if source == "patients.death_date":
            return bounds.clip(earliest=self.bounds("patients.last_contact_date").lower)
        if source == "response.progression_date":
            bounds = bounds.clip(earliest=self.bounds("response.last_visit_without_progression_date").lower)
        return bounds.clip(latest=self.bounds("patients.death_date").upper)


def deciding(*candidates: pd.DataFrame, last: bool = False) -> pd.DataFrame:
    """Return the earliest known date per patient, or the last one; of equal dates the one declared first."""
    chosen = candidates[0]
    for other in candidates[1:]:
        goes_before = other["day"] > chosen["day"] if last else other["day"] < chosen["day"]
        chosen = chosen.mask(goes_before | (chosen["day"].isna() & other["day"].notna()), other)
    return chosen
