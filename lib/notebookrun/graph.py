"""The graph of a run: one node per scope and notebook, joined by the files they declare to read and write."""

from __future__ import annotations

import graphlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from notebookrun.errors import DeclarationError
from notebookrun.places import overlaps
from notebookrun.sources import Notebook
from notebookrun.wording import listed, nearest


@dataclass(frozen=True, order=True)
class NodeId:
    """A node's identity: scope and name of the notebook or step."""

    scope: str
    name: str

    def __str__(self) -> str:
        return f"{self.scope}/{self.name}"

    @property
    def page(self) -> str:
        """Name of the file that shows it."""
        return f"reports/{self}.html"

    @property
    def notebook(self) -> str:
        """Name of the executed notebook for reading."""
        return f"reports/{self.scope}/notebooks/{self.name}.ipynb"


@dataclass(frozen=True)
class Node:
    """What runs once per scope.

    Attributes
    ----------
    id : NodeId
        Scope and name.
    work : Notebook
        What it does.
    reads, writes : tuple of str
        File patterns of this scope.
    """

    id: NodeId
    work: Notebook = field(repr=False)
    reads: tuple[str, ...]
    writes: tuple[str, ...]

    @property
    def keeps(self) -> tuple[str, ...]:
        """What it wrote before and goes on from."""
        return tuple(pattern.replace("{scope}", self.id.scope) for pattern in self.work.keeps)

    @property
    def compares_scopes(self) -> bool:
        """Whether it reads what other scopes have written."""
        return any(_reads_all_scopes(pattern) for pattern in self.work.reads)

    @property
    def takes_what_is_there(self) -> bool:
        """Whether it waits for those who write what it reads, and runs also if some of them failed."""
        return self.work.is_step or self.compares_scopes


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
    scopes : sequence of str
        In the order of the dataset, the pooled one first.
    """

    nodes: dict[NodeId, Node]
    needs: dict[NodeId, tuple[NodeId, ...]]
    waits: dict[NodeId, tuple[NodeId, ...]]
    scopes: Sequence[str]

    def before(self, node: NodeId) -> tuple[NodeId, ...]:
        """Return all nodes that end before this one starts."""
        return self.needs[node] + self.waits[node]

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
        chosen = {node for node in inside if node.name in notebooks}
        for node in reversed(self.nodes):
            if node in chosen:
                chosen.update(self.before(node))
        chosen &= inside
        touched = {node.scope for node in chosen}
        return chosen | {node for node in inside if self.nodes[node].work.is_step and node.scope in touched}

    def dependents(self, node: NodeId) -> set[NodeId]:
        """Return all nodes that cannot do without this one, directly or not."""
        found = {node}
        for other in self.nodes:
            if not found.isdisjoint(self.needs[other]):
                found.add(other)
        return found - {node}

    def ranks(self, seconds: Mapping[NodeId, float]) -> dict[NodeId, float]:
        """Return for each node the length of the longest path that starts with it, in seconds."""
        rank: dict[NodeId, float] = {}
        users: dict[NodeId, list[NodeId]] = defaultdict(list)
        for node in reversed(self.nodes):
            rank[node] = seconds.get(node, 1.0) + max((rank[user] for user in users[node]), default=0.0)
            for need in self.before(node):
                users[need].append(node)
        return rank


def build_graph(notebooks: Sequence[Notebook], scopes: Sequence[str]) -> Graph:
    """Make the graph of all scopes.

    Parameters
    ----------
    notebooks : sequence of Notebook
        What runs in each scope, steps included; one with ``scopes`` other than ``each`` runs in that scope alone.
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
    nodes = []
    for scope in scopes:
        for work in (work for work in notebooks if work.scopes in ("each", scope)):
            reads = [read for pattern in work.reads for read in _fill(pattern, scope, scopes)]
            writes = [pattern.replace("{scope}", scope) for pattern in work.writes]
            nodes.append(Node(NodeId(scope, work.name), work, tuple(reads), tuple(writes)))
    writers: Writers = defaultdict(list)  # by the scope's folder, so that large graphs are built in linear time
    for node in nodes:
        for pattern in node.writes:
            writers[_scope_folder(pattern)].append((pattern, node))
    problems = _double_writers(nodes)
    found: dict[NodeId, Node] = {}
    needs: dict[NodeId, tuple[NodeId, ...]] = {}
    waits: dict[NodeId, tuple[NodeId, ...]] = {}
    for node in nodes:
        found[node.id], needs[node.id], waits[node.id] = _find_makers(node, writers, problems)
    if problems:
        raise DeclarationError(sorted(set(problems)))
    return Graph(_ordered(found, {node: needs[node] + waits[node] for node in found}), needs, waits, scopes)


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


def _find_makers(
    node: Node, writers: Writers, problems: list[str]
) -> tuple[Node, tuple[NodeId, ...], tuple[NodeId, ...]]:
    """Return a node, whom it needs, and whom it only waits for; complain about reads without writer.

    In place of the patterns of a node that takes what is there stand the files that notebooks declare.
    """
    reads: dict[str, None] = {}
    needs: dict[NodeId, None] = {}
    waits: dict[NodeId, None] = {}
    for read in node.reads:
        near = writers.get(_scope_folder(read), [])
        if node.takes_what_is_there:  # from notebooks alone, and a notebook from those of single scopes
            near = [(p, m) for p, m in near if not m.work.is_step and (node.work.is_step or not m.compares_scopes)]
        makers = [(pattern, maker) for pattern, maker in near if maker is not node and overlaps(read, pattern)]
        if read.split("/")[0] in ("data", "repository"):
            reads[read] = None
        elif node.takes_what_is_there:
            reads |= {pattern.rstrip("?") + "?": None for pattern, _ in makers}
            waits |= {maker.id: None for _, maker in makers}
        else:
            reads[read] = None
            (waits if read.endswith("?") else needs).update({maker.id: None for _, maker in makers})
            if not makers and not read.endswith("?") and "*" not in read:
                best = nearest(read, [pattern for pattern, _ in near])
                hint = f"; did you mean {best!r}?" if best else ""
                problems.append(f"{node.id} reads {read!r}, which no notebook writes{hint}")
    return replace(node, reads=tuple(reads)), tuple(needs), tuple(wait for wait in waits if wait not in needs)


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
