"""Files that one step writes and a later one writes again: readers in between see the first version."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from notebookrun.cache import Memory
from notebookrun.files import copy_whole
from notebookrun.fingerprint import Digests
from notebookrun.graph import Graph, NodeId, Step
from notebookrun.places import Places


class AmendedFiles:
    """Keeps the first version of every amended file.

    Parameters
    ----------
    graph : Graph
        With the amending steps.
    places : Places
        Folders; the first versions are kept below the state folder.
    """

    def __init__(self, graph: Graph, places: Places) -> None:
        self._places = places
        self._steps: dict[str, tuple[NodeId, NodeId]] = {}
        for node in graph.nodes.values():
            if isinstance(node.work, Step) and node.work.amends:
                first = NodeId(node.id.scope, node.work.amends)
                self._steps |= dict.fromkeys(node.writes, (first, node.id))

    def learn(self, memory: Memory, digests: Digests, only: NodeId | None = None) -> None:
        """Let each amended file count as its first version: all, or those that one step writes."""
        for name, (first, last) in self._steps.items():
            if only not in (None, first, last):
                continue
            before, after = memory.load(first), memory.load(last)
            if before and after and name in before.outputs and name in after.outputs:
                digests.amend(name, before.outputs[name], after.outputs[name])

    def names_of(self, first: NodeId) -> list[str]:
        """Return the files of a step that another one amends."""
        return [name for name, (step, _) in self._steps.items() if step == first]

    def keep(self, first: NodeId) -> None:
        """Keep the first version of what a step has just written."""
        for name in self.names_of(first):
            source, copy = self._places.absolute(name), self._copy(name)
            if source.is_file():
                copy_whole(source, copy)

    def restore(self, names: Iterable[str], digests: Digests) -> None:
        """Put the first versions back, before somebody reads them."""
        for name in names:
            if name in self._steps and digests.present(name) != digests.get(name) and self._copy(name).is_file():
                copy_whole(self._copy(name), self._places.absolute(name))

    def _copy(self, name: str) -> Path:
        return self._places.state / "amended" / name
