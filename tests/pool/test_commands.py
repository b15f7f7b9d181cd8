"""The commands as people use them: the demonstration with three centers, and the page that it ends with."""

from __future__ import annotations

import importlib.util
import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from fhrmm.pool.files import read_requests
from fhrmm.study import load_study, repository_root

ROOT = repository_root()
THREE = ("C08", "C09", "C10")  # of three, two patients and one: hardly anything may be shown


def load(path: Path):
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def demo(tmp_path_factory, request) -> tuple[Path, str]:
    """Play three centers and a coordinator; return their folder and what was said."""
    base = tmp_path_factory.mktemp("demo")
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled(), (base / "said").open("w", encoding="utf-8") as said:
        from contextlib import redirect_stdout

        with redirect_stdout(said):
            load(ROOT / "benchmarks" / "pool_demo.py").play(base / "played", THREE)
    return base / "played", (base / "said").read_text(encoding="utf-8")


@pytest.mark.slow
def test_three_tiny_centers_end_with_a_page_that_shows_hardly_a_number(demo):
    base, said = demo
    report = base / "coordinator" / "reports"
    assert (report / "POOL" / "11_pool.html").is_file()
    rows = pd.read_csv(report / "POOL" / "tables" / "estimates.csv")
    assert set(rows["scope"]) == {"POOL"}
    assert (rows["status"] == "suppressed").mean() > 0.5
    assert rows.loc[rows["status"] == "suppressed", "note"].notna().all()
    assert "All rounds are complete." in said
    index = (report / "index.html").read_text(encoding="utf-8")
    assert "POOL/11_pool.html" in index
    assert "04_pfs_os" not in index, "only the pooled page belongs to this report"


@pytest.mark.slow
def test_coordinator_needs_no_patient(demo):
    base, _ = demo
    coordinator = base / "coordinator"
    assert list(coordinator.rglob("*.parquet")) == []
    written = [path for path in coordinator.rglob("*") if path.suffix in (".json", ".csv", ".html")]
    ids = {row for center in THREE for row in patient_ids(base, center)}
    assert len(ids) >= 6
    assert not any(identifier in path.read_text(encoding="utf-8") for path in written for identifier in ids)


def patient_ids(base: Path, center: str) -> list[str]:
    return pd.read_parquet(base / center / "work" / center / "patients.parquet")["patient_id"].tolist()


@pytest.mark.slow
def test_preview_and_statement_stay_at_the_center_and_say_what_leaves(demo):
    base, _ = demo
    private = base / "C08" / "work" / "pool" / "C08"
    shown = pd.read_csv(private / "preview_1.csv")
    n = len(pd.read_parquet(base / "C08" / "work" / "C08" / "cohort.parquet"))
    assert shown.loc[shown["question"] == "response", "number"].sum() == n
    with zipfile.ZipFile(private / "statement_1.docx") as document:
        text = re.sub(r"<[^>]+>", " ", document.read("word/document.xml").decode("utf-8"))
    for said in ("64-bit integer", "one or two centers", "can work out the sums", "Fingerprint", "C10"):
        assert said in text
    assert [path.name for path in (base / "coordinator").rglob("*") if "statement" in path.name] == []


def test_no_is_no(play, monkeypatch, capsys, tmp_path):
    """Without a yes nothing is written, and a center that is not named is asked for."""
    runner = load(ROOT / "run_all.py")
    played = play("C01", "C02", "C03")
    home = played.deliver("C01")
    monkeypatch.setattr(runner, "main", lambda *_, **__: 0)
    monkeypatch.setattr("fhrmm.pool.files.read_tables", lambda *_: played.tables["C01"])
    monkeypatch.setattr("builtins.input", lambda _: "no")
    work = tmp_path / "at_home"
    (work / "pool").mkdir(parents=True)
    (work / "pool" / "C01").symlink_to(played.private("C01"))
    places = ["--work", str(work), "--out", str(tmp_path / "out")]
    assert runner.run(["--pool-answer", str(home), *places, "--center", "C01"]) == 0
    said = capsys.readouterr().out
    assert "What would leave" in said
    assert "Nothing was written" in said
    assert list(home.glob("answer_*")) == []
    monkeypatch.setattr("builtins.input", lambda _: "yes")
    assert runner.run(["--pool-answer", str(home), *places, "--center", "C01"]) == 0
    assert "send answer_1_C01.json, and nothing else" in capsys.readouterr().out
    assert runner.run(["--pool-answer", str(home), *places]) == 2
    assert "say which center" in capsys.readouterr().err


@pytest.mark.parametrize("named", [[], ["-p", "study_file", "study.toml"]])
def test_notebooks_run_for_an_answer_as_for_a_report_of_the_center(named, play, monkeypatch, tmp_path):
    """A plan that was not named is not passed on: each page would be made again, by a parameter that has changed."""
    runner, passed = load(ROOT / "run_all.py"), []
    home = play("C01", "C02", "C03").deliver("C01")
    monkeypatch.setattr(runner, "main", lambda project, arguments: passed.append(arguments) or 1)
    monkeypatch.setattr("fhrmm.pool.member.check_request", lambda *_: read_requests(home)[0])
    places = ["--work", str(tmp_path / "work"), "--out", str(tmp_path / "out")]
    assert runner.run(["--pool-answer", str(home), *places, "--center", "C01", *named]) == 1
    assert [part for part in passed[0] if part in ("-p", "study_file", "study.toml")] == named


@pytest.mark.parametrize("step", ["join", "ask", "answer", "status"])
def test_a_folder_that_is_not_there_is_wrong_use(step, tmp_path, capsys):
    runner = load(ROOT / "run_all.py")
    places = ["--work", str(tmp_path / "work"), "--center", "C01"]
    assert runner.run([f"--pool-{step}", str(tmp_path / "nowhere"), *places]) == 2
    assert capsys.readouterr().err.startswith("run_all: no ")


def test_a_pooled_study_is_of_the_plan_that_is_named_and_a_plan_that_does_not_hold_is_refused(play, tmp_path, capsys):
    runner, played = load(ROOT / "run_all.py"), play("C01", "C02", "C03")
    (played.folder / "request_1.json").unlink()
    plan, text = tmp_path / "plan.toml", (ROOT / "study.toml").read_text(encoding="utf-8")
    ask = ["--pool-ask", str(played.folder), "--work", str(tmp_path / "work"), "-p", "study_file", str(plan)]
    plan.write_text(text.replace('"months_to_relapse", "ecog', '"months_to_nowhere", "ecog'), encoding="utf-8")
    assert runner.run(ask) == 2
    assert "pool.baseline: found 'months_to_nowhere'" in capsys.readouterr().err
    assert not (played.folder / "request_1.json").exists()
    plan.write_text(text.replace("most_rounds = 6", "most_rounds = 5"), encoding="utf-8")
    assert runner.run(ask) == 0
    assert read_requests(played.folder)[0]["plan"]["pool.most_rounds"] == "5"
    assert runner.run([*ask, "-p", "fhr_window_months", "18"]) == 2
    assert "one plan for all" in capsys.readouterr().err


def test_status_after_the_last_round_sends_nobody_to_ask_again(finished, tmp_path, capsys):
    runner = load(ROOT / "run_all.py")
    assert runner.run(["--pool-status", str(finished.folder), "--work", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "All rounds are complete." in said
    assert "Nobody is awaited" not in said


def test_the_plan_says_how_many_rounds_and_centers():
    plan = load_study().pool
    assert plan.minimum_centers == 3
    assert plan.most_rounds == 6
