"""The whole mission on small input: two patients without an event, and a parameter that moves the cohort."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
SMALLEST_CENTER = "C10"
HEADER = (
    "patient_id,sex,birth_year,diagnosis_date,first_line_start_date,first_line_regimen,first_line_best_response,"
    "asct_date,asct_count,maintenance,first_progression_date,second_line_start_date,second_line_regimen,"
    "ecog_second_line,emd_second_line,iss_diagnosis,best_response,best_response_date,last_assessment_date,last_contact_date"
)
TWO_PATIENTS = [
    "SYN-X01-001,female,1960,2021-01-10,2021-02-01,D-VTd,VGPR,2021-09-01,1,none,2022-03-01,2022-03-20,KRd,"
    "0,none,II,VGPR,2022-06-20,2023-01-10,2023-02-01",
    "SYN-X01-002,male,1955,2021-03-10,2021-04-01,D-VTd,PR,2021-11-01,1,lenalidomide,2022-06-01,2022-06-20,PVd,"
    "1,none,I,PR,2022-09-20,2023-03-10,2023-04-01",
]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "run_all.py"), "--quiet", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=1500)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.slow
def test_two_patients_without_event_render_every_notebook(tmp_path: Path) -> None:
    center = tmp_path / "data" / "X01"
    center.mkdir(parents=True)
    (center / "patients.csv").write_text("\n".join([HEADER, *TWO_PATIENTS]) + "\n", encoding="utf-8")
    (tmp_path / "data" / "dataset.toml").write_text(
        'name = "Two synthetic patients"\nsynthetic = true\n', encoding="utf-8"
    )
    out = tmp_path / "reports"
    places = ["--data", str(tmp_path / "data"), "--out", str(out), "--work", str(tmp_path / "work")]
    done = run(*places, "--center", "ALL", "-p", "n_samples", "4")
    assert done.returncode == 0, done.stdout + done.stderr
    notebooks = {path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")} - {"11_pool"}  # made by --pool-ask
    assert {path.stem for path in (out / "ALL").glob("*.html")} == notebooks
    estimates = pd.DataFrame(read(out / "ALL" / "tables" / "estimates.csv"))
    ratios = estimates[estimates["estimand"] == "hazard_ratio"]
    assert len(ratios)
    assert set(ratios["status"]) == {"not_estimable"}
    assert (ratios["note"] != "").all()
    assert read(out / "ALL" / "tables" / "attrition.csv")[-1]["n_remaining"] == "2"


@pytest.mark.slow
def test_centers_without_an_eligible_patient_or_without_any_render_every_notebook(tmp_path: Path) -> None:
    """One center alone sends a patient whose relapse came late, the other a header; so the pool is empty as well."""
    too_late = TWO_PATIENTS[0].replace("2022-03-01,2022-03-20", "2022-11-20,2022-11-25")
    for name, rows in (("X02 late", [too_late]), ("X03", [])):
        center = tmp_path / "data" / name
        center.mkdir(parents=True)
        (center / "patients.csv").write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    (tmp_path / "data" / "dataset.toml").write_text('name = "Nobody"\nsynthetic = true\n', encoding="utf-8")
    out = tmp_path / "reports"
    places = ["--data", str(tmp_path / "data"), "--out", str(out), "--work", str(tmp_path / "work")]
    done = run(*places, "-p", "n_samples", "4")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [row["n_remaining"] for row in read(out / "X02 late" / "tables" / "attrition.csv")][-1] == "0"
    for scope in ("ALL", "X02 late", "X03"):
        estimates = pd.DataFrame(read(out / scope / "tables" / "estimates.csv"))
        of_patients = estimates[~estimates["notebook"].isin(["01_cleaning", "09_methods_checks"])]
        counts = of_patients["estimand"] == "count"
        assert set(of_patients.loc[~counts, "status"]) <= {"not_estimable", "suppressed"}
        assert (of_patients.loc[~counts, "note"] != "").all()


@pytest.mark.slow
def test_wider_window_changes_the_cohort_and_every_later_number(built_report, tmp_path: Path) -> None:
    """Beside the report of the plan, whose window is 12 months."""
    out = tmp_path / "reports"
    places = ("--out", str(out), "--work", str(tmp_path / "work"), "--center", "ALL", "--notebook", "03_response")
    done = run(*places, "-p", "fhr_window_months", "18")
    assert done.returncode == 0, done.stdout + done.stderr
    patients, pages = {}, {}
    for months, reports in ((12, built_report.reports), (18, out)):
        tables = reports / "ALL" / "tables"
        patients[months] = read(tables / "attrition.csv")[-1]["n_remaining"]
        assert read(tables / "estimates" / "03_response.csv")[0]["n"] == patients[months]
        pages[months] = (reports / "ALL" / "02_cohort.html").read_text("utf-8")
    assert int(patients[18]) > int(patients[12]) == 62
    assert "functional_high_risk.window_months = 18" in pages[18]
    assert "functional_high_risk.window_months = " not in pages[12]


@pytest.mark.slow
def test_papermill_alone_says_what_to_run_first_and_overwrites_no_report_unseen(built_report, tmp_path: Path) -> None:
    out, work = tmp_path / "reports", tmp_path / "work"
    places = {"center": SMALLEST_CENTER, "reports_dir": str(out), "work_dir": str(work)}
    places["figure_formats"] = "pdf,tiff"  # as in the report that is shared

    def alone(**others: str) -> subprocess.CompletedProcess[str]:
        parameters = [word for name, value in (places | others).items() for word in ("-p", name, value)]
        papermill = ["papermill", "--no-progress-bar", "04_pfs_os.ipynb", str(tmp_path / "o.ipynb"), *parameters]
        command = [sys.executable, "-m", *papermill]
        return subprocess.run(command, cwd=ROOT / "notebooks", capture_output=True, text=True, check=False)

    def said(done: subprocess.CompletedProcess[str]) -> str:
        assert done.returncode != 0
        assert "Cell In[" not in done.stderr, "a traceback where words would do"
        return done.stderr.strip().splitlines()[-1]

    first = f"run first, from the folder of the repository: python run_all.py --center {SMALLEST_CENTER}"
    assert said(alone()) == f"StudyError: {SMALLEST_CENTER}: table 'cohort' is not there yet; {first}"
    for made, copy in ((built_report.reports, out), (built_report.work, work)):
        shutil.copytree(made / SMALLEST_CENTER, copy / SMALLEST_CENTER, dirs_exist_ok=True)
    shutil.copy(built_report.reports / "manifest.json", out)

    def tables() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in sorted((out / SMALLEST_CENTER / "tables").rglob("*.csv"))}

    before = tables()
    assert said(alone(fhr_window_months="18")).startswith(
        "StudyError: fhr_window_months = 18, not None: this would overwrite tables of the report in 'reports'"
    )
    assert tables() == before
    (work / SMALLEST_CENTER / "time_to_event.parquet").unlink()
    same = alone()
    assert same.returncode == 0, same.stderr[-2000:]
    assert tables() == before
    assert (work / SMALLEST_CENTER / "time_to_event.parquet").is_file()
