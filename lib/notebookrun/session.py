"""One call of the runner: holds the folders, runs what must run, writes cover and manifest, tells how it went."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

from notebookrun.cache import reasons_to_render
from notebookrun.errors import MisuseError
from notebookrun.files import describe_problem, remove_partial
from notebookrun.graph import NodeId
from notebookrun.index import write_index
from notebookrun.local import LocalPool
from notebookrun.locks import hold_folder
from notebookrun.manifest import SHOWN_FACTS, mark_stale, node_rows, read_former, write_manifest
from notebookrun.plan import Planner
from notebookrun.progress import Progress, tell
from notebookrun.run import Run
from notebookrun.wording import count, duration

if TYPE_CHECKING:
    from notebookrun.cluster import DaskPool


class _Interrupted(KeyboardInterrupt):
    """The run was asked to stop by a signal."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


class Session:
    """Does what was asked for.

    Parameters
    ----------
    planner : Planner
        What was asked for.
    log_mode : str
        ``w``, or ``a`` to add to the events of a former parameter set.
    """

    def __init__(self, planner: Planner, log_mode: str = "w") -> None:
        self._planner, self._log_mode = planner, log_mode
        self._places, self._options = planner.places, planner.options
        self._words = sys.stderr if self._options.json_log == "-" else sys.stdout  # not where events go
        self._unwritten: list[str] = []

    def show_plan(self, with_reasons: bool) -> int:
        """Print scope by scope what would be done, and why; return the exit status."""
        graph, memory = self._planner.graph, self._planner.memory
        plans: dict[NodeId, list[str]] = {}
        lines: dict[NodeId, list[str]] = {}
        for node in (node for node in graph.nodes if node in self._planner.selected):
            reasons, now, then = self._planner.compare(graph.nodes[node])
            reasons += ["forced"] if self._options.force else []
            plans[node] = reasons or [f"{other} runs before" for other in graph.before(node) if plans.get(other)]
            is_same = now is not None and then is not None and not reasons_to_render(now, then, memory)
            word = "run" if plans[node] else "keep" if is_same else "render"
            took = f", took {duration(then.seconds['total'])} last time" if then and "total" in then.seconds else ""
            lines[node] = [f"{node}: {word}{took}", *(f"    {reason}" for reason in plans[node] if with_reasons)]
        for node in sorted(lines, key=lambda node: graph.scopes.index(node.scope)):
            for line in lines[node]:
                tell(line, self._words)
        return 0

    def run(self) -> int:
        """Run everything and return the exit status.

        What processes killed in this run or a former one left half-written is cleared away at the end.
        """
        places = self._places
        with hold_folder(places.reports, "report"), hold_folder(places.work, "work"):
            started, begun = time.strftime("%Y-%m-%dT%H:%M:%S%z"), time.monotonic()
            former = read_former(self._planner)
            with self._json_log() as log, _signals_raise():
                run, stopped = self._pass(log)
                for folder in (places.reports, places.work):
                    with self._as_far_as_possible("what killed processes left could not be cleared away"):
                        remove_partial(folder)
                changed, resting = self._write(run, former, started)
            stale = [f"{changed} already out of date, since inputs changed meanwhile: run again"] if changed else []
            stale += [f"{len(resting)} out of date ({resting[0]})"] if resting else []
            self._tell(run, stale, time.monotonic() - begun)
        if stopped:
            return 128 + stopped
        return int(bool(changed or self._unwritten) or any(r.state != "ok" for r in run.nodes.values()))

    @contextlib.contextmanager
    def _json_log(self) -> Iterator[TextIO | None]:
        target = self._options.json_log
        if target in (None, "-"):
            yield sys.stdout if target else None
            return
        with contextlib.ExitStack() as stack:
            try:
                stream = stack.enter_context(Path(str(target)).open(self._log_mode, encoding="utf-8"))
            except OSError as error:
                raise MisuseError([f"--json-log: cannot write {describe_problem(error)}"]) from None
            yield stream

    def _pass(self, log: TextIO | None) -> tuple[Run, int]:
        # a cluster says itself how many tasks it takes
        jobs = 10**6 if self._options.scheduler else self._options.jobs
        run = Run(self._planner, self._executor, jobs)
        progress = Progress(run.expected, self._options.jobs, self._options.quiet, log)
        try:
            run.execute(progress)
        except _Interrupted as error:
            return run, error.number
        finally:
            progress.close()
            if progress.problem:
                self._unwritten.append(f"the log is not complete: {progress.problem}")
        return run, 0

    def _executor(self) -> LocalPool | DaskPool:
        """Start workers, and the parent of warm kernels beside them."""
        modules = None if self._options.cold else self._planner.project.preload
        if self._options.scheduler:
            from notebookrun.cluster import DaskPool

            root, exchange = self._places.root, self._options.exchange
            return DaskPool(self._options.scheduler, self._options.jobs, modules, root, exchange)
        return LocalPool(self._options.jobs, modules, self._places.root)

    def _write(self, run: Run, former: dict[str, Any], started: str) -> tuple[int, list[str]]:
        """Write what stands beside the pages; return how many nodes changed meanwhile, and why others are stale."""
        rows = node_rows(self._planner, run.nodes, former)
        self._planner.forget_inputs()
        remembered = {name: row for name, row in rows.items() if NodeId(*name.split("/", 1)) not in run.forgotten}
        cause = mark_stale(self._planner, remembered)
        with self._as_far_as_possible("the cover of the report could not be written"):
            self._write_index(rows)
        with self._as_far_as_possible("the manifest could not be written"):
            write_manifest(self._planner, rows, started)
        with self._as_far_as_possible("what is remembered between runs could not be written"):
            self._planner.memory.save()
        for node, problem in list(run.forgotten.items())[:1]:
            self._unwritten.append(f"{count(len(run.forgotten), 'node')} will run again next time ({node}: {problem})")
        changed = sum(cause.get(node) == node for node in run.nodes)
        return changed, [rows[str(node)]["reason"] for node in run.nodes if cause.get(node, node) != node]

    @contextlib.contextmanager
    def _as_far_as_possible(self, problem: str) -> Iterator[None]:
        """Note what the system refuses, and go on: a full disk must not hide what else became of the run."""
        try:
            yield
        except OSError as error:
            self._unwritten.append(f"{problem}: {describe_problem(error)}")

    def _write_index(self, rows: Mapping[str, Any]) -> None:
        planner, scopes = self._planner, self._planner.shown_scopes
        content = planner.project.content(self._places.reports, scopes, planner.facts)
        facts = {name: planner.facts[name] for name in SHOWN_FACTS & planner.facts.keys()}
        made = {node.name for node in planner.graph.nodes}
        titles = {each.name: each.title for each in planner.notebooks if each.name in made}
        shown = {"title": planner.project.title, **facts, **content}
        write_index(self._places.reports, scopes, titles, rows, shown)

    def rewrite_index(self) -> None:
        """Write the index of the last run again, for what was put beside its pages since."""
        with hold_folder(self._places.reports, "report"):
            self._write_index(node_rows(self._planner, {}, read_former(self._planner)))

    def _tell(self, run: Run, stale: Sequence[str], seconds: float) -> None:
        """Print the last line, and what could not be written."""
        states = Counter(r.state if r.state != "ok" else r.action for r in run.nodes.values())
        parts = [f"{states[word]} {word}" for word in _WORDS if states[word]]
        index = self._places.reports / "index.html"
        report = f"Report: {index}" if index.is_file() else "There is no report"
        for problem in self._unwritten:
            tell(f"run_all: {problem}", sys.stderr)
        done = f"{count(len(run.nodes), 'node')} in {duration(seconds)}: {', '.join([*parts, *stale])}"
        tell(f"{done}. {report}", self._words)


_WORDS = ("executed", "rendered", "kept", "failed", "blocked", "interrupted")


@contextlib.contextmanager
def _signals_raise() -> Iterator[None]:
    """Turn the first interrupt, termination or hang-up into an exception; further ones are ignored while clearing up.

    A run started with ``nohup``, which ignores hang-ups, goes on when its terminal is closed.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise _Interrupted(number)

    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    former = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
