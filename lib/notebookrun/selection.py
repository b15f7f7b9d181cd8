"""Which nodes a run is asked for, and what they need."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from notebookrun.graph import Graph, NodeId
from notebookrun.wording import unknown


def check_names(kind: str, wanted: Sequence[str], known: Collection[str]) -> list[str]:
    """Return a complaint for each name that is not known."""
    return [unknown(kind, name, known) for name in wanted if name not in known]


def select_nodes(graph: Graph, scopes: Collection[str], notebooks: Collection[str]) -> set[NodeId]:
    """Return the nodes to be run.

    Parameters
    ----------
    graph : Graph
        All nodes.
    scopes : collection of str
        Scopes asked for; empty for all. Nodes of other scopes are not run even if they are needed.
    notebooks : collection of str
        Notebooks asked for; empty for all. What they need within the scopes comes with them, and so do the steps of
        every scope concerned.
    """
    inside = {node for node in graph.nodes if not scopes or node.scope in scopes}
    if not notebooks:
        return inside
    wanted = {node for node in inside if node.name in notebooks}
    chosen = graph.ancestors(wanted) & inside
    touched = {node.scope for node in chosen}
    steps = {node for node in inside if not graph.nodes[node].is_notebook and node.scope in touched}
    return chosen | steps
