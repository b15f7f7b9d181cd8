"""How processes of the engine are tied to each other, so that none outlives its owner."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading

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


def become_worker() -> None:
    """Leave interrupts of the terminal to the owner, and end at once when the owner does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with_parent()
    threading.Thread(target=_end_with_owner, daemon=True).start()


def _end_with_owner() -> None:
    owner = multiprocessing.parent_process()
    if owner is not None:
        owner.join()
        os._exit(1)
