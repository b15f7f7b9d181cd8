"""Runs the graph: ready nodes, longest path first; what is unchanged is kept, one failure stops only its dependents."""

from __future__ import annotations

import graphlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from notebookrun.cache import INTERRUPTED, PENDING, RUNNING, Entry, NodeRun, reasons_to_render, reasons_to_run
from notebookrun.files import describe_problem, remove_files
from notebookrun.graph import Node, NodeId
from notebookrun.plan import Planner
from notebookrun.task import BLOCKED, DONE, FAILED, LOST, Outcome, Task

if TYPE_CHECKING:
    from notebookrun.cluster import DaskPool
    from notebookrun.local import LocalPool

TRIES = 3  # how often a node whose worker or kernel was killed is started
PATIENCE_SECONDS = 60.0  # how long a node may be silent beyond its time limit before its worker is ended


class Run:
    """One pass over the nodes that were asked for.

    Parameters
    ----------
    planner : Planner
        Knows the nodes.
    executor : callable
        Makes the executor before the first file is cleared away, so that a run that cannot start leaves all as it is;
        a run with nothing to do starts no process. If nothing is remembered, processes import while tasks are made.
    jobs : int
        Notebooks executed at the same time.
    """

    def __init__(self, planner: Planner, executor: Callable[[], LocalPool | DaskPool], jobs: int) -> None:
        self.planner = planner
        self.memory = planner.memory
        self.nodes = {node: NodeRun() for node in planner.graph.nodes if node in planner.selected}
        self._jobs = jobs
        self._report: Callable[[str, NodeId, NodeRun], None] = lambda event, node, run: None
        self._make_executor = executor
        self._executor: LocalPool | DaskPool | None = None
        self._order = graphlib.TopologicalSorter(
            {node: [other for other in planner.graph.before(node) if other in self.nodes] for node in self.nodes}
        )
        self._order.prepare()
        self._ready: list[NodeId] = []
        self.forgotten: dict[NodeId, str] = {}
        self.expected = self._expected_seconds()
        self._rank = planner.graph.ranks(self.expected)

    def _expected_seconds(self) -> dict[NodeId, float]:
        """Return how long each node took last time; unknown nodes take as long as their namesakes."""
        known = {n: e.seconds.get("total", 1.0) for n in self.nodes if (e := self.memory.load(n))}
        by_name: dict[str, list[float]] = {}
        for node, seconds in known.items():
            by_name.setdefault(node.name, []).append(seconds)
        means = {name: sum(all_) / len(all_) for name, all_ in by_name.items()}
        return {n: known.get(n, means.get(n.name, 1.0)) for n in self.nodes}

    def execute(self, report: Callable[[str, NodeId, NodeRun], None]) -> None:
        """Run everything; afterwards `nodes` tells what became of each.

        Parameters
        ----------
        report : callable
            ``report(event, node, run)`` with events ``kept``, ``started``, ``executed``, ``finished``,
            and ``waiting`` after each second without any.

        Raises
        ------
        KeyboardInterrupt
            If the run was interrupted; nothing half-written remains and no process is left.
        """
        self._report = report
        try:
            if self.memory.is_empty and self.nodes:
                self._start_executor()
            while self._order.is_active():
                self._start_ready()
                outcomes = self._executor.wait(1.0) if self._executor else []
                for outcome in outcomes:
                    try:
                        self._hear(outcome)
                    except OSError as error:  # an input or output that cannot be read any more
                        self._finish(outcome.node, FAILED, describe_problem(error))
                running = [item for item in self.nodes.items() if item[1].state == RUNNING]
                if not outcomes and running:  # a display goes on that has heard of nothing for a while
                    self._report("waiting", *running[0])
                self._watch()
        except KeyboardInterrupt:
            self._abandon()
            raise
        finally:
            if self._executor:
                self._executor.close()

    def _start_executor(self) -> None:
        self._executor = self._executor or self._make_executor()

    def _start_ready(self) -> None:
        """Decide on ready nodes, longest path first, as long as there is room for one that must execute."""
        waiting = sorted([*self._ready, *self._order.get_ready()], key=lambda node: -self._rank[node])
        self._ready = []
        for position, node in enumerate(waiting):
            n_running = sum(run.state == RUNNING for run in self.nodes.values())
            if n_running >= self._jobs or (self._executor is not None and self._executor.free <= 0):
                self._ready += waiting[position:]
                return
            try:
                self._decide(node)
            except OSError as error:
                self._fail_to_start(node, describe_problem(error))

    def _decide(self, node: NodeId) -> None:
        """Keep, render or execute one node whose needs are met."""
        run, planned = self.nodes[node], self.planner.graph.nodes[node]
        reason = run.reason or self._missing_reads(planned)
        if reason:
            self._block(node, reason)
            return
        then = self.memory.load(node)
        run.entry = self.planner.entry(planned, then)
        run.why = reasons_to_run(run.entry, then, self.memory) or (["forced"] if self.planner.options.force else [])
        is_page_alone = not run.why and then is not None
        if is_page_alone:
            run.why = reasons_to_render(run.entry, then, self.memory)
            run.action = "rendered"
            run.entry = replace(run.entry, outputs=then.outputs, seconds=then.seconds, warnings=then.warnings)
            if not run.why:
                run.state, run.action = DONE, "kept"
                self._report("kept", node, run)
                self._order.done(node)
                return
        self._start_executor()
        if not is_page_alone:
            if problem := self._clear(planned, then):
                self._fail_to_start(node, problem)
                return
            run.action = "executed"
        task = self.planner.task(planned, should_execute=not is_page_alone)
        kept = self.memory.digests(self.planner.places.find(planned.keeps))
        self._submit(replace(task, digests=kept | run.entry.inputs))

    def _missing_reads(self, node: Node) -> str:
        """Say which declared input is neither there nor optional; empty if none is missing."""
        wanted = [p for p in node.reads if not p.endswith("?") and "*" not in p and p.split("/")[0] != "data"]
        places = self.planner.places
        missing = next((p for p in wanted if not places.absolute(p).exists()), "")
        return f"{missing} is not there; run the scopes and notebooks that write it" if missing else ""

    def _clear(self, node: Node, then: Entry | None) -> str:
        """Forget a node and delete what it wrote, so that nothing stale survives a failure; say what is in the way."""
        self.memory.forget(node.id)
        places = self.planner.places
        written = {*places.find(node.writes), *(then.outputs if then else ()), node.id.notebook} - set(node.keeps)
        return remove_files(places, [name for name in written if not name.endswith(".html")])

    def _submit(self, task: Task) -> None:
        run = self.nodes[task.node]
        assert self._executor is not None
        run.state, run.tries, run.begun = RUNNING, run.tries + 1, time.monotonic()
        self._report("started", task.node, run)
        self._executor.submit(task)

    def _hear(self, outcome: Outcome) -> None:
        """Take the end of a task: what is lost runs again, what is good is remembered, all else is cleared away."""
        node, run = outcome.node, self.nodes[outcome.node]
        if outcome.state == LOST and run.tries < TRIES:
            run.state = PENDING
            self._ready.append(node)
            return
        if outcome.state in (FAILED, LOST) and node.page not in outcome.outputs:
            # nobody was left to say on its page what happened
            remove_files(self.planner.places, [node.page])
        if run.reason:
            # it could not run; whether or not a page could be written that says so
            self._finish(node, BLOCKED, run.reason)
            return
        # what was known before keeps its digest: if that is no longer so, an input has changed
        inputs = {**self.memory.digests(outcome.reads), **run.entry.inputs}
        outputs, seconds = {**run.entry.outputs, **outcome.outputs}, {**run.entry.seconds, **outcome.seconds}
        warnings = outcome.warnings or run.entry.warnings
        run.entry = replace(run.entry, inputs=inputs, outputs=outputs, seconds=seconds, warnings=warnings)
        changed = next((name for name, kept in inputs.items() if self.memory.digest(name) != kept), "")
        if outcome.state != DONE or changed:
            self._clear(self.planner.graph.nodes[node], run.entry)
            self._finish(node, FAILED, outcome.reason or f"{changed} changed while the notebook ran; run again")
            return
        if run.action == "executed":
            self._report("executed", node, run)
        try:
            self.memory.store(node, run.entry)
        except OSError as error:  # it runs again next time
            self.forgotten[node] = describe_problem(error)
        self._finish(node, DONE, "")

    def _finish(self, node: NodeId, state: str, reason: str) -> None:
        run = self.nodes[node]
        run.state, run.reason = state, reason
        self._report("finished", node, run)
        if state == FAILED:
            self._warn_dependents(node)
        self._order.done(node)

    def _fail_to_start(self, node: NodeId, reason: str) -> None:
        self._warn_dependents(node)
        self._block(node, reason)

    def _warn_dependents(self, node: NodeId) -> None:
        """Let those who cannot do without a node know that it failed; their pages will say so when their turn comes."""
        for dependent in self.planner.graph.dependents(node):
            run = self.nodes.get(dependent)
            if run is not None and run.state == PENDING:
                run.reason = run.reason or f"it needs {node}, which failed"

    def _block(self, node: NodeId, reason: str) -> None:
        """Make the page of a node that cannot run say so; a step has no page."""
        self._start_executor()
        planned, run = self.planner.graph.nodes[node], self.nodes[node]
        self._clear(planned, self.memory.load(node))
        run.reason = reason
        if planned.work.is_step:
            self._finish(node, BLOCKED, reason)
        else:
            self._submit(replace(self.planner.task(planned), blocked_by=reason))

    def _watch(self) -> None:
        """End workers that are silent long after their time limit."""
        limit = self.planner.options.time_limit
        if not limit or self._executor is None:
            return
        latest = time.monotonic() - limit - PATIENCE_SECONDS
        for node, run in self.nodes.items():
            if run.state == RUNNING and run.action == "executed" and run.begun < latest:
                run.tries = TRIES
                self._executor.stop(node)

    def _abandon(self) -> None:
        """Stop everything at once and delete what interrupted nodes had begun to write."""
        if self._executor:
            self._executor.close()
            self._executor = None
        for node, run in self.nodes.items():
            if run.state == RUNNING and run.action == "executed":
                self._clear(self.planner.graph.nodes[node], None)
            if run.state in (PENDING, RUNNING):
                run.state = INTERRUPTED
