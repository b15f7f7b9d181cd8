"""What a run knows of each node, how it behaves, and where its tasks go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from notebookrun.cache import Entry
from notebookrun.graph import NodeId
from notebookrun.task import Executed, Outcome, Task

PENDING, RUNNING, RENDERING, INTERRUPTED = "pending", "running", "rendering", "interrupted"


class Executor(Protocol):
    """Where tasks run."""

    @property
    def free(self) -> int:
        """How many tasks could be taken now."""

    def submit(self, task: Task) -> None:
        """Start a task."""

    def wait(self, seconds: float) -> list[Outcome | Executed]:
        """Return what has been said since, waiting at most so long."""

    def stop(self, node: NodeId) -> None:
        """End a task that does not answer; it is then reported as lost."""

    def close(self) -> None:
        """End everything."""


@dataclass
class NodeRun:
    """What has become of a node in this run.

    Attributes
    ----------
    state : str
        ``pending``, ``running``, ``rendering``, ``ok``, ``failed``, ``blocked`` or ``interrupted``.
    action : str
        ``executed``, ``rendered`` or ``kept``; empty as long as nothing was done.
    reason : str
        Why it failed or was not run.
    why : list of str
        Why it was executed or rendered.
    entry : Entry or None
        What it stands for.
    tries : int
        How often it was started.
    begun : float
        When it was started last, on the monotonic clock.
    changed : str
        An input that changed while it ran.
    seconds : dict of str to float
        How long it took.
    warnings : tuple of str
        What it declares and does not do.
    """

    state: str = PENDING
    action: str = ""
    reason: str = ""
    why: list[str] = field(default_factory=list)
    entry: Entry | None = None
    tries: int = 0
    begun: float = 0.0
    changed: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass
class Settings:
    """How a run behaves.

    Attributes
    ----------
    jobs : int
        Notebooks executed at the same time.
    force : bool
        Whether to execute also what is unchanged.
    tries : int
        How often a node whose worker or kernel was killed is started.
    patience : float
        Seconds that a node may be silent beyond its time limit before its worker is ended.
    """

    jobs: int = 2
    force: bool = False
    tries: int = 3
    patience: float = 60.0
