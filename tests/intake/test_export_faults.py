"""Single faults in the shapes that hospitals export: each is found in its place, and everybody else is accepted."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pandas as pd
import pytest

from fhrmm.schema import TABLES
from fhrmm.study import load_study
from intake.cleaning import clean_scope
from intake.contract import AT_DIAGNOSIS, LONG, variables

CORPUS = tomllib.loads((Path(__file__).parent / "faults" / "exports.toml").read_text(encoding="utf-8"))
STUDY = load_study()


def each_case():
    for case in CORPUS["cases"]:
        yield pytest.param(case, id=f"{case['shape']}-{case.get('name', 'as it is')}".replace(" ", "_"))


def write_center(case: dict, folder: Path) -> None:
    """Write the files of a shape with the one text changed."""
    shape = CORPUS["shapes"][case["shape"]]
    files = {"center.toml": shape["center"]} | {name: text.lstrip("\n") for name, text in shape["files"].items()}
    if "change" in case:
        name = case.get("file") or next(name for name, text in reversed(files.items()) if case["change"][0] in text)
        assert files[name].count(case["change"][0]) == 1, "the text to change stands once"
        files[name] = files[name].replace(*case["change"])
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def test_corpus_is_large():
    assert len(CORPUS["cases"]) >= 60


@pytest.mark.parametrize("case", list(each_case()))
def test_fault_of_an_export_is_found_in_its_place(case, tmp_path):
    write_center(case, tmp_path / "X01")
    cleaned = clean_scope(tmp_path, "X01", STUDY)
    issues = cleaned.issues
    expected = {case["rule"]} - {""} if "rule" in case else set()
    errors = set(issues.loc[issues["severity"] == "error", "rule"])
    assert errors <= expected | set(case.get("also", [])), issues.to_string()
    own = issues[issues["rule"].isin(expected)]
    assert len(own) or not expected, issues.to_string()
    rows = case.get("rows", [case["row"]] if "row" in case else [])
    if rows:
        assert sorted(own["row"].tolist()) == rows
        assert (own["file"] == case["place"]).all() if "place" in case else len(set(own["file"])) == 1
    if "column" in case:
        assert case["column"] in set(own["column"])
    if "accepted" in case:
        assert cleaned.patients["patient_id"].tolist() == case["accepted"]
    for patient, values in case.get("value", {}).items():
        found = cleaned.patients.set_index("patient_id").loc[patient]
        for column, value in values.items():
            text = found[column].strftime("%Y-%m-%d") if isinstance(found[column], pd.Timestamp) else found[column]
            assert ("" if pd.isna(text) else text) == value, column
    if "visits" in case:
        assert len(cleaned.assessments) == case["visits"]
    for column, value in case.get("visit", {}).items():
        assert cleaned.assessments.iloc[0][column] == value, column
    if "unrecorded" in case:
        assert case["unrecorded"] in cleaned.patients["unrecorded"].iloc[0].split("; ")
    if "unknown" in case:
        assert case["unknown"] in set(cleaned.unknown_columns["column"])
    assert_accounted(cleaned.row_accounting, case.get("account", {}))


def assert_accounted(accounted: pd.DataFrame, expected: dict[str, list[int]]) -> None:
    """Hold that each row of each file became something, and what became of the rows of some."""
    parts = accounted[["rows_accepted", "rows_quarantined", "rows_duplicate"]].sum(axis=1)
    assert (accounted["rows_read"] == parts).all()
    for name, (read, accepted, left) in expected.items():
        row = accounted.set_index("file").loc[name]
        assert row[["rows_read", "rows_accepted", "rows_quarantined"]].tolist() == [read, accepted, left]


@pytest.mark.parametrize("table", [*TABLES, *LONG])
def test_a_text_that_is_no_value_is_found_in_each_column_of_each_table(table, tmp_path):
    names = [name for name in variables(table) if name not in ("patient_id", "center", "analyte", "value", "unit")]
    (tmp_path / "X01").mkdir()
    (tmp_path / "X01" / "patients.csv").write_text("patient_id,sex\nP1,f\n", encoding="utf-8")
    rows = [["patient_id", *names], ["P1", *(["sbagliato"] * len(names))]]
    (tmp_path / "X01" / f"{table}.csv").write_text("\n".join(map(",".join, rows)) + "\n", encoding="utf-8")
    issues = clean_scope(tmp_path, "X01", STUDY).issues
    aside = (
        set(AT_DIAGNOSIS) - set(variables("assessments")) if table == "laboratory" else set()
    )  # near diagnosis alone
    strict = {name for name in names if variables(table)[name].type not in ("text", "regimen")} - aside
    assert strict <= set(issues.loc[issues["expected"] != "", "column"])
