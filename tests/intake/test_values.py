"""Strict value parsers: every form that centers write, what it becomes, and by which rule."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhrmm.schema import load_dictionary, variables
from intake.values import (
    CellDialect,
    comparison_key,
    find_unit,
    load_synonyms,
    missing_codes,
    parse_cell,
    parse_column,
    parse_date,
    parse_integer,
    parse_number,
    synonyms_of,
    tidy,
)
from intake.values.units import UNITS, convert

PATIENTS = variables("patients")


def cell(text: str, column: str, table: str = "patients", **dialect: object):
    return parse_cell(text, variables(table)[column], CellDialect(**dialect))


# --- dates ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "order", "clean", "change"),
    [
        ("2023-04-15", None, "2023-04-15", ""),
        ("2023-04", None, "2023-04", ""),
        ("2023", None, "2023", ""),
        ("2023-4-5", None, "2023-04-05", "notation"),
        ("2023/04/15", None, "2023-04-15", "notation"),
        ("2023.04.15", None, "2023-04-15", "notation"),
        ("20230415", None, "2023-04-15", "notation"),
        ("2023-04-15T00:00:00", None, "2023-04-15", "notation"),
        ("2023-04-15 13:45", None, "2023-04-15", "notation"),
        ("13/04/2023", None, "2023-04-13", "notation"),
        ("04/13/2023", None, "2023-04-13", "notation"),
        ("04/04/2023", None, "2023-04-04", "notation"),
        ("03/04/2023", "dmy", "2023-04-03", "notation"),
        ("03/04/2023", "mdy", "2023-03-04", "notation"),
        ("3.4.2023", "dmy", "2023-04-03", "notation"),
        ("03-04-23", "dmy", "2023-04-03", "two_digit_year"),
        ("03/04/98", "dmy", "1998-04-03", "two_digit_year"),
        ("23/04/03", "ymd", "2023-04-03", "two_digit_year"),
        ("03/04/2023 00:00", "dmy", "2023-04-03", "notation"),
        ("04/2023", None, "2023-04", "notation"),
        ("4-2023", None, "2023-04", "notation"),
        ("marzo 2023", None, "2023-03", "notation"),
        ("MARZO 2023", None, "2023-03", "notation"),
        ("mar 2023", None, "2023-03", "notation"),
        ("March 2023", None, "2023-03", "notation"),
        ("15 marzo 2023", None, "2023-03-15", "notation"),
        ("1° marzo 2023", None, "2023-03-01", "notation"),
        ("15-mag-2023", None, "2023-05-15", "notation"),
        ("15-mag-23", None, "2023-05-15", "two_digit_year"),
        ("15 sett. 2023", None, "2023-09-15", "notation"),
        ("March 15, 2023", None, "2023-03-15", "notation"),
        ("29/02/2024", None, "2024-02-29", "notation"),
        ("00/04/2023", None, "2023-04", "date_part_unknown"),
        ("--/04/2023", None, "2023-04", "date_part_unknown"),
        ("??/??/2023", None, "2023", "date_part_unknown"),
        ("xx/04/2023", None, "2023-04", "date_part_unknown"),
        ("ND/04/2023", None, "2023-04", "date_part_unknown"),
        ("2023-04-UN", None, "2023-04", "date_part_unknown"),
        ("2023-04-00", None, "2023-04", "date_part_unknown"),
        ("2023-UNK-UN", None, "2023", "date_part_unknown"),
        ("45031", None, "2023-04-15", "excel_serial"),
        ("45031.5", None, "2023-04-15", "excel_serial"),
    ],
)
def test_dates_are_read(text, order, clean, change):
    parsed = parse_date(text, order)
    assert (parsed.text, parsed.change, parsed.problem) == (clean, change, "")
    lower, upper, precision = parsed.value
    assert precision == {10: "day", 7: "month", 4: "year"}[len(clean)]
    assert lower <= upper


@pytest.mark.parametrize(
    ("text", "order", "problem"),
    [
        ("03/04/2023", None, "date_ambiguous"),
        ("3/4/23", None, "date_ambiguous"),
        ("15/04/23", None, "date_ambiguous"),  # 15 April 2023, or 2015-04-23
        ("04/23", None, "date_ambiguous"),
        ("mar-23", None, "date_ambiguous"),
        ("31/02/2023", None, "date_impossible"),
        ("29/02/2023", "dmy", "date_impossible"),
        ("04/15/2023", "dmy", "date_impossible"),
        ("15/04/2023", "mdy", "date_impossible"),
        ("2023-02-30", None, "date_impossible"),
        ("13/2023", None, "date_impossible"),
        ("31 novembre 2023", None, "date_impossible"),
        ("20231301", None, "date_impossible"),
        ("01/01/1900", None, "date_implausible"),
        ("1949", None, "date_implausible"),
        ("99999", None, "date_implausible"),
        ("primavera 2023", None, "date_unreadable"),
        ("circa 2023", None, "date_unreadable"),
        ("2023-04-15; 2023-05-01", None, "date_unreadable"),
        ("15/04-2023", None, "date_unreadable"),
        ("4503", None, "date_implausible"),
    ],
)
def test_dates_that_are_none_are_problems(text, order, problem):
    parsed = parse_date(text, order)
    assert parsed.problem == problem
    assert parsed.value is None


def test_serial_dates_of_both_epochs():
    assert parse_date("45031", epoch=1900).text == "2023-04-15"
    assert parse_date("43569", epoch=1904).text == "2023-04-15"


def test_partial_dates_have_their_bounds():
    assert parse_date("02/2024").value[:2] == (date(2024, 2, 1), date(2024, 2, 29))
    assert parse_date("2023").value[:2] == (date(2023, 1, 1), date(2023, 12, 31))


@given(st.dates(date(1950, 1, 1), date(2049, 12, 31)), st.sampled_from(["dmy", "mdy", "ymd"]), st.sampled_from("/.-"))
def test_declared_order_reads_back_what_was_written(day, order, mark):
    parts = {"d": f"{day.day:02d}", "m": f"{day.month:02d}", "y": f"{day.year:04d}"}
    parsed = parse_date(mark.join(parts[letter] for letter in order), order)
    assert parsed.value[:2] == (day, day)


@given(st.dates(date(1950, 1, 1), date(2049, 12, 31)))
def test_undeclared_order_never_guesses(day):
    parsed = parse_date(f"{day.day}/{day.month}/{day.year}")
    if day.day <= 12 and day.day != day.month:
        assert parsed.problem == "date_ambiguous"
    else:
        assert parsed.value[:2] == (day, day)


# --- numbers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "decimal", "thousands", "value", "change"),
    [
        ("3.5", None, None, 3.5, ""),
        ("3.50", None, None, 3.5, ""),
        ("250", None, None, 250, ""),
        ("3,5", None, None, 3.5, "notation"),
        ("3,5", ",", None, 3.5, "notation"),
        ("3.5", ",", None, 3.5, ""),
        ("1.234", None, None, 1.234, ""),
        ("1.234", ",", ".", 1234, "notation"),
        ("1,234", ",", None, 1.234, "notation"),
        ("1,234", ".", ",", 1234, "notation"),
        ("1.234,5", None, None, 1234.5, "notation"),
        ("1,234.5", None, None, 1234.5, "notation"),
        ("1.234.567", None, None, 1234567, "notation"),
        ("1 234,5", None, None, 1234.5, "notation"),
        ("1'234.5", None, None, 1234.5, "notation"),
        ("0,123", None, None, 0.123, "notation"),
        (",5", None, None, 0.5, "notation"),
        ("-0,5", None, None, -0.5, "notation"),
        ("\u22120.5", None, None, -0.5, "notation"),
        ("1,2E+03", None, None, 1200, "notation"),
        ("<0,1", None, None, 0.1, "bound_as_value"),
        ("> 5,5", None, None, 5.5, "bound_as_value"),
        ("\u22655.5", None, None, 5.5, "bound_as_value"),
        ("3,5*", None, None, 3.5, "footnote_removed"),
        ("3,5 (a)", None, None, 3.5, "footnote_removed"),
    ],
)
def test_numbers_are_read(text, decimal, thousands, value, change):
    parsed = parse_number(text, decimal=decimal, thousands=thousands)
    assert (parsed.value, parsed.change) == (value, change)


@pytest.mark.parametrize(
    ("text", "decimal", "problem"),
    [
        ("1,234", None, "number_ambiguous"),
        ("1.234", ",", "number_ambiguous"),
        ("1,234", ".", "number_ambiguous"),
        ("3.4.5", None, "number_unreadable"),
        ("1.23,4.5", None, "number_unreadable"),
        ("12.34,5", None, "number_unreadable"),
        ("norm", None, "number_unreadable"),
        ("3,5 pippo", None, "number_unreadable"),
        ("30-40", None, "number_is_range"),
        ("30 a 40", None, "number_is_range"),
        ("3-mag", None, "number_looks_like_date"),
        ("mag-05", None, "number_looks_like_date"),
        ("#N/D", None, "spreadsheet_error"),
        ("#VALORE!", None, "spreadsheet_error"),
        ("", None, "number_unreadable"),
        ("-", None, "number_unreadable"),
    ],
)
def test_numbers_that_are_none_are_problems(text, decimal, problem):
    parsed = parse_number(text, decimal=decimal)
    assert (parsed.value, parsed.problem) == (None, problem)


@pytest.mark.parametrize(
    ("text", "column", "unit", "value"),
    [
        ("38,2", "albumin_g_dl", "g/L", 3.82),
        ("38.2 g/L", "albumin_g_dl", None, 3.82),
        ("3.82 g/dL", "albumin_g_dl", "g/L", 3.82),
        ("88.4", "creatinine_mg_dl", "µmol/L", 1.0),
        ("88.4", "creatinine_mg_dl", "umol/l", 1.0),
        ("847", "beta2_microglobulin_mg_l", "nmol/L", 10.0),
        ("350", "beta2_microglobulin_mg_l", "ug/dL", 3.5),
        ("4", "ldh_u_l", "ukat/L", 240.0),
        ("0.6", "bm_plasma_cells_pct", "fraction", 60.0),
        ("60%", "bm_plasma_cells_pct", None, 60.0),
    ],
)
def test_units_are_converted_where_declared_or_written(text, column, unit, value):
    assert cell(text, column, unit=unit).value == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "column", "unit", "value"),
    [("1,5", "urine_m_protein_mg_24h", "g/24h", 1500.0), ("2.5", "flc_kappa_mg_l", "mg/dL", 25.0)],
)
def test_units_of_visits(text, column, unit, value):
    assert cell(text, column, "assessments", unit=unit).value == value


def test_conversion_leaves_no_binary_digits():
    assert convert(38.3, 0.1) == 3.83
    assert cell("38.3", "albumin_g_dl", unit="g/L").text == "3.83"


def test_every_unit_has_one_meaning_per_column():
    for column, units in UNITS.items():
        assert next(iter(units.values())) == 1.0
        assert [find_unit(column, unit) for unit in units] == list(units)


@pytest.mark.parametrize(
    ("text", "column", "likely"),
    [
        ("38", "albumin_g_dl", "g/L"),
        ("1.2", "ldh_u_l", "ratio"),
        ("108", "hemoglobin_g_dl", "g/L"),
        ("80", "creatinine_mg_dl", "umol/L"),
    ],
)
def test_implausible_value_names_the_likely_unit(text, column, likely):
    parsed = cell(text, column)
    assert parsed.problem == "unit_suspected"
    assert likely in parsed.advice
    assert parsed.value is None


def test_declared_unit_can_be_suspected_too():
    assert "mg/dL" in cell("1.1", "creatinine_mg_dl", unit="umol/L").advice


def test_ratio_has_its_own_range():
    assert cell("1,4", "ldh_u_l", unit="ratio").value == 1.4
    assert cell("240", "ldh_u_l", unit="ratio").problem == "out_of_range"


@pytest.mark.parametrize(("text", "value"), [("3", 3), ("3.0", 3), ("3,0", 3)])
def test_integers(text, value):
    assert parse_integer(text).value == value


@given(st.floats(0.5, 60, allow_nan=False).map(lambda x: round(x, 2)))
def test_decimal_comma_reads_back(value):
    parsed = cell(f"{value:.2f}".replace(".", ","), "beta2_microglobulin_mg_l", decimal=",")
    assert parsed.value == value


# --- categories ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "column", "value"),
    [
        ("sì", "del17p", "yes"), ("si\u0300", "del17p", "yes"), ("SI", "del17p", "yes"), ("Si'", "del17p", "yes"),
        ("s", "del17p", "yes"), ("X", "del17p", "yes"), ("1", "del17p", "yes"), ("VERO", "del17p", "yes"),
        ("no", "del17p", "no"), ("N", "del17p", "no"), ("0", "del17p", "no"), ("FALSO", "del17p", "no"),
        ("negativo", "del17p", "no"), ("assente", "del17p", "no"),
        ("M", "sex", "male"), ("Femmina", "sex", "female"),
        ("III", "iss_diagnosis", "III"), ("3", "iss_diagnosis", "III"), ("ISS 3", "iss_diagnosis", "III"),
        ("stadio II", "iss_diagnosis", "II"), ("R-ISS 2", "r_iss_diagnosis", "II"),
        ("R2-ISS IV", "r2_iss_diagnosis", "IV"),
        ("RC", "best_response", "CR"), ("RCs", "best_response", "sCR"), ("sRC", "best_response", "sCR"),
        ("VGPR", "best_response", "VGPR"), ("rp", "best_response", "PR"), ("RM", "best_response", "MR"),
        ("MS", "best_response", "SD"), ("SD", "best_response", "SD"), ("MP", "best_response", "PD"),
        ("PD", "best_response", "PD"), ("NE", "best_response", "NE"), ("NV", "best_response", "NE"),
        ("risposta parziale", "best_response", "PR"), ("progressione", "best_response", "PD"),
        ("IgG kappa", "isotype", "IgG"), ("IgGk", "isotype", "IgG"), ("micromolecolare", "isotype", "light_chain"),
        ("Bence-Jones", "isotype", "light_chain"), ("non secernente", "isotype", "non_secretory"),
        ("lena", "maintenance", "lenalidomide"), ("Revlimid", "maintenance", "lenalidomide"),
        ("no", "maintenance", "none"),
        ("none", "maintenance", "none"), ("bortezomib", "maintenance", "other"),
        ("paraosseo", "emd_second_line", "paraskeletal"), ("EMP", "emd_second_line", "extramedullary"),
        ("nessuna", "emd_second_line", "none"), ("biochimica", "progression_basis", "biochemical"),
        ("tossicità", "death_cause", "treatment"), ("Mieloma", "death_cause", "myeloma"),
    ],
)  # fmt: skip
def test_synonyms(text, column, value):
    parsed = cell(text, column)
    assert parsed.value == value
    assert (parsed.change == "") is (tidy(text) == value)


@pytest.mark.parametrize("variable", [v for v in load_dictionary() if v.levels], ids=lambda v: f"{v.table}.{v.column}")
def test_every_level_is_itself_and_no_synonym_contradicts_it(variable):
    known = synonyms_of(variable)
    assert all(parse_cell(level, variable, CellDialect()).value == level for level in variable.levels)
    assert set(known.values()) == set(variable.levels)


def test_no_spelling_has_two_meanings_in_a_group():
    for name, group in load_synonyms()["groups"].items():
        keys = [comparison_key(text) for texts in group.values() for text in texts]
        assert len(keys) == len(set(keys)), name


@pytest.mark.parametrize(
    ("text", "column", "value"),
    [("ECOG 1", "ecog_second_line", 1), ("PS 2", "ecog_second_line", 2), ("ecog=0", "ecog_second_line", 0)],
)
def test_scores_with_their_name(text, column, value):
    assert cell(text, column).value == value


# --- missing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["ND", "n.d.", "n.v.", "NA", "N/A", "-", "--", "?", "/", ".", "nan", "Non noto", "np"])
@pytest.mark.parametrize("column", ["sex", "albumin_g_dl", "diagnosis_date", "second_line_regimen", "ecog_second_line"])
def test_standard_codes_for_missing(text, column):
    assert cell(text, column)[:3] == (None, "", "missing_code")


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("Unknown/Not tested", True), ("Sconosciuto / non noto", True), ("ND (non disponibile)", True),
        ("unknown or not done", True), ("Don't know", True), ("Non testato", True), ("non noto, positivo", False),
        ("-/-", False), ("sì/ND", False), ("(", False),
    ],
)  # fmt: skip
def test_several_codes_for_missing_joined(text, missing):
    parsed = cell(text, "del17p")
    assert (parsed.change, parsed.problem) == (("missing_code", "") if missing else ("", "value_unknown"))


@pytest.mark.parametrize("text", ["", " ", "\u00a0", "\t"])
def test_blank_is_missing_without_a_change(text):
    assert cell(text, "sex")[:4] == (None, "", "", "")


@pytest.mark.parametrize(
    ("text", "codes", "missing"), [("-99", ["-99"], True), ("9.9", ["-99"], False), ("99", ["-99"], False)]
)
def test_declared_codes_are_compared_sign_by_sign(text, codes, missing):
    plain, keys = missing_codes(tuple(codes))
    assert (cell(text, "hemoglobin_g_dl", missing=plain, missing_keys=keys).change == "missing_code") is missing


def test_response_that_could_not_be_evaluated_is_no_missing_value():
    plain, keys = missing_codes(("NE", "ND"))
    assert cell("NE", "best_response", missing=plain, missing_keys=keys).value == "NE"
    assert cell("NE", "del17p", missing=plain, missing_keys=keys).value is None


def test_missing_in_dates_and_responses_only():
    assert cell("vivo", "death_date").change == "missing_code"
    assert cell("in corso", "best_response").change == "missing_code"
    assert cell("vivo", "sex").problem == "value_unknown"


def test_own_mapping_comes_before_everything():
    assert cell("no", "maintenance", mapping={"no": "other"})[:3] == ("other", "other", "value_map")
    assert cell("2", "sex", mapping={"1": "male", "2": "female"}).value == "female"
    assert cell("-1", "del17p", mapping={"1": "yes"}).problem == "value_unknown"
    assert cell("boh", "sex", mapping={"boh": ""})[:3] == (None, "", "value_map")


def test_choices_of_a_dictionary():
    choices = {"1": "Sì", "0": "No", "9": "non eseguita"}
    assert cell("1", "del17p", choices=choices)[:3] == ("yes", "yes", "choice_label")
    assert cell("9", "del17p", choices=choices).value is None
    assert cell("9", "del17p", choices=choices).problem == ""


# --- columns -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["patient_id", "albumin_g_dl"])
def test_large_columns_give_what_single_cells_give(column):
    rng = np.random.default_rng(1)
    texts = [f"{x:.4f}" for x in rng.uniform(0.5, 8, 3000)] + [
        "n.d.",
        "3,9",
        "3.9*",
        " 4.0",
        "1,23E+11",
        "a  b",
        "-99",
        "sì",
    ]
    plain, keys = missing_codes(("-99",))
    dialect = CellDialect(missing=plain, missing_keys=keys)
    series = pd.Series(pd.Categorical([*texts, None], categories=list(dict.fromkeys(texts))))
    read = parse_column(series, PATIENTS[column], dialect)
    for position, text in enumerate(series.cat.categories):
        one = parse_cell(text, PATIENTS[column], dialect)
        assert (read.typed[position], read.clean_texts[position]) == (one.value, one.text) or one.value == float(text)
        assert (read.changes[position], read.problems[position]) == (one.change, one.problem)
    assert pd.isna(pd.Series(read.canonical()[column]).iloc[-1])
