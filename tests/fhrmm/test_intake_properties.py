"""A canonical table written in any dialect reads back as the same table; whatever the bytes, rows are accounted for."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhrmm.cleaning import CleanedScope, clean_scope
from fhrmm.schema import variables
from fhrmm.study import load_study

STUDY = load_study()
BASE = Path(__file__).parent / "faults" / "base" / "X01"
PATIENTS = {name: variable for name, variable in variables("patients").items() if name != "center"}
SLOWER = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
SYNONYMS = {"female": "F", "male": "maschio", "yes": "sì", "no": "NO", "PR": "RP", "CR": "rc", "PD": "mp"}


def base() -> pd.DataFrame:
    return pd.read_csv(BASE / "patients.csv", dtype=str, keep_default_na=False)


def clean(folder: Path) -> CleanedScope:
    return clean_scope(folder, "C01", STUDY)


def expected() -> pd.DataFrame:
    return clean_scope(BASE.parent, "X01", STUDY).patients.assign(center="C01")


EXPECTED = expected()


def write_date(text: str, order: str, mark: str) -> str:
    parts = dict(zip("ymd", text.split("-"), strict=False))
    if len(parts) < 3:
        return "/".join(reversed(text.split("-")))
    return mark.join(parts[letter] for letter in order)


def write_cell(text: str, name: str, dialect: dict) -> str:
    kind = PATIENTS[name].type
    if not text:
        return dialect["missing"] if kind != "id" else ""
    if kind == "date":
        return write_date(text, dialect["order"], dialect["mark"])
    if kind == "number":
        return text.replace(".", dialect["decimal"])
    return SYNONYMS.get(text, text) if dialect["synonyms"] else text


dialects = st.fixed_dictionaries(
    {
        "encoding": st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
        "separator": st.sampled_from([";", ",", "\t", "|"]),
        "decimal": st.sampled_from([".", ","]),
        "order": st.sampled_from(["dmy", "mdy", "ymd"]),
        "mark": st.sampled_from(["/", "-", "."]),
        "language": st.sampled_from(["canonical", "label_en", "label_it"]),
        "missing": st.sampled_from(["", "ND", "n.v.", "-99", "?"]),
        "synonyms": st.booleans(),
        "order_of_columns": st.permutations(list(PATIENTS)),
        "order_of_rows": st.permutations(range(6)),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        "ending": st.sampled_from(["\n", "\r\n"]),
    }
)


def write_center(folder: Path, dialect: dict) -> None:
    mark = {"\t": "\\t"}.get(dialect["separator"], dialect["separator"])
    text = f'encoding = "{dialect["encoding"]}"\nseparator = "{mark}"\ndecimal = "{dialect["decimal"]}"\n'
    text += f'date_order = "{dialect["order"]}"\nmissing = ["-99"]\n[[files]]\npath = "p.csv"\ntable = "patients"\n'
    (folder / "center.toml").write_text(text, encoding="utf-8")


def write_table(rows: pd.DataFrame, dialect: dict) -> bytes:
    names = dialect["order_of_columns"]
    headers = [
        name if dialect["language"] == "canonical" else getattr(PATIENTS[name], dialect["language"]) for name in names
    ]
    buffer = io.StringIO()
    writer = csv.writer(
        buffer, delimiter=dialect["separator"], quoting=dialect["quoting"], lineterminator=dialect["ending"]
    )
    writer.writerow(headers)
    for position in dialect["order_of_rows"]:
        row = rows.iloc[position]
        writer.writerow([write_cell(row[name], name, dialect) for name in names])
    return buffer.getvalue().encode(dialect["encoding"])


def assert_accounted(cleaned: CleanedScope) -> None:
    rows = cleaned.row_accounting
    assert rows["rows_read"].eq(rows[["rows_accepted", "rows_quarantined", "rows_duplicate"]].sum(axis=1)).all()
    assert rows["rows_read"].ge(0).all()


@SLOWER
@given(dialects)
def test_any_dialect_reads_back_as_the_same_table(dialect):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "C01"
        folder.mkdir()
        (folder / "p.csv").write_bytes(write_table(base(), dialect))
        write_center(folder, dialect)
        cleaned = clean(Path(name))
    assert cleaned.issues.empty, cleaned.issues.to_string()
    found = cleaned.patients.sort_values("patient_id").reset_index(drop=True)
    pd.testing.assert_frame_equal(found, EXPECTED)
    assert_accounted(cleaned)


@SLOWER
@given(dialects)
def test_every_cell_that_was_written_differently_is_in_the_audit(dialect):
    rows = base()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "C01"
        folder.mkdir()
        (folder / "p.csv").write_bytes(write_table(rows, dialect))
        write_center(folder, dialect)
        audit = clean(Path(name)).audit
    written = {
        (row["patient_id"], column)
        for row in rows.to_dict("records")
        for column in PATIENTS
        if write_cell(row[column], column, dialect) != row[column]
    }
    assert set(zip(audit["patient_id"], audit["column"], strict=True)) == written


@SLOWER
@given(dialects, st.integers(0, 4000))
def test_truncated_files_are_accounted_for(dialect, length):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "C01"
        folder.mkdir()
        (folder / "p.csv").write_bytes(write_table(base(), dialect)[:length])
        write_center(folder, dialect)
        cleaned = clean(Path(name))
    assert_accounted(cleaned)
    assert len(cleaned.patients) == cleaned.row_accounting["rows_accepted"].sum()


@settings(max_examples=25)
@given(st.binary(max_size=400))
@pytest.mark.parametrize("suffix", ["csv", "tsv", "xlsx", "parquet"])
def test_no_bytes_raise(suffix, content):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "C01"
        folder.mkdir()
        (folder / f"patients.{suffix}").write_bytes(content)
        cleaned = clean(Path(name))
    assert_accounted(cleaned)
    assert len(cleaned.issues) or len(cleaned.patients)


@settings(max_examples=25)
@given(st.lists(st.lists(st.text(max_size=12), min_size=1, max_size=5), max_size=8))
def test_no_cells_raise(cells):
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerows([["patient_id", "sex", "diagnosis_date", "albumin_g_dl", "second_line_regimen"], *cells])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "C01"
        folder.mkdir()
        (folder / "patients.csv").write_bytes(buffer.getvalue().encode("utf-8", errors="replace"))
        assert_accounted(clean(Path(name)))


@SLOWER
@given(st.permutations(range(6)), st.lists(st.integers(0, 5), max_size=4))
def test_order_of_rows_and_exact_copies_change_nothing(order, copies):
    rows = base()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "C01"
        folder.mkdir()
        rows.iloc[[*order, *copies]].to_csv(folder / "patients.csv", index=False)
        cleaned = clean(Path(name))
    found = cleaned.patients.sort_values("patient_id").reset_index(drop=True)
    pd.testing.assert_frame_equal(found, EXPECTED)
    assert cleaned.row_accounting["rows_duplicate"].tolist() == [len(copies)]
    assert_accounted(cleaned)


@SLOWER
@given(dialects, st.booleans())
def test_redcap_reads_back_as_the_same_table(dialect, label):
    names = dialect["order_of_columns"]
    rows = base()
    choices = {name: dict(enumerate(PATIENTS[name].levels, start=1)) for name in names if PATIENTS[name].levels}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "C01"
        folder.mkdir()
        _write_redcap(folder, rows, names, choices, label=label)
        cleaned = clean(Path(name))
    assert cleaned.issues.empty, cleaned.issues.to_string()
    pd.testing.assert_frame_equal(cleaned.patients.sort_values("patient_id").reset_index(drop=True), EXPECTED)


def _write_redcap(folder: Path, rows: pd.DataFrame, names: list[str], choices: dict, *, label: bool) -> None:
    fields = [["Variable", "Form", "Section", "Type", "Label", "Choices", *[""] * 12]]
    for name in names:
        listed = " | ".join(f"{code}, {level}" for code, level in choices.get(name, {}).items())
        fields.append([name, "base", "", "radio" if listed else "text", PATIENTS[name].label_it, listed, *[""] * 12])
    codes = {name: {level: str(code) for code, level in levels.items()} for name, levels in choices.items()}
    headers = [PATIENTS[name].label_it if label else name for name in names]
    body = [
        [row[name] if label else codes.get(name, {}).get(row[name], row[name]) for name in names]
        for row in rows.to_dict("records")
    ]
    for path, content in (
        ("dict.csv", fields),
        ("data.csv", [[*headers, "base_complete"], *([*r, "2"] for r in body)]),
    ):
        with (folder / path).open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(content)
    form = "redcap_label" if label else "redcap_raw"
    entry = f'[[files]]\npath = "data.csv"\ntable = "patients"\nformat = "{form}"\ndictionary = "dict.csv"\n'
    (folder / "center.toml").write_text(entry, encoding="utf-8")
