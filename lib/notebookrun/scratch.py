"""Private folders for a while: sockets of kernels, and files on a machine that shares no folder with the runner."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import zlib
from pathlib import Path

from notebookrun.processes import is_alive

# Process ids mean nothing to another machine or container that may use the same folder.
_PREFIX = f"nbr-{zlib.crc32(socket.gethostname().encode()):08x}-"


def scratch_folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder that only this user can read; it is deleted when its context ends, or its object.

    The path is short, since names of sockets are limited to about a hundred characters.
    """
    return tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", dir=_parent())


def _parent() -> str:
    usual = tempfile.gettempdir()
    return "/tmp" if len(usual) > 40 and os.path.isdir("/tmp") else usual


def remove_abandoned() -> None:
    """Delete the folders of processes of this machine that were killed: there may be patient-level files in them."""
    for path in Path(_parent()).glob(f"{_PREFIX}*-*"):
        pid = path.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdecimal() and not is_alive(int(pid)):
            shutil.rmtree(path, ignore_errors=True)  # those of other users stay
