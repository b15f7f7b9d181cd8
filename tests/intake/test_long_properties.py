"""Any canonical dataset, written as lines of therapy, laboratory rows or REDCap events, is read back the same."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhrmm.study import load_study
from intake.cleaning import clean_scope

STUDY = load_study()
DATES = ("diagnosis_date", "first_line_start_date", "first_progression_date", "second_line_start_date",
         "progression_date", "next_line_start_date", "last_contact_date")  # fmt: skip
REGIMENS = ("VRd", "D-VTd", "KRd", "DRd", "PVd")
RESPONSES = ("CR", "VGPR", "PR", "SD", "")
UNITS = {"serum_m_protein_g_dl": ("g/L", 10), "flc_kappa_mg_l": ("mg/L", 1), "flc_lambda_mg_l": ("mg/dL", 0.1)}
LINES = {
    1: {"regimen": "first_line_regimen", "start_date": "first_line_start_date",
        "response": "first_line_best_response", "progression_date": "first_progression_date"},
    2: {"regimen": "second_line_regimen", "start_date": "second_line_start_date", "response": "best_response",
        "progression_date": "progression_date"},
    3: {"start_date": "next_line_start_date"},
}  # fmt: skip


@st.composite
def datasets(draw) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw patients whose dates are in order, and visits on different days within second line."""
    patients, visits = [], []
    for number in range(draw(st.integers(1, 4))):
        gaps = draw(st.lists(st.integers(40, 200), min_size=len(DATES), max_size=len(DATES)))
        dates = dict(zip(DATES, (date(2020, 1, 1) + timedelta(days=n) for n in accumulate(gaps)), strict=True))
        row = {"patient_id": f"P{number}", "sex": draw(st.sampled_from(["female", "male"]))}
        row |= {name: day.isoformat() for name, day in dates.items()}
        row |= {f"{line}_line_regimen": draw(st.sampled_from(REGIMENS)) for line in ("first", "second")}
        row |= {name: draw(st.sampled_from(RESPONSES)) for name in ("first_line_best_response", "best_response")}
        if draw(st.booleans()):
            row |= {"progression_date": "", "next_line_start_date": ""}
        patients.append(row | {"death_date": row["last_contact_date"] if draw(st.booleans()) else ""})
        for day in draw(st.sets(st.integers(1, 35), max_size=4)):
            some = draw(st.sets(st.sampled_from(sorted(UNITS)), min_size=1))
            values = {name: draw(st.integers(0, 90)) / 10 for name in some}
            when = dates["second_line_start_date"] + timedelta(days=day)
            visits.append({"patient_id": row["patient_id"], "assessment_date": when.isoformat()} | values)
    columns = ["patient_id", "assessment_date", *UNITS]
    return pd.DataFrame(patients), pd.DataFrame(visits, columns=columns)


def as_canonical(patients: pd.DataFrame, visits: pd.DataFrame, folder: Path, seed: int) -> None:
    patients.to_csv(folder / "patients.csv", index=False)
    visits.to_csv(folder / "assessments.csv", index=False)


def as_long_tables(patients: pd.DataFrame, visits: pd.DataFrame, folder: Path, seed: int) -> None:
    """Write a registry, lines and laboratory rows, the last two in any order of rows."""
    of_lines = [name for line in LINES.values() for name in line.values()]
    patients.drop(columns=of_lines).to_csv(folder / "patients.csv", index=False)
    rows = [
        {"patient_id": patient["patient_id"], "line_number": str(number)}
        | {name: patient[column] for name, column in line.items()}
        for patient in patients.to_dict("records")
        for number, line in LINES.items()
        if patient[line["start_date"]]
    ]
    pd.DataFrame(rows).sample(frac=1, random_state=seed).to_csv(folder / "lines.csv", index=False)
    results = visits.melt(["patient_id", "assessment_date"], var_name="analyte").dropna(subset=["value"])
    results["unit"] = results["analyte"].map({name: unit for name, (unit, _) in UNITS.items()})
    factors = results["analyte"].map({name: factor for name, (_, factor) in UNITS.items()}).astype(float)
    results["value"] = (results["value"].astype(float) * factors).round(6)
    results.sample(frac=1, random_state=seed).to_csv(folder / "laboratory.csv", index=False)


def as_lines_by_order(patients: pd.DataFrame, visits: pd.DataFrame, folder: Path, seed: int) -> None:
    """Write lines without their number: their start tells it."""
    as_long_tables(patients, visits, folder, seed)
    pd.read_csv(folder / "lines.csv", dtype=str).drop(columns="line_number").to_csv(folder / "lines.csv", index=False)
    tables = ("patients", "lines", "laboratory")
    files = [f'[[files]]\npath = "{table}.csv"\ntable = "{table}"\n' for table in tables]
    text = "".join(files).replace('table = "lines"\n', 'table = "lines"\nlines_by = "order"\n')
    (folder / "center.toml").write_text(text, encoding="utf-8")


def as_redcap_events(patients: pd.DataFrame, visits: pd.DataFrame, folder: Path, seed: int) -> None:
    """Write one event per patient and one repeated event for visits, in one export."""
    base = patients.assign(redcap_event_name="base_arm_1", redcap_repeat_instance="")
    again = visits.assign(redcap_event_name="visit_arm_1", redcap_repeat_instance=range(1, len(visits) + 1))
    columns = list(dict.fromkeys(["patient_id", "redcap_event_name", "redcap_repeat_instance", *base, *again]))
    rows = pd.concat([base, again]).reindex(columns=columns).sort_values("patient_id", kind="stable")
    rows.to_csv(folder / "export.csv", index=False)
    entry = (
        '[[files]]\npath = "export.csv"\ntable = "{}"\nformat = "redcap_raw"\nwhere = {{ redcap_event_name = "{}" }}\n'
    )
    visits_entry = entry.format("assessments", "visit_*") if len(visits) else ""
    (folder / "center.toml").write_text(entry.format("patients", "base_arm_1") + visits_entry, encoding="utf-8")


def read(write, patients: pd.DataFrame, visits: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    with tempfile.TemporaryDirectory() as data:
        (Path(data) / "X01").mkdir()
        write(patients, visits, Path(data) / "X01", seed)
        cleaned = clean_scope(data, "X01", STUDY)
    assert set(cleaned.issues["severity"]) <= {"warning"}, cleaned.issues.to_string()
    order = ["patient_id", "assessment_date"]
    found = cleaned.patients.drop(columns="unrecorded").sort_values("patient_id", ignore_index=True)
    return found, cleaned.assessments.sort_values(order, ignore_index=True)


@pytest.mark.parametrize("write", [as_long_tables, as_lines_by_order, as_redcap_events])
@settings(max_examples=12)
@given(dataset=datasets(), seed=st.integers(0, 9))
def test_other_shapes_read_back_as_the_canonical_tables(write, dataset, seed):
    patients, visits = dataset
    expected, found = read(as_canonical, patients, visits, seed), read(write, patients, visits, seed)
    for table, other in zip(expected, found, strict=True):
        pd.testing.assert_frame_equal(table, other, check_dtype=False, rtol=1e-9)
