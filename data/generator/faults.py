"""The faults that the raw exports carry, each written down with what must follow from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

import pandas as pd

from generator.excluded import LATE, NO_SECOND_LINE, QUARANTINED, ROUTE, WINDOW

COHORT = "cohort"
QUARANTINE, WARNING = "quarantine", "warning"
_DUPLICATE_ROW = "duplicate_row"


class _Fault(NamedTuple):
    """One kind of fault in one table of one center.

    Attributes
    ----------
    center, table : str
        Where.
    role, variant : str
        Which patient: the first of that role (and variant) that `select` accepts.
    column : str
        Canonical column; empty for whole rows.
    text : str or callable
        What stands in the cell instead; a function gets the cell's text.
    family : str
        The rule that must find it.
    consequence : str
        `quarantine`, `warning`, or `changed` (an audit row, no finding).
    select : callable, optional
        Which canonical rows are suitable.
    every : bool
        All suitable rows, not only the first.
    """

    center: str
    table: str
    role: str
    variant: str
    column: str
    text: str | Callable[[str], str]
    family: str
    consequence: str
    select: Callable[[pd.DataFrame], pd.Series] | None = None
    every: bool = False


_FAULTS = (
    _Fault(
        "C01", "patients", QUARANTINED, "death before second line", "death_date", "11/05/2023",
        "death_before_second_line", QUARANTINE,
    ),
    _Fault("C01", "patients", QUARANTINED, "id used twice", "", "", "duplicate_patient", QUARANTINE),
    _Fault(
        "C02", "patients", QUARANTINED, "impossible date", "last_contact_date", "31/11/2024", "date_impossible",
        QUARANTINE,
    ),
    _Fault(
        "C03", "patients", QUARANTINED, "second line before diagnosis", "diagnosis_date",
        lambda text: f"{int(text[:4]) + 2}{text[4:]}", "second_line_before_diagnosis", QUARANTINE,
    ),
    _Fault(
        "C04", "patients", QUARANTINED, "unknown response", "best_response", "risposta dubbia", "value_unknown",
        QUARANTINE,
    ),
    _Fault(
        "C05", "patients", QUARANTINED, "ambiguous date", "last_contact_date", "05/06/2024", "date_ambiguous",
        QUARANTINE,
    ),
    _Fault(
        "C08", "patients", QUARANTINED, "performance status out of range", "ecog_second_line", "7", "out_of_range",
        QUARANTINE,
    ),
    _Fault("C01", "patients", LATE, "14", "", "", _DUPLICATE_ROW, WARNING),
    _Fault("C06", "patients", NO_SECOND_LINE, "alive", "", "", _DUPLICATE_ROW, WARNING),
    _Fault("C02", "assessments", COHORT, "", "", "", _DUPLICATE_ROW, WARNING),
    _Fault(
        "C01", "patients", COHORT, "", "beta2_microglobulin_mg_l", "6,1", "iss_differs", WARNING,
        lambda rows: rows["iss_diagnosis"].eq("I"),
    ),
    _Fault(
        "C06", "patients", ROUTE, "VRd", "beta2_microglobulin_mg_l", "12.5", "iss_differs", WARNING,
        lambda rows: rows["iss_diagnosis"].ne("III"),
    ),
    _Fault(
        "C01", "patients", COHORT, "", "beta2_microglobulin_mg_l", ">5,5", "value_is_bound", WARNING,
        lambda rows: rows["iss_diagnosis"].eq("III") & rows["beta2_microglobulin_mg_l"].gt(9),
    ),
    _Fault(
        "C08", "patients", COHORT, "", "albumin_g_dl", lambda text: f"{text}*", "value_has_footnote", WARNING,
        lambda rows: rows["albumin_g_dl"].notna(),
    ),
    _Fault(
        "C01", "assessments", COHORT, "", "serum_m_protein_g_dl", "<2", "value_is_bound", WARNING,
        lambda rows: rows["serum_m_protein_g_dl"].between(0.01, 0.19) & rows["response"].eq("VGPR"), True,
    ),
    _Fault(
        "C01", "assessments", LATE, "14", "patient_id", "SYN-C01-0I4", "unknown_patient", QUARANTINE,
        lambda rows: rows["response"].notna(),
    ),
    _Fault(
        "C02", "patients", WINDOW, "before", "second_line_regimen", "sperimentale", "regimen_not_recognized", WARNING
    ),
    _Fault(
        "C04", "patients", LATE, "21", "first_progression_date",
        lambda text: (date.fromisoformat(text) - timedelta(days=80)).isoformat(), "late_second_line", WARNING,
    ),
    _Fault(
        "C08", "patients", COHORT, "", "diagnosis_date", lambda text: text[-4:], "date_order_undetermined", WARNING,
        lambda rows: rows["diagnosis_date"].dt.year.eq(rows["first_line_start_date"].dt.year),
    ),
)  # fmt: skip


class Injected(NamedTuple):
    """A fault as it stands in a file."""

    center: str
    table: str
    patient_id: str
    column: str
    text: str
    family: str
    consequence: str


def inject(center: str, table: str, canonical: pd.DataFrame, text: pd.DataFrame) -> tuple[pd.DataFrame, list[Injected]]:
    """Return the text table of a center with its faults, and the list of them.

    Parameters
    ----------
    center, table : str
        Which table.
    canonical : DataFrame
        The true rows, with `role` and `variant`, in the order of `text`.
    text : DataFrame
        The same rows as the center writes them.
    """
    faulty, found = text.copy(), []
    for fault in _FAULTS:
        if (fault.center, fault.table) == (center, table):
            for at in _rows(fault, canonical):
                faulty, written = _apply(faulty, fault, at)
                identity = str(canonical.loc[at, "patient_id"])
                found.append(Injected(center, table, identity, fault.column, written, fault.family, fault.consequence))
    return faulty, found


def _rows(fault: _Fault, canonical: pd.DataFrame) -> list[object]:
    suitable = canonical["role"].eq(fault.role) & canonical["variant"].eq(fault.variant)
    if fault.select is not None:
        suitable &= fault.select(canonical)
    rows = list(canonical.index[suitable.fillna(False).astype(bool)])
    if not rows:
        raise ValueError(f"no patient of {fault.center} suits the fault {fault.family} in {fault.column or 'rows'}")
    return rows if fault.every else rows[:1]


def _apply(text: pd.DataFrame, fault: _Fault, at: object) -> tuple[pd.DataFrame, str]:
    """Write one fault: a cell, an exact copy of the row at the end, or a second row that contradicts it."""
    if fault.column:
        written = fault.text(text.loc[at, fault.column]) if callable(fault.text) else fault.text
        text.loc[at, fault.column] = written
        return text, written
    copy = text.loc[[at]].copy()
    if fault.family == "duplicate_patient":
        copy["ecog_second_line"], copy["sex"] = "2", "F"
    copy.index = [f"{at} again"]
    return pd.concat([text, copy]), ""
