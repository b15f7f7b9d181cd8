"""Dates by their declared source, with what they mean and where they come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from fhrmm.errors import StudyError, nearest
from fhrmm.threevalued import Bounds, date_bounds

KEYS = ["center", "patient_id"]
CUTOFF_SOURCE = "dataset.data_cutoff_date"
# Derived dates that are always a visit's.
FROM_VISITS = (
    "confirmed_progression_date",
    "last_visit_without_progression_date",
    "next_line_progression_date",
    "best_confirmed_response_date",
)
NO_DAY = np.datetime64("NaT", "D")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A date that may end observation: per patient its day, possible interval, meaning and source.

    `meaning` and `source` are positions in the lists of a `Texts`.
    """

    day: np.ndarray
    width: np.ndarray
    meaning: np.ndarray
    source: np.ndarray

    def where(self, take: np.ndarray, other: Candidate) -> Candidate:
        """Return the other candidate where `take`, else this one."""
        return Candidate(
            np.where(take, other.day, self.day),
            np.where(take, other.width, self.width),
            np.where(take, other.meaning, self.meaning),
            np.where(take, other.source, self.source),
        )


class Texts:
    """Distinct texts by position, so that a million rows share a few."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def position(self, text: str) -> int:
        """Return the position of a text, adding it where it is new."""
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text)


class Tables:
    """The cohort and its response, row by row, as sources of dates."""

    def __init__(self, cohort: pd.DataFrame, response: pd.DataFrame, policy: str, cutoff: date | None) -> None:
        self.frames = {"patients": cohort, "response": align(response, cohort)}
        self.n, self.policy = len(cohort), policy
        self.cutoff = np.datetime64(cutoff, "D") if cutoff else NO_DAY
        self.meanings, self.sources = Texts(), Texts()
        self._bounds: dict[str, Bounds] = {}

    def bounds(self, source: str) -> Bounds:
        """Return the possible interval of a declared date.

        Raises
        ------
        StudyError
            If there is no such table or column; the message gives the nearest.
        """
        if source not in self._bounds:
            self._bounds[source] = self._read(source)
        return self._bounds[source]

    def _read(self, source: str) -> Bounds:
        table, _, column = source.partition(".")
        if table not in self.frames:
            raise StudyError(f"endpoint source {source!r}: no table {table!r}; known: patients, response")
        frame = self.frames[table]
        if column not in frame:
            hint = nearest(column, (name for name in frame if name.endswith("_date")))
            raise StudyError(f"endpoint source {source!r}: no such column{hint}")
        return date_bounds(frame, column)

    def origin(self, source: str) -> Bounds:
        """Return the interval of an origin; a response cannot precede second line, nor follow death."""
        bounds = self.bounds(source)
        return bounds if source.startswith("patients.") else self.narrow(bounds, source, self.start)

    @property
    def start(self) -> np.ndarray:
        """Start of second line as a day."""
        return self.bounds("patients.second_line_start_date").point(self.policy)

    def candidate(self, source: str, meaning: str, origin: np.ndarray) -> Candidate:
        """Return a declared date as a candidate, its partial dates narrowed to what the other dates allow."""
        recorded = self.bounds(source)
        day = self.narrow(recorded, source, origin).point(self.policy)
        width = (recorded.upper - recorded.lower).astype(float)
        code = self.meanings.position(meaning)
        return Candidate(day, width, np.full(self.n, code), self._source_codes(source))

    def fixed(self, day: np.ndarray, meaning: str, source: str) -> Candidate:
        """Return exactly known days as a candidate."""
        code = self.meanings.position(meaning)
        return Candidate(day, np.zeros(self.n), np.full(self.n, code), self._source_codes(source))

    def narrow(self, bounds: Bounds, source: str, origin: np.ndarray) -> Bounds:
        """Narrow partial dates: not before the origin, not after death, progression after the last visit without."""
        never = np.full(self.n, NO_DAY)
        bounds = bounds.clip(origin, never)
        if source == "patients.death_date":
            return bounds.clip(self.bounds("patients.last_contact_date").lower, never)
        if source == "response.progression_date":
            bounds = bounds.clip(self.bounds("response.last_visit_without_progression_date").lower, never)
        return bounds.clip(never, self.bounds("patients.death_date").upper)

    def _source_codes(self, source: str) -> np.ndarray:
        """Return where each date was read; derived dates keep a companion that names their own source."""
        table, _, column = source.partition(".")
        if column in FROM_VISITS or table not in self.frames:
            own = "assessments.assessment_date" if column in FROM_VISITS else source
            return np.full(self.n, self.sources.position(own))
        companion = f"{column.removesuffix('_date')}_source"
        if companion not in self.frames[table]:
            return np.full(self.n, self.sources.position(source))
        found = pd.Categorical(self.frames[table][companion])
        codes = [self.sources.position(name) for name in found.categories]
        return np.array([*codes, self.sources.position(source)])[found.codes]


def align(response: pd.DataFrame, cohort: pd.DataFrame) -> pd.DataFrame:
    """Return the response rows in the order of the cohort; patients without one have missing values."""
    if len(response) == len(cohort) and all(
        np.array_equal(response[key].to_numpy(dtype=object), cohort[key].to_numpy(dtype=object)) for key in KEYS
    ):
        return response
    return cohort[KEYS].merge(response, on=KEYS, how="left", validate="one_to_one")


def earliest(candidates: list[Candidate], n: int) -> Candidate:
    """Return the earliest known date per patient; of equal dates the one declared first."""
    return _pick(candidates, n, lambda new, old: new < old)


def latest(candidates: list[Candidate], n: int) -> Candidate:
    """Return the latest known date per patient; of equal dates the one declared first."""
    return _pick(candidates, n, lambda new, old: new > old)


def _pick(candidates: list[Candidate], n: int, better: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Candidate:
    best = Candidate(np.full(n, NO_DAY), np.zeros(n), np.full(n, -1), np.full(n, -1))
    for candidate in candidates:
        take = ~np.isnat(candidate.day) & (np.isnat(best.day) | better(candidate.day, best.day))
        best = best.where(take, candidate)
    return best
