"""What a run knows of each node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from notebookrun.cache import Entry

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
    entry : Entry or None
        What it stands for.
    tries : int
        How often it was started.
    begun : float
        When it was started last, on the monotonic clock.
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
    seconds: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
