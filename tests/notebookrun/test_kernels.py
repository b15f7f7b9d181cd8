"""A kernel of the engine, driven by papermill: what runs in it, and what comes back."""

from __future__ import annotations

import os
import platform
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client import KernelManager

from notebookrun.execute import Execution, execute_notebook
from notebookrun.hostclient import ADDRESS_VARIABLE, CAN_FORK, ForkedProcess, KernelHost, NoHostError
from notebookrun.kernels import EngineKernelManager
from notebookrun.launch import KERNEL_ENVIRONMENT
from notebookrun.processes import is_alive

pytestmark = pytest.mark.slow


def execute(folder: Path, *cells: str, is_warm: bool = True, seconds: float = 60) -> Execution:
    """Run cells in a kernel of their own."""
    content = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": cell, "outputs": [], "execution_count": None}
        for n, cell in enumerate(cells)
    ]
    notebook: dict[str, Any] = {"cells": content, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    left_out = {"PYTEST_CURRENT_TEST"} | (set() if is_warm else {ADDRESS_VARIABLE})
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    execution = Execution(environment | KERNEL_ENVIRONMENT, folder, time.monotonic() + seconds)
    execute_notebook(notebook, {}, execution)
    return execution


@pytest.fixture(autouse=True, scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelHost]:
    """A parent of warm kernels."""
    host = KernelHost(("numpy",), tmp_path_factory.mktemp("host"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ADDRESS_VARIABLE, host.address)
        yield host
    host.close()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[KernelHost]:
    """A parent of warm kernels that imports nothing."""
    host = KernelHost((), tmp_path)
    yield host
    host.close()


def fork(host: KernelHost, folder: Path) -> None:
    """Fork a kernel from a host, and end it."""
    arguments, environment = ["-f", str(folder / "k.json")], {**os.environ, **KERNEL_ENVIRONMENT}
    request = {"arguments": arguments, "folder": str(folder), "environment": environment}
    process = ForkedProcess(host.address, request)
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.skipif(not CAN_FORK, reason="no parent to fork from on this system")
@pytest.mark.parametrize("is_killed", [True, False])
def test_a_parent_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, host: KernelHost, monkeypatch: pytest.MonkeyPatch, is_killed: bool
) -> None:
    fork(host, tmp_path)
    os.kill(host.process.pid, signal.SIGSTOP)
    monkeypatch.setattr("notebookrun.hostclient.START_SECONDS", 60 if is_killed else 0.5)
    if is_killed:
        threading.Timer(0.5, os.kill, (host.process.pid, signal.SIGKILL)).start()
    with pytest.raises(NoHostError, match="does not answer"):
        fork(host, tmp_path)
    if is_killed:
        _wait_until_gone(host)
        host.tend()
        fork(host, tmp_path)


def _wait_until_gone(host: KernelHost) -> None:
    until = time.monotonic() + 30
    while is_alive(host.process.pid):
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.skipif(not CAN_FORK, reason="no parent to fork from on this system")
def test_a_notebook_runs_although_the_parent_is_killed_while_it_waits(
    tmp_path: Path, host: KernelHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTEBOOKRUN_KERNEL_HOST", host.address)
    fork(host, tmp_path)
    os.kill(host.process.pid, signal.SIGSTOP)
    threading.Timer(2, os.kill, (host.process.pid, signal.SIGKILL)).start()
    execution = execute(tmp_path, "print(1)")
    assert execution.error == ""
    assert execution.notebook.cells[0].outputs[0].text == "1\n"


@pytest.mark.parametrize("is_warm", [True, False])
def test_a_kernel_knows_its_python_and_is_forked_if_it_is_to_be(
    tmp_path: Path, parent: KernelHost, is_warm: bool
) -> None:
    execution = execute(tmp_path, "import os\nprint(os.getppid(), os.getcwd())", is_warm=is_warm)
    assert execution.error == ""
    assert (
        execution.notebook.cells[0].outputs[0].text == f"{parent.process.pid if is_warm else os.getpid()} {tmp_path}\n"
    )
    assert execution.notebook.metadata.language_info["version"] == platform.python_version()


def test_outputs_that_go_astray_are_not_left_out_in_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notebookrun.execute.OUTPUT_SECONDS", 1)
    execution = execute(tmp_path, "print(1)\nget_ipython().kernel.iopub_thread.stop()\nprint(2)")
    assert execution.error == "outputs of a cell did not arrive"
    assert execution.is_lost


def test_time_that_is_over_is_said_as_such(tmp_path: Path) -> None:
    execution = execute(tmp_path, "import time\ntime.sleep(60)", seconds=1.5)
    assert execution.error == "the time limit for one notebook was reached"
    assert not execution.is_lost


def test_every_kind_of_output_comes_back(tmp_path: Path) -> None:
    execution = execute(
        tmp_path,
        "import sys\nprint('out')\nprint('err', file=sys.stderr)",
        "from IPython.display import HTML, display\nhandle = display(HTML('<b>first</b>'), display_id='x')\n40 + 2",
        "handle.update(HTML('<b>second</b>'))",
        "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('kept')",
        "1 / 0",
        "print('never')",
    )
    cells = [cell for cell in execution.notebook.cells if cell.cell_type == "code"]  # papermill points at the error
    kinds = [[output.output_type for output in cell.outputs] for cell in cells]
    assert kinds == [["stream", "stream"], ["display_data", "execute_result"], [], ["stream"], ["error"], []]
    assert cells[1].outputs[0].data["text/html"] == "<b>second</b>"
    assert cells[1].outputs[1].data["text/plain"] == "42"
    assert cells[3].outputs[0].text == "kept\n"
    assert execution.error == "cell 5: ZeroDivisionError"
    assert execution.is_text_hidden


def test_output_that_no_notebook_can_hold_is_said(tmp_path: Path) -> None:
    execution = execute(tmp_path, "from IPython.display import display\ndisplay({'text/plain': 5}, raw=True)")
    assert execution.error.startswith("an output is not what a notebook can hold: ")
    assert execution.notebook.cells[0].outputs == []


THREADS = """
import threading
from IPython.display import HTML, display
def say(name):
    for number in range(50):
        print(f"{name}{number}")
        display(HTML(f"<i>{name}{number}</i>"))
threads = [threading.Thread(target=say, args=(name,)) for name in "abcd"]
for thread in threads:
    thread.start()
say("m")
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("is_warm", [True, False])
def test_threads_and_forked_processes_of_a_notebook_are_heard(tmp_path: Path, is_warm: bool) -> None:
    fork = "import multiprocessing\nchild = multiprocessing.get_context('fork').Process(target=print, args=('child',))"
    wait = "child.start()\nchild.join()\nimport time\ntime.sleep(0.3)\nprint('parent')"
    execution = execute(
        tmp_path,
        THREADS,
        f"{fork}\n{wait}",
        "import os\nstatus = os.system('echo shell')\ntime.sleep(0.2)",
        is_warm=is_warm,
    )
    assert execution.error == ""
    said, child, shell = (list(cell.outputs) for cell in execution.notebook.cells)
    words = re.findall("[a-dm][0-9]+", "".join(output.text for output in said if output.output_type == "stream"))
    assert sorted(words) == sorted(f"{name}{number}" for name in "abcdm" for number in range(50))
    assert sum(output.output_type == "display_data" for output in said) == 250
    assert sorted(re.findall("child|parent", "".join(output.text for output in child))) == ["child", "parent"]
    assert "".join(output.text for output in shell) == "shell\n"


LONG = """
import time
from collections.abc import Iterator
from pathlib import Path
for word in ("first", "second"):
    print(word)
    time.sleep(0.4)
until = time.monotonic() + 30
while not Path("heard").exists() and time.monotonic() < until:
    time.sleep(0.01)
print("answered" if Path("heard").exists() else "unheard")
"""


def test_a_long_cell_is_heard_before_it_ends(tmp_path: Path) -> None:
    (tmp_path / "notebookrun-warm").mkdir()
    (tmp_path / "notebookrun-warm" / "kernel.json").write_text(EngineKernelManager().kernel_spec.to_json())
    manager = KernelManager(kernel_name="notebookrun-warm", connection_file=str(tmp_path / "k.json"))
    manager.kernel_spec_manager.kernel_dirs = [str(tmp_path)]
    manager.start_kernel(cwd=str(tmp_path), env={**os.environ, **KERNEL_ENVIRONMENT})
    client = manager.client()
    client.start_channels()
    said: list[str] = []

    def hear(message: dict[str, Any]) -> None:
        said.append(str(message["content"].get("text", "")))
        if "first" in said[-1]:
            (tmp_path / "heard").touch()

    try:
        client.wait_for_ready(timeout=30)
        client.execute_interactive(LONG, output_hook=hear, timeout=60)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert "".join(said).split() == ["first", "second", "answered"]
