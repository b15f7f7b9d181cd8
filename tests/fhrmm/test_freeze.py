"""A freeze and what has changed since: counts and numbers may be shown, identifiers stay below work/."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from fhrmm.estimate_table import make_row, to_frame
from fhrmm.freeze import follow, refuse_name
from fhrmm.store import Run, read_table, write_report_csv, write_table, write_work_csv
from timetoevent.results import Estimate


@pytest.fixture
def run(tmp_path) -> Run:
    return Run("C01", tmp_path / "data", tmp_path / "work", tmp_path / "reports")


def make(run: Run, digest: str, patients: dict[str, str], included: set[str], visits: list[str], orr: float) -> None:
    """Write what a run leaves: sex by patient, who is in the cohort, whose visits, and one rate."""
    (run.reports_dir).mkdir(exist_ok=True)
    manifest = {"nodes": {"C01/01_cleaning": {"inputs": {"data/C01/p.csv": digest, "repository/study.toml": "x"}}}}
    (run.reports_dir / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    rows = [{"center": "C01", "patient_id": name, "sex": sex} for name, sex in patients.items()]
    write_table(run, "patients", pd.DataFrame(rows))
    seen = pd.DataFrame({"center": "C01", "patient_id": visits, "response": "PR"})
    write_table(run, "assessments", seen)
    write_table(run, "adverse_events", seen.iloc[:0])
    decided = pd.DataFrame(rows).assign(included=[name in included for name in patients])
    write_work_csv(run, "decisions", decided[["center", "patient_id", "included"]])
    value = Estimate(orr, orr - 0.1, orr + 0.1, n=len(included))
    table = to_frame([make_row(value, endpoint="ORR", estimand="proportion")])
    write_report_csv(run, "estimates", table.assign(notebook="03_response"))


def test_what_changed_is_counted_and_who_stays_below_work(run):
    make(run, "aa", {"P-ONE": "f", "P-TWO": "m", "P-GONE": "f", "P-SEEN": "m"}, {"P-ONE", "P-GONE"}, ["P-SEEN"], 0.5)
    assert list(follow(run, "first")) == ["C01: frozen as first"]
    assert "it stays as it is" in refuse_name("first", run.work_dir)
    assert "letters, digits" in refuse_name("../first", run.work_dir)
    assert refuse_name("second", run.work_dir) == ""
    list(follow(run, None))
    table = pd.read_csv(run.reports / "tables" / "since_first.csv")
    assert table[table["what"] != "patients"].empty
    assert table["now"].tolist() == [4, 0, 0, 0, 0, 0]
    people = {"P-ONE": "m", "P-TWO": "m", "P-NEW": "f", "P-SEEN": "m"}
    make(run, "bb", people, {"P-ONE", "P-TWO", "P-NEW"}, ["P-SEEN", "P-SEEN"], 0.75)
    list(follow(run, None))
    table = pd.read_csv(run.reports / "tables" / "since_first.csv").set_index(["what", "name"])["now"].to_dict()
    assert {name: int(count) for (what, name), count in table.items() if what == "patients"} == {
        "accepted": 4, "new": 1, "gone": 1, "changed": 3, "entered the cohort": 2, "left the cohort": 1,
    }  # fmt: skip
    assert table["inputs", "data/C01/p.csv"] == "bb"
    assert table["estimates", "03_response ORR proportion cohort"] == "0.75 (0.65 to 0.85), n 3"
    assert list(follow(run, None)) == ["C01 since first: 1 new, 1 gone, 3 changed patients, 1 other key estimates"]
    shown = (run.reports / "tables" / "since_first.csv").read_text(encoding="utf-8")
    assert "P-" not in shown.replace("P-value", "")
    kept = pd.read_csv(run.work / "since_first.csv", dtype=str).set_index("patient_id")["change"]
    assert kept.to_dict() == {
        "P-GONE": "gone", "P-NEW": "new", "P-ONE": "changed", "P-SEEN": "changed", "P-TWO": "changed",
    }  # fmt: skip


def test_a_column_that_the_schema_gains_or_loses_changes_nobody_of_whom_it_says_nothing(run):
    make(run, "aa", {"P-ONE": "f", "P-TWO": "m"}, {"P-ONE"}, ["P-TWO"], 0.5)
    list(follow(run, "first"))
    patients = read_table(run, "patients").assign(
        new_date=pd.NaT, new_number=pd.array([pd.NA, pd.NA], dtype="Int64"), new_text="", told=["x", None]
    )
    write_table(run, "patients", patients)
    write_table(run, "assessments", read_table(run, "assessments").assign(flc=float("nan")))
    list(follow(run, None))
    kept = pd.read_csv(run.work / "since_first.csv", dtype=str).set_index("patient_id")["change"]
    assert kept.to_dict() == {"P-ONE": "changed"}, "of whom the new column says something"


@pytest.mark.parametrize(
    ("table", "was", "becomes"),
    [
        ("patients", {"one": ["a"], "two": ["b"]}, {"one": ["b"], "two": ["a"]}),
        ("assessments", {"day": ["1", "2"], "response": ["PR", "CR"]}, {"day": ["1", "2"], "response": ["CR", "PR"]}),
    ],
)
def test_cells_that_exchange_their_values_are_a_change(run, table, was, becomes):
    make(run, "aa", {"P-ONE": "f"}, {"P-ONE"}, ["P-ONE", "P-ONE"], 0.5)
    write_table(run, table, read_table(run, table).assign(**was))
    list(follow(run, "first"))
    write_table(run, table, read_table(run, table).assign(**becomes))
    assert list(follow(run, None)) == ["C01 since first: 0 new, 0 gone, 1 changed patients, 0 other key estimates"]
