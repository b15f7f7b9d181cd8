"""What a run tells while it goes: one live line per running notebook on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Mapping
from io import TextIOWrapper
from typing import Any, TextIO

from notebookrun.cache import NodeRun
from notebookrun.files import describe_problem
from notebookrun.graph import NodeId
from notebookrun.wording import count, duration

MOST_LINES = 12  # on a cluster more may run than a terminal has lines


def say_any_letter() -> None:
    """Let what is printed hold letters that the encoding of a terminal or file lacks, such as those of a center."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def tell(text: str, stream: TextIO, end: str = "\n") -> None:
    """Print; that nobody listens any more (a closed terminal, an ended pager) is no reason to stop."""
    try:
        print(text, end=end, file=stream, flush=True)
    except OSError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class Progress:
    """Follows a run.

    Parameters
    ----------
    expected : mapping of NodeId to float
        How long each node is expected to take.
    jobs : int
        How many run at the same time.
    is_quiet : bool
        Whether to say nothing but problems.
    json_log : TextIO or None
        Receives one JSON object per event.
    stream : TextIO, optional
        Where to write; by default standard error.

    Attributes
    ----------
    problem : str
        Why the log is not complete; empty if it is.
    """

    def __init__(
        self,
        expected: Mapping[NodeId, float],
        jobs: int,
        is_quiet: bool = False,
        json_log: TextIO | None = None,
        stream: TextIO | None = None,
    ) -> None:
        self._left = dict(expected)
        self._total = len(self._left)
        self._jobs = jobs
        self._is_quiet = is_quiet
        self._json_log = json_log
        self._stream = stream or sys.stderr
        self._is_live = self._stream.isatty() and not is_quiet
        self._running: dict[NodeId, float] = {}
        self._lines = 0
        self.problem = ""

    def __call__(self, event: str, node: NodeId, run: NodeRun) -> None:
        """Take one event of the run; ``waiting`` only lets the clock go on."""
        if event != "waiting":
            self._log(event, node, run)
        if event == "started":
            self._running[node] = time.monotonic()
        elif event in ("kept", "finished"):
            self._left.pop(node, None)
            self._running.pop(node, None)
            self._say(node, run)
        if self._is_live:
            self._draw()

    def _say(self, node: NodeId, run: NodeRun) -> None:
        is_problem = run.state != "ok"
        if run.action == "kept" or (self._is_quiet and not is_problem):
            return
        word = run.state if is_problem else run.action
        reason = f": {run.reason}" if is_problem else ""
        seconds = run.entry.seconds.get("page" if run.action == "rendered" else "total")
        took = f" ({duration(seconds)})" if seconds is not None and not is_problem else ""
        done = self._total - len(self._left)
        self.close()
        left = "" if self._is_live else f", about {duration(self.time_left())} left" if self._left else ""
        tell(f"[{done}/{self._total}] {node} {word}{took}{reason}{left}", self._stream)

    def time_left(self) -> float:
        """Return about how many seconds remain."""
        now = time.monotonic()
        spent = {node: now - begun for node, begun in self._running.items()}
        return sum(max(0.0, seconds - spent.get(node, 0.0)) for node, seconds in self._left.items()) / self._jobs

    def close(self) -> None:
        """Remove the live lines."""
        if self._lines:
            tell(f"\x1b[{self._lines}F\x1b[J", self._stream, end="")
            self._lines = 0

    def _draw(self) -> None:
        """Draw the live lines anew."""
        self.close()
        now = time.monotonic()
        shown = list(self._running.items())[:MOST_LINES]
        lines = [f"  running {node} {duration(now - begun)}" for node, begun in shown]
        if len(self._running) > len(shown):
            lines.append(f"  and {len(self._running) - len(shown)} more")
        if self._left:
            lines.append(f"  {count(len(self._left), 'node')} to go, about {duration(self.time_left())} left")
        # a line that wraps would count as one and leave its rest behind when it is erased
        width = 79
        with contextlib.suppress(OSError, ValueError):
            width = (os.get_terminal_size(self._stream.fileno()).columns or 80) - 1
        tell("".join(f"{line[:width]}\n" for line in lines), self._stream, end="")
        self._lines = len(lines)

    def _log(self, event: str, node: NodeId, run: NodeRun) -> None:
        if self._json_log is None or self.problem:
            return
        row: dict[str, Any] = {"event": event, "scope": node.scope, "name": node.name, "state": run.state}
        row |= {"action": run.action, "reason": run.reason, "why": run.why}
        row["seconds"] = {key: round(value, 3) for key, value in run.entry.seconds.items()}
        try:
            print(json.dumps(row), file=self._json_log, flush=True)
        except OSError as error:
            self.problem = describe_problem(error)
