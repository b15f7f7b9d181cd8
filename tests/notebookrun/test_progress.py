"""What a run tells while it goes, on a terminal and elsewhere."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from notebookrun.cache import Entry, NodeRun
from notebookrun.graph import NodeId
from notebookrun.progress import MOST_LINES, Progress

COLUMNS = 40
LONG = "A center with quite a long name indeed"


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def shown(written: str) -> tuple[list[str], list[list[str]]]:
    """Return the lines that a terminal shows at the end, and those it showed each time before it was erased."""
    lines, before = [""], []
    for part in re.split(r"(\x1b\[\d+F|\x1b\[J|\n)", written.replace("\r", "")):
        if part == "\n":
            lines.append("")
        elif part.endswith("F"):
            before.append(lines[:])
            at = len(lines) - 1 - int(part[2:-1])
            assert at >= 0, "it erases more than it has written"
            kept, lines = lines[at:], lines[:at]
            assert not any(line.startswith("[") for line in kept), "it erases what was to stay"
            lines.append("")
        elif part != "\x1b[J":
            lines[-1] += part
    return [line for line in lines if line], before


def run_on_terminal(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run a command whose output goes to a narrow terminal."""
    import fcntl
    import pty
    import struct
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=slave, stderr=slave)
    os.close(slave)
    parts = []
    with contextlib.suppress(OSError):  # a terminal whose last process has ended says so in this way
        while part := os.read(master, 65536):
            parts.append(part)
    os.close(master)
    return process.wait(60), b"".join(parts).decode()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")
def test_a_terminal_shows_what_runs_and_in_the_end_only_what_was_done(toy: Any) -> None:
    toy.write(f"data/{LONG}/a.csv", "id,age\n1,40\n")
    toy.edit("notebooks/02_compare.ipynb", "total = ", "import time\\ntime.sleep(3)\\ntotal = ")
    status, written = run_on_terminal(toy.command("--jobs", "2"), toy.root, toy.environment)
    assert status == 0
    last, before = shown(written)
    assert [line.split("]")[0] for line in last[:-1]] == [f"[{n}/13" for n in range(1, 14)]
    assert last[-1].startswith("13 nodes in")
    live = [line for screen in before for line in screen if line.startswith("  ")]
    assert max(map(len, live)) == COLUMNS - 1
    waited = {line for line in live if line.startswith("  running ALL/02_compare")}
    assert len(waited) >= 3, "the clock goes on"
    assert any(line.startswith("  2 nodes to go, about ") for line in live)


def test_no_more_lines_than_a_terminal_has() -> None:
    nodes = [NodeId("ALL", f"{n:02d}") for n in range(MOST_LINES + 5)]
    screen = Screen()
    progress = Progress(dict.fromkeys(nodes, 1.0), 20, stream=screen)
    for node in nodes:
        progress("started", node, NodeRun())
    _, before = shown(screen.getvalue() + "\x1b[1F")
    live = [line for line in before[-1] if line]
    assert sum(line.startswith("  running") for line in live) == MOST_LINES
    assert "  and 5 more" in live
    progress.close()
    assert shown(screen.getvalue())[0] == []


def test_the_time_left_is_what_is_not_done_by_what_it_took_last_time() -> None:
    slow, fast = NodeId("ALL", "slow"), NodeId("ALL", "fast")
    progress = Progress({slow: 30.0, fast: 10.0}, 2, stream=io.StringIO())
    assert progress.time_left() == 20.0
    progress("finished", slow, NodeRun(state="ok", action="executed"))
    assert progress.time_left() == 5.0
    progress("started", fast, NodeRun())
    assert 0.0 <= progress.time_left() <= 5.0


def test_elsewhere_there_are_plain_lines_and_when_quiet_only_problems() -> None:
    one, two = NodeId("C01", "a"), NodeId("C01", "b")
    plain, quiet, log = io.StringIO(), io.StringIO(), io.StringIO()
    expected, took = {one: 1.0, two: 1.0}, Entry(seconds={"page": 0.1, "total": 9.0})
    for progress in (Progress(expected, 1, json_log=log, stream=plain), Progress(expected, 1, True, stream=quiet)):
        progress("started", one, NodeRun())
        progress("waiting", one, NodeRun())
        progress("finished", one, NodeRun(state="ok", action="rendered", entry=took))
        progress("finished", two, NodeRun(state="failed", action="executed", reason="it broke"))
    assert plain.getvalue() == "[1/2] C01/a rendered (0.1 s), about 1.0 s left\n[2/2] C01/b failed: it broke\n"
    assert quiet.getvalue() == "[2/2] C01/b failed: it broke\n"
    assert [json.loads(line)["event"] for line in log.getvalue().splitlines()] == ["started", "finished", "finished"]


class Refusing(io.StringIO):
    """A file on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_log_that_cannot_be_written_is_told_and_a_display_that_is_gone_is_not() -> None:
    node = NodeId("C01", "a")
    progress = Progress({node: 1.0}, 1, json_log=Refusing(), stream=Refusing())
    progress("finished", node, NodeRun(state="ok", action="executed"))
    assert progress.problem == "No space left on device"
