"""The fault corpus: one fault in one file, the finding it must give, and everybody else unchanged."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from fhrmm.schema import TABLES
from fhrmm.study import Study, load_study
from intake.cleaning import CleanedScope, clean_scope
from intake.rules import load_rules

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

FAULTS = Path(__file__).parent / "faults"
BASE = FAULTS / "base"
CENTER = "X01"


def each_case():
    for name in ("cells", "orders"):
        for case in tomllib.loads((FAULTS / f"{name}.toml").read_text(encoding="utf-8"))["cases"]:
            yield pytest.param(case, id=f"{case['rule']}-{case.get('name', 'as in the base')}".replace(" ", "_"))


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study()


@pytest.fixture(scope="module")
def clean_base(study) -> CleanedScope:
    return clean_scope(BASE, CENTER, study)


def read_base(table: str) -> pd.DataFrame:
    return pd.read_csv(BASE / CENTER / f"{table}.csv", dtype=str, keep_default_na=False)


def write_faulty(case: dict, folder: Path) -> int:
    """Write the base with one fault; return the row number where it stands."""
    shutil.copytree(BASE, folder, dirs_exist_ok=True)
    table = case.get("table", "patients")
    rows = read_base(table)
    line = case.get("line") or rows.index[rows["patient_id"].eq(case["patient"])][0] + 2
    for column, text in case["set"].items():
        rows.loc[line - 2, column] = text
    rows.to_csv(folder / CENTER / f"{table}.csv", index=False, lineterminator="\n")
    if "dialect" in case:
        write_center(folder / CENTER, case["dialect"])
    return line


def write_center(folder: Path, dialect: str) -> None:
    shared, units = ("", dialect) if dialect.startswith("units") else (dialect, "")
    files = [f'[[files]]\npath = "{t}.csv"\ntable = "{t}"\n{units if t == "patients" else ""}\n' for t in TABLES]
    (folder / "center.toml").write_text(f"{shared}\n" + "".join(files), encoding="utf-8")


def without(frame: pd.DataFrame, ids: set[str]) -> pd.DataFrame:
    return frame[~frame["patient_id"].isin(ids)].reset_index(drop=True)


def assert_accounted(cleaned: CleanedScope) -> None:
    rows = cleaned.row_accounting
    assert rows["rows_read"].eq(rows[["rows_accepted", "rows_quarantined", "rows_duplicate"]].sum(axis=1)).all()


def test_base_has_no_finding(clean_base):
    assert clean_base.issues.empty, clean_base.issues.to_string()
    assert clean_base.audit.empty
    assert clean_base.row_accounting["rows_accepted"].tolist() == [6, 7, 3]


def test_corpus_is_large():
    assert len(list(each_case())) >= 120


def test_every_rule_across_columns_has_a_case():
    covered = {param.values[0]["rule"] for param in each_case()}
    with_check = {rule.id for rule in load_rules().values() if rule.check}
    assert with_check - covered == {"suspected_transfer"}, "test_cleaning has the one across centers"


@pytest.mark.parametrize("case", list(each_case()))
def test_single_fault_is_found_in_its_place(case, clean_base, study, tmp_path):
    if case["rule"] not in load_rules():
        pytest.fail(f"no rule {case['rule']}")
    line = write_faulty(case, tmp_path / "data")
    cleaned = clean_scope(tmp_path / "data", CENTER, study)
    rule = load_rules()[case["rule"]]
    touched = {case["patient"], *case.get("shared", []), *case["set"].get("patient_id", "").split(",")}

    found = cleaned.issues[cleaned.issues["rule"].eq(rule.id)]
    column = case.get("column", next(iter(case["set"])))
    if not case.get("others"):
        assert set(cleaned.issues["rule"]) == {rule.id, *case.get("also", [])}
    own = found[found["row"].eq(line) | found["row"].isin(case.get("lines", []))]
    assert set(own["severity"]) == {case["severity"]}
    if not case.get("hidden"):
        assert set(own["patient_id"]) <= touched | {""}
    assert set(own["column"]) == {column}
    assert set(own["table"]) == {case.get("place", case.get("table", "patients"))}
    assert own["row"].tolist() == case.get("lines", [line])
    assert (own["what_to_do"] != "").all()

    assert_accounted(cleaned)
    if case.get("hidden"):
        secret = next(iter(case["set"].values()))
        assert not secret or not cleaned.issues["found"].astype(str).str.contains(secret, regex=False).any()
        assert not secret or secret not in set(cleaned.issues["patient_id"])
    if not case.get("others"):
        pd.testing.assert_frame_equal(without(cleaned.patients, touched), without(clean_base.patients, touched))
        for table in ("assessments", "adverse_events"):
            pd.testing.assert_frame_equal(
                without(getattr(cleaned, table), touched), without(getattr(clean_base, table), touched)
            )
    errors = case["severity"] == "error" or any(load_rules()[name].severity == "error" for name in case.get("also", []))
    assert (case["patient"] in set(cleaned.patients["patient_id"])) is not errors
