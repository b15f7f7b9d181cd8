"""Canonical tables of text, and the many ways in which centers write them: for property tests of intake."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from fhrmm.schema import variables
from fhrmm.study import load_study
from generator import simulate_population
from intake.cleaning import CleanedScope, clean_scope
from intake.values import write_number
from intake.values.dates import MONTH_NAMES

STUDY = load_study()
CENTER = "C01"
PATIENTS = {name: variable for name, variable in variables("patients").items() if name != "center"}
DATES = [name for name, variable in PATIENTS.items() if variable.type == "date"]
SYNONYMS = {"female": "F", "male": "maschio", "yes": "sì", "no": "NO", "PR": "RP", "CR": "rc", "PD": "mp"}
MONTHS = {language: [names[place] for names in MONTH_NAMES] for place, language in enumerate(("it", "en"))}
IN_GRAMS_PER_LITER = ("albumin_g_dl", "hemoglobin_g_dl")
LENGTHS = {"day": 10, "month": 7, "year": 4}


def as_text(patients: pd.DataFrame) -> pd.DataFrame:
    """Return typed patients as canonical text, sorted by identifier: what a test compares."""
    columns = {}
    for name, variable in PATIENTS.items():
        column = patients[name]
        if variable.type == "date":
            lower, precision = patients[f"{name}_lower"], patients[f"{name}_precision"]
            pairs = zip(lower.dt.strftime("%Y-%m-%d"), precision.astype(object), strict=True)
            columns[name] = ["" if pd.isna(kind) else text[: LENGTHS[kind]] for text, kind in pairs]
        elif variable.type in ("number", "integer"):
            columns[name] = ["" if pd.isna(value) else write_number(float(value)) for value in column]
        else:
            columns[name] = ["" if pd.isna(value) else str(value) for value in column]
    return pd.DataFrame(columns, dtype=object).sort_values("patient_id", ignore_index=True)


@st.composite
def canonical_tables(draw: st.DrawFn) -> pd.DataFrame:
    """Draw patients of the generator as canonical text, some cells emptied and some dates made partial."""
    seed, size = draw(st.integers(0, 10_000)), draw(st.integers(1, 8))
    patients = simulate_population(size, np.random.default_rng(seed), visits=False).patients
    table = as_text(patients)
    cells = st.tuples(st.integers(0, size - 1), st.sampled_from(list(PATIENTS)[1:]), st.sampled_from([0, 4, 7]))
    for row, name, length in draw(st.lists(cells, max_size=12)):
        if length == 0 or name in DATES:
            table.loc[row, name] = table.loc[row, name][:length]
    return table


dialects = st.fixed_dictionaries(
    {
        "encoding": st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "mac_roman"]),
        "separator": st.sampled_from([";", ",", "\t", "|"]),
        "marks": st.sampled_from([(".", ""), (",", ""), (",", "."), (",", " "), (".", ","), (".", "'")]),
        "order": st.sampled_from(["dmy", "mdy", "ymd"]),
        "dates": st.sampled_from(["numbers", "short year", "it", "en", "compact", "serial"]),
        "mark": st.sampled_from(["/", "-", "."]),
        "language": st.sampled_from(["canonical", "label_en", "label_it", "own"]),
        "missing": st.sampled_from(["", "ND", "n.v.", "-99", "?", "999", "non pervenuto"]),
        "units": st.sampled_from(["canonical", "in the header", "declared"]),
        "synonyms": st.booleans(),
        "order_of_columns": st.permutations(list(PATIENTS)),
        "seed_of_rows": st.integers(0, 1000),
        "skipped": st.integers(0, 2),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        "ending": st.sampled_from(["\n", "\r\n"]),
    }
)


def write_date(text: str, dialect: dict) -> str:
    """Write a date, partial ones without the parts that are not known."""
    parts = text.split("-")
    form, mark = dialect["dates"], dialect["mark"]
    if form in MONTHS and len(parts) > 1:
        return " ".join([*(str(int(day)) for day in parts[2:]), MONTHS[form][int(parts[1]) - 1], parts[0]])
    if len(parts) < 3:
        return "/".join(reversed(parts))
    if form == "serial":
        return str((date.fromisoformat(text) - date(1899, 12, 30)).days)
    if form == "compact":
        return "".join(parts)
    if form == "short year" and dialect["order"] != "ymd":
        parts[0] = parts[0][2:]
    return mark.join(dict(zip("ymd", parts, strict=True))[letter] for letter in dialect["order"])


def write_measurement(text: str, name: str, dialect: dict) -> str:
    """Write a number with the marks of the dialect, in its unit."""
    decimal, thousands = dialect["marks"]
    if name in IN_GRAMS_PER_LITER and dialect["units"] != "canonical":
        text = write_number(float(f"{float(text) * 10:.12g}"))
    whole, _, digits = text.partition(".")
    if thousands and len(whole) > 3:
        whole = f"{int(whole):,}".replace(",", thousands)
    return f"{whole}{decimal}{digits}" if digits else whole


def write_cell(text: str, name: str, dialect: dict) -> str:
    """Write one canonical cell."""
    kind = PATIENTS[name].type
    if not text:
        return dialect["missing"]
    if kind == "date":
        return write_date(text, dialect)
    if kind == "number":
        return write_measurement(text, name, dialect)
    return SYNONYMS.get(text, text) if dialect["synonyms"] and kind != "id" else text


def write_header(name: str, dialect: dict) -> str:
    """Write the header of one column."""
    language = dialect["language"]
    own = name if language == "canonical" else f"Q{name}x"
    header = getattr(PATIENTS[name], language) if language.startswith("label") else own
    in_grams = name in IN_GRAMS_PER_LITER and dialect["units"] == "in the header" and language != "own"
    return f"{header} (g/L)" if in_grams else header


def write_table(table: pd.DataFrame, dialect: dict) -> bytes:
    """Write a canonical table as the bytes of one text file."""
    names = dialect["order_of_columns"]
    buffer = io.StringIO()
    buffer.write("".join(f"Registro{dialect['ending']}" for _ in range(dialect["skipped"])))
    writer = csv.writer(
        buffer, delimiter=dialect["separator"], quoting=dialect["quoting"], lineterminator=dialect["ending"]
    )
    writer.writerow([write_header(name, dialect) for name in names])
    for position in np.random.default_rng(dialect["seed_of_rows"]).permutation(len(table)):
        row = table.iloc[position]
        writer.writerow([write_cell(row[name], name, dialect) for name in names])
    return buffer.getvalue().encode(dialect["encoding"])


def describe(dialect: dict) -> str:
    """Return the center.toml of a dialect."""
    decimal, thousands = dialect["marks"]
    mark = {"\t": "\\t"}.get(dialect["separator"], dialect["separator"])
    lines = [f'separator = "{mark}"', f'decimal = "{decimal}"', f'date_order = "{dialect["order"]}"']
    lines += [f'thousands = "{thousands}"'] if thousands else []
    lines += [f'encoding = "{dialect["encoding"]}"', 'missing = ["-99", "999"]']
    lines += ["[[files]]", 'path = "p.csv"', 'table = "patients"', f"skip_rows = {dialect['skipped']}"]
    if dialect["language"] == "own":
        lines += ["[files.columns]", *(f'"{write_header(name, dialect)}" = "{name}"' for name in PATIENTS)]
    if dialect["units"] == "declared" or (dialect["units"] != "canonical" and dialect["language"] == "own"):
        lines += ["[files.units]", *(f'{name} = "g/L"' for name in IN_GRAMS_PER_LITER)]
    return "\n".join(lines) + "\n"


def write_center(data: Path, table: pd.DataFrame, dialect: dict, length: int | None = None) -> None:
    """Write a center's folder with one file, cut off after some bytes."""
    folder = data / CENTER
    folder.mkdir(exist_ok=True)
    (folder / "p.csv").write_bytes(write_table(table, dialect)[:length])
    (folder / "center.toml").write_text(describe(dialect), encoding="utf-8")


def clean(data: Path) -> CleanedScope:
    """Clean the center that a test has written."""
    return clean_scope(data, CENTER, STUDY)


def assert_accounted(cleaned: CleanedScope) -> None:
    """Every row read is accepted, quarantined or a duplicate."""
    rows = cleaned.row_accounting
    assert rows["rows_read"].eq(rows[["rows_accepted", "rows_quarantined", "rows_duplicate"]].sum(axis=1)).all()
    assert rows["rows_read"].ge(0).all()


def assert_same_table(cleaned: CleanedScope, table: pd.DataFrame) -> None:
    """Accepted patients have the values of the table, and every other patient of it has an error."""
    wrong = cleaned.issues[cleaned.issues["severity"].eq("error") & cleaned.issues["patient_id"].eq("")]
    assert wrong.empty, wrong.to_string()
    found = as_text(cleaned.patients)
    accepted = table[~table["patient_id"].isin(cleaned.quarantined["patient_id"])]
    pd.testing.assert_frame_equal(found, accepted.sort_values("patient_id", ignore_index=True), check_dtype=False)
    assert_accounted(cleaned)
    assert cleaned.row_accounting["rows_read"].sum() >= len(table)
