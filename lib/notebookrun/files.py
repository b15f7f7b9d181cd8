"""Files written whole or not at all, what killed writers leave behind, and digests."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from notebookrun.places import Places
from notebookrun.processes import is_alive

CLOSE_IT = "if it is open in another program, such as Excel, close it there and run again"
_PARTIAL = re.compile(r"\..+\.(\d+)\.part")


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that a reader sees either the former content or all of the new.

    Raises
    ------
    OSError
        If the folder cannot be written or the disk is full; nothing half-written remains.
    """
    with in_place_of(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)


def write_page(path: Path, text: str) -> None:
    """Write a page as `write_whole` does; a former one goes first if there is no room for both.

    It is gone also if that does not help: it would say what is no longer so.
    """
    try:
        write_whole(path, text)
    except OSError:
        path.unlink(missing_ok=True)
        write_whole(path, text)


@contextlib.contextmanager
def in_place_of(path: Path) -> Iterator[Path]:
    """Give a name to write to, which becomes the file at the end, or is deleted if that failed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield partial
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def remove_partial(folder: Path) -> None:
    """Delete what processes that were killed while they wrote have left below a folder."""
    for place, _, names in os.walk(folder):
        for name in names:
            match = _PARTIAL.fullmatch(name)
            if match and not is_alive(int(match[1])):
                Path(place, name).unlink(missing_ok=True)


def write_json(path: Path, value: Any, *, is_for_readers: bool = True) -> None:
    """Write plain data as JSON, whole or not at all; on one line, which is ten times faster, if nobody will read it."""
    indent = 1 if is_for_readers else None
    write_whole(path, json.dumps(value, indent=indent, sort_keys=True, ensure_ascii=False) + "\n")


def digest(value: Any) -> str:
    """Return the SHA-256 of plain data.

    Examples
    --------
    >>> digest({"a": 1}) == digest({"a": 1}) != digest({"a": 2})
    True
    """
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_names(places: Places, names: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of the named files that exist."""
    paths = {name: places.absolute(name) for name in sorted(set(names))}
    return {name: digest_file(path) for name, path in paths.items() if path.is_file()}


def describe_problem(error: OSError) -> str:
    """Say what the system refused, and for which file, without its folder.

    Examples
    --------
    >>> describe_problem(PermissionError(13, "Permission denied", "/srv/data/C01/patients.csv"))
    'patients.csv: Permission denied'
    """
    what = error.strerror or str(error)
    name = os.path.basename(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes | Path) else ""
    return f"{name}: {what}" if name else what


def remove_files(places: Places, names: Iterable[str]) -> str:
    """Delete the named files below work and reports, and say what is in the way of one; those already gone are fine.

    What a notebook did to its data or to the repository is not the engine's to delete.
    """
    problem = ""
    for name in names:
        if name.startswith(("work/", "reports/")):
            try:
                places.absolute(name).unlink(missing_ok=True)
            except OSError as error:
                problem = f"{describe_problem(error)}; {CLOSE_IT}"
    return problem
