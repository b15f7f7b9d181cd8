"""Digests of files, remembered as long as a file is untouched, and of the installed packages."""

from __future__ import annotations

import hashlib
import json
import platform
import site
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from notebookrun.files import digest_file, write_json
from notebookrun.places import Places


def digest(value: Any) -> str:
    """Return the SHA-256 of plain data.

    Examples
    --------
    >>> digest({"a": 1}) == digest({"a": 1}) != digest({"a": 2})
    True
    """
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


class Digests:
    """Digests of files by name; a file is read again only when its size, time or inode has changed.

    Parameters
    ----------
    places : Places
        Folders of the run; the memory is kept below its state folder.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self._path = places.state / "digests.json"
        self._known: dict[str, list[Any]] = _read_memory(self._path)

    def get(self, name: str) -> str | None:
        """Return the digest of a named file, or None if it is not there."""
        path = self._places.absolute(name)
        try:
            status = path.stat()
        except OSError:
            return None
        mark = [str(path), status.st_size, status.st_mtime_ns, status.st_ino]
        known = self._known.get(name)
        if known and known[:-1] == mark:
            return str(known[-1])
        value = digest_file(path)
        self._known[name] = [*mark, value]
        return value

    def many(self, names: Iterable[str]) -> dict[str, str | None]:
        """Return the digests of several named files."""
        return {name: self.get(name) for name in sorted(set(names))}

    def save(self) -> None:
        """Keep the memory for the next run."""
        write_json(self._path, self._known, is_for_readers=False)


def _read_memory(path: Path) -> dict[str, list[Any]]:
    try:
        memory = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    is_sound = isinstance(memory, dict) and all(isinstance(v, list) and len(v) == 5 for v in memory.values())
    return memory if is_sound else {}


def installed_packages() -> dict[str, str]:
    """Return name and version of every installed distribution, and of Python.

    Read from folder names: some two hundred metadata files need not be opened at every start.
    """
    folders = {Path(folder) for folder in [*site.getsitepackages(), *sys.path] if folder}
    found = {"python": platform.python_version()}
    for folder in sorted(folders):
        for entry in sorted(folder.glob("*.dist-info")):
            name, _, version = entry.name.removesuffix(".dist-info").rpartition("-")
            found.setdefault(name.lower().replace("_", "-"), version)
    return dict(sorted(found.items()))
