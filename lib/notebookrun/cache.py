"""What is remembered of each node, and what must run again because of what."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from notebookrun.files import digest, digest_file, write_json
from notebookrun.graph import NodeId
from notebookrun.places import Places

VERSION = 1
SHOWN = (".html", ".ipynb")  # what can be made again without executing anything


@dataclass(frozen=True)
class Entry:
    """The last good run of a node.

    Attributes
    ----------
    code : dict of str to str
        Digest of the notebook's code, and of every module it can reach.
    parameters : dict
        Values injected, places left out.
    packages : dict of str to str
        Installed versions.
    inputs, outputs : dict of str to str
        Digest of each file read and written.
    page : str
        Digest of what the page shows apart from outputs.
    seconds : dict of str to float
        How long it took.
    warnings : tuple of str
        What was declared and not done.
    """

    code: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str | None] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    page: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


PENDING, RUNNING, INTERRUPTED = "pending", "running", "interrupted"


@dataclass
class NodeRun:
    """What has become of a node in this run.

    Attributes
    ----------
    state : str
        ``pending``, ``running``, ``ok``, ``failed``, ``blocked`` or ``interrupted``.
    action : str
        ``executed``, ``rendered`` or ``kept``; empty as long as nothing was done.
    reason : str
        Why it failed or was not run.
    why : list of str
        Why it was executed or rendered.
    entry : Entry
        What it stands for.
    tries : int
        How often it was started.
    begun : float
        When it was started last, on the monotonic clock.
    """

    state: str = PENDING
    action: str = ""
    reason: str = ""
    why: list[str] = field(default_factory=list)
    entry: Entry = field(default_factory=Entry)
    tries: int = 0
    begun: float = 0.0


class Memory:
    """What one work folder knows: the entries of its nodes, and digests of files by name.

    A file is read again only when its size, time or inode has changed.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self._folder, self._file = places.state / "nodes", places.state / "digests.json"
        self._known: dict[str, list[Any]] = {}
        with contextlib.suppress(OSError, ValueError):
            known = json.loads(self._file.read_text(encoding="utf-8"))
            if isinstance(known, dict) and all(isinstance(kept, list) and len(kept) == 5 for kept in known.values()):
                self._known = known

    def digest(self, name: str) -> str | None:
        """Return the digest of a named file, or None if it is not there."""
        path = self._places.absolute(name)
        try:
            status = path.stat()
        except OSError:
            return None
        mark = [str(path), status.st_size, status.st_mtime_ns, status.st_ino]
        known = self._known.get(name)
        if not known or known[:-1] != mark:
            known = self._known[name] = [*mark, digest_file(path)]
        return str(known[-1])

    def digests(self, names: Iterable[str]) -> dict[str, str | None]:
        """Return the digests of several named files."""
        return {name: self.digest(name) for name in sorted(set(names))}

    def save(self) -> None:
        """Keep the digests for the next run."""
        write_json(self._file, self._known, is_for_readers=False)

    def _path(self, node: NodeId) -> Path:
        return self._folder / node.scope / f"{node.name}.json"

    @property
    def is_empty(self) -> bool:
        """Whether no node has ever run to its end, so that all will run."""
        return not self._folder.exists()

    def load(self, node: NodeId) -> Entry | None:
        """Return what is known of a node; None if nothing is, or if the entry is damaged."""
        try:
            kept = json.loads(self._path(node).read_text(encoding="utf-8"))
            entry, seal = kept["entry"], kept["seal"]
            if kept["version"] != VERSION or seal != digest(entry):
                return None
            return Entry(**{**entry, "warnings": tuple(entry["warnings"])})
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def store(self, node: NodeId, entry: Entry) -> None:
        """Remember a good run."""
        kept = {"version": VERSION, "seal": digest(vars(entry)), "entry": vars(entry)}
        write_json(self._path(node), kept, is_for_readers=False)

    def forget(self, node: NodeId) -> None:
        """Drop what is known of a node, before it runs again."""
        self._path(node).unlink(missing_ok=True)


def reasons_to_run(now: Entry, then: Entry | None, memory: Memory) -> list[str]:
    """Say why a node must be executed.

    Parameters
    ----------
    now : Entry
        The present code, parameters, packages and inputs.
    then : Entry or None
        The last good run.
    memory : Memory
        To look at the outputs as they are.

    Returns
    -------
    list of str
        Empty if nothing has changed. A deleted or edited page is no reason: it can be made again without executing.
    """
    if then is None:
        return ["it has not run yet"]
    reasons = [f"{what} changed" for what in _changed(then.code, now.code)]
    reasons += [f"parameter {name} changed" for name in _changed(then.parameters, now.parameters)]
    reasons += [f"package {name} changed" for name in _changed(then.packages, now.packages)]
    reasons += [f"input {name} changed" for name in _changed(then.inputs, now.inputs)]
    for name, kept in then.outputs.items():
        if not name.endswith(SHOWN) and (present := memory.digest(name)) != kept:
            reasons.append(f"output {name} {'is gone' if present is None else 'was edited'}")
    return reasons


def reasons_to_render(now: Entry, then: Entry, memory: Memory) -> list[str]:
    """Say why a page must be made again although nothing needs to be executed."""
    pages = {name: kept for name, kept in then.outputs.items() if name.endswith(SHOWN)}
    reasons = [] if now.page == then.page else ["text or navigation of the page changed"]
    reasons += [f"page {name} is gone or was edited" for name, kept in pages.items() if memory.digest(name) != kept]
    return reasons


def _changed(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the keys whose values differ, those only on one side included."""
    missing = object()
    return sorted(key for key in {*then, *now} if then.get(key, missing) != now.get(key, missing))
