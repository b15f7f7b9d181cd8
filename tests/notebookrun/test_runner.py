"""The runner on a toy study, as a process of its own: what it writes, keeps, refuses and says."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from notebookrun.hostclient import CAN_FORK

pytestmark = pytest.mark.slow

NODES = 10


def test_first_run_writes_every_page_and_table(ran: Any) -> None:
    toy = ran
    pages = {p.relative_to(toy.root / "reports").as_posix() for p in (toy.root / "reports").rglob("*.html")}
    each = {f"{s}/{n}.html" for s in ("ALL", "C01", "C02") for n in ("00_intro", "01_summary")}
    assert pages == each | {"index.html", "ALL/02_compare.html"}
    assert toy.read("reports/C01/tables/estimates.csv") == "scope,value\nC01,2\n"
    # the comparison read the rows of all others, and its own is joined to them: 3 pooled + 2 + 1
    assert toy.read("reports/ALL/tables/estimates.csv") == "scope,value\nALL,3\nALL,6\n"
    manifest = json.loads(toy.read("reports/manifest.json"))
    assert manifest["dataset"]["synthetic"] is True
    assert {row["state"] for row in manifest["nodes"].values()} == {"ok"}
    assert len(manifest["nodes"]) == NODES


def test_every_page_offers_its_executed_notebook(ran: Any) -> None:
    for page in (ran.root / "reports").glob("*/*.html"):
        assert f'href="notebooks/{page.stem}.ipynb"' in page.read_text(encoding="utf-8")
        text = (page.parent / "notebooks" / f"{page.stem}.ipynb").read_text(encoding="utf-8")
        assert str(ran.root) not in text
        cells = json.loads(text)["cells"]
        assert any(cell.get("outputs") for cell in cells)
        assert cells[2]["id"] == "injected-parameters"
    assert 'href="ALL/notebooks/02_compare.ipynb"' in ran.read("reports/index.html")
    assert "reports/C01/notebooks/00_intro.ipynb" in ran.nodes()["C01/00_intro"]["outputs"]
    before = ran.outputs()
    ran.edit("notebooks/00_intro.ipynb", "Text.", "Text!")
    ran.run()
    ran.edit("notebooks/00_intro.ipynb", "Text!", "Text.")
    ran.run()
    assert ran.outputs() == before, "made again without executing, it is the same"


def test_warm_and_cold_kernels_and_any_number_of_jobs_give_the_same_bytes(ran: Any) -> None:
    warm = ran.outputs()
    assert ran.run("--jobs", "1", "--force", "--cold", "--center", "C01").returncode == 0
    assert ran.outputs() == warm


LACKING = """
import os, sys

with open({note!r}, "a") as stream:
    print(sys.orig_argv, file=stream)
for name in {names!r}:
    delattr(os, name)
"""


@pytest.mark.skipif(not CAN_FORK, reason="this system lacks it anyway")
@pytest.mark.parametrize("names", [["pidfd_open"], ["pidfd_open", "fork"]], ids=["macOS", "Windows"])
def test_where_no_kernel_can_be_forked_no_parent_is_started_and_the_report_is_the_same(
    ran: Any, names: list[str]
) -> None:
    before = ran.outputs()
    note = str(ran.root / "started.txt")
    ran.write("lib/sitecustomize.py", LACKING.format(note=note, names=names))
    done = ran.run("--force", "--center", "C01", "--jobs", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    started = ran.read("started.txt")
    assert "notebookrun.launch" in started
    assert "notebookrun.forkhost" not in started
    assert ("forkserver" in started) == (names == ["pidfd_open"])
    assert ran.outputs() == before


def test_nothing_machine_specific_is_shown(ran: Any) -> None:
    names = [str(ran.root), str(Path.home()) + "/", "ipykernel_"]
    for name, content in ran.outputs().items():
        for word in names:
            assert word.encode() not in content, (name, word)


def test_unchanged_run_keeps_everything_and_starts_no_kernel(ran: Any) -> None:
    before = ran.outputs("reports", "work")
    done = ran.run()
    assert f"{NODES} kept" in done.stdout
    assert ran.outputs("reports", "work") == before


def test_the_index_can_be_written_again_and_says_the_same(ran: Any) -> None:
    """What is put beside the pages after a run is linked without running anything."""
    before = ran.outputs()
    (ran.root / "reports" / "index.html").unlink()
    code = (
        "from run_all import PROJECT; from notebookrun.cli import build_parser, rewrite_index; "
        "rewrite_index(PROJECT, build_parser(PROJECT).parse_args([]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ran.root, env=ran.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert ran.outputs() == before


def test_changed_data_of_one_center_runs_that_center_the_pool_and_comparisons(ran: Any) -> None:
    ran.write("data/C02/a.csv", "id,age\n1,60\n2,61\n")
    assert ran.run().returncode == 0
    actions = ran.actions()
    kept = {name for name, action in actions.items() if action == "kept"}
    assert kept == {"C01/00_intro", "C01/01_summary", "C01/estimates"}
    assert ran.read("reports/ALL/tables/estimates.csv") == "scope,value\nALL,4\nALL,8\n"


def test_changed_module_runs_only_notebooks_that_import_it(ran: Any) -> None:
    ran.edit("lib/toylib/figures.py", "pixels = ", "# a comment\n    pixels = ")
    ran.run()
    assert {n for n, a in ran.actions().items() if a == "executed"} == {
        f"{s}/01_summary" for s in ("ALL", "C01", "C02")
    }
    ran.write("lib/toylib/other.py", '"""Not used by anybody."""\n')
    ran.run()
    assert set(ran.actions().values()) == {"kept"}


def test_changed_text_renders_without_executing(ran: Any) -> None:
    stamp = (ran.root / "reports/C01/figures/01_summary_ages.png").stat().st_mtime_ns
    ran.edit("notebooks/01_summary.ipynb", "## Ages", "## Ages of patients")
    ran.run()
    assert {n for n, a in ran.actions().items() if a == "rendered"} == {
        f"{s}/01_summary" for s in ("ALL", "C01", "C02")
    }
    assert "Ages of patients" in ran.read("reports/C01/01_summary.html")
    assert "<pre" in ran.read("reports/C01/01_summary.html")
    assert (ran.root / "reports/C01/figures/01_summary_ages.png").stat().st_mtime_ns == stamp


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_text("x")], ids=["deleted", "edited"])
def test_deleted_or_edited_output_is_made_again(ran: Any, change: Callable[[Path], object]) -> None:
    before = ran.outputs()
    for name in (
        "reports/C01/01_summary.html",
        "reports/C02/notebooks/01_summary.ipynb",
        "reports/ALL/figures/01_summary_ages.png",
        "work/C02/clean.csv",
    ):
        change(ran.root / name)
    assert ran.run().returncode == 0
    actions = ran.actions()
    assert {actions["C01/01_summary"], actions["C02/01_summary"]} == {"rendered"}
    assert {actions["ALL/01_summary"], actions["C02/00_intro"]} == {"executed"}
    assert {actions["C01/00_intro"], actions["ALL/00_intro"]} == {"kept"}
    assert ran.outputs() == before


def test_corrupt_memory_means_running_again(ran: Any) -> None:
    before = ran.outputs()
    ran.write("work/.notebookrun/nodes/C01/00_intro.json", '{"version": 1, "seal": "x", "entry": {}}')
    ran.write("work/.notebookrun/nodes/C02/00_intro.json", "not json")
    ran.write("work/.notebookrun/digests.json", "[1]")
    ran.write("work/.notebookrun/executed/ALL/00_intro.ipynb", "{")
    ran.edit("notebooks/00_intro.ipynb", "Text.", "Text!")
    done = ran.run()
    assert done.returncode == 0, done.stderr
    assert ran.actions()["C01/00_intro"] == ran.actions()["C02/00_intro"] == "executed"
    changed = {name for name, content in ran.outputs().items() if before[name] != content}
    made = [f"reports/{scope}/{{}}" for scope in ("ALL", "C01", "C02")]
    assert changed == {each.format(name) for each in made for name in ("00_intro.html", "notebooks/00_intro.ipynb")}


def test_shared_file_and_repository_files_read_count_as_inputs(ran: Any) -> None:
    ran.write("plan.toml", "window = 18\n")
    ran.run("--center", "C01")
    assert ran.actions()["C01/00_intro"] == "executed"
    assert "repository/plan.toml" in ran.nodes()["C01/00_intro"]["inputs"]


def test_parameter_changes_what_has_it(ran: Any) -> None:
    done = ran.run("-p", "limit", "45")
    assert done.returncode == 0
    assert ran.read("reports/ALL/tables/estimates.csv").startswith("scope,value\nALL,1\n")
    assert '<span class="changed">changed</span>' in ran.read("reports/C01/00_intro.html")


def test_selected_center_leaves_others_and_marks_what_is_out_of_date(ran: Any) -> None:
    ran.write("data/C02/a.csv", "id,age\n1,60\n2,61\n")
    assert ran.run("--center", "C01").returncode == 0
    states = {name: row["state"] for name, row in ran.nodes().items()}
    assert states["C01/01_summary"] == "ok"
    assert {name for name, state in states.items() if state == "ok"} == {
        f"C01/{n}" for n in ("00_intro", "01_summary", "estimates")
    }
    assert set(states.values()) == {"ok", "stale"}
    reasons = {name: row["reason"] for name, row in ran.nodes().items() if row["state"] == "stale"}
    assert reasons["C02/00_intro"] == reasons["ALL/00_intro"] == "input data/C02/a.csv changed"
    assert reasons["C02/01_summary"] == "C02/00_intro is out of date"
    assert reasons["ALL/02_compare"] == "ALL/00_intro is out of date"
    assert "out of date" in ran.read("reports/index.html")
    assert ran.run().returncode == 0
    assert {row["state"] for row in ran.nodes().values()} == {"ok"}


def test_selected_notebook_brings_what_it_needs(toy: Any) -> None:
    toy.run("--notebook", "01_summary", "--center", "C01")
    assert set(toy.nodes()) == {"C01/00_intro", "C01/01_summary", "C01/estimates"}


def test_explain_says_why_and_starts_nothing(toy: Any) -> None:
    listed = toy.run("--explain").stdout
    assert "it has not run yet" in listed
    assert not (toy.root / "reports").exists()


def test_explain_names_the_module_that_changed(ran: Any) -> None:
    ran.edit("lib/toylib/figures.py", "2 * age", "3 * age")
    listed = ran.run("--explain").stdout
    assert "toylib.figures changed" in listed
    assert "C01/00_intro: keep" in listed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-p", "limti", "45"], ["no parameter 'limti'", "'limit'"]),
        (["-p", "limit", "old"], ["not of type int"]),
        (["-p", "limit", "5"], ["out of range", "10 to 99"]),
        (["-p", "center", "C01"], ["--center"]),
        (["-p", "limit", "20", "-p", "limit", "30"], ["given twice"]),
        (["--center", "C9"], ["no scope 'C9'", "C01"]),
        (["--notebook", "01_sumary"], ["'01_summary'"]),
        (["--data", "nowhere"], ["no dataset folder 'nowhere'"]),
        (["--jobs", "0"], ["--jobs"]),
        (["-f", "absent.yaml"], ["absent.yaml"]),
    ],
)
def test_wrong_use_is_refused_before_anything_starts(toy: Any, arguments: list[str], words: list[str]) -> None:
    done = toy.run(*arguments)
    assert done.returncode == 2
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert not (toy.root / "reports").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--work", "reports/work"], "--work lies inside of --out"),
        (["--out", "data/out"], "--out lies inside of --data"),
        (["--work", "data/work"], "--work lies inside of --data"),
        (["--out", "same", "--work", "same"], "--out and --work are the same folder"),
        (["--out", "."], "--data lies inside of --out"),
        (["--work", "."], "--out lies inside of --work"),
        (["--out", "data/C01/../../link"], "--out and --data are the same folder"),
    ],
)
def test_folders_that_would_mix_patients_with_what_is_shared_are_refused(
    toy: Any, options: list[str], said: str
) -> None:
    (toy.root / "link").symlink_to("data")
    before = sorted(toy.root.rglob("*"))
    done = toy.run(*options)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(toy.root.rglob("*")) == before


def test_all_wrong_uses_are_reported_at_once(toy: Any) -> None:
    toy.write("p.yaml", "limit: old\n")
    done = toy.run("-p", "limti", "1", "-f", "p.yaml", "--center", "C9", "--notebook", "xx")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 4


def test_parameters_are_listed(toy: Any) -> None:
    listed = toy.run("--list-parameters").stdout
    assert re.search(r"limit: int = None  \(10 to 99\)\n    oldest age kept\n    in 00_intro", listed)


def test_failing_cell_stops_only_dependents_and_says_why(ran: Any) -> None:
    ran.edit(
        "notebooks/00_intro.ipynb",
        "len(ages)",
        "print('so far')\\nassert center != 'C01', f'no age of {center}'\\nlen(ages)",
    )
    done = ran.run()
    assert done.returncode == 1
    states = {name: row["state"] for name, row in ran.nodes().items()}
    assert states["C01/00_intro"] == "failed"
    assert states["C01/01_summary"] == "blocked"
    assert {states[n] for n in states if not n.startswith("C01/0")} == {"ok"}
    page = ran.read("reports/C01/00_intro.html")
    assert "AssertionError: what it says may quote data" in page
    assert (
        "no age of C01" not in page + ran.read("reports/index.html") + ran.read("reports/manifest.json") + done.stderr
    )
    kept = "work/.notebookrun/executed/C01/00_intro.ipynb"
    assert ran.nodes()["C01/00_intro"]["reason"].endswith(
        f": AssertionError (its text, which may quote data, is in {kept})"
    )
    assert "no age of C01" in ran.read(kept)
    assert "so far" in page
    assert not (ran.root / "reports/C01/notebooks/00_intro.ipynb").exists()
    assert str(ran.root) not in page
    assert "Not run, because it needs C01/00_intro, which failed." in ran.read("reports/C01/01_summary.html")
    assert not (ran.root / "reports/C01/figures/01_summary_ages.png").exists()
    assert "1 failed, 1 blocked" in done.stdout
    index = ran.read("reports/index.html")
    assert "What did not work" in index


def test_step_that_fails_says_so_on_the_cover(ran: Any) -> None:
    ran.edit("lib/toylib/join.py", "parts = ", "raise ValueError(f'nothing of {scope} can be joined')\n    parts = ")
    done = ran.run("--center", "C01")
    assert done.returncode == 1
    row = ran.nodes()["C01/estimates"]
    assert row["state"] == "failed"
    assert "ValueError" in row["reason"]
    assert "ValueError: nothing of C01 can be joined" in ran.read("work/.notebookrun/executed/C01/estimates.ipynb")
    assert "C01/estimates: cell " in ran.read("reports/index.html")
    assert not (ran.root / "reports/C01/estimates.html").exists()


def test_error_meant_for_the_reader_is_a_notice_without_traceback(toy: Any) -> None:
    toy.edit("notebooks/00_intro.ipynb", "len(ages)", "raise store.StudyError('column age is empty')")
    assert toy.run("--center", "C01").returncode == 1
    page = toy.read("reports/C01/00_intro.html")
    assert "column age is empty" in page
    assert "Not possible with this input" in page
    assert "Traceback" not in page


def test_undeclared_and_missing_files_fail_the_notebook(toy: Any) -> None:
    toy.edit("notebooks/01_summary.ipynb", "sorted(table)", "(Path(work_dir) / center / 'extra.txt').write_text('x')")
    toy.edit(
        "notebooks/00_intro.ipynb", '"work/{scope}/clean.csv"', '"work/{scope}/clean.csv", "work/{scope}/more.csv"'
    )
    toy.run("--center", "C01")
    assert "declares to write work/C01/more.csv, but did not" in toy.nodes()["C01/00_intro"]["reason"]
    toy.edit("notebooks/00_intro.ipynb", ', "work/{scope}/more.csv"', "")
    toy.run("--center", "C01")
    assert "writes work/C01/extra.txt, which it does not declare" in toy.nodes()["C01/01_summary"]["reason"]


def test_reading_another_scope_undeclared_fails(toy: Any) -> None:
    toy.edit("notebooks/00_intro.ipynb", "len(ages)", "store.read_rows(Path(data_dir) / 'C02')")
    toy.run("--center", "C01")
    assert "reads data/C02/a.csv, which it does not declare" in toy.nodes()["C01/00_intro"]["reason"]


def test_dead_kernel_and_time_limit_end_in_words(toy: Any) -> None:
    toy.edit("notebooks/00_intro.ipynb", "len(ages)", "import os, signal, time\\nos.kill(os.getpid(), signal.SIGSEGV)")
    assert toy.run("--center", "C01").returncode == 1
    assert "SIGSEGV" in toy.nodes()["C01/00_intro"]["reason"]
    toy.edit("notebooks/00_intro.ipynb", "os.kill(os.getpid(), signal.SIGSEGV)", "time.sleep(600)")
    assert toy.run("--center", "C01", "--time-limit", "3").returncode == 1
    assert "time limit" in toy.nodes()["C01/00_intro"]["reason"]
    assert "What was kept" in toy.read("reports/C01/00_intro.html")


def test_kernel_killed_each_time_keeps_the_page_that_says_so(toy: Any) -> None:
    toy.edit("notebooks/00_intro.ipynb", "len(ages)", "import os, signal\\nos.kill(os.getpid(), signal.SIGKILL)")
    assert toy.run("--center", "C01").returncode == 1
    reason = toy.nodes()["C01/00_intro"]["reason"]
    assert "signal 9 (SIGKILL); the machine may have run out of memory" in reason
    page = toy.read("reports/C01/00_intro.html")
    assert reason in page
    assert "What was kept" in page
    assert 'href="C01/00_intro.html"' in toy.read("reports/index.html")


def test_input_that_changes_during_the_run_is_noticed(toy: Any) -> None:
    toy.edit("notebooks/00_intro.ipynb", "len(ages)", "open('data/C01/a.csv', 'a').write('')\\nlen(ages)")
    toy.run("--center", "C01")
    assert "writes data/C01/a.csv" in toy.nodes()["C01/00_intro"]["reason"]
    assert toy.read("data/C01/a.csv").startswith("id,age")
    toy.edit(
        "notebooks/00_intro.ipynb",
        "open('data/C01/a.csv', 'a').write('')",
        "import subprocess\\nsubprocess.run('echo 3,33 >> data/C01/a.csv', shell=True)",
    )
    assert toy.run("--center", "C01").returncode == 1
    assert "data/C01/a.csv changed while the notebook ran" in toy.nodes()["C01/00_intro"]["reason"]


def _wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_stopped_run_leaves_no_process_and_resumes(toy: Any, finished_study: Path, number: signal.Signals) -> None:
    slow = "Path('started').touch()\n    __import__('time').sleep(0.01 if Path('go').exists() else 60)\n    rows = []"
    toy.edit("lib/toylib/store.py", "rows = []", slow)
    # as started by hand, also where this suite runs under nohup, whose hang-ups are ignored by all that it starts
    hears = "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", hears, *toy.command("--jobs", "2")]
    with subprocess.Popen(command, cwd=toy.root, env=toy.environment, start_new_session=True) as process:
        try:
            _wait_for((toy.root / "started").exists)
            process.send_signal(number)
            status = process.wait(60)
        finally:
            process.kill()
    assert status == (128 + number if number != signal.SIGKILL else -number)
    _wait_for(lambda: not toy.processes())
    assert not list((toy.root / "work").rglob("clean.csv")) or number == signal.SIGKILL
    toy.write("go", "")
    assert toy.run().returncode == 0
    assert toy.outputs() == type(toy)(finished_study, is_new=False).outputs()


INTERRUPTED = """
import os, signal, sys
from notebookrun import session
from notebookrun.cli import main
from run_all import PROJECT

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
session.{name} = lambda *arguments: os.kill(os.getpid(), signal.SIG{signal})
sys.exit(main(PROJECT, []))
"""


@pytest.mark.parametrize(
    ("name", "number"), [("read_former", "INT"), ("write_index", "INT"), ("write_manifest", "TERM")]
)
def test_interrupt_before_or_after_the_notebooks_ends_in_words(ran: Any, name: str, number: str) -> None:
    before = ran.outputs()
    ran.write("interrupted.py", INTERRUPTED.format(name=name, signal=number))
    command = [sys.executable, "interrupted.py"]
    done = subprocess.run(command, cwd=ran.root, env=ran.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 128 + getattr(signal, f"SIG{number}")
    assert done.stderr.startswith("run_all: interrupted; what was finished is kept")
    assert "Traceback" not in done.stderr
    assert ran.run().returncode == 0
    assert ran.outputs() == before


def test_run_goes_on_when_nobody_listens_any_more(ran: Any) -> None:
    """As in a pager that is left, or a terminal that is closed."""
    before = ran.outputs()
    runner = subprocess.Popen(
        ran.command("--force"), cwd=ran.root, env=ran.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert b"[1/10]" in runner.stdout.readline()  # type: ignore[union-attr]
    runner.stdout.close()  # type: ignore[union-attr]
    assert runner.wait(120) == 0
    assert ran.outputs() == before
    assert set(ran.actions().values()) == {"executed"}


def test_run_started_with_nohup_survives_its_terminal(ran: Any) -> None:
    runner = subprocess.Popen(["nohup", *ran.command("--force")], cwd=ran.root, env=ran.environment)
    _wait_for(lambda: (ran.root / "reports/.run.json").exists())
    runner.send_signal(signal.SIGHUP)
    assert runner.wait(120) == 0


def test_every_link_leads_somewhere_whatever_a_center_is_called(toy: Any) -> None:
    toy.write("data/St. Anna #2 & 50%41/a.csv", "id,age\n1,40\n")
    toy.edit(
        "notebooks/02_compare.ipynb", "# Comparing centers", "# Comparing centers\\n\\n[first](01_summary.ipynb#ages)"
    )
    assert toy.run().returncode == 0
    links = 0
    for page in (toy.root / "reports").rglob("*.html"):
        for href in re.findall(r'href="([^"]*)"', page.read_text(encoding="utf-8")):
            address = urlsplit(html.unescape(href))
            assert not address.scheme
            assert not address.path or (page.parent / unquote(address.path)).is_file(), (page.name, href)
            links += bool(address.path)
    assert links


def test_second_run_in_the_same_folder_is_refused_with_the_holder(toy: Any) -> None:
    toy.edit("notebooks/00_intro.ipynb", "len(ages)", "import time\\nPath('started').touch()\\ntime.sleep(60)")
    process = subprocess.Popen(toy.command("--jobs", "2"), cwd=toy.root, env=toy.environment)
    try:
        _wait_for((toy.root / "started").exists)
        second = toy.run("--center", "C01")
        assert second.returncode == 2
        assert f"process id {process.pid}" in second.stderr
    finally:
        process.terminate()
        process.wait(60)


def test_run_over_the_note_of_a_dead_run(toy: Any) -> None:
    toy.write("reports/.run.json", json.dumps({"pid": 2**22 - 1, "host": "elsewhere", "since": "long ago"}))
    assert toy.run("--center", "C01").returncode == 0
    assert not (toy.root / "reports/.run.json").exists()


def test_what_killed_writers_left_half_written_is_cleared_away_and_nothing_else(ran: Any) -> None:
    dead, alive = 2**22 - 1, os.getpid()
    folders = ["reports/.index.html", "reports/C01/.00_intro.html", "work/.notebookrun/.x.json"]
    left = [f"{name}.{dead}.part" for name in folders]
    others = ["reports/C01/notes.part", "reports/.hidden.part", f"reports/teaching/.index.html.{alive}.part"]
    for name in left + others:
        ran.write(name, "half")
    assert ran.run().returncode == 0
    assert not any((ran.root / name).exists() for name in left)
    assert all((ran.root / name).exists() for name in others)


LOSING = """
import sys
from notebookrun import session
from notebookrun.cli import main
from notebookrun.local import LocalPool
from notebookrun.task import LOST, Outcome
from run_all import PROJECT

class LosingPool(LocalPool):
    lost = set()

    def submit(self, task):
        print("submitted", task.node, task.should_execute, flush=True)
        super().submit(task)

    def wait(self, seconds):
        return [self.lose(message) for message in super().wait(seconds)]

    def lose(self, message):
        if message.node in self.lost or message.node.name != "00_intro":
            return message
        self.lost.add(message.node)
        return Outcome(message.node, LOST, "its worker process was killed")

if __name__ == "__main__":
    session.LocalPool = LosingPool
    sys.exit(main(PROJECT, ["--force", "--jobs", "2"]))
"""


def test_worker_lost_over_a_page_runs_its_notebook_again_before_others_read_what_it_wrote(ran: Any) -> None:
    before = ran.outputs()
    ran.write("losing.py", LOSING)
    done = subprocess.run(
        [sys.executable, "losing.py"], cwd=ran.root, env=ran.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    submitted = [line for line in done.stdout.splitlines() if line.startswith("submitted") and "00_intro" in line]
    assert sorted(submitted) == [f"submitted {s}/00_intro True" for s in ("ALL", "C01", "C02") for _ in range(2)]
    second = done.stdout.rindex("C01/00_intro True")
    assert second < done.stdout.index("C01/01_summary"), "what reads it waits"
    assert {name: row["state"] for name, row in ran.nodes().items() if row["state"] != "ok"} == {}
    assert "data/C01/a.csv" in ran.nodes()["C01/00_intro"]["inputs"]
    assert set(ran.nodes()["C01/00_intro"]["outputs"]) == {
        "reports/C01/00_intro.html",
        "reports/C01/notebooks/00_intro.ipynb",
        "work/C01/clean.csv",
    }
    assert {"kernel", "cells", "page", "total"} <= set(ran.nodes()["C01/00_intro"]["seconds"])
    assert ran.outputs() == before
    assert f"{NODES} kept" in ran.run().stdout


def test_a_page_made_again_does_not_forget_how_long_its_cells_took(ran: Any) -> None:
    before = ran.nodes()["C01/01_summary"]["seconds"]
    ran.edit("notebooks/01_summary.ipynb", "## Ages", "## Ages of patients")
    assert ran.run().returncode == 0
    after = ran.nodes()["C01/01_summary"]["seconds"]
    assert {k: v for k, v in after.items() if k != "page"} == {k: v for k, v in before.items() if k != "page"}


def test_events_are_logged_as_json(toy: Any) -> None:
    done = toy.run("--center", "C01", "--quiet", "--json-log", "events.jsonl")
    events = [json.loads(line) for line in toy.read("events.jsonl").splitlines()]
    assert {e["event"] for e in events} >= {"started", "executed", "finished"}
    assert not done.stderr


def test_matrix_runs_every_combination_into_its_own_folder(toy: Any) -> None:
    toy.write("grid.yaml", "limit: [45, 99]\n")
    done = toy.run("--matrix", "grid.yaml", "--center", "ALL", "--notebook", "01_summary")
    assert done.returncode == 0, done.stderr
    tables = {n: toy.read(f"reports/limit-{n}/ALL/tables/estimates/01_summary.csv") for n in (45, 99)}
    assert tables == {45: "scope,value\nALL,1\n", 99: "scope,value\nALL,3\n"}
    page = toy.read("reports/index.html")
    assert 'href="limit-45/index.html"' in page


def test_matrix_with_list_or_explain_starts_nothing(toy: Any) -> None:
    toy.write("grid.yaml", "limit: [45, 99]\n")
    listed = toy.run("--matrix", "grid.yaml", "--explain", "--notebook", "00_intro", "--center", "C01")
    assert listed.returncode == 0, listed.stderr
    plan = ["C01/00_intro: run", "    it has not run yet", "C01/estimates: run", "    it has not run yet"]
    assert listed.stdout.splitlines() == ["parameter set limit-45", *plan, "parameter set limit-99", *plan]
    assert not (toy.root / "reports").exists()


def test_events_on_standard_output_are_all_that_is_there_and_those_of_all_sets_are_kept(toy: Any) -> None:
    toy.write("grid.yaml", "limit: [45, 99]\n")
    one = ("--matrix", "grid.yaml", "--notebook", "00_intro", "--center", "C01", "--json-log")
    done = toy.run(*one)
    assert done.returncode == 0, done.stderr
    finished = [event for line in done.stdout.splitlines() if (event := json.loads(line))["event"] == "finished"]
    assert len(finished) == 4
    assert "parameter set limit-99" in done.stderr
    assert "Report: " in done.stderr
    assert toy.run(*one, "events.jsonl", "--force").returncode == 0
    assert sum('"finished"' in line for line in toy.read("events.jsonl").splitlines()) == 4
    refused = toy.run("--json-log", "no/such/folder/log")
    assert refused.returncode == 2
    assert "--json-log: cannot write log: No such file" in refused.stderr


def test_any_letter_can_be_said_wherever_it_goes(toy: Any) -> None:
    toy.write("data/Łódź/a.csv", "id,age\n1,40\n")
    toy.edit("notebooks/00_intro.ipynb", "len(ages)", "assert center != 'Łódź', '≥ 1'")
    for options in (["--center", "Łódź"], ["--explain"], ["--center", "Łódz"], ["--help"]):
        environment = {**toy.environment, "PYTHONIOENCODING": "cp1252"}
        done = subprocess.run(
            toy.command(*options), cwd=toy.root, env=environment, capture_output=True, encoding="cp1252", check=False
        )
        assert "Traceback" not in done.stderr
        assert "UnicodeEncodeError" not in done.stderr
        assert done.returncode in (0, 1, 2)
        assert options == ["--help"] or "\\u0141\xf3d" in done.stdout + done.stderr


NO_PAGE = """
import sys
from notebookrun import worker
from notebookrun.cli import main
from run_all import PROJECT

make_page = worker._make_page

def refuse(task, *others):
    if str(task.node) == "C01/00_intro":
        raise OSError(28, "No space left on device")
    return make_page(task, *others)

worker._make_page = refuse
if __name__ == "__main__":
    sys.exit(main(PROJECT, ["--jobs", "2", "--center", "C01"]))
"""


def test_only_inputs_that_changed_are_called_changed(ran: Any) -> None:
    """After a failure, or where only a part was run, another run would change nothing."""
    ran.write("data/C02/a.csv", "id,age\n1,60\n2,61\n")
    done = ran.run("--center", "ALL")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 out of date (C02/00_intro is out of date). Report" in done.stdout
    assert "meanwhile" not in done.stdout
    for folder in ("work", "reports"):
        shutil.rmtree(ran.root / folder)
    ran.write("refusing.py", NO_PAGE)
    command = [sys.executable, "refusing.py"]
    done = subprocess.run(command, cwd=ran.root, env=ran.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert ran.nodes()["C01/01_summary"]["reason"] == "it needs C01/00_intro, which failed"
    assert "meanwhile" not in done.stdout
    assert "1 failed" in done.stdout


def test_matrix_is_checked_as_a_whole(toy: Any) -> None:
    toy.write("grid.yaml", "limit: [5, 45]\nlimti: [1]\n")
    done = toy.run("--matrix", "grid.yaml")
    assert done.returncode == 2
    assert "out of range" in done.stderr
    assert "did you mean 'limit'" in done.stderr
    assert not (toy.root / "reports").exists()


def test_page_that_cannot_be_written_fails_its_notebook_and_blocks_what_had_begun(toy: Any) -> None:
    """As a full disk does: the cells ran, their outputs are there, and the page finds no place."""
    in_the_way = toy.root / "reports/C01/00_intro.html"
    in_the_way.mkdir(parents=True)
    (in_the_way / "something").write_text("else")
    done = toy.run()
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    states = {name: row["state"] for name, row in toy.nodes().items()}
    assert states["C01/00_intro"] == "failed"
    assert states["C01/01_summary"] == "blocked"
    assert states["C02/01_summary"] == "ok"
    shutil.rmtree(in_the_way)
    assert toy.run().returncode == 0


def test_page_of_a_blocked_notebook_that_cannot_be_written_either_does_not_stop_the_run(toy: Any) -> None:
    for name in ("00_intro", "01_summary"):
        toy.write(f"reports/C01/{name}.html/in/the/way", "else")
    done = toy.run("--jobs", "2", timeout=60)
    assert done.returncode == 1, done.stdout + done.stderr
    states = {name: row["state"] for name, row in toy.nodes().items() if row["state"] != "ok"}
    assert states == {"C01/00_intro": "failed", "C01/01_summary": "blocked"}
    assert "it needs C01/00_intro, which failed" in toy.nodes()["C01/01_summary"]["reason"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are those of POSIX")
@pytest.mark.parametrize("room", ["for the cover", "for a few lines", "for nothing"])
def test_disk_without_room_ends_in_words_and_the_next_run_makes_up_for_it(ran: Any, room: str) -> None:
    """A limit to the size of files does what a full disk does: writing begins, and is then refused."""
    import resource

    before = ran.outputs()
    cover, page = (len(ran.read(f"reports/{name}.html").encode()) for name in ("index", "C01/00_intro"))
    assert 2_000 < cover < page, "no size lets the cover through and not the page"
    size = {"for the cover": (cover + page) // 2, "for a few lines": 2_000, "for nothing": 100}[room]
    done = subprocess.run(
        ran.command("--force", "--jobs", "2"),
        cwd=ran.root, env=ran.environment, capture_output=True, text=True, timeout=120, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "File too large" in done.stderr
    if room == "for the cover":
        states = {name: row["state"] for name, row in ran.nodes().items()}
        assert states["C01/00_intro"] == "failed"
        assert not (ran.root / "reports/C01/00_intro.html").exists(), "the former page says what is no longer so"
        assert "C01/00_intro.html" not in ran.read("reports/index.html")
    if room == "for a few lines":
        assert "the cover of the report could not be written" in done.stderr
        assert not (ran.root / "reports/index.html").exists()
        assert "There is no report" in done.stdout
    assert not list(ran.root.rglob("*.part"))
    assert ran.run().returncode == 0
    assert ran.outputs() == before


REFUSING = """
import sys
from notebookrun import cache
from notebookrun.cli import main
from run_all import PROJECT

digest = cache.digest_file

def refuse(path):
    if path.name == "a.csv" and path.parent.name == "C02":
        raise PermissionError(13, "Permission denied", str(path))
    return digest(path)

cache.digest_file = refuse
if __name__ == "__main__":
    sys.exit(main(PROJECT, {arguments}))
"""


def test_input_that_cannot_be_read_blocks_its_scope_alone(toy: Any) -> None:
    toy.write("refusing.py", REFUSING.format(arguments=["--jobs", "2"]))
    command = [sys.executable, "refusing.py"]
    done = subprocess.run(command, cwd=toy.root, env=toy.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    states = {name: row["state"] for name, row in toy.nodes().items()}
    assert states["C01/01_summary"] == "ok"
    assert {states["C02/00_intro"], states["C02/01_summary"]} == {"blocked"}
    assert toy.nodes()["C02/00_intro"]["reason"] == "a.csv: Permission denied"
    assert "a.csv: Permission denied" in toy.read("reports/C02/00_intro.html")


LOCKED = """
import sys
from pathlib import Path
from notebookrun import files
from notebookrun.cli import main
from run_all import PROJECT

unlink = Path.unlink

def refuse(path, missing_ok=False):  # as Windows does for a file that is open in Excel
    if path.name == "clean.csv" and path.parent.name == "C01" and path.exists():
        raise PermissionError(13, "Permission denied", str(path))
    unlink(path, missing_ok)

Path.unlink = refuse
if __name__ == "__main__":
    sys.exit(main(PROJECT, ["--force", "--jobs", "2"]))
"""


@pytest.mark.parametrize("does_fail", [False, True])
def test_a_locked_file_blocks_its_own_notebook_alone(ran: Any, does_fail: bool) -> None:
    ran.write("locked.py", LOCKED)
    if does_fail:  # it is locked after the notebook has written it
        ran.edit("notebooks/00_intro.ipynb", "len(ages)", "assert center != 'C01'")
        (ran.root / "work/C01/clean.csv").unlink()
    command = [sys.executable, "locked.py"]
    done = subprocess.run(command, cwd=ran.root, env=ran.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "had to stop" not in done.stderr
    states = {name: row["state"] for name, row in ran.nodes().items() if row["state"] != "ok"}
    assert states == {"C01/00_intro": "failed" if does_fail else "blocked", "C01/01_summary": "blocked"}
    said = "clean.csv: Permission denied; if it is open in another program, such as Excel, close it there and run again"
    assert does_fail or ran.nodes()["C01/00_intro"]["reason"] == said
    assert does_fail or said in ran.read("reports/C01/00_intro.html")
    if does_fail:
        ran.edit("notebooks/00_intro.ipynb", "assert center != 'C01'", "len(ages)")
    assert ran.run().returncode == 0


def test_input_of_another_scope_that_cannot_be_read_stops_nothing(ran: Any) -> None:
    ran.write("refusing.py", REFUSING.format(arguments=["--center", "C01"]))
    ran.write("data/C02/a.csv", "id,age\n1,60\n2,61\n")
    command = [sys.executable, "refusing.py"]
    done = subprocess.run(command, cwd=ran.root, env=ran.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ran.nodes()["C02/00_intro"]["state"] == "stale"
    assert ran.nodes()["C02/00_intro"]["reason"] == "a.csv: Permission denied"
    ran.write("refusing.py", REFUSING.format(arguments=["--explain"]))
    done = subprocess.run(command, cwd=ran.root, env=ran.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "C02/00_intro: run, took" in done.stdout
    assert "    a.csv: Permission denied" in done.stdout


WORKERS_DIE = """
import sys
from notebookrun.cli import main
from run_all import PROJECT

if __name__ == "__mp_main__":
    sys.exit(1)
if __name__ == "__main__":
    sys.exit(main(PROJECT, ["--force", "--jobs", "2"]))
"""


def test_run_ends_although_no_worker_lives(toy: Any) -> None:
    toy.write("dying.py", WORKERS_DIE)
    command = [sys.executable, "dying.py"]
    done = subprocess.run(
        command, cwd=toy.root, env=toy.environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert {row["state"] for row in toy.nodes().values()} == {"failed", "blocked"}
    assert toy.nodes()["C01/00_intro"]["reason"] == "its worker process was killed"
    assert 'href="C01' not in toy.read("reports/index.html"), "there are no pages"


NO_ROOM = """
import sys
from notebookrun import scratch
from notebookrun.cli import main
from run_all import PROJECT

scratch._parent = lambda: "/dev/null/no room"

if __name__ == "__main__":
    sys.exit(main(PROJECT, ["--force"]))
"""


def test_processes_that_cannot_be_started_end_the_run_and_leave_the_report_whole(ran: Any) -> None:
    before = ran.outputs("reports", "work")
    ran.write("no_room.py", NO_ROOM)
    command = [sys.executable, "no_room.py"]
    done = subprocess.run(
        command, cwd=ran.root, env=ran.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("run_all: the run had to stop: ")
    assert ran.outputs("reports", "work") == before


def test_output_folder_that_cannot_be_is_refused_before_anything_starts(toy: Any) -> None:
    (toy.root / "reports").write_text("a file, no folder")
    done = toy.run()
    assert done.returncode == 2
    assert "reports" in done.stderr
    assert "Traceback" not in done.stderr
