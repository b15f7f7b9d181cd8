"""Assessments as flat arrays sorted by patient and day, one visit per patient and day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fhrmm.imwg import grade_visits, match_patients
from fhrmm.store import DatasetInfo
from fhrmm.study import Study
from fhrmm.threevalued import date_bounds

# Order of depth; 0 is not evaluable, -1 no response recorded. Progression ranks below stable disease.
CODES = {"sCR": 7, "CR": 6, "VGPR": 5, "PR": 4, "MR": 3, "SD": 2, "PD": 1, "NE": 0}
NAMES_BY_CODE = tuple(sorted(CODES, key=CODES.__getitem__))
DEEPEST_FIRST = tuple(CODES)
PD_CODE, SD_CODE, MR_CODE = CODES["PD"], CODES["SD"], CODES["MR"]
NO_DAY = np.datetime64("NaT", "D")
LABORATORY = [
    "serum_m_protein_g_dl",
    "urine_m_protein_mg_24h",
    "flc_kappa_mg_l",
    "flc_lambda_mg_l",
    "serum_immunofixation",
    "urine_immunofixation",
    "bm_plasma_cells_pct",
    "plasmacytoma",
]


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits on or after the start of second line that carry a response, sorted by patient and day.

    Attributes
    ----------
    patient : ndarray of int64
        Row position of the patient in the cohort.
    day : ndarray of datetime64[D]
        Day of the visit.
    code : ndarray of int8
        Response, by `CODES`; of several on one day the worst evaluable one.
    alone : ndarray of bool
        Progression that needs no second assessment.
    after_next : ndarray of bool
        After the start of the next line.
    n_patients : int
        Rows of the cohort.
    """

    patient: np.ndarray
    day: np.ndarray
    code: np.ndarray
    alone: np.ndarray
    after_next: np.ndarray
    n_patients: int

    def keep(self, mask: np.ndarray) -> Visits:
        """Return the visits where `mask`."""
        return Visits(
            self.patient[mask],
            self.day[mask],
            self.code[mask],
            self.alone[mask],
            self.after_next[mask],
            self.n_patients,
        )

    def first(self, mask: np.ndarray) -> np.ndarray:
        """Return the position of the first visit per patient where `mask`, -1 where there is none."""
        found = np.flatnonzero(mask)[::-1]
        position = np.full(self.n_patients, -1, dtype=np.int64)
        position[self.patient[found]] = found
        return position

    def last(self, mask: np.ndarray) -> np.ndarray:
        """Return the position of the last visit per patient where `mask`, -1 where there is none."""
        found = np.flatnonzero(mask)
        position = np.full(self.n_patients, -1, dtype=np.int64)
        position[self.patient[found]] = found
        return position

    def count(self, mask: np.ndarray) -> np.ndarray:
        """Count visits per patient where `mask`."""
        return np.bincount(self.patient[mask], minlength=self.n_patients)

    def days_at(self, position: np.ndarray) -> np.ndarray:
        """Return the day of visits by position; NaT at -1."""
        return np.append(self.day, NO_DAY)[position]


def arrange_visits(
    cohort: pd.DataFrame, assessments: pd.DataFrame, study: Study, *, info: DatasetInfo | None = None
) -> Visits:
    """Sort the assessments of the cohort into `Visits`.

    Left out: visits without date or response, of patients not in the cohort, before the start of second line, after
    the data cut-off.
    """
    patient = match_patients(cohort, assessments)
    code, alone = visit_codes(cohort, assessments, patient, study)
    return make_visits(cohort, patient, _days(assessments, study), code, alone, study, info)


def visit_codes(
    cohort: pd.DataFrame, assessments: pd.DataFrame, patient: np.ndarray, study: Study
) -> tuple[np.ndarray, np.ndarray]:
    """Return response and whether a progression stands alone, per assessment: as recorded or from laboratory values.

    ``study.response.visit_source`` decides where both exist; what the values leave open (NE) gives way to a recorded
    response.
    """
    recorded, alone = response_codes(assessments), _stands_alone(assessments, study)
    if not assessments[LABORATORY].notna().to_numpy().any():
        return recorded, alone
    graded = grade_visits(cohort, assessments, patient, study)
    rows = graded.labs.row[graded.shown]
    derived, derived_alone = np.full(recorded.size, -1, dtype=np.int8), np.zeros(recorded.size, dtype=bool)
    derived[rows], derived_alone[rows] = graded.level[graded.shown], ~graded.needs_second[graded.shown]
    preferred = derived > 0 if study.response.visit_source == "labs" else recorded < 0
    use = (preferred | (recorded < 0)) & (derived >= 0)
    return np.where(use, derived, recorded), np.where(use, derived_alone, alone)


def make_visits(
    cohort: pd.DataFrame,
    patient: np.ndarray,
    day: np.ndarray,
    code: np.ndarray,
    alone: np.ndarray,
    study: Study,
    info: DatasetInfo | None,
) -> Visits:
    """Build `Visits` from aligned columns; see `arrange_visits` for what is left out."""
    policy = study.time.partial_date_policy
    origin, next_line = (
        date_bounds(cohort, name).point(policy) for name in ("second_line_start_date", "next_line_start_date")
    )
    used = (patient >= 0) & (code >= 0) & ~np.isnat(day)
    patient, day, code, alone = patient[used], day[used], code[used], alone[used]
    inside = day >= origin[patient]
    if info is not None and info.data_cutoff_date is not None:
        inside &= day <= np.datetime64(info.data_cutoff_date, "D")
    order = _sorted_days(patient, day, code, alone, inside)
    after_next = day[order] > next_line[patient[order]]
    return Visits(patient[order], day[order], code[order], alone[order], after_next, len(cohort))


def response_codes(assessments: pd.DataFrame) -> np.ndarray:
    """Return the recorded response of each assessment by `CODES`, -1 where none is recorded."""
    return codes_of(assessments["response"])


def codes_of(values: pd.Series) -> np.ndarray:
    """Return a response column by `CODES`, -1 where missing."""
    category = pd.Categorical(values, categories=list(NAMES_BY_CODE))
    return category.codes.astype(np.int8)


def _days(assessments: pd.DataFrame, study: Study) -> np.ndarray:
    return date_bounds(assessments, "assessment_date").point(study.time.partial_date_policy)


def _stands_alone(assessments: pd.DataFrame, study: Study) -> np.ndarray:
    basis = pd.Categorical(assessments["progression_basis"])
    alone = np.array([*(level in study.response.progression_stands_alone for level in basis.categories), False])
    return alone[basis.codes]


def _sorted_days(
    patient: np.ndarray, day: np.ndarray, code: np.ndarray, alone: np.ndarray, inside: np.ndarray
) -> np.ndarray:
    """Return row numbers sorted by patient and day, of each day the worst evaluable response only."""
    rows = np.flatnonzero(inside)
    if rows.size == 0:
        return rows
    rank = np.where(code[rows] == 0, 8, code[rows]).astype(np.int64)
    since = (day[rows] - day[rows].min()).astype(np.int64)
    key = patient[rows] * (since.max() + 1) + since
    order = np.argsort(key * 32 + rank * 2 + ~alone[rows], kind="stable")
    key = key[order]
    first_of_day = np.append(True, key[1:] != key[:-1])
    return rows[order[first_of_day]]
