"""The graph of a run: one node per scope and notebook, joined by the files they declare to read and write."""

from __future__ import annotations

import graphlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from notebookrun.errors import DeclarationError
from notebookrun.places import overlaps
from notebookrun.sources import Notebook
from notebookrun.wording import listed, nearest


@dataclass(frozen=True)
class Step:
    """A Python call that belongs to each scope, such as joining the tables that its notebooks wrote.

    Attributes
    ----------
    name : str
        Name of the node.
    call : str
        ``package.module:function``.
    arguments : tuple of str
        Texts with ``{scope}``, ``{data}``, ``{work}`` and ``{reports}`` filled in; ``{notebooks}`` alone becomes the
        list of the notebooks whose files the step reads.
    reads, writes : tuple of str
        File patterns with ``{scope}``. A step takes what is there: it waits for the notebooks that write what it reads,
        and runs also if some of them failed.
    scopes : str
        ``each``, or the one scope it runs in.
    """

    name: str
    call: str
    arguments: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    scopes: str = "each"


@dataclass(frozen=True, order=True)
class NodeId:
    """A node's identity: scope and name of the notebook or step."""

    scope: str
    name: str

    def __str__(self) -> str:
        return f"{self.scope}/{self.name}"


@dataclass(frozen=True)
class Node:
    """What runs once per scope.

    Attributes
    ----------
    id : NodeId
        Scope and name.
    work : Notebook or Step
        What it does.
    reads, writes : tuple of str
        File patterns of this scope.
    """

    id: NodeId
    work: Notebook | Step = field(repr=False)
    reads: tuple[str, ...]
    writes: tuple[str, ...]

    @property
    def compares_scopes(self) -> bool:
        """Whether it reads what other scopes have written."""
        return any(_reads_all_scopes(pattern) for pattern in self.work.reads)

    @property
    def is_notebook(self) -> bool:
        """Whether the node executes a notebook and shows a page."""
        return isinstance(self.work, Notebook)


@dataclass(frozen=True)
class Graph:
    """Nodes and who needs whom.

    Attributes
    ----------
    nodes : dict of NodeId to Node
        In an order that respects needs.
    needs : dict of NodeId to tuple of NodeId
        Direct needs: without them the node cannot run.
    waits : dict of NodeId to tuple of NodeId
        Nodes that it waits for and can do without.
    """

    nodes: dict[NodeId, Node]
    needs: dict[NodeId, tuple[NodeId, ...]]
    waits: dict[NodeId, tuple[NodeId, ...]]

    def before(self, node: NodeId) -> tuple[NodeId, ...]:
        """Return all nodes that end before this one starts."""
        return self.needs[node] + self.waits[node]

    def ancestors(self, wanted: Iterable[NodeId]) -> set[NodeId]:
        """Return the wanted nodes and all they need, directly or not."""
        found: set[NodeId] = set()
        waiting = list(wanted)
        while waiting:
            node = waiting.pop()
            if node not in found:
                found.add(node)
                waiting += self.before(node)
        return found

    def select(self, scopes: Collection[str], notebooks: Collection[str]) -> set[NodeId]:
        """Return the nodes to be run.

        Parameters
        ----------
        scopes : collection of str
            Scopes asked for; empty for all. Nodes of other scopes are not run even if they are needed.
        notebooks : collection of str
            Notebooks asked for; empty for all. What they need within the scopes comes with them, and so do the steps of
            every scope concerned.
        """
        inside = {node for node in self.nodes if not scopes or node.scope in scopes}
        if not notebooks:
            return inside
        chosen = self.ancestors(node for node in inside if node.name in notebooks) & inside
        touched = {node.scope for node in chosen}
        return chosen | {node for node in inside if not self.nodes[node].is_notebook and node.scope in touched}

    def dependents(self, wanted: Iterable[NodeId]) -> set[NodeId]:
        """Return all nodes that cannot do without one of the wanted, directly or not, without these."""
        start = set(wanted)
        found: set[NodeId] = set()
        for node in self.nodes:
            if any(need in start or need in found for need in self.needs[node]):
                found.add(node)
        return found - start

    def ranks(self, seconds: Mapping[NodeId, float]) -> dict[NodeId, float]:
        """Return for each node the length of the longest path that starts with it, in seconds."""
        rank: dict[NodeId, float] = {}
        users: dict[NodeId, list[NodeId]] = defaultdict(list)
        for node in reversed(self.nodes):
            rank[node] = seconds.get(node, 1.0) + max((rank[user] for user in users[node]), default=0.0)
            for need in self.before(node):
                users[need].append(node)
        return rank


def build_graph(notebooks: Sequence[Notebook], steps: Sequence[Step], scopes: Sequence[str]) -> Graph:
    """Make the graph of all scopes.

    Parameters
    ----------
    notebooks, steps : sequence
        What runs in each scope; a notebook with ``scopes`` other than ``each`` runs in that scope alone.
    scopes : sequence of str
        Center ids and the pooled scope.

    Returns
    -------
    Graph
        A ``*`` in place of the scope in a notebook's reads means every scope that has the file: it waits for all of
        them, and runs also if some failed. What other notebooks that compare scopes write is not among them.

    Raises
    ------
    DeclarationError
        If a read is written by nobody, two nodes write the same file, or nodes need each other in a circle.
    """
    nodes = [_node(work, scope, scopes) for scope in scopes for work in (*notebooks, *steps) if _runs_in(work, scope)]
    problems = _double_writers(nodes)
    writers = _writers_by_folder(nodes)
    needs: dict[NodeId, tuple[NodeId, ...]] = {}
    waits: dict[NodeId, tuple[NodeId, ...]] = {}
    found: dict[NodeId, Node] = {}
    for node in nodes:
        if isinstance(node.work, Step) or node.compares_scopes:
            found[node.id], waits[node.id] = _resolve(node, writers)
            needs[node.id] = ()
        else:
            found[node.id] = node
            needs[node.id], waits[node.id], missing = _find_needs(node, writers)
            problems += missing
    if problems:
        raise DeclarationError(sorted(set(problems)))
    both = {node: needs[node] + waits[node] for node in found}
    return Graph(_ordered(found, both), needs, waits)


def _runs_in(work: Notebook | Step, scope: str) -> bool:
    return work.scopes in ("each", scope)


def _node(work: Notebook | Step, scope: str, scopes: Sequence[str]) -> Node:
    reads = [p for pattern in work.reads for p in _fill(pattern, scope, scopes)]
    writes = [pattern.replace("{scope}", scope) for pattern in work.writes]
    return Node(NodeId(scope, work.name), work, tuple(reads), tuple(writes))


def _reads_all_scopes(pattern: str) -> bool:
    parts = pattern.split("/")
    return len(parts) > 1 and parts[0] in ("work", "reports") and parts[1] == "*"


def _fill(pattern: str, scope: str, scopes: Sequence[str]) -> list[str]:
    """Fill the scope into a pattern; a star in its place stands for every scope that has the file."""
    if _reads_all_scopes(pattern):
        place, _, *rest = pattern.rstrip("?").split("/")
        return ["/".join([place, each, *rest]) + "?" for each in scopes]
    return [pattern.replace("{scope}", scope)]


Writers = dict[str, list[tuple[str, Node]]]


def _scope_folder(pattern: str) -> str:
    """Return the first two segments: no file of one scope is named by patterns of another."""
    return "/".join(pattern.rstrip("?").split("/")[:2])


def _writers_by_folder(nodes: Sequence[Node]) -> Writers:
    """Index all writes by the scope's folder, so that large graphs are built in linear time."""
    found: Writers = defaultdict(list)
    for node in nodes:
        for pattern in node.writes:
            found[_scope_folder(pattern)].append((pattern, node))
    return found


def _resolve(node: Node, writers: Writers) -> tuple[Node, tuple[NodeId, ...]]:
    """Put the files that notebooks declare in place of the patterns of who takes what is there; return its makers."""
    reads: dict[str, None] = {}
    found: dict[NodeId, None] = {}
    for read in node.reads:
        if read.split("/")[0] in ("data", "repository"):
            reads[read] = None
        for pattern, maker in writers.get(_scope_folder(read), []):
            is_wanted = maker.is_notebook and not (node.is_notebook and maker.compares_scopes)
            if is_wanted and overlaps(read, pattern):
                reads[pattern.rstrip("?") + "?"] = None
                found[maker.id] = None
    return replace(node, reads=tuple(reads)), tuple(found)


def _find_needs(node: Node, writers: Writers) -> tuple[tuple[NodeId, ...], tuple[NodeId, ...], list[str]]:
    """Return whom a notebook needs, whom it only waits for, and complaints on reads without writer."""
    needs: dict[NodeId, None] = {}
    waits: dict[NodeId, None] = {}
    problems = []
    for read in node.reads:
        if read.split("/")[0] in ("data", "repository"):
            continue
        near = writers.get(_scope_folder(read), [])
        makers = [maker.id for pattern, maker in near if maker is not node and overlaps(read, pattern)]
        (waits if read.endswith("?") else needs).update(dict.fromkeys(makers))
        if not makers and not read.endswith("?") and "*" not in read:
            best = nearest(read, [pattern for pattern, _ in near])
            hint = f"; did you mean {best!r}?" if best else ""
            problems.append(f"{node.id} reads {read!r}, which no notebook writes{hint}")
    return tuple(needs), tuple(w for w in waits if w not in needs), problems


def _double_writers(nodes: Sequence[Node]) -> list[str]:
    by_folder: dict[str, list[tuple[str, NodeId]]] = defaultdict(list)
    for node in nodes:
        for pattern in node.writes:
            by_folder[pattern.rpartition("/")[0]].append((pattern, node.id))
    return [
        f"{one} and {other} both write {a!r}"
        for group in by_folder.values()
        for i, (a, one) in enumerate(group)
        for b, other in group[i + 1 :]
        if one != other and overlaps(a, b)
    ]


def _ordered(nodes: dict[NodeId, Node], needs: dict[NodeId, tuple[NodeId, ...]]) -> dict[NodeId, Node]:
    """Return the nodes so that each comes after what it needs."""
    sorter = graphlib.TopologicalSorter({node: needs[node] for node in nodes})
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        circle = listed([str(node) for node in error.args[1]])
        raise DeclarationError([f"these nodes need each other in a circle: {circle}"]) from None
    position = {node: number for number, node in enumerate(nodes)}
    order: list[NodeId] = []
    while ready := sorter.get_ready():
        order += sorted(ready, key=position.__getitem__)
        sorter.done(*ready)
    return {node: nodes[node] for node in order}
