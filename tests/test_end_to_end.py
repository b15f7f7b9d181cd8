"""The whole mission on small input: two patients without an event, and a parameter that moves the cohort."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
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
    done = run(
        "--data", str(tmp_path / "data"), "--out", str(out), "--work", str(tmp_path / "work"), "-p", "n_samples", "4"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    notebooks = {path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")} - {"11_pool"}  # made by --pool-ask
    assert {path.stem for path in (out / "ALL").glob("*.html")} == notebooks
    estimates = pd.DataFrame(read(out / "X01" / "tables" / "estimates.csv"))
    ratios = estimates[estimates["estimand"] == "hazard_ratio"]
    assert len(ratios)
    assert set(ratios["status"]) == {"not_estimable"}
    assert (ratios["note"] != "").all()
    assert read(out / "X01" / "tables" / "attrition.csv")[-1]["n_remaining"] == "2"


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
def test_wider_window_changes_the_cohort_and_every_later_number(tmp_path: Path) -> None:
    results = {}
    for months in ("12", "18"):
        out, work = tmp_path / months, tmp_path / f"work{months}"
        places = ("--out", str(out), "--work", str(work), "--center", "ALL", "--notebook", "03_response")
        done = run(*places, "-p", "fhr_window_months", months)
        assert done.returncode == 0, done.stdout + done.stderr
        attrition = read(out / "ALL" / "tables" / "attrition.csv")
        rates = read(out / "ALL" / "tables" / "estimates" / "03_response.csv")
        results[months] = (
            int(attrition[-1]["n_remaining"]),
            rates[0]["n"],
            (out / "ALL" / "02_cohort.html").read_text("utf-8"),
        )
    narrow, wide = results["12"], results["18"]
    assert narrow[0] == 62
    assert wide[0] > narrow[0]
    assert (narrow[1], wide[1]) == (str(narrow[0]), str(wide[0]))
    assert "functional_high_risk.window_months = 18" in wide[2]
    assert "functional_high_risk.window_months = " not in narrow[2]


@pytest.mark.slow
def test_papermill_alone_says_what_to_run_first_and_overwrites_no_report_unseen(tmp_path: Path) -> None:
    out, work = tmp_path / "reports", tmp_path / "work"
    places = {"center": "C02", "reports_dir": str(out), "work_dir": str(work)}

    def alone(**others: str) -> subprocess.CompletedProcess[str]:
        parameters = [word for name, value in (places | others).items() for word in ("-p", name, value)]
        papermill = ["papermill", "--no-progress-bar", "04_pfs_os.ipynb", str(tmp_path / "o.ipynb"), *parameters]
        command = [sys.executable, "-m", *papermill]
        return subprocess.run(command, cwd=ROOT / "notebooks", capture_output=True, text=True, check=False)

    def said(done: subprocess.CompletedProcess[str]) -> str:
        assert done.returncode != 0
        assert "Cell In[" not in done.stderr, "a traceback where words would do"
        return done.stderr.strip().splitlines()[-1]

    first = "run first, from the folder of the repository: python run_all.py --center C02"
    assert said(alone()) == f"StudyError: C02: table 'cohort' is not there yet; {first}"
    assert run("--out", str(out), "--work", str(work), "--center", "C02", "--notebook", "04_pfs_os").returncode == 0

    def tables() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in sorted((out / "C02" / "tables").rglob("*.csv"))}

    before = tables()
    assert said(alone(fhr_window_months="18")).startswith(
        "StudyError: fhr_window_months = 18, not None: this would overwrite tables of the report in 'reports'"
    )
    assert tables() == before
    (work / "C02" / "time_to_event.parquet").unlink()
    same = alone()
    assert same.returncode == 0, same.stderr[-2000:]
    assert tables() == before
    assert (work / "C02" / "time_to_event.parquet").is_file()
