"""Which files a kernel really read and wrote, held against what its notebook declares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from notebookrun.places import Places, matches
from notebookrun.task import Task
from notebookrun.wording import listed


@dataclass
class FileUse:
    """Names of files read and written below the places of a run.

    Attributes
    ----------
    read, written : list of str
        Sorted names; what a notebook wrote and read back is only written, what it deleted again is in neither.
    warnings : list of str
        Declared, but not done.
    """

    read: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_trace(path: Path, places: Places) -> FileUse:
    """Read the notes that a kernel left on the files it opened."""
    if not path.is_file():
        return FileUse()
    read: dict[str, None] = {}
    written: set[str] = set()
    for line in path.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        kind, _, file = line.partition("\t")
        name = places.name(file) if file else None
        if name is None or name.startswith("work/.notebookrun"):
            continue
        if kind in "WM":
            written.add(name)
        elif kind == "D":
            written.discard(name)
        elif name not in written and Path(file).is_file():
            read[name] = None
    kept = {name for name in written if places.absolute(name).is_file()}
    return FileUse(sorted(set(read) - kept), sorted(kept))


def check_use(task: Task, use: FileUse) -> list[str]:
    """Say how the files used differ from those declared.

    Parameters
    ----------
    task : Task
        With the declared patterns.
    use : FileUse
        What was done; receives warnings on what was declared and not done.

    Returns
    -------
    list of str
        Undeclared reads and writes, and promised files that are not there.
    """
    strange = {
        "reads": [name for name in use.read if not _may_read(task, name)],
        "writes": [name for name in use.written if not _any_match(name, task.writes)],
    }
    problems = [f"{verb} {listed(names)}, which it does not declare" for verb, names in strange.items() if names]
    if absent := _unmet(task.writes, use.written):
        problems.append(f"declares to write {listed(absent)}, but did not")
    use.warnings += [f"declares to read {pattern}, but did not" for pattern in _unmet(task.reads, use.read)]
    return problems


def _may_read(task: Task, name: str) -> bool:
    place = name.split("/")[0]
    if place == "repository" or _any_match(name, task.writes):
        return True
    if place == "data":
        return name in task.digests
    return _any_match(name, task.reads)


def _any_match(name: str, patterns: Iterable[str]) -> bool:
    return any(matches(name, pattern) for pattern in patterns)


def _unmet(patterns: Iterable[str], names: Iterable[str]) -> list[str]:
    """Return the patterns that promise a file, which one with a star or a question mark does not, and have none."""
    firm = [pattern for pattern in patterns if not pattern.endswith("?") and "*" not in pattern]
    return [pattern for pattern in firm if not any(matches(name, pattern) for name in names)]
