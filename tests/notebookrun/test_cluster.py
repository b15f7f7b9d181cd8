"""The same graph on a Dask cluster of real processes on loopback: same bytes, also when workers die."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from notebookrun.cluster import DaskPool
from notebookrun.exchange import Exchange
from notebookrun.files import digest_file
from notebookrun.graph import NodeId
from notebookrun.pagecontext import PageContext
from notebookrun.places import Places
from notebookrun.task import BLOCKED, Outcome, Task

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.slow


@contextmanager
def started(command: list[str], folder: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process of the cluster for a while."""
    environment = {**os.environ, **variables}
    with (folder / "cluster.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def scheduler_command() -> list[str]:
    """Return how a scheduler is started by hand."""
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", "scheduler.json"]
    return [sys.executable, "-m", "distributed.cli.dask_scheduler", *options]


def worker_command() -> list[str]:
    """Return how two workers are started by hand."""
    options = ["--scheduler-file", "scheduler.json", "--nthreads", "1", "--nworkers", "2", "--no-dashboard"]
    return [sys.executable, "-m", "distributed.cli.dask_worker", *options]


@pytest.fixture
def cluster(tmp_path: Path, ran: Any) -> Iterator[str]:
    """A scheduler and two workers; gives the scheduler's address."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    library = ran.environment["PYTHONPATH"]
    with started(scheduler_command(), folder), started(worker_command(), folder, PYTHONPATH=library):
        with distributed.Client(scheduler_file=str(folder / "scheduler.json"), timeout=60) as client:
            client.wait_for_workers(2, timeout=120)
            address = client.scheduler.address
        yield address


def test_cluster_gives_the_same_bytes(ran: Any, cluster: str) -> None:
    before = ran.outputs()
    done = ran.run("--force", "--scheduler", cluster)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ran.outputs() == before


def test_cluster_without_shared_folders_gives_the_same_bytes(ran: Any, cluster: str, tmp_path: Path) -> None:
    before = ran.outputs()
    url = (tmp_path / "exchange").as_uri()
    done = ran.run("--force", "--scheduler", cluster, "--exchange", url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ran.outputs() == before
    assert any((tmp_path / "exchange").rglob("*"))
    ran.edit("notebooks/00_intro.ipynb", "Text.", "Text!")
    assert ran.run("--scheduler", cluster, "--exchange", url).returncode == 0
    assert {a for n, a in ran.actions().items() if n.endswith("00_intro")} == {"rendered"}
    assert "Text!" in ran.read("reports/C01/00_intro.html")


def test_worker_with_other_files_is_refused(ran: Any, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    ran.write("plan.toml", "window = 6\n")
    variables = {"PYTHONPATH": ran.environment["PYTHONPATH"], "NOTEBOOKRUN_ROOT": str(other)}
    with started(scheduler_command(), tmp_path), started(worker_command(), tmp_path, **variables):
        with distributed.Client(scheduler_file=str(tmp_path / "scheduler.json"), timeout=60) as client:
            client.wait_for_workers(2, timeout=120)
            address = client.scheduler.address
        url = (tmp_path / "exchange").as_uri()
        done = ran.run("--center", "C01", "--scheduler", address, "--exchange", url)
    assert done.returncode == 1
    assert ran.nodes()["C01/00_intro"]["reason"] == "the worker has another version of plan.toml"


def _children(pid: int) -> list[int]:
    return [int(p) for t in Path(f"/proc/{pid}/task").glob("*") for p in (t / "children").read_text().split()]


def _wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def test_dead_worker_is_replaced_and_its_task_runs_again(ran: Any, tmp_path: Path) -> None:
    before = ran.outputs()
    pause = "import time\\n    time.sleep(0 if Path('seen').exists() else 30)\\n    "
    ran.edit("lib/toylib/figures.py", "pixels = ", "from pathlib import Path\n    Path('started').touch()\n    "
             + pause.replace("\\n", "\n") + "pixels = ")  # fmt: skip
    folder = tmp_path / "cluster"
    folder.mkdir()
    library = ran.environment["PYTHONPATH"]
    with started(scheduler_command(), folder), started(worker_command(), folder, PYTHONPATH=library) as nannies:
        with distributed.Client(scheduler_file=str(folder / "scheduler.json"), timeout=60) as client:
            client.wait_for_workers(2, timeout=120)
            address = client.scheduler.address
        command = ran.command("--scheduler", address)
        runner = subprocess.Popen(command, cwd=ran.root, env=ran.environment)
        _wait_for((ran.root / "started").exists, 120)
        (ran.root / "seen").touch()
        for pid in _children(nannies.pid):
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        assert runner.wait(240) == 0
    changed = {name for name, content in ran.outputs().items() if before[name] != content}
    assert changed <= {f"reports/{scope}/01_summary.html" for scope in ("ALL", "C01", "C02")}


SLOW = "from pathlib import Path\n    Path('started').touch()\n    __import__('time').sleep(1.5)\n    "


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("scheduler", "the scheduler of the cluster is gone"),
        ("workers", "the cluster has no worker left"),
        ("exchange", "its results could not be sent: Not a directory"),
    ],
)
def test_cluster_that_breaks_down_ends_the_run_in_words(ran: Any, tmp_path: Path, what: str, said: str) -> None:
    before = ran.outputs()
    ran.edit("lib/toylib/figures.py", "pixels = ", SLOW + "pixels = ")
    patience = "from notebookrun import cluster\ncluster.PATIENCE_SECONDS = 2.5\n"
    ran.write("impatient.py", ran.read("run_all.py").replace("if __name__", f"{patience}if __name__"))
    folder = tmp_path / "cluster"
    folder.mkdir()
    library = ran.environment["PYTHONPATH"]
    with (
        started(scheduler_command(), folder) as scheduler,
        started(worker_command(), folder, PYTHONPATH=library) as nannies,
    ):
        with distributed.Client(scheduler_file=str(folder / "scheduler.json"), timeout=60) as client:
            client.wait_for_workers(2, timeout=120)
            address = client.scheduler.address
        place = tmp_path / "exchange"
        options = ["--exchange", place.as_uri()] if what == "exchange" else []
        command = [sys.executable, "impatient.py", "--scheduler", address, *options]
        runner = subprocess.Popen(command, cwd=ran.root, env=ran.environment, stderr=subprocess.PIPE, text=True)
        _wait_for((ran.root / "started").exists, 120)
        if what == "scheduler":
            scheduler.kill()
        elif what == "workers":
            os.killpg(nannies.pid, signal.SIGKILL)
        else:
            place.rename(tmp_path / "elsewhere")
            place.write_text("a file, no folder")
        _, errors = runner.communicate(timeout=240)
    assert runner.returncode == 1, errors
    assert "Traceback" not in errors, errors
    reasons = {row["reason"] for row in ran.nodes().values() if row["state"] == "failed"}
    assert said in reasons
    assert not any(str(tmp_path) in reason for reason in reasons)
    ran.edit("lib/toylib/figures.py", SLOW, "")
    assert ran.run().returncode == 0
    assert ran.outputs() == before


@pytest.mark.parametrize("url", ["nonsense://place", "abfs://place"])
def test_place_of_exchange_that_is_none_is_refused(toy: Any, url: str) -> None:
    done = toy.run("--scheduler", "local", "--exchange", url)
    assert done.returncode == 2
    assert f"--exchange {url}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--scheduler", "tcp://127.0.0.1:1"], "no scheduler answers"),
        (["--scheduler", "local", "--exchange", "file:///dev/null/place"], "--exchange file:///dev/null/place: "),
    ],
)
def test_a_run_that_cannot_start_leaves_the_former_report_whole(ran: Any, options: list[str], said: str) -> None:
    before = ran.outputs("reports", "work")
    ran.write("data/C02/a.csv", "id,age\n1,60\n2,61\n")
    done = ran.run("--force", *options)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert ran.outputs("reports", "work") == before


def test_damaged_file_is_not_taken(tmp_path: Path) -> None:
    exchange = Exchange((tmp_path / "x").as_uri())
    (tmp_path / "a").write_text("content")
    digest = digest_file(tmp_path / "a")
    exchange.send(tmp_path / "a", digest)
    stored = next(path for path in (tmp_path / "x").rglob("*") if path.is_file())
    stored.write_text("other")
    with pytest.raises(OSError, match="damaged"):
        exchange.fetch(digest, tmp_path / "b")
    assert not list(tmp_path.glob("*.part"))


def test_a_cluster_started_here_keeps_no_task_that_is_done(tmp_path: Path) -> None:
    places = Places(root=tmp_path, data=tmp_path / "data", work=tmp_path / "work", reports=tmp_path / "reports")
    pool = DaskPool("local", 1, None, tmp_path)

    def run_some(first: int) -> int:
        """Run twenty large tasks and return the bytes this process holds afterwards."""
        for number in range(first, first + 20):
            task = Task(NodeId("C01", f"n{number}"), places, blocked_by="it is large")
            pages = {f"{number}{i}": f"{number}{i}" * 20 for i in range(5000)}
            pool.submit(replace(task, page=PageContext("", "", "C01", pages=pages)))
            ended: list[Any] = []
            while not ended:
                ended = pool.wait(60.0)
            assert isinstance(ended[0], Outcome)
            assert ended[0].state == BLOCKED, ended[0].reason
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before, after = run_some(0), run_some(20)
    finally:
        tracemalloc.stop()
        pool.close()
    assert after - before < 4 * 2**20, "twenty tasks are about ten times as large"
