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

from notebookrun.errors import MisuseError
from notebookrun.files import write_json

PATIENCE_SECONDS = 2.0  # the last processes of a run that was killed may still be ending


@contextlib.contextmanager
def hold_folder(folder: Path, kind: str) -> Iterator[None]:
    """Hold a folder for this run.

    The system releases the lock when its process ends, however it ends: a lock is never stale, and only the note on who
    holds it may be left over.

    Parameters
    ----------
    folder : Path
        The folder.
    kind : str
        What it is, for the message.

    Raises
    ------
    MisuseError
        If another run holds it, which the message names, or if it cannot be written.
    """
    note, lock = folder / ".run.json", FileLock(str(folder / ".run.lock"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=PATIENCE_SECONDS)
    except Timeout:
        raise MisuseError([f"the {kind} folder {folder.name!r} is in use by {_describe_holder(note)}"]) from None
    except OSError as error:
        raise MisuseError([f"cannot write into {folder.name!r}: {error.strerror}"]) from None
    try:
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        write_json(note, {"pid": os.getpid(), "host": socket.gethostname(), "since": since})
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def _describe_holder(note: Path) -> str:
    try:
        holder = json.loads(note.read_text(encoding="utf-8"))
        return f"the run with process id {holder['pid']} on {holder['host']}, started {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another run"
