"""One run per folder: the second is told who holds it, and what a killed run left behind is recognized."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from notebookrun.errors import BusyFolderError
from notebookrun.files import write_json
from notebookrun.processes import is_alive


@contextlib.contextmanager
def hold_folder(folder: Path, kind: str, patience: float = 5.0) -> Iterator[None]:
    """Hold a folder for this run.

    The system releases the lock when its process ends, however it ends: a lock is never stale, and only the note on who
    holds it may be left over.

    Parameters
    ----------
    folder : Path
        The folder.
    kind : str
        What it is, for the message.
    patience : float
        Seconds to wait if the holder noted is no longer alive but its last processes are still ending.

    Raises
    ------
    BusyFolderError
        If another run holds it; the message says which.
    """
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / ".run.json"
    lock = FileLock(str(folder / ".run.lock"))
    try:
        lock.acquire(timeout=patience if _holder_is_dead(note) else 0)
    except Timeout:
        raise BusyFolderError([f"the {kind} folder {folder.name!r} is in use by {describe_holder(note)}"]) from None
    try:
        write_json(
            note, {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
        )
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def describe_holder(note: Path) -> str:
    """Say who holds a folder."""
    holder = _read(note)
    if not holder:
        return "another run"
    return f"the run with process id {holder['pid']} on {holder['host']}, started {holder['since']}"


def _read(note: Path) -> dict[str, str]:
    try:
        holder = json.loads(note.read_text(encoding="utf-8"))
        return {key: str(holder[key]) for key in ("pid", "host", "since")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _holder_is_dead(note: Path) -> bool:
    holder = _read(note)
    is_ours = bool(holder) and holder["host"] == socket.gethostname() and holder["pid"].isdecimal()
    return is_ours and not is_alive(int(holder["pid"]))
