"""The parent of warm kernels: imports the heavy packages once, stays without threads, and forks one child per request.

A request comes over a private Unix socket and keeps its connection for as long as the kernel lives: the kernel says
when it is ready, the host says how it ended, and closing the connection kills it. The host ends with its owner, and its
kernels with it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import os
import selectors
import signal
import socket
import sys
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from notebookrun import launch
from notebookrun.processes import die_with_parent

KERNEL_MODULES = (
    "notebookrun.engineapp",
    "ipykernel.debugger",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.display",
    "IPython.core.magics",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "comm",
    "jedi",
    "tornado.gen",
    "tornado.locks",
    "tornado.platform.asyncio",
    "tornado.queues",
)


def warm_up(modules: tuple[str, ...]) -> list[str]:
    """Import modules and draw a figure unless one of them did; return those that could not be imported."""
    failed = []
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception:  # a module that is broken or absent is the notebook's affair, not the host's
            failed.append(name)
    has_drawn = "matplotlib.backends.backend_pdf" in sys.modules
    if "matplotlib.pyplot" in modules and "matplotlib.pyplot" not in failed and not has_drawn:
        _draw_once()
    gc.collect()
    gc.freeze()
    return failed


def _draw_once() -> None:
    """Draw a figure that touches fonts, ticks and every format, without choosing a backend."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], label="a")
    axes.legend()
    for kind in ("png", "svg", "pdf"):
        figure.savefig(io.BytesIO(), format=kind)


class _Host:
    """Serves requests at a Unix socket until its owner is gone."""

    def __init__(self, address: str) -> None:
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(address)
        self._listener.listen(64)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ, self._owner_gone)
        self._children: dict[int, tuple[Connection, int]] = {}  # by process id: who owns it, and what tells of its end

    def serve(self) -> None:
        """Serve for ever."""
        while True:
            for key, _ in self._selector.select():
                # an earlier event of the same round may have closed it
                if self._selector.get_map().get(key.fd) is key:
                    key.data()

    def _owner_gone(self) -> None:
        if not os.read(sys.stdin.fileno(), 1):
            for pid in self._children:
                _kill(pid, signal.SIGKILL)
            os._exit(0)

    def _accept(self) -> None:
        connection = Connection(self._listener.accept()[0].detach())
        self._selector.register(connection, selectors.EVENT_READ, partial(self._fork, connection))

    def _fork(self, connection: Connection) -> None:
        """Take the first message of a connection and fork for it."""
        self._selector.unregister(connection)
        try:
            request = connection.recv()
            if (threads := len(os.listdir("/proc/self/task"))) != 1:  # forking is safe with one
                connection.send({"refused": f"{threads} threads"})
                raise EOFError
        except (OSError, EOFError):
            connection.close()
            return
        host = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_kernel(connection, request, host)
        pidfd = os.pidfd_open(pid)
        self._children[pid] = connection, pidfd
        self._selector.register(connection, selectors.EVENT_READ, partial(self._hear, pid, connection))
        self._selector.register(pidfd, selectors.EVENT_READ, partial(self._reap, pid))

    def _hear(self, pid: int, connection: Connection) -> None:
        """Pass on a signal, or kill a child whose connection was closed."""
        try:
            number = connection.recv()["signal"]
        except (OSError, EOFError):
            number = signal.SIGKILL
            self._selector.unregister(connection)
            connection.close()
        _kill(pid, number)

    def _reap(self, pid: int) -> None:
        """Say how a child ended."""
        _, status = os.waitpid(pid, 0)
        connection, pidfd = self._children.pop(pid)
        self._selector.unregister(pidfd)
        os.close(pidfd)
        with contextlib.suppress(OSError):  # it is closed if nobody waits for it any more
            self._selector.unregister(connection)
            connection.send({"exit": os.waitstatus_to_exitcode(status)})
        connection.close()

    def _become_kernel(self, connection: Connection, request: dict[str, Any], host: int) -> NoReturn:
        """Close all that belongs to the host or to other children, and serve as a kernel; never returns."""
        status = 1
        try:
            os.setsid()
            die_with_parent(host)
            self._selector.close()
            self._listener.close()
            for other, pidfd in self._children.values():
                other.close()
                os.close(pidfd)
            quiet = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(quiet, number)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.environ.clear()
            os.environ.update(request["environment"])
            os.chdir(request["folder"])
            launch.start(request["arguments"], lambda: connection.send({"ready": os.getpid()}))
            status = 0
        finally:
            os._exit(status)


def _kill(pid: int, number: int) -> None:
    for send in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            send(pid, number)


def main(address: str, modules: list[str]) -> None:
    """Listen, warm up, then serve: requests that come meanwhile wait."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    host = _Host(address)
    warm_up((*KERNEL_MODULES, *modules))
    host.serve()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
