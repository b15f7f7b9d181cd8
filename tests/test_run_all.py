"""The study's runner: what it tells the engine, without running a notebook."""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import openpyxl
import pandas as pd
import pytest

from fhrmm.errors import StudyError
from fhrmm.estimate_table import ESTIMATE_COLUMNS
from fhrmm.study import repository_root
from fhrmm.wording import SYNTHETIC_WARNING
from notebookrun.codeuse import CodeIndex
from notebookrun.launch import KERNEL_ENVIRONMENT
from notebookrun.sources import read_notebooks

ROOT = repository_root()
INVENTED = {"synthetic": True}


@pytest.fixture(scope="module")
def runner() -> ModuleType:
    """The module `run_all.py`."""
    specification = importlib.util.spec_from_file_location("run_all", ROOT / "run_all.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Two centers and what describes them."""
    for name in ("C02/a.csv", "C01/b.xlsx", "C01/~$b.xlsx", "C01/.hidden", "_truth/t.json", "dataset.toml"):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_text("synthetic = true\n" if name == "dataset.toml" else "x")
    return tmp_path / "set"


def test_runner_starts_without_what_is_slow_to_import() -> None:
    slow = ("matplotlib", "numpy", "pandas", "pydantic")
    asked = f"import run_all, fhrmm.local_report, sys; print([name for name in {slow} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_scopes_are_the_pool_and_the_center_folders(runner: ModuleType, dataset: Path) -> None:
    assert runner.list_scopes(dataset) == ["ALL", "C01", "C02"]


def test_missing_or_empty_dataset_is_said_by_the_study(runner: ModuleType, tmp_path: Path) -> None:
    for folder in (tmp_path / "absent", tmp_path):
        with pytest.raises(StudyError, match="dataset folder"):
            runner.list_scopes(folder)


def test_names_of_centers_that_cannot_have_a_report_folder_are_refused(runner: ModuleType, tmp_path: Path) -> None:
    for name in ("ALL", "C10", "c10", "D"):
        (tmp_path / name).mkdir()
    with pytest.raises(StudyError) as refused:
        runner.list_scopes(tmp_path)
    assert str(refused.value) == (
        "center folder 'ALL': ALL stands for all centers together; rename the folder; "
        "center folders 'C10' and 'c10' differ in case alone; rename one of them"
    )
    (tmp_path / "ALL").rmdir()
    (tmp_path / "c10").rmdir()
    assert runner.list_scopes(tmp_path) == ["ALL", "C10", "D"]


def test_files_of_a_scope(runner: ModuleType, dataset: Path) -> None:
    def names(scope: str) -> list[str]:
        return [path.relative_to(dataset).as_posix() for path in runner.input_files(dataset, scope)]

    assert names("C01") == ["dataset.toml", "C01/b.xlsx", "_truth/t.json"]
    assert names("ALL") == ["dataset.toml", "C01/b.xlsx", "C02/a.csv", "_truth/t.json"]


def test_a_folder_that_cannot_be_described_is_said_without_traceback(
    runner: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert runner.run(["--init-center", str(tmp_path / "nowhere")]) == 2
    assert "no folder" in capsys.readouterr().err
    (tmp_path / "patients.csv").write_bytes(b"\x00\x01")
    assert runner.run(["--init-center", str(tmp_path)]) == 2
    assert "file not text" in capsys.readouterr().err
    (tmp_path / "patients.csv").write_text("ID;Sesso\nA;F\n", encoding="utf-8")
    assert runner.run(["--init-center", str(tmp_path)]) == 0
    assert "center.toml" in capsys.readouterr().out


def test_only_synthetic_data_carry_the_banner(runner: ModuleType, dataset: Path) -> None:
    assert runner.describe_dataset(dataset)["synthetic"] is True
    assert runner.describe_dataset(dataset)["banner"] == f"{SYNTHETIC_WARNING}."
    assert "Every patient" in runner.describe_dataset(dataset)["paragraphs"][0]
    (dataset / "dataset.toml").unlink()
    assert runner.describe_dataset(dataset) == {"name": "set", "synthetic": False, "banner": ""}


def _row(**values: object) -> str:
    return ",".join(str(values.get(column, "")) for column in ESTIMATE_COLUMNS)


def test_cover_shows_overall_rows_and_says_what_is_not_a_number(runner: ModuleType, tmp_path: Path) -> None:
    overall = {"endpoint": "ORR", "estimand": "proportion"}
    rows = [
        _row(endpoint="ORR", estimand="proportion", variable="sex", level="female", estimate=0.1, status="ok"),
        _row(**overall, estimate=0.6129, ci_lower=0.4807, ci_upper=0.734, ci_level=0.95, n=62, status="ok"),
        _row(endpoint="PFS", estimand="survival_probability", time_months=12.0, status="not_estimable"),
        _row(endpoint="BASELINE", estimand="count", estimate=62, status="ok"),
        _row(endpoint="PFS", estimand="median_months", ci_lower=8.21, ci_level=0.95, n=62, status="not_reached"),
        _row(endpoint="DOR", estimand="median_months", estimate=9.82, ci_lower=4.2, ci_upper=12.6, ci_level=0.95, n=38,
             status="ok"),
    ]  # fmt: skip
    table = tmp_path / "ALL" / "tables" / "estimates.csv"
    table.parent.mkdir(parents=True)
    table.write_text("\n".join([",".join(ESTIMATE_COLUMNS), *rows]) + "\n")
    shown = runner.cover(tmp_path, ["ALL", "C01"], INVENTED)
    figures = {row["label"]: (row["value"], row["range"]) for row in shown["headline"]}
    assert figures["Overall response"] == ("61%", "95% CI 48% to 73%; 62 patients")
    assert figures["Progression-free at 12 months"] == ("not estimable", "")
    assert figures["Patients"] == ("62", "")
    assert figures["Alive at 12 months"] == ("not available", "")
    assert figures["Median progression-free survival"] == ("not reached", "95% CI 8.2 to not reached; 62 patients")
    assert figures["Median duration of response"] == ("9.8 months", "95% CI 4.2 to 12.6; 38 patients")
    assert len(figures) == 10
    assert shown["figures"]["C01"] == ["not available"] * 6
    assert [link["href"] for link in shown["links"]] == ["ALL/tables/estimates.csv", "manifest.json"]


def test_cover_shows_survival_when_the_plan_says(
    runner: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = {"endpoint": "OS", "estimand": "survival_probability", "status": "ok"}
    rows = [_row(**what, time_months=12.0, estimate=0.72), _row(**what, time_months=18.0, estimate=0.41)]
    table = tmp_path / "ALL" / "tables" / "estimates.csv"
    table.parent.mkdir(parents=True)
    table.write_text("\n".join([",".join(ESTIMATE_COLUMNS), *rows]) + "\n")
    monkeypatch.setitem(runner.PLAN, "time", {"headline_months": 18})
    shown = runner.cover(tmp_path, ["ALL"], INVENTED)
    assert shown["figure_labels"][-2:] == ["Progression-free at 18 months", "Alive at 18 months"]
    assert shown["figures"]["ALL"][-1] == "41%"
    monkeypatch.delitem(runner.PLAN, "time")
    assert len(runner.cover(tmp_path, ["ALL"], INVENTED)["figure_labels"]) == 4, "a plan that cannot be read"


def test_cover_shows_the_figure_of_the_overview_in_its_own_words(runner: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "C03" / "figures"
    folder.mkdir(parents=True)
    assert runner.cover(tmp_path, ["C03"], INVENTED)["thumbnail"] is None
    words = "<dc:title>PFS &amp; OS.</dc:title><dc:description>Two falling curves.</dc:description>"
    svg = f'<svg xmlns:dc="http://purl.org/dc/elements/1.1/">{words}</svg>'
    (folder / "00_overview_survival.svg").write_text(svg, encoding="utf-8")
    assert runner.cover(tmp_path, ["C03"], INVENTED)["thumbnail"] == {
        "source": "C03/figures/00_overview_survival.svg",
        "alt": "Two falling curves.",
        "caption": "PFS & OS. Center C03.",
        "href": "C03/04_pfs_os.html",
    }


def test_every_notebook_is_consistent_with_the_graph(runner: ModuleType, tmp_path: Path) -> None:
    from notebookrun.graph import build_graph
    from notebookrun.parameters import merge_parameters
    from notebookrun.sources import read_notebooks

    notebooks = read_notebooks(runner.PROJECT.notebooks)
    graph = build_graph([*notebooks, *runner.PROJECT.steps], ["ALL", "C01"])
    each = [notebook for notebook in notebooks if notebook.scopes == "each"]
    steps = [step for step in runner.PROJECT.steps if step.scopes == "each"]
    once = sum(one.scopes == "ALL" for one in [*notebooks, *runner.PROJECT.steps])
    assert len(graph.nodes) == 2 * (len(each) + len(steps)) + once
    known = merge_parameters(notebook.parameters for notebook in notebooks)
    assert set(runner.PROJECT.place_parameters) <= set(known)


@pytest.mark.parametrize(
    ("file", "import_line"), [("fhrmm/figures/flow.py", "figures"), ("fhrmm/estimates/courses.py", "courses")]
)
def test_a_comment_in_a_module_concerns_only_notebooks_that_import_it(
    runner: ModuleType, tmp_path: Path, file: str, import_line: str
) -> None:
    packages = {name: Path(shutil.copytree(f, tmp_path / name)) for name, f in runner.PROJECT.packages.items()}
    notebooks = read_notebooks(runner.PROJECT.notebooks)

    def reached() -> dict[str, dict[str, str]]:
        index = CodeIndex(packages)
        return {notebook.name: index.used_by(notebook.code()) for notebook in notebooks}

    before = reached()
    with (tmp_path / file).open("a", encoding="utf-8") as stream:
        stream.write("# a comment\n")
    after = reached()
    changed = {name for name in before if before[name] != after[name]}
    users = {n.name for n in notebooks if any(re.search(rf"import .*\b{import_line}\b", code) for code in n.code())}
    assert users
    assert users <= changed


@pytest.mark.parametrize("file", ["intake/init_center/__init__.py", "fhrmm/manuscript/__init__.py"])
def test_a_module_that_no_page_needs_concerns_no_notebook(runner: ModuleType, file: str) -> None:
    index = CodeIndex(runner.PROJECT.packages)
    name = ".".join(Path(file).with_suffix("").parts).removesuffix(".__init__")
    assert index.closure([name])
    assert not any(name in index.used_by(notebook.code()) for notebook in read_notebooks(runner.PROJECT.notebooks))


def test_manuscript_that_cannot_be_written_is_one_line_and_status_1(
    runner: ModuleType, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = argparse.Namespace(data=str(dataset), work="work", out=str(tmp_path / "r"), center=["ALL", "C01"])
    assert runner.write_manuscripts(options) == 1
    said = capsys.readouterr().err.splitlines()
    assert said == ["run_all: the report has no readable manifest.json; run the notebooks first"] * 2


def test_manuscript_is_written_for_the_scopes_asked_for_or_the_pool(
    runner: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []

    def note(reports: Path, data: Path, scope: str, glossary: dict[str, str]) -> list[Path]:
        asked.append(scope)
        assert glossary["PFS"] == "Progression-free survival", "the terms of the glossary are handed over"
        return [tmp_path / "a"]

    monkeypatch.setattr("fhrmm.manuscript.write_manuscript", note)
    monkeypatch.setattr(runner, "main", lambda *_: 0)
    monkeypatch.setattr(runner, "rewrite_index", lambda *_: asked.append("then the index"))
    folders = ["--out", str(tmp_path / "r"), "--manuscript"]
    assert runner.run(folders) == 0
    assert runner.run([*folders, "--center", "C03", "--center", "C05"]) == 0
    assert runner.run([*folders, "--list"]) == 0
    assert asked == ["ALL", "then the index", "C03", "C05", "then the index"]
    monkeypatch.setattr(runner, "main", lambda *_: 2)
    assert runner.run(folders) == 2
    monkeypatch.setattr(runner, "main", lambda *_: 1)
    assert runner.run(folders) == 1, "the rest of the run failed, the manuscript did not"
    assert asked[-2:] == ["ALL", "then the index"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `run_all.py`."""
    command = [sys.executable, str(ROOT / "run_all.py"), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-p", "fhr_windw_months", "18"], "did you mean 'fhr_window_months'"),
        (["-p", "fhr_window_months", "60"], "6 to 36"),
        (["-p", "fhr_window_months", "long"], "not of type int"),
        (["-p", "fhr_definition", "seed_onion"], "nearest: 'seed_union'"),
        (["-p", "second_line_to", "2021-13-01"], "cohort.second_line_to: Input should be a valid date"),
        (["-p", "study_file", "no_plan.toml"], "no_plan.toml: file not found"),
        (["--center", "C99"], "no scope 'C99'"),
        (["--data", "no/such/folder"], "no dataset folder"),
        (["--manuscript", "--matrix", "m.yaml"], "--manuscript does not go with --matrix"),
    ],
)
def test_wrong_use_ends_at_once_with_status_2(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = run("--out", str(tmp_path / "r"), "--work", str(tmp_path / "w"), *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert not (tmp_path / "r").exists()


def test_a_plan_lies_where_a_change_in_it_is_noticed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(ROOT / "data" / "synthetic" / "C10", data / "C10")
    for folder, status in ((tmp_path, 2), (data, 0)):
        plan = Path(shutil.copy(ROOT / "study.toml", folder / "own.toml"))
        places = ["--data", str(data), "--work", str(tmp_path / "w"), "--out", str(tmp_path / "r")]
        done = run(*places, "-p", "study_file", str(plan), "--explain")
        assert done.returncode == status, done.stderr
        assert ("put the file into the repository or the dataset" in done.stderr) == (status == 2)


def test_parameters_and_plan_are_listed_without_running(tmp_path: Path) -> None:
    listed = run("--list-parameters")
    assert "fhr_window_months: int" in listed.stdout
    plan = run("--list", "--out", str(tmp_path / "r"), "--work", str(tmp_path / "w"), "--center", "C10")
    assert plan.returncode == 0
    assert "C10/04_pfs_os: run" in plan.stdout
    assert not (tmp_path / "r").exists()


@pytest.mark.slow
def test_a_center_that_cannot_be_read_is_said_in_words_on_console_and_page(
    runner: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The study's own error as the study's own kernel renders it; the toy of the engine has another."""
    center = tmp_path / "data" / "C99"
    center.mkdir(parents=True)
    (center / "center.toml").write_text(
        "[[files]]\npath = 'p.csv'\ntable = 'patients'\ncolumns = { A = 'patient_ids' }"
    )
    folders = [part for name in ("data", "work") for part in (f"--{name}", str(tmp_path / name))]
    arguments = [*folders, "--out", str(tmp_path / "out"), "--center", "C99", "--notebook", "01_cleaning"]
    assert runner.run(arguments) == 1
    said = "C99 cannot be read; work/C99/issues.xlsx says why and what to do"
    assert f"StudyError: {said}" in capsys.readouterr().err
    assert said in (tmp_path / "out" / "C99" / "01_cleaning.html").read_text(encoding="utf-8")


def test_folders_given_are_of_where_the_user_stands_and_defaults_of_the_root(
    runner: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--out reports` from elsewhere is no default, though it reads the same."""
    monkeypatch.chdir(tmp_path)
    options = argparse.Namespace(data=None, work=None, out="reports")
    places = runner.find_places(runner.PROJECT, options)
    assert (places.data, places.work, places.reports) == (ROOT / "data/synthetic", ROOT / "work", tmp_path / "reports")


def test_the_problem_list_closes_the_loop(tmp_path: Path) -> None:
    """What was open before, and what the center answered, is known to the next run of the runner."""
    center = tmp_path / "data" / "C01"
    center.mkdir(parents=True)
    head, rows = "patient_id,sex,second_line_start_date\n", "P1,boh,2023-01-01\nP2,mah,2023-01-01\nP3,f,2023-01-01\n"
    (center / "patients.csv").write_text(head + rows, encoding="utf-8")
    places = [arg for name in ("data", "work", "out") for arg in (f"--{name}", str(tmp_path / name))]
    command = [*places, "--center", "C01", "--notebook", "01_cleaning", "--jobs", "1"]
    path = tmp_path / "work" / "C01" / "issues.csv"

    def listed(*more: str) -> pd.DataFrame:
        done = run(*command, *more)
        assert done.returncode == 0, done.stderr
        found = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        return found[found["rule"] == "value_unknown"].set_index("patient_id")

    first = listed("--language", "it")
    assert first["state"].tolist() == ["new", "new"]
    assert first.loc["P1", "problem"] == "Il testo non è tra i valori della variabile"
    book = openpyxl.load_workbook(path.with_suffix(".xlsx"))
    sheet = book.active
    place = [cell.value for cell in sheet[1]].index("Risposta del centro")
    next(row for row in sheet.iter_rows(min_row=2) if "boh" in [cell.value for cell in row])[place].value = "contestato"
    book.save(path.with_suffix(".xlsx"))
    (center / "patients.csv").write_text(head + rows.replace("mah", "f"), encoding="utf-8")
    second = listed("--language", "it")
    assert second["state"].to_dict() == {"P1": "still open", "P2": "resolved"}
    assert second.loc["P1", "answer"] == "disputed"
    assert listed()["state"].to_dict() == {"P1": "still open", "P2": "resolved"}, "running again changes nothing"


@pytest.mark.slow
def test_warm_and_cold_kernels_give_the_same_report(built_report, tmp_path: Path) -> None:
    """Held against the shared report, whose kernels were forked, and whose pages also lead to the pool."""
    places = ["--out", str(tmp_path / "reports"), "--work", str(tmp_path / "work"), "--center", "C10"]
    done = run(*places, "--cold", "--jobs", "2", "-p", "figure_formats", "pdf,tiff")
    assert done.returncode == 0, done.stdout + done.stderr
    to_pool = re.compile(rb'<li><a href="../ALL/\w+.html">ALL</a></li>')
    warm, cold = (
        {path.relative_to(folder): to_pool.sub(b"", path.read_bytes()) for path in folder.rglob("*") if path.is_file()}
        for folder in (built_report.reports / "C10", tmp_path / "reports" / "C10")
    )
    assert set(warm) == set(cold)
    assert [name for name in warm if warm[name] != cold[name]] == []


def test_the_parent_of_warm_kernels_imports_all_and_stays_without_threads() -> None:
    """A module that fails is skipped there silently, and a process with threads cannot be forked safely."""
    look = (
        "import os\n"
        "from run_all import PRELOAD\n"
        "from notebookrun.forkhost import KERNEL_MODULES, warm_up\n"
        "print(warm_up((*KERNEL_MODULES, *PRELOAD)), len(os.listdir('/proc/self/task')))\n"
    )
    environment = {**os.environ, **KERNEL_ENVIRONMENT}
    done = subprocess.run([sys.executable, "-c", look], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout.split("\n") == ["[] 1", ""], done.stderr
