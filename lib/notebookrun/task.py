"""What a worker is asked to do, and what it answers: plain data that travels between processes and machines."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from notebookrun.graph import NodeId
from notebookrun.pagecontext import PageContext
from notebookrun.places import Places

DONE, FAILED, LOST, BLOCKED = "ok", "failed", "lost", "blocked"


@dataclass(frozen=True)
class Task:
    """One node to be run.

    Attributes
    ----------
    node : NodeId
        Which.
    places : Places
        Where files lie.
    parameters : dict
        Values to inject.
    content : dict
        The notebook as JSON.
    reads, writes : tuple of str
        Declared patterns.
    page : PageContext or None
        What surrounds the cells of its page; None for a step, which has none.
    should_execute : bool
        False renders the kept execution again.
    time_limit : float
        Seconds for the whole notebook; 0 for none.
    blocked_by : str
        Why it cannot run: then only a page that says so is made.
    place_parameters : dict of str to str
        Which parameters are folders, and of which place.
    digests : dict of str to str
        Digest of each file it depends on.
    exchange : str
        URL where its files are fetched and sent; empty if the folders are shared.
    """

    node: NodeId
    places: Places
    parameters: dict[str, Any] = field(default_factory=dict)
    content: dict[str, Any] = field(default_factory=dict, repr=False)
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    page: PageContext | None = field(default=None, repr=False)
    should_execute: bool = True
    time_limit: float = 0.0
    blocked_by: str = ""
    place_parameters: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str | None] = field(default_factory=dict, repr=False)
    exchange: str = ""

    @property
    def executed_name(self) -> str:
        """Name of the file that keeps the executed notebook."""
        return f"work/.notebookrun/executed/{self.node}.ipynb"

    @property
    def executed_path(self) -> Path:
        """Where that file lies."""
        return self.places.absolute(self.executed_name)


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    Attributes
    ----------
    node : NodeId
        Which.
    state : str
        ``ok``, ``failed``, or ``lost`` if its worker or kernel was killed.
    reason : str
        Why it failed, in one sentence without machine-specific paths.
    outputs : dict of str to str
        SHA-256 of every file written, by name.
    reads : tuple of str
        Names of the files that were read.
    warnings : tuple of str
        Declared but not read, and the like.
    seconds : dict of str to float
        ``total``, ``kernel`` (start), ``cells``, ``page``; only ``page`` if nothing was executed.
    """

    node: NodeId
    state: str
    reason: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
