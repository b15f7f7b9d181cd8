"""Exports as hospitals send them: each is read right, or said to be unreadable before a number comes of it.

`exports/` holds small invented centers, made after public reports of how real files go wrong; `truth.csv` beside one
says what it means.
"""

from __future__ import annotations

import math
import shutil
from fractions import Fraction
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from odf import opendocument, table
from odf.text import P

from fhrmm.endpoints import derive_time_to_event
from fhrmm.estimates import proportions, subgroups, survival
from fhrmm.response import derive_response
from fhrmm.study import load_study
from intake.center import CenterFile
from intake.cleaning import clean_scope
from intake.init_center import init_center
from intake.init_center.match import match_headers
from intake.readers.spreadsheets import read_ods
from intake.values import parse_date

EXPORTS = Path(__file__).parent / "exports"
STUDY = load_study()


def dataset(tmp_path: Path, name: str, *, center: str = "X", files: tuple[str, ...] = ("*",)) -> Path:
    """Copy one export as the only center of a dataset, under the id that its center.toml has."""
    described = EXPORTS / name / "center.toml"
    if described.is_file():
        center = described.read_text(encoding="utf-8").split('id = "')[1].split('"')[0]
    folder = tmp_path / "data" / center
    folder.mkdir(parents=True)
    for file in (path for pattern in files for path in (EXPORTS / name).glob(pattern) if path.name != "truth.csv"):
        shutil.copy(file, folder)
    return folder


def clean(folder: Path):
    return clean_scope(folder.parent, folder.name, STUDY)


def errors(cleaned) -> list[str]:
    return cleaned.issues.loc[cleaned.issues["severity"] == "error", "rule"].unique().tolist()


def test_every_identifier_is_named_before_the_first_run(tmp_path):
    report = init_center(dataset(tmp_path, "second_identifier_not_named"))
    assert report.count(" out of the file (refused") == 4
    assert "Data di nascita'," not in report  # not a question which variable a birth date is


def test_codes_for_missing_dates_are_asked_for_before_the_first_run(tmp_path):
    report = init_center(dataset(tmp_path, "dates_init_center_does_not_list", files=("clinical.tsv",)))
    assert "'--" in report


def test_times_with_an_offset_are_days(tmp_path):
    cleaned = clean(dataset(tmp_path, "dates_init_center_does_not_list", files=("patients.csv",)))
    assert len(cleaned.patients) == 8


def test_midnights_of_universal_time_are_the_next_day_and_said():
    parsed = parse_date("2021-10-26T22:00:00Z")
    assert (parsed.text, parsed.problem) == ("2021-10-27", "date_utc_midnight")
    assert parse_date("2021-10-26T21:59:00Z").text == "2021-10-26"


def test_days_and_months_exchanged_by_a_spreadsheet_are_an_error_of_the_file(tmp_path):
    cleaned = clean(dataset(tmp_path, "day_and_month_swapped_by_excel"))
    assert cleaned.patients.empty
    assert errors(cleaned) == ["dates_swapped"]
    assert cleaned.row_accounting[["rows_read", "rows_quarantined"]].to_numpy().tolist() == [[14, 14]]


def test_dates_that_are_cells_and_text_without_a_pattern_are_read(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["patient_id", "diagnosis_date", "death_date"])
    for number in range(1, 13):
        book.active.append([f"P{number}", pd.Timestamp(2021, 3, 2 * number).to_pydatetime(), f"{12 + number}/03/2023"])
    (tmp_path / "data" / "X").mkdir(parents=True)
    book.save(tmp_path / "data" / "X" / "patients.xlsx")
    cleaned = clean(tmp_path / "data" / "X")
    assert "dates_swapped" not in errors(cleaned)


def test_formulas_without_a_stored_value_are_errors_where_they_stand(tmp_path):
    cleaned = clean(dataset(tmp_path, "formulas_without_stored_values"))
    found = cleaned.issues[cleaned.issues["rule"] == "formula_without_value"]
    assert set(found["column"]) >= {"death_date", "progression_date"}
    assert found["row"].notna().all()
    assert not cleaned.patients["death_date"].notna().any()
    assert set(found["patient_id"]) == set(cleaned.quarantined["patient_id"]) & set(found["patient_id"])


def test_formulas_without_a_stored_value_in_open_document(tmp_path):
    document = opendocument.OpenDocumentSpreadsheet()
    sheet = table.Table(name="patients")
    for texts in (("patient_id", "death_date"), ("P1", None)):
        row = table.TableRow()
        for text in texts:
            cell = table.TableCell(valuetype="string") if text else table.TableCell(formula="of:=[.A1]")
            if text:
                cell.addElement(P(text=text))
            row.addElement(cell)
        sheet.addElement(row)
    document.spreadsheet.addElement(sheet)
    document.save(str(tmp_path / "p.ods"))
    grid = read_ods(tmp_path / "p.ods", CenterFile(path="p.ods", table="patients"))
    assert grid.columns[1].tolist() == ["formula without a stored value"]


def test_months_of_a_statistics_program_are_months(tmp_path):
    folder = dataset(tmp_path, "spss_month_year_format")
    init_center(folder)
    truth = pd.read_csv(EXPORTS / "spss_month_year_format" / "truth.csv", dtype=str).set_index("patient_id")
    patients = clean(folder).patients.set_index("patient_id")
    assert len(patients) == len(truth)
    assert (patients["diagnosis_date_precision"] == "month").all()
    shown = patients["diagnosis_date_lower"].dt.strftime("%Y-%m")
    assert shown.tolist() == truth.loc[shown.index, "diagnosis_date"].str[:7].tolist()


def test_title_rows_above_the_header_are_found(tmp_path):
    folder = dataset(tmp_path, "title_rows_above_the_header")
    init_center(folder)
    assert "skip_rows = 2" in (folder / "center.toml").read_text(encoding="utf-8")
    cleaned = clean(folder)
    assert len(cleaned.patients) == 9
    # 'sì' is no kind of extramedullary disease, and was asked for; the last row is a total
    assert cleaned.quarantined["patient_id"].tolist() == ["P08"]
    assert "total_row" in cleaned.issues["rule"].tolist()


def test_a_workbook_of_before_2007_is_read(tmp_path):
    folder = dataset(tmp_path, "xls_visits_not_seen", files=("pazienti.csv", "rivalutazioni.xls"))
    report = init_center(folder)
    text = (folder / "center.toml").read_text(encoding="utf-8")
    assert "rivalutazioni.xls" in text, report
    assert len(clean(folder).assessments) > 0


def test_every_file_that_is_not_read_is_named(tmp_path):
    folder = dataset(tmp_path, "xls_visits_not_seen")
    (folder / "old.wk1").write_bytes(b"x")
    unread = clean(folder).issues.query("rule == 'file_not_read'").set_index("file")["what_to_do"]
    assert set(unread.index) == {"rivalutazioni.xls", "old.wk1"}
    assert ".xlsx" in unread["old.wk1"]


def test_rows_of_one_day_are_one_visit(tmp_path):
    folder = dataset(tmp_path, "one_visit_on_two_rows")
    cleaned = clean(folder)
    days = cleaned.assessments.groupby(["patient_id", "assessment_date"]).size()
    assert (days == 1).all()
    accounting = cleaned.row_accounting.set_index("file").loc["assessments.csv"]
    joined = cleaned.issues.query("rule == 'assessment_rows_joined'")
    assert accounting["rows_accepted"] == accounting["rows_read"] == len(joined) == 2 * len(days)
    assert joined["found"].iloc[0] == "with row 3 of assessments.csv"
    best = derive_response(cleaned.patients, cleaned.assessments, STUDY).set_index("patient_id")[
        "best_confirmed_response"
    ]
    assert best.astype(str).tolist() == ["CR", "CR", "VGPR", "VGPR", "CR", "VGPR"]


def test_rows_of_one_day_that_contradict_each_other_stay_apart(tmp_path):
    folder = tmp_path / "data" / "X"
    folder.mkdir(parents=True)
    (folder / "patients.csv").write_text("patient_id\nP1\n", encoding="utf-8")
    visits = "patient_id,assessment_date,response\nP1,2023-01-05,PR\nP1,2023-01-05,VGPR\nP1,2023-02-05,PR\n"
    (folder / "assessments.csv").write_text(visits, encoding="utf-8")
    cleaned = clean(folder)
    assert len(cleaned.assessments) == 3
    assert cleaned.issues.query("rule == 'assessments_same_day'")["row"].tolist() == [2, 3]


def test_a_field_of_several_events_needs_its_event(tmp_path):
    folder = dataset(tmp_path, "redcap_same_field_in_two_events")
    refused = clean(folder)
    assert errors(refused) == ["field_in_several_events"]
    assert refused.patients.empty
    described = (folder / "center.toml").read_text(encoding="utf-8")
    (folder / "center.toml").write_text(
        described.replace('"best_resp"', '"second_line_arm_1: best_resp"'), encoding="utf-8"
    )
    patients = clean(folder).patients.set_index("patient_id")
    assert patients["best_response"].dropna().to_dict() == {"P05": "VGPR"}
    assert len(patients) == 8


def test_rows_that_differ_in_any_column_are_no_duplicates_and_name_the_other_file(tmp_path):
    folder = dataset(tmp_path, "lines_in_a_long_table_and_lis")
    (folder / "patients.csv").write_text("patient_id,sex,nota\nP1,f,a\nP1,f,b\nP2,m,a\nP2,m,a\n", encoding="utf-8")
    (folder / "altri.csv").write_text("patient_id,sex\nP1,m\n", encoding="utf-8")
    files = ['path = "patients.csv"\ntable = "patients"\n', 'path = "altri.csv"\ntable = "patients"\n']
    (folder / "center.toml").write_text("".join(f"[[files]]\n{file}" for file in files), encoding="utf-8")
    issues = clean(folder).issues
    assert issues.query("rule == 'duplicate_row'")["row"].tolist() == [5]
    found = issues.query("rule == 'duplicate_patient'").set_index(["file", "row"])["found"]
    assert found["patients.csv", 2] == "also in row 3 of patients.csv, row 2 of altri.csv"
    assert found["altri.csv", 2] == "also in row 2 of patients.csv, row 3 of patients.csv"


STATUS = """[[files.shared_dates]]
date = "Data ultimo follow-up o decesso"
status = "Stato (vivo/deceduto)"
event = "death_date"
always = "last_contact_date"
[[files.shared_dates]]
date = "Data progressione o ultima rivalutazione"
status = "Progressione (sì/no)"
event = "progression_date"
always = "last_assessment_date"
"""


def tell_status_apart(folder: Path) -> None:
    """Say in center.toml, in the place of the two guesses, which column tells of what a shared date is."""
    lines = (folder / "center.toml").read_text(encoding="utf-8").replace('"VITAL2"', f'"{folder.name}"').splitlines()
    kept = [line for line in lines if not line.startswith(('"Data ultimo follow-up o', '"Data progressione o'))]
    (folder / "center.toml").write_text("\n".join([*kept, STATUS]), encoding="utf-8")


def estimates_of(cleaned, endpoint: str) -> pd.DataFrame:
    """Return survival of everybody that intake accepts, eligible or not."""
    response = derive_response(cleaned.patients, cleaned.assessments, STUDY)
    times = derive_time_to_event(cleaned.patients, response, STUDY, endpoints=[endpoint])
    rows = survival.estimate_survival(times, STUDY, endpoint=endpoint)
    return rows.set_index(rows["estimand"] + rows["time_months"].map(" {:g}".format).replace(" nan", ""))


def rate(*factors: tuple[int, int]) -> float:
    return math.prod(Fraction(*factor) for factor in factors)


def test_without_a_column_for_death_nobody_is_known_to_live(tmp_path):
    cleaned = clean(dataset(tmp_path, "status_and_one_shared_date"))
    assert len(cleaned.patients) == 14
    for endpoint, event in (("OS", "a death"), ("PFS", "a progression"), ("TTNT", "a next line of therapy")):
        rows = estimates_of(cleaned, endpoint)
        assert set(rows["status"]) == {"not_estimable"}
        assert set(rows["note"]) == {f"this export has no way to record {event}"}, endpoint


def test_without_a_column_for_progression_nobody_is_free_of_it(tmp_path):
    folder = dataset(tmp_path, "lines_in_a_long_table_and_lis", files=("anagrafica.csv",))
    shutil.move(folder / "anagrafica.csv", folder / "patients.csv")
    header = "patient_id;sex;birth_year;diagnosis_date;isotype;iss_diagnosis;last_contact_date;death_date"
    rows = (folder / "patients.csv").read_text(encoding="utf-8").splitlines()[1:]
    text = "\n".join([header + ";second_line_start_date", *(f"{row};01/06/2022" for row in rows[:4])])
    (folder / "patients.csv").write_text(text, encoding="utf-8")
    (folder / "center.toml").write_text(
        'date_order = "dmy"\nfiles = [{path = "patients.csv", table = "patients"}]\n', encoding="utf-8"
    )
    cleaned = clean(folder)
    assert set(estimates_of(cleaned, "PFS")["note"]) == {"this export has no way to record a progression"}
    assert estimates_of(cleaned, "OS").loc["survival_probability 12", "n_events"] == 3
    response = derive_response(cleaned.patients, cleaned.assessments, STUDY)
    rates = proportions.estimate_response(subgroups.join_cohort(response, cleaned.patients), STUDY)
    assert set(rates["note"]) == {"this export has no way to record a response"}


def test_in_the_pool_a_center_without_a_column_for_death_does_not_contribute(tmp_path):
    folder = dataset(tmp_path, "status_and_one_shared_date")
    shutil.copytree(folder, folder.parent / "Y")
    tell_status_apart(folder.parent / "Y")
    cleaned = clean_scope(folder.parent, "ALL", STUDY)
    assert len(cleaned.patients) == 28
    at_year = ["status", "estimate", "n", "n_events"]
    alone = estimates_of(clean_scope(folder.parent, "Y", STUDY), "OS").loc["survival_probability 12", at_year]
    pooled = estimates_of(cleaned, "OS").loc["survival_probability 12", at_year]
    assert pooled.tolist() == alone.tolist() == ["ok", pytest.approx(alone["estimate"]), 14, 8]
    response = derive_response(cleaned.patients, cleaned.assessments, STUDY)
    ended = survival.count_reasons(derive_time_to_event(cleaned.patients, response, STUDY, endpoints=["OS"]))
    said = ended.set_index("level")["estimate"]
    assert said["time not derivable: this export has no way to record a death"] == 14


def test_a_status_beside_one_date_tells_the_events(tmp_path):
    folder = dataset(tmp_path, "status_and_one_shared_date")
    tell_status_apart(folder)
    cleaned = clean(folder)
    truth = pd.read_csv(EXPORTS / "status_and_one_shared_date" / "truth.csv", dtype=str).set_index("patient_id")
    patients = cleaned.patients.set_index("patient_id")
    for column in ("death_date", "last_contact_date", "progression_date", "last_assessment_date"):
        assert patients[column].dt.strftime("%Y-%m-%d").fillna("").tolist() == truth[column].fillna("").tolist(), column
    os, pfs = estimates_of(cleaned, "OS"), estimates_of(cleaned, "PFS")
    assert os.loc["median_months", ["n_events", "estimate"]].astype(float).round(2).tolist() == [8, 21.39]
    assert pfs.loc["median_months", ["n_events", "estimate"]].astype(float).round(2).tolist() == [13, 14.51]
    assert os.loc["survival_probability 12", "estimate"] == pytest.approx(rate((11, 14)))
    assert pfs.loc["survival_probability 12", "estimate"] == pytest.approx(rate((8, 14)))


def test_a_status_that_says_neither_is_an_error_where_it_stands(tmp_path):
    folder = dataset(tmp_path, "status_and_one_shared_date")
    tell_status_apart(folder)
    text = (folder / "casistica.csv").read_text(encoding="utf-8")
    text = text.replace("deceduto;26/06/2023", "trasferito;26/06/2023").replace("deceduto;27/08/2023", "deceduto;")
    (folder / "casistica.csv").write_text(text, encoding="utf-8")
    cleaned = clean(folder)
    found = cleaned.issues[cleaned.issues["severity"] == "error"].set_index("rule")
    assert found.loc["status_unclear", ["row", "column", "patient_id", "found"]].tolist() == [
        2,
        "death_date",
        "P01",
        "trasferito",
    ]
    assert found.loc["status_without_date", ["row", "patient_id"]].tolist() == [3, "P02"]


LINES_AND_LIS = """date_order = "dmy"
files = [
  {path = "anagrafica.csv", table = "patients", columns = {"Anno di nascita" = "birth_year", "Data decesso" = "death_date", "Ultimo contatto" = "last_contact_date", "Data diagnosi" = "diagnosis_date", "ISS" = "iss_diagnosis"}},
  {path = "linee_terapia.csv", table = "lines", columns = {"Linea" = "line_number", "Schema" = "regimen", "Data inizio" = "start_date", "Data fine" = "stop_date", "Risposta" = "response", "Data progressione" = "progression_date", "Data ASCT" = "transplant_date"}},
  {path = "lis_esami.csv", table = "laboratory", columns = {"Data prelievo" = "assessment_date", "Valore" = "value", "Unità" = "unit"}},
]
"""  # noqa: E501 (one file of the center per line)


def assert_lines_and_laboratory_are_read(cleaned) -> None:
    truth = pd.read_csv(EXPORTS / "lines_in_a_long_table_and_lis" / "truth.csv", dtype=str).set_index("patient_id")
    patients = cleaned.patients.set_index("patient_id")
    assert patients.index.tolist() == truth.index.tolist()
    same = ["first_line_start_date", "first_line_regimen", "first_line_best_response", "asct_date", "best_response"]
    same += [
        "first_progression_date",
        "second_line_start_date",
        "second_line_regimen",
        "progression_date",
        "death_date",
    ]
    for column in same:
        texts = patients[column].dt.strftime("%Y-%m-%d") if column.endswith("date") else patients[column].astype(object)
        assert texts.fillna("").tolist() == truth[column].fillna("").tolist(), column
    assert patients["next_line_start_date"].dt.strftime("%Y-%m-%d").dropna().to_dict()["P04"] == "2024-01-17"
    visits = cleaned.assessments.groupby("patient_id").size()
    assert visits["P01"] == 4
    assert visits.between(4, 8).all()
    first = cleaned.assessments.iloc[0]
    assert first[["serum_m_protein_g_dl", "flc_kappa_mg_l", "flc_lambda_mg_l"]].tolist() == [2.5, 126, 39]


def test_lines_of_therapy_and_laboratory_results_become_patients_and_visits(tmp_path):
    folder = dataset(tmp_path, "lines_in_a_long_table_and_lis")
    (folder / "center.toml").write_text(LINES_AND_LIS, encoding="utf-8")
    cleaned = clean(folder)
    assert errors(cleaned) == []
    assert_lines_and_laboratory_are_read(cleaned)
    accounted = cleaned.row_accounting.set_index("file")
    assert accounted.loc["lis_esami.csv", ["rows_read", "rows_accepted"]].tolist() == [219, 219]
    # creatinine was measured at visits alone, none of them near a diagnosis
    assert accounted.loc["lis_esami.csv [at diagnosis]", ["rows_read", "rows_quarantined"]].tolist() == [73, 73]
    assert accounted.loc["linee_terapia.csv", ["rows_read", "rows_accepted"]].tolist() == [24, 24]
    assert cleaned.unknown_columns.empty


def test_maintenance_in_a_column_of_the_lines_is_that_after_the_first(tmp_path):
    """One of the six factors, in a shape of its own: a word in the row of the line it followed."""
    folder = tmp_path / "M1"
    folder.mkdir()
    rows = "A;1;D-VTd;2021-01-01;Lena\nA;2;KRd;2022-01-01;no\nB;1;VTd;2021-01-01;no\nC;1;VTd;2021-01-01;\n"
    (folder / "linee.csv").write_text(f"ID;N. linea;Schema;Inizio;Mantenimento\n{rows}", encoding="utf-8")
    assert "Mantenimento" not in init_center(folder)
    found = clean(folder).patients.set_index("patient_id")["maintenance"].astype(object)
    assert found.where(found.notna(), None).to_dict() == {"A": "lenalidomide", "B": "none", "C": None}


def test_a_result_in_the_unit_of_the_dictionary_is_no_changed_value(tmp_path):
    folder = tmp_path / "U1"
    folder.mkdir()
    (folder / "patients.csv").write_text("patient_id,sex\nA,female\n", encoding="utf-8")
    head, analyte = "patient_id,assessment_date,analyte,value,unit\n", "serum_m_protein_g_dl"
    rows = f"A,2022-01-01,{analyte},2.5,g/dL\nA,2022-02-01,{analyte},25,g/L\nA,2022-03-01,{analyte},2.5,gr/dl\n"
    (folder / "laboratory.csv").write_text(head + rows, encoding="utf-8")
    cleaned = clean(folder)
    assert cleaned.assessments[analyte].tolist() == [2.5, 2.5, 2.5]
    changed = cleaned.audit[cleaned.audit["column"] == analyte]
    assert changed[["raw_value", "clean_value"]].to_numpy().tolist() == [["25 g/L", "2.5"]]
    (folder / "center.toml").write_text(
        'files = [{path = "patients.csv", table = "patients"}, '
        f'{{path = "laboratory.csv", table = "laboratory", units = {{{analyte} = "g/L"}}}}]\n',
        encoding="utf-8",
    )
    assert clean(folder).assessments[analyte].tolist() == [2.5, 2.5, 2.5], "what stands in the row counts"


def test_visits_say_that_a_patient_was_assessed(tmp_path):
    """The date of the last assessment is asked for where no visit tells how long a patient was seen."""
    folder = tmp_path / "V1"
    folder.mkdir()
    rows = "".join(f"{name},female,2022-01-01\n" for name in "ABC")
    (folder / "patients.csv").write_text(f"patient_id,sex,second_line_start_date\n{rows}", encoding="utf-8")
    visits = "A,2022-03-01,PR\nB,2021-12-01,PR\n"
    (folder / "assessments.csv").write_text(f"patient_id,assessment_date,response\n{visits}", encoding="utf-8")
    found = clean(folder).issues.set_index("rule")
    assert sorted(found.loc[["last_assessment_missing"], "patient_id"]) == ["B", "C"]
    assert "last_assessment_date" not in found.loc[["column_absent"], "column"].tolist()


def test_lines_without_a_number_are_told_by_their_start(tmp_path):
    folder = dataset(tmp_path, "lines_in_a_long_table_and_lis")
    by_order = LINES_AND_LIS.replace('table = "lines"', 'table = "lines", lines_by = "order"')
    (folder / "center.toml").write_text(by_order.replace('"Linea" = "line_number", ', ""), encoding="utf-8")
    assert_lines_and_laboratory_are_read(clean(folder))
    (folder / "center.toml").write_text(
        by_order.replace(', lines_by = "order"', "").replace('"Linea" = "line_number", ', ""), encoding="utf-8"
    )
    refused = clean(folder)
    assert refused.patients.empty
    assert errors(refused) == ["line_number_missing"]


def test_lines_and_laboratory_are_proposed_and_tried(tmp_path):
    folder = dataset(tmp_path, "lines_in_a_long_table_and_lis")
    report = init_center(folder)
    assert "With this file all 10 patients would be accepted." in report
    assert_lines_and_laboratory_are_read(clean(folder))


def test_a_header_that_names_two_dates_is_asked_for_with_the_column_that_tells_them_apart(tmp_path):
    folder = dataset(tmp_path, "status_and_one_shared_date", files=("casistica.csv",), center="VITAL2")
    (folder / "center.toml").unlink(missing_ok=True)
    report = init_center(folder)
    assert "With this file 10 of 14 patients would be accepted; this stops the others:" in report
    assert "what do these values of emd_second_line mean: 'sì'?" in report
    assert "No column records a death" in report
    text = (folder / "center.toml").read_text(encoding="utf-8")
    assert '"death_date"' not in [line.partition(" = ")[2] for line in text.splitlines() if line.startswith('"')]
    confirmed = text.replace('# CONFIRM "sì" = ""', '"sì" = "extramedullary"').replace("# CONFIRM ", "")
    (folder / "center.toml").write_text(confirmed, encoding="utf-8")
    cleaned = clean(folder)
    assert len(cleaned.patients) == 14
    assert estimates_of(cleaned, "OS").loc["median_months", "n_events"] == 8
    assert estimates_of(cleaned, "PFS").loc["median_months", "n_events"] == 13


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("ID;Sesso;Età alla diagnosi\nP1;F;62\n", "'Età alla diagnosi' holds an age"),
        ("ID;Sesso;Giorni al decesso\nP1;F;412\n", "'Giorni al decesso' counts days"),
        ("ID;Sesso;Data ultimo contatto o decesso\nP1;F;2023-01-01\n", "names two things"),
        ("ID;Sesso;Data progressione o decesso;PFS\nP1;F;2023-01-01;1\n", "names two things"),
        ("ID;Sesso;ISS;Anno di nascita\nP1;F;I;1950\nP1;F;I;1950\nP1;F;I;1951\n", "several rows per patient"),
        ("ID;Sesso;ISS\nP1;F;I\n;F;I\nP2;M;II\n", "do they belong to the patient above"),
        ("ID;Sesso;Data;Data\nP1;F;2020-01-01;2021-01-01\n", "'Data [2]'"),
        ("ID;Sesso;ISS\nP1;F;I\nTotale;;\n", "all 1 patients would be accepted"),
        ("ID;Sesso;ISS\nP1;F;IX\n", "With this file 0 of 1 patients would be accepted; this stops the others:"),
        (
            "ID;Farmaco;Data inizio\nP1;bortezomib;2020-01-01\nP1;lenalidomide;2020-01-01\n",
            "no column numbers the lines",
        ),
        ("ID;Data prelievo;Esame;Valore\nP1;2023-01-01;FLC kappa;12\n", "no column has the unit of the results"),
    ],
)
def test_what_a_file_cannot_say_is_said_before_the_first_run(content, said, tmp_path):
    (tmp_path / "data" / "X").mkdir(parents=True)
    (tmp_path / "data" / "X" / "p.csv").write_text(content, encoding="utf-8")
    assert said in init_center(tmp_path / "data" / "X")


def test_files_that_complete_the_registry_and_files_that_cannot_be_read_are_told_apart(tmp_path):
    folder = tmp_path / "data" / "X"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("ID;Sesso;ISS\nP1;F;I\nP2;M;II\n", encoding="utf-8")
    (folder / "b.csv").write_text(
        "ID;Ultimo contatto;Data decesso\nP1;2024-01-01;\nP2;2024-01-01;2024-01-01\n", encoding="utf-8"
    )
    (folder / "note.docx").write_bytes(b"x")
    report = init_center(folder)
    assert "note.docx: not read, no format has the ending .docx" in report
    assert "completes = true  # its patients are those of a.csv" in (folder / "center.toml").read_text(encoding="utf-8")
    assert clean(folder).patients["death_date"].notna().tolist() == [False, True]


def test_headers_of_real_registries_are_recognized():
    headers = {
        "Cod. paziente": "patient_id", "Data di diagnosi del mieloma": "diagnosis_date", "Sesso (M/F)": "sex",
        "Data inizio terapia di 1ª linea": "first_line_start_date", "Schema di prima linea": "first_line_regimen",
        "Best response to 1st line": "first_line_best_response", "Data autotrapianto": "asct_date",
        "Numero di trapianti": "asct_count", "Data della prima progressione": "first_progression_date",
        "Inizio della II linea": "second_line_start_date", "Second line treatment": "second_line_regimen",
        "ECOG PS alla recidiva": "ecog_second_line", "Best response to second line": "best_response",
        "Date of second progression": "progression_date", "Start of third line": "next_line_start_date",
        "Date of last follow-up": "last_contact_date", "Data del decesso": "death_date", "Causa morte": "death_cause",
        "Microglobulina β2": "beta2_microglobulin_mg_l", "LDH (U/L)": "ldh_u_l", "FISH del(17p)": "del17p",
        "Stadio ISS all'esordio": "iss_diagnosis", "year_of_birth": "birth_year",
    }  # fmt: skip
    found = {match.header: match.column for match in match_headers(list(headers), "patients") if match.certain}
    assert {name: column for name, column in headers.items() if found.get(name) != column} == {}


@pytest.mark.parametrize(
    ("headers", "doubtful"),
    [
        ("Schema 1L;Risposta;Schema 2L;Risposta 2L", {"Risposta", "Risposta 2L"}),
        ("Schema 1L;Risposta;Schema 2L", {"Risposta"}),
        ("Schema 1L;Data progressione;Schema 2L", {"Data progressione"}),
        ("Schema 1L;Miglior risposta 1L;Schema 2L;Risposta", set()),
        ("Schema 1L;Schema 2L;Risposta 2L;Data PD2", set()),
        ("Schema 2L;Miglior risposta;Data progressione", set()),
        ("Risposta [1];Data decesso;Risposta [2]", {"Risposta [1]", "Risposta [2]"}),
        ("Data decesso;Exitus", {"Exitus"}),
        ("Schema 1L;ECOG;Plasmocitomi;Schema 2L", {"ECOG", "Plasmocitomi"}),
        ("Schema 1L;ECOG alla recidiva;EMD 2L;Schema 2L", set()),
        ("ECOG;EMD;Schema 2L", set()),
    ],
)
def test_a_header_that_does_not_say_of_which_line_it_is_waits_for_a_person(headers, doubtful):
    matches = match_headers(headers.split(";"), "patients")
    assert {match.header for match in matches if not match.certain} == doubtful


def test_a_column_that_says_yes_and_never_when_is_no_date(tmp_path):
    (tmp_path / "data" / "X").mkdir(parents=True)
    text = "ID;Sesso;Inizio 2L;Decesso\nP1;F;2021-01-05;no\nP2;M;2021-02-05;no\nP3;M;2021-02-06;si\n"
    (tmp_path / "data" / "X" / "p.csv").write_text(text, encoding="utf-8")
    assert "which variable is 'Decesso', or none?" in init_center(tmp_path / "data" / "X")


def test_a_text_file_saved_from_a_spreadsheet_that_exchanged_days_and_months(tmp_path):
    (tmp_path / "data" / "X").mkdir(parents=True)
    rows = [f"P{n},{12 + n}/03/2021,2023-{n:02d}-05" for n in range(1, 12)]
    text = "\n".join(["patient_id,diagnosis_date,death_date", *rows])
    (tmp_path / "data" / "X" / "patients.csv").write_text(text, encoding="utf-8")
    assert errors(clean(tmp_path / "data" / "X")) == ["dates_swapped"]


def test_groups_above_the_header_say_of_which_line_a_response_is(tmp_path):
    folder = tmp_path / "data" / "X"
    folder.mkdir(parents=True)
    groups = "Paziente;;1a linea;;2a linea;"
    rows = [
        "ID;Data diagnosi;Schema;Risposta;Terapia;Esito",
        "P1;2020-01-05;VTd;VGPR;KRd;SD",
        "P2;2020-01-06;VTd;CR;KRd;PD",
    ]
    (folder / "p.csv").write_text("\n".join(["Estrazione 2024;;;;;", groups, *rows]), encoding="utf-8")
    init_center(folder)
    patients = clean(folder).patients
    assert patients["best_response"].isna().all()
    assert patients["first_line_best_response"].tolist() == ["VGPR", "CR"]
    assert patients["first_line_regimen"].tolist() == ["VTd", "VTd"]
