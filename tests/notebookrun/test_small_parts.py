"""Places, file use, locks, digests, sources."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from notebookrun.cache import Memory
from notebookrun.codeuse import installed_packages
from notebookrun.errors import DeclarationError, MisuseError
from notebookrun.files import write_whole
from notebookrun.graph import NodeId
from notebookrun.locks import hold_folder
from notebookrun.places import Places, make_scrubber
from notebookrun.processes import is_alive
from notebookrun.scratch import remove_abandoned, scratch_folder
from notebookrun.sources import read_notebooks
from notebookrun.task import Task
from notebookrun.trace import FileUse, check_use, read_trace


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path, tmp_path / "data", tmp_path / "work", tmp_path / "reports")


def test_names_take_the_deepest_place(places: Places) -> None:
    assert places.name(places.work / "C01/a.csv") == "work/C01/a.csv"
    assert places.name(places.root / "study.toml") == "repository/study.toml"
    assert places.name("/elsewhere/x") is None
    assert places.absolute("repository/study.toml") == places.root / "study.toml"


def test_find_expands_patterns_sorted(places: Places) -> None:
    for name in ("reports/C01/figures/04_b.svg", "reports/C01/figures/04_a.svg", "reports/C01/figures/05_a.svg"):
        write_whole(places.absolute(name), "")
    assert places.find(["reports/C01/figures/04_*?"]) == [
        "reports/C01/figures/04_a.svg",
        "reports/C01/figures/04_b.svg",
    ]


def test_scrubber_replaces_longest_first_and_keeps_look_alikes() -> None:
    scrub = make_scrubber({Path("/srv/repo"): "", Path("/srv/repo/data"): "data", Path("/srv"): "srv"})
    assert scrub("/srv/repo/data/C01 /srv/repo/x /srv/repository /srv/repo") == "data/C01 x srv/repository "


def test_whole_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a" / "b.txt"
    write_whole(target, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(target, "new")
    assert [p.name for p in target.parent.iterdir()] == ["b.txt"]
    assert target.read_text() == "old"


def test_digests_are_remembered_until_a_file_changes(places: Places) -> None:
    write_whole(places.work / "a", "1")
    memory = Memory(places)
    first = memory.digest("work/a")
    memory.save()
    again = Memory(places)
    assert again.digest("work/a") == first
    write_whole(places.work / "a", "2")
    assert again.digest("work/a") != first
    assert again.digest("work/absent") is None


def test_packages_are_listed() -> None:
    found = installed_packages()
    assert found["papermill"] == "2.7.0"
    assert "python" in found


def _task(places: Places, reads: tuple[str, ...], writes: tuple[str, ...]) -> Task:
    return Task(NodeId("C01", "x"), places, reads=reads, writes=writes, digests={"data/C01/a.csv": "x"})


@pytest.mark.parametrize(
    ("read", "written", "words"),
    [
        (["data/C01/a.csv"], ["work/C01/b"], []),
        (["data/C01/a.csv", "repository/plan.toml", "work/C01/b"], ["work/C01/b"], []),
        (["data/C02/a.csv"], ["work/C01/b"], ["reads data/C02/a.csv"]),
        (["work/C02/b"], ["work/C01/b"], ["reads work/C02/b"]),
        ([], ["work/C01/b", "work/C01/c"], ["writes work/C01/c"]),
        ([], [], ["declares to write work/C01/b"]),
    ],
)
def test_use_is_held_against_declarations(
    places: Places, read: list[str], written: list[str], words: list[str]
) -> None:
    task = _task(places, ("data", "work/C01/z?"), ("work/C01/b", "reports/C01/figures/x_*", "work/C01/d?"))
    problems = check_use(task, FileUse(read, written))
    assert len(problems) == len(words)
    assert all(word in problem for word, problem in zip(words, problems, strict=True))


def test_declared_and_unread_is_a_warning(places: Places) -> None:
    use = FileUse([], ["work/C01/b"])
    assert check_use(_task(places, ("data",), ("work/C01/b",)), use) == []
    assert use.warnings == ["declares to read data, but did not"]


def test_trace_notes_files_whoever_opens_them(places: Places) -> None:
    """Files opened by pandas and pyarrow, written, renamed, deleted and read back."""
    places.work.mkdir()
    (places.root / "in.csv").write_text("a\n1\n")
    trace = places.root / "trace"
    program = f"""
import os, pathlib
from notebookrun.launch import trace_files
import pandas
trace_files({str(trace)!r})
work = pathlib.Path({str(places.work)!r})
frame = pandas.read_csv({str(places.root / "in.csv")!r})
frame.to_parquet(work / "a.parquet")
pandas.read_parquet(work / "a.parquet")
(work / "part").write_text("x")
os.replace(work / "part", work / "whole")
(work / "gone").write_text("x")
(work / "gone").unlink()
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    use = read_trace(trace, places)
    assert use.written == ["work/a.parquet", "work/whole"]
    assert use.read == ["repository/in.csv"]


def test_folder_is_held_by_one_and_freed_by_death(tmp_path: Path) -> None:
    program = "import sys, time\nfrom notebookrun.locks import hold_folder\nfrom pathlib import Path\n"
    program += (
        f"with hold_folder(Path({str(tmp_path)!r}), 'report'):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "held"
        with pytest.raises(MisuseError, match=f"process id {other.pid}"), hold_folder(tmp_path, "report"):
            pass
        other.kill()
    with hold_folder(tmp_path, "report"):
        assert json.loads((tmp_path / ".run.json").read_text())["pid"] == os.getpid()
    assert not (tmp_path / ".run.json").exists()


def test_a_process_that_has_ended_is_not_alive_even_if_nobody_asked_how() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    if hasattr(os, "waitid"):
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended and stays on the list
        assert not is_alive(process.pid)
    process.wait()
    assert not is_alive(process.pid)
    assert is_alive(os.getpid())


def test_folders_of_killed_processes_are_cleared_away_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("notebookrun.scratch._parent", lambda: str(tmp_path))
    leave = (
        "import os, sys; from pathlib import Path; from notebookrun import scratch\n"
        "scratch._parent = lambda: sys.argv[1]\n"
        "folder = scratch.scratch_folder(); Path(folder.name, 'patients.csv').write_text('x'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", leave, str(tmp_path)], check=True)
    (left,) = tmp_path.iterdir()
    others = [tmp_path / name for name in ("nbr-notes", "nbr-00000000-4194303-x", "something")]
    for other in others:
        other.mkdir()
    with scratch_folder() as mine:
        remove_abandoned()
        assert not left.exists()
        assert {path.name for path in tmp_path.iterdir()} == {Path(mine).name, *(other.name for other in others)}
        assert Path(mine).stat().st_mode & 0o077 == 0
    assert not Path(mine).exists()


def test_notebooks_are_read_with_all_their_problems(tmp_path: Path, make_notebook: Any) -> None:
    good = make_notebook(
        ("markdown", "# Title"), ("code", "x: int = 1", "parameters"), reads=["data"], writes=["work/a"]
    )
    (tmp_path / "01_good.ipynb").write_text(json.dumps(good))
    (tmp_path / "notes.ipynb").write_text("ignored: not numbered")
    notebook = read_notebooks(tmp_path)[0]
    assert (notebook.name, notebook.title, notebook.reads, notebook.scopes) == ("01_good", "Title", ("data",), "each")
    bad = make_notebook(("code", "x = 1", "parameters"))
    (tmp_path / "02_bad.ipynb").write_text(json.dumps(bad))
    (tmp_path / "03_bad.ipynb").write_text("{")
    (tmp_path / "04_bad.ipynb").write_text(json.dumps(make_notebook(("code", ""), read=["data"], writes=["data/x"])))
    with pytest.raises(DeclarationError) as caught:
        read_notebooks(tmp_path)
    assert len(caught.value.problems) == 4


def test_copies_among_the_notebooks_are_called_so(tmp_path: Path, make_notebook: Any) -> None:
    original = make_notebook(("markdown", "# Title"), ("code", "x: int = 1", "parameters"), writes=["work/a"])
    executed = json.loads(json.dumps(original))
    executed["metadata"]["papermill"] = {"input_path": "notebooks/04_a.ipynb", "output_path": "notebooks/04_out.ipynb"}
    (tmp_path / "04_a.ipynb").write_text(json.dumps(original))
    (tmp_path / "04_out.ipynb").write_text(json.dumps(executed))
    with pytest.raises(DeclarationError) as caught:
        read_notebooks(tmp_path)
    (problem,) = caught.value.problems
    assert problem.startswith("04_out.ipynb is an executed copy of notebooks/04_a.ipynb; ")
    (tmp_path / "04_out.ipynb").write_text(json.dumps(original))
    with pytest.raises(DeclarationError) as caught:
        read_notebooks(tmp_path)
    assert caught.value.problems == ["04_a.ipynb and 04_out.ipynb write the same files: move the copy away"]


def test_digest_of_code_ignores_text_and_digest_of_text_does_not(tmp_path: Path, make_notebook: Any) -> None:
    def digests(*cells: tuple[str, ...]) -> tuple[str, str]:
        (tmp_path / "01_a.ipynb").write_text(json.dumps(make_notebook(*cells)))
        (notebook,) = read_notebooks(tmp_path)
        return notebook.code_digest(), notebook.text_digest()

    first = digests(("markdown", "a"), ("code", "1"))
    text_changed = digests(("markdown", "b"), ("code", "1"))
    code_changed = digests(("markdown", "a"), ("code", "2"))
    assert text_changed[0] == first[0]
    assert text_changed[1] != first[1]
    assert code_changed[0] != first[0]


def test_a_worker_loads_without_the_grammar_of_addresses_and_others_find_it() -> None:
    code = "import notebookrun.worker, sys; print('lark' in sys.modules); import rfc3987_syntax"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr
