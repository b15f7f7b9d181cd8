"""Runs the graph: ready nodes, longest path first; what is unchanged is kept, one failure stops only its dependents."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import replace

from notebookrun.amend import AmendedFiles
from notebookrun.cache import Entry, Memory, reasons_to_render, reasons_to_run
from notebookrun.files import describe_problem, remove_files
from notebookrun.fingerprint import Digests
from notebookrun.graph import Node, NodeId
from notebookrun.noderun import INTERRUPTED, PENDING, RENDERING, RUNNING, Executor, NodeRun, Settings
from notebookrun.plan import Planner
from notebookrun.task import BLOCKED, DONE, FAILED, LOST, Executed, Outcome, Task


class Run:
    """One pass over the selected nodes.

    Parameters
    ----------
    planner : Planner
        Knows the nodes.
    selected : collection of NodeId
        What to run.
    executor : callable
        Makes the executor before the first file is cleared away, so that a run that cannot start leaves all as it is;
        a run with nothing to do starts no process. If nothing is remembered, processes import while tasks are made.
    settings : Settings
        How to run.
    report : callable
        ``report(event, node, run)`` with events ``kept``, ``started``, ``executed``, ``finished``,
        and ``waiting`` after each second without any.
    """

    def __init__(
        self,
        planner: Planner,
        selected: Collection[NodeId],
        executor: Callable[[], Executor],
        settings: Settings,
        report: Callable[[str, NodeId, NodeRun], None] = lambda event, node, run: None,
    ) -> None:
        self.planner = planner
        self.memory = Memory(planner.places)
        self.digests = Digests(planner.places)
        self.nodes = {node: NodeRun() for node in planner.graph.nodes if node in set(selected)}
        self._settings = settings
        self._report = report
        self._make_executor = executor
        self._executor: Executor | None = None
        self._amended = AmendedFiles(planner.graph, planner.places)
        self._amended.learn(self.memory, self.digests)
        before = {n: [x for x in planner.graph.before(n) if x in self.nodes] for n in self.nodes}
        self._unmet = {n: len(others) for n, others in before.items()}
        self._users: dict[NodeId, list[NodeId]] = {n: [] for n in self.nodes}
        for node, others in before.items():
            for other in others:
                self._users[other].append(node)
        self._released: set[NodeId] = set()
        self.forgotten: dict[NodeId, str] = {}
        self.expected = self._expected_seconds()
        self._rank = planner.graph.ranks(self.expected)
        self._ready = [n for n, unmet in self._unmet.items() if not unmet]

    def _expected_seconds(self) -> dict[NodeId, float]:
        """Return how long each node took last time; unknown nodes take as long as their namesakes."""
        known = {n: e.seconds.get("total", 1.0) for n in self.nodes if (e := self.memory.load(n))}
        by_name: dict[str, list[float]] = {}
        for node, seconds in known.items():
            by_name.setdefault(node.name, []).append(seconds)
        means = {name: sum(all_) / len(all_) for name, all_ in by_name.items()}
        return {n: known.get(n, means.get(n.name, 1.0)) for n in self.nodes}

    def execute(self) -> None:
        """Run everything; afterwards `nodes` tells what became of each.

        Raises
        ------
        KeyboardInterrupt
            If the run was interrupted; nothing half-written remains and no process is left.
        """
        try:
            if self.memory.is_empty and self._ready:
                self._start_executor()
            while self._ready or self._count(RUNNING) or self._count(RENDERING):
                self._start_ready()
                messages = self._executor.wait(1.0) if self._executor else []
                for message in messages:
                    try:
                        self._hear(message)
                    except OSError as error:  # an input or output that cannot be read any more
                        if isinstance(message, Outcome):
                            self._finish(message.node, FAILED, describe_problem(error))
                if not messages:
                    self._tick()
                self._watch()
        except KeyboardInterrupt:
            self._abandon()
            raise
        finally:
            if self._executor:
                self._executor.close()

    def _start_executor(self) -> None:
        self._executor = self._executor or self._make_executor()

    def _tick(self) -> None:
        """Let a display go on that has heard of nothing for a while."""
        waiting = (item for item in self.nodes.items() if item[1].state in (RUNNING, RENDERING))
        for node, run in waiting:
            self._report("waiting", node, run)
            return

    def _count(self, state: str) -> int:
        return sum(run.state == state for run in self.nodes.values())

    def _start_ready(self) -> None:
        """Decide on ready nodes, longest path first, as long as there is room for one that must execute."""
        self._ready.sort(key=lambda node: -self._rank[node])
        waiting, self._ready = self._ready, []
        for position, node in enumerate(waiting):
            if not self._has_room():
                self._ready += waiting[position:]
                return
            try:
                self._decide(node)
            except OSError as error:
                self._fail_to_start(node, describe_problem(error))

    def _has_room(self) -> bool:
        if self._count(RUNNING) >= self._settings.jobs:
            return False
        return self._executor is None or self._executor.free > 0

    def _decide(self, node: NodeId) -> None:
        """Keep, render or execute one node whose needs are met."""
        run, planned = self.nodes[node], self.planner.graph.nodes[node]
        if run.reason:
            self._submit(node, replace(self.planner.task(planned), blocked_by=run.reason))
            return
        if node in self._released:
            # its cells are done and others read what they wrote: only its page was lost
            self._submit(node, self.planner.task(planned, should_execute=False))
            return
        missing = self._missing_reads(planned)
        if missing:
            self._block(node, f"{missing} is not there; run the scopes and notebooks that write it")
            return
        then = self.memory.load(node)
        run.entry = self.planner.entry(planned, then, self.digests)
        run.why = reasons_to_run(run.entry, then, self.digests) or (["forced"] if self._settings.force else [])
        is_page_alone = not run.why and then is not None
        if is_page_alone:
            run.why = reasons_to_render(run.entry, then, self.digests)
            run.action, run.seconds, run.warnings = "rendered", then.seconds, then.warnings
            run.entry = replace(run.entry, outputs=then.outputs, seconds=then.seconds, warnings=then.warnings)
            if not run.why:
                self._keep(node)
                return
        self._start_executor()
        if not is_page_alone:
            if problem := self._clear(planned, then):
                self._fail_to_start(node, problem)
                return
            self._amended.restore(run.entry.inputs, self.digests)
            run.action, run.changed = "executed", ""
        task = self.planner.task(planned, should_execute=not is_page_alone)
        self._submit(node, replace(task, digests=dict(run.entry.inputs)))

    def _missing_reads(self, node: Node) -> str:
        """Return a declared input that is neither there nor optional; empty if none is missing."""
        wanted = [p for p in node.reads if not p.endswith("?") and "*" not in p and p.split("/")[0] != "data"]
        places = self.planner.places
        return next((p for p in wanted if not places.absolute(p).exists()), "")

    def _clear(self, node: Node, then: Entry | None) -> str:
        """Forget a node and delete what it wrote, so that nothing stale survives a failure; say what is in the way."""
        self.memory.forget(node.id)
        places = self.planner.places
        written = set(places.find(node.writes)) | set(then.outputs if then else ())
        return remove_files(places, [name for name in written if not name.endswith(".html")])

    def _keep(self, node: NodeId) -> None:
        run = self.nodes[node]
        run.state, run.action = DONE, "kept"
        self._report("kept", node, run)
        self._release(node)

    def _submit(self, node: NodeId, task: Task) -> None:
        run = self.nodes[node]
        assert self._executor is not None
        run.state = RUNNING if task.should_execute and not task.blocked_by else RENDERING
        run.tries, run.begun = run.tries + 1, time.monotonic()
        self._report("started", node, run)
        self._executor.submit(task)

    def _hear(self, message: Outcome | Executed) -> None:
        run = self.nodes[message.node]
        if isinstance(message, Executed):
            self._note(run, message.so_far)
            run.state, run.changed = RENDERING, self._changed_input(run)
            self._report("executed", message.node, run)
            if not run.changed:
                self._release(message.node)
        elif message.state == LOST and run.tries < self._settings.tries:
            run.state = PENDING
            self._ready.append(message.node)
        else:
            page = f"reports/{message.node}.html"
            if message.state in (FAILED, LOST) and page not in message.outputs:
                # nobody was left to say on its page what happened
                remove_files(self.planner.places, [page])
            if run.reason:
                # it could not run; whether or not a page could be written that says so
                self._finish(message.node, BLOCKED, run.reason)
            else:
                self._settle(message)

    def _note(self, run: NodeRun, outcome: Outcome) -> None:
        """Add what is said of a node to what is known of it."""
        run.seconds = {**run.seconds, **outcome.seconds}
        run.warnings = outcome.warnings or run.warnings
        if run.entry is not None:
            # what was known before keeps its digest: a later step may have amended the file meanwhile
            inputs = {**self.digests.many(outcome.reads), **run.entry.inputs}
            outputs = {**run.entry.outputs, **outcome.outputs}
            run.entry = replace(
                run.entry, inputs=inputs, outputs=outputs, seconds=dict(run.seconds), warnings=run.warnings
            )

    def _settle(self, outcome: Outcome) -> None:
        """Take the end of a task: remember what is good, and clear away what is not."""
        run, node = self.nodes[outcome.node], self.planner.graph.nodes[outcome.node]
        self._note(run, outcome)
        if outcome.node not in self._released and not run.changed:
            run.changed = self._changed_input(run)
        if outcome.state != DONE or run.changed or run.entry is None:
            reason = outcome.reason or f"{run.changed} changed while the notebook ran; run again"
            self._clear(node, run.entry)
            lost = self._failed_need(outcome.node)
            if lost is not None and node.is_notebook:
                # it had begun when that one had run its cells but could not write its page
                run.state = PENDING
                self._fail_to_start(outcome.node, f"it needs {lost}, which failed")
                return
            self._finish(outcome.node, FAILED, reason)
            return
        self._remember(outcome.node, run.entry)
        self._finish(outcome.node, DONE, "")

    def _remember(self, node: NodeId, entry: Entry) -> None:
        """Keep what the next run needs to know; a node of which nothing can be kept runs again then."""
        is_new_step = self.nodes[node].action == "executed" and not self.planner.graph.nodes[node].is_notebook
        try:
            if is_new_step:
                self._amended.keep(node)
            self.memory.store(node, entry)
        except OSError as error:
            self.forgotten[node] = describe_problem(error)
            return
        if is_new_step:
            self._amended.learn(self.memory, self.digests, node)

    def _failed_need(self, node: NodeId) -> NodeId | None:
        """Return a node that this one needs and that has failed, if there is one."""
        needs = self.planner.graph.needs[node]
        return next((need for need in needs if need in self.nodes and self.nodes[need].state == FAILED), None)

    def _changed_input(self, run: NodeRun) -> str:
        """Return an input that is no longer what it was when the node started; empty if all are."""
        before = run.entry.inputs if run.entry else {}
        return next((name for name, kept in before.items() if self.digests.get(name) != kept), "")

    def _finish(self, node: NodeId, state: str, reason: str) -> None:
        run = self.nodes[node]
        run.state, run.reason = state, reason
        self._report("finished", node, run)
        if state == FAILED:
            self._block_dependents(node)
        self._release(node)

    def _release(self, node: NodeId) -> None:
        """Let those wait no longer who waited for this node alone; whoever cannot do without it is blocked by now."""
        if node in self._released:
            return
        self._released.add(node)
        for user in self._users[node]:
            self._unmet[user] -= 1
            is_waiting = self.nodes[user].state == PENDING and not self.nodes[user].reason
            if not self._unmet[user] and is_waiting:
                self._ready.append(user)

    def _fail_to_start(self, node: NodeId, reason: str) -> None:
        self._block(node, reason)
        self._block_dependents(node)

    def _block_dependents(self, node: NodeId) -> None:
        for dependent in self.planner.graph.dependents([node]):
            run = self.nodes.get(dependent)
            if run is not None and run.state == PENDING and not run.reason:
                self._block(dependent, f"it needs {node}, which failed")

    def _block(self, node: NodeId, reason: str) -> None:
        """Make the page of a node that cannot run say so; a step has no page."""
        self._start_executor()
        planned, run = self.planner.graph.nodes[node], self.nodes[node]
        if node in self._ready:
            self._ready.remove(node)
        self._clear(planned, self.memory.load(node))
        run.reason, run.seconds = reason, {}
        if planned.is_notebook:
            self._ready.append(node)
        else:
            self._finish(node, BLOCKED, reason)

    def _watch(self) -> None:
        """End workers that are silent long after their time limit."""
        limit = self.planner.time_limit
        if not limit or self._executor is None:
            return
        for node, run in self.nodes.items():
            if run.state == RUNNING and time.monotonic() - run.begun > limit + self._settings.patience:
                run.tries = self._settings.tries
                self._executor.stop(node)

    def _abandon(self) -> None:
        """Stop everything at once and delete what interrupted nodes had begun to write."""
        if self._executor:
            self._executor.close()
            self._executor = None
        for node, run in self.nodes.items():
            if run.state == RUNNING:
                self._clear(self.planner.graph.nodes[node], None)
            if run.state in (PENDING, RUNNING, RENDERING):
                run.state = INTERRUPTED
