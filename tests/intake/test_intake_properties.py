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
from tests.intake.written_forms import (
    CENTER,
    PATIENTS,
    assert_accounted,
    assert_same_table,
    canonical_tables,
    clean,
    dialects,
    write_cell,
    write_center,
)

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

BASE = Path(__file__).parent / "faults" / "base" / "X01" / "patients.csv"
SLOWER = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def base() -> pd.DataFrame:
    return pd.read_csv(BASE, dtype=str, keep_default_na=False)


def findings(cleaned) -> list[tuple[str, str, str]]:
    return sorted(cleaned.issues[["rule", "column", "patient_id"]].itertuples(index=False, name=None))


@SLOWER
@given(canonical_tables(), dialects)
def test_any_dialect_reads_back_as_the_same_table(table, dialect):
    with tempfile.TemporaryDirectory() as name:
        write_center(Path(name), table, dialect)
        cleaned = clean(Path(name))
        (Path(name) / CENTER / "center.toml").unlink()
        table.to_csv(Path(name) / CENTER / "patients.csv", index=False)
        canonical = clean(Path(name))
    assert_same_table(cleaned, table)
    unsaid = {("file_not_read", "", "")}
    said = {found for found in findings(cleaned) if found[0] != "two_digit_years"}
    assert said == set(findings(canonical)) - unsaid
    pd.testing.assert_frame_equal(
        cleaned.patients.sort_values("patient_id", ignore_index=True),
        canonical.patients.sort_values("patient_id", ignore_index=True),
    )


@SLOWER
@given(canonical_tables(), dialects)
def test_every_cell_that_was_written_differently_is_in_the_audit(table, dialect):
    with tempfile.TemporaryDirectory() as name:
        write_center(Path(name), table, dialect)
        audit = clean(Path(name)).audit
    written = {
        (row["patient_id"], column, write_cell(row[column], column, dialect), row[column])
        for row in table.to_dict("records")
        for column in PATIENTS
        if write_cell(row[column], column, dialect) != row[column]
    }
    columns = ["patient_id", "column", "raw_value", "clean_value"]
    assert set(audit[columns].itertuples(index=False, name=None)) == written


@SLOWER
@given(dialects, st.integers(0, 4000))
def test_truncated_files_are_accounted_for(dialect, length):
    with tempfile.TemporaryDirectory() as name:
        write_center(Path(name), base(), dialect, length)
        cleaned = clean(Path(name))
    assert_accounted(cleaned)
    assert len(cleaned.patients) == cleaned.row_accounting["rows_accepted"].sum()


@settings(max_examples=20)
@given(st.binary(max_size=400))
@pytest.mark.parametrize("suffix", ["csv", "tsv", "xlsx", "parquet"])
def test_no_bytes_raise(suffix, content):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / CENTER
        folder.mkdir()
        (folder / f"patients.{suffix}").write_bytes(content)
        cleaned = clean(Path(name))
    assert_accounted(cleaned)
    assert len(cleaned.issues) or len(cleaned.patients)


@settings(max_examples=20)
@given(st.lists(st.lists(st.text(max_size=12), min_size=1, max_size=5), max_size=8))
def test_no_cells_raise(cells):
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerows([["patient_id", "sex", "diagnosis_date", "albumin_g_dl", "second_line_regimen"], *cells])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / CENTER
        folder.mkdir()
        (folder / "patients.csv").write_bytes(buffer.getvalue().encode("utf-8", errors="replace"))
        assert_accounted(clean(Path(name)))


@SLOWER
@given(st.permutations(range(6)), st.lists(st.integers(0, 5), max_size=4))
def test_order_of_rows_and_exact_copies_change_nothing(order, copies):
    rows = base()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / CENTER
        folder.mkdir()
        rows.iloc[[*order, *copies]].to_csv(folder / "patients.csv", index=False)
        cleaned = clean(Path(name))
    assert_same_table(cleaned, rows)
    assert cleaned.row_accounting["rows_duplicate"].tolist() == [len(copies)]
