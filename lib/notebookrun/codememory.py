"""What was found in each module of the own packages, kept from run to run: reading them takes longer than the rest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from notebookrun.files import write_json


class CodeMemory:
    """Findings by file, valid as long as the file and the list of all modules are the same.

    Parameters
    ----------
    path : Path
        Where they are kept.
    packages : mapping of str to Path
        The own packages: a module that comes or goes may change what an import elsewhere means.
    plain_decorators : collection of str
        As the reader is told.
    """

    def __init__(self, path: Path, packages: Mapping[str, Path], plain_decorators: Collection[str] = ()) -> None:
        self._path = path
        reader = Path(__file__).with_name("codeuse.py").read_bytes()
        modules = sorted(str(f.relative_to(p)) for p in packages.values() for f in p.rglob("*.py"))
        self._version = hashlib.sha256(
            reader + json.dumps([sorted(packages), modules, sorted(plain_decorators)]).encode()
        ).hexdigest()
        self._kept = self._read()
        self._is_changed = False

    def _read(self) -> dict[str, Any]:
        """Return what was kept; nothing if it is damaged or of another state of the packages."""
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            return dict(kept["modules"]) if kept["version"] == self._version else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def get(self, file: Path) -> Any:
        """Return what was found in a file, or None."""
        row = self._kept.get(str(file))
        return row[1] if isinstance(row, list) and len(row) == 2 and row[0] == _mark(file) else None

    def put(self, file: Path, found: Any) -> None:
        """Keep what was found in a file."""
        self._kept[str(file)] = [_mark(file), found]
        self._is_changed = True

    def save(self) -> None:
        """Keep everything for the next run."""
        if self._is_changed:
            write_json(self._path, {"version": self._version, "modules": self._kept}, is_for_readers=False)


def _mark(file: Path) -> list[int]:
    status = file.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ino]
