"""One call of the runner: holds the folders, runs what must run, writes cover and manifest, tells how it went."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

from notebookrun.cache import Memory, reasons_to_render
from notebookrun.errors import MisuseError
from notebookrun.files import describe_problem, partial_path, remove_partial
from notebookrun.fingerprint import Digests
from notebookrun.graph import Graph, NodeId
from notebookrun.local import LocalPool
from notebookrun.locks import hold_folder
from notebookrun.manifest import SHOWN_FACTS, mark_stale, node_rows, read_former, write_index, write_manifest
from notebookrun.parameters import Value
from notebookrun.places import Places
from notebookrun.plan import Planner
from notebookrun.progress import Progress, tell
from notebookrun.project import Project
from notebookrun.run import Run
from notebookrun.sources import Notebook
from notebookrun.wording import count, duration

if TYPE_CHECKING:
    from notebookrun.cluster import DaskPool


@dataclass(frozen=True)
class Request:
    """What a call of the runner asks for, checked.

    Attributes
    ----------
    places : Places
        Folders.
    values : dict
        Parameters given.
    options : Namespace
        As the command line says.
    log_mode : str
        ``w``, or ``a`` to add to the events of a former parameter set.
    """

    places: Places
    values: Mapping[str, Value]
    options: argparse.Namespace
    log_mode: str = "w"

    @property
    def is_warm(self) -> bool:
        """Whether kernels are forked."""
        return not self.options.cold and hasattr(os, "fork")

    @property
    def words(self) -> TextIO:
        """Where words go: not to standard output if events do."""
        return sys.stderr if self.options.json_log == "-" else sys.stdout


class _Interrupted(KeyboardInterrupt):
    """The run was asked to stop by a signal."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


class Session:
    """Runs a request.

    Parameters
    ----------
    project : Project
        The study.
    notebooks : sequence of Notebook
        Its notebooks.
    graph : Graph
        All nodes of the dataset.
    request : Request
        What to do.
    """

    def __init__(self, project: Project, notebooks: Sequence[Notebook], graph: Graph, request: Request) -> None:
        self.project = project
        self.notebooks = notebooks
        self.graph = graph
        self.request = request
        self.facts = dict(project.facts(request.places.data))
        self._changed = 0
        self._resting: list[str] = []
        self._unwritten: list[str] = []
        self.selected = graph.select(request.options.center, request.options.notebook)

    def _planner(self) -> Planner:
        return Planner(
            project=self.project,
            places=self.request.places,
            graph=self.graph,
            notebooks=self.notebooks,
            values=self.request.values,
            shown_scopes=self._shown_scopes(),
            is_warm=self.request.is_warm,
            time_limit=self.request.options.time_limit,
            facts=self.facts,
        )

    def _shown_scopes(self) -> list[str]:
        """Return the scopes of this run and those that have pages already, in the order of the dataset."""
        chosen = {node.scope for node in self.selected}
        all_scopes = dict.fromkeys(node.scope for node in self.project_order())
        return [s for s in all_scopes if s in chosen or any((self.request.places.reports / s).glob("*.html"))]

    def project_order(self) -> list[NodeId]:
        """Return all nodes in the order in which the project lists its scopes."""
        scopes = self.project.list_scopes(self.request.places.data)
        position = {node: i for i, node in enumerate(self.graph.nodes)}
        return sorted(self.graph.nodes, key=lambda node: (scopes.index(node.scope), position[node]))

    def show_plan(self, with_reasons: bool) -> int:
        """Print scope by scope what would be done, and why; return the exit status."""
        planner, digests, memory = self._planner(), Digests(self.request.places), Memory(self.request.places)
        plans: dict[NodeId, list[str]] = {}
        lines: dict[NodeId, list[str]] = {}
        for node in (n for n in self.graph.nodes if n in self.selected):
            then = memory.load(node)
            reasons, now = planner.compare(self.graph.nodes[node], then, digests)
            reasons += ["forced"] if self.request.options.force else []
            plans[node] = reasons or [f"{other} runs before" for other in self.graph.before(node) if plans.get(other)]
            is_same = bool(now and then) and not reasons_to_render(now, then, digests)
            word = "run" if plans[node] else "keep" if is_same else "render"
            took = f", took {duration(then.seconds['total'])} last time" if then and "total" in then.seconds else ""
            lines[node] = [f"{node}: {word}{took}", *(f"    {reason}" for reason in plans[node] if with_reasons)]
        for line in (line for node in self.project_order() for line in lines.get(node, ())):
            tell(line, self.request.words)
        return 0

    def run(self) -> int:
        """Run everything and return the exit status.

        What processes killed in this run or a former one left half-written is cleared away at the end.
        """
        places = self.request.places
        self._check_folders()
        with hold_folder(places.reports, "report"), hold_folder(places.work, "work"):
            started, begun = time.strftime("%Y-%m-%dT%H:%M:%S%z"), time.monotonic()
            planner = self._planner()
            former = read_former(planner)
            with self._json_log() as log, _signals_raise():
                run, stopped = self._pass(planner, log)
                for folder in (places.reports, places.work):
                    with self._as_far_as_possible("what killed processes left could not be cleared away"):
                        remove_partial(folder)
                self._write(planner, run, former, started)
            return self._tell(run, stopped, time.monotonic() - begun)

    def _check_folders(self) -> None:
        """Refuse folders that cannot be written, before anything starts."""
        problems = []
        for folder in (self.request.places.reports, self.request.places.work):
            probe = partial_path(folder / "probe")
            try:
                folder.mkdir(parents=True, exist_ok=True)
                probe.write_bytes(b"probe")
            except OSError as error:
                problems.append(f"cannot write into {folder.name!r}: {error.strerror}")
            with contextlib.suppress(OSError):
                probe.unlink()
        if problems:
            raise MisuseError(problems)

    @contextlib.contextmanager
    def _json_log(self) -> Iterator[TextIO | None]:
        target = self.request.options.json_log
        if target in (None, "-"):
            yield sys.stdout if target else None
            return
        with contextlib.ExitStack() as stack:
            try:
                stream = stack.enter_context(Path(str(target)).open(self.request.log_mode, encoding="utf-8"))
            except OSError as error:
                raise MisuseError([f"--json-log: cannot write {describe_problem(error)}"]) from None
            yield stream

    def _pass(self, planner: Planner, log: TextIO | None) -> tuple[Run, int]:
        # a cluster says itself how many tasks it takes
        jobs = 10**6 if self.request.options.scheduler else self.request.options.jobs
        force = self.request.options.force
        progress: Progress | None = None
        run = Run(planner, self.selected, self._executor, jobs, force, lambda *event: progress and progress(*event))
        progress = Progress(run.expected, self.request.options.jobs, self.request.options.quiet, log)
        try:
            run.execute()
        except _Interrupted as error:
            return run, error.number
        finally:
            progress.close()
            if progress.problem:
                self._unwritten.append(f"the log is not complete: {progress.problem}")
        return run, 0

    def _executor(self) -> LocalPool | DaskPool:
        """Start workers, and the parent of warm kernels beside them."""
        modules = self.project.preload if self.request.is_warm else None
        if self.request.options.scheduler:
            from notebookrun.cluster import DaskPool

            root, exchange = self.request.places.root, self.request.options.exchange
            return DaskPool(self.request.options.scheduler, self.request.options.jobs, modules or (), root, exchange)
        return LocalPool(self.request.options.jobs, modules, self.request.places.root)

    def _write(self, planner: Planner, run: Run, former: dict[str, Any], started: str) -> None:
        rows = node_rows(planner, run.nodes, former)
        planner.forget_inputs()
        remembered = {name: row for name, row in rows.items() if NodeId(*name.split("/", 1)) not in run.forgotten}
        cause = mark_stale(planner, remembered, run.digests, run.memory)
        self._changed = sum(cause.get(node) == node for node in run.nodes)
        self._resting = [rows[str(node)]["reason"] for node in run.nodes if cause.get(node, node) != node]
        with self._as_far_as_possible("the cover of the report could not be written"):
            self._write_index(planner, rows)
        with self._as_far_as_possible("the manifest could not be written"):
            write_manifest(planner, rows, self.facts, started)
        with self._as_far_as_possible("what is remembered between runs could not be written"):
            run.digests.save()
        if run.forgotten:
            node, problem = next(iter(run.forgotten.items()))
            self._unwritten.append(f"{count(len(run.forgotten), 'node')} will run again next time ({node}: {problem})")

    @contextlib.contextmanager
    def _as_far_as_possible(self, problem: str) -> Iterator[None]:
        """Note what the system refuses, and go on: a full disk must not hide what else became of the run."""
        try:
            yield
        except OSError as error:
            self._unwritten.append(f"{problem}: {describe_problem(error)}")

    def _write_index(self, planner: Planner, rows: Mapping[str, Any]) -> None:
        content = self.project.content(planner.places.reports, planner.shown_scopes, self.facts)
        for name in SHOWN_FACTS & self.facts.keys():
            content.setdefault(name, self.facts[name])
        write_index(planner, rows, content)

    def rewrite_index(self) -> None:
        """Write the index of the last run again, for what was put beside its pages since."""
        with hold_folder(self.request.places.reports, "report"):
            planner = self._planner()
            self._write_index(planner, node_rows(planner, {}, read_former(planner)))

    def _tell(self, run: Run, stopped: int, seconds: float) -> int:
        """Print the last line and return the exit status."""
        states = Counter(r.state if r.state != "ok" else r.action for r in run.nodes.values())
        parts = [f"{states[word]} {word}" for word in _WORDS if states[word]]
        index = self.request.places.reports / "index.html"
        report = f"Report: {index}" if index.is_file() else "There is no report"
        for problem in self._unwritten:
            tell(f"run_all: {problem}", sys.stderr)
        if self._changed:
            parts.append(f"{self._changed} already out of date, since inputs changed meanwhile: run again")
        if self._resting:
            parts.append(f"{len(self._resting)} out of date ({self._resting[0]})")
        done = f"{count(len(run.nodes), 'node')} in {duration(seconds)}: {', '.join(parts)}"
        tell(f"{done}. {report}", self.request.words)
        if stopped:
            return 128 + stopped
        return int(bool(self._changed or self._unwritten) or any(r.state != "ok" for r in run.nodes.values()))


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
