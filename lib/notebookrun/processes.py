"""How processes of the engine are tied to each other, so that none outlives its owner."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
from multiprocessing.connection import Connection

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int | None = None) -> None:
    """Ask the system to kill this process when its parent ends (Linux; elsewhere closed pipes end it).

    Parameters
    ----------
    parent : int, optional
        Process id of the parent, if known: one that has ended before it could be asked for ends this process at once.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def is_alive(pid: int) -> bool:
    """Say whether a process of this machine lives; one that has ended and was not asked how does not."""
    import psutil  # seldom needed, and slow to import

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def become_worker(lifeline: Connection) -> None:
    """Leave interrupts of the terminal to the owner, and end at once when the owner does.

    Parameters
    ----------
    lifeline : Connection
        Reading end of a pipe whose other end only the owner holds.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with_parent()
    threading.Thread(target=_end_with_owner, args=(lifeline,), daemon=True).start()


def _end_with_owner(lifeline: Connection) -> None:
    """Wait for the owner's end; nothing is ever sent."""
    with contextlib.suppress(EOFError, OSError):
        lifeline.recv()
    os._exit(1)
