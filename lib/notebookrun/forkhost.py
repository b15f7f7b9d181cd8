"""The parent of warm kernels: imports the heavy packages once, stays without threads, and forks one child per request.

A request comes over a private Unix socket and keeps its connection for as long as the child lives: the child says when
it is ready, the host says how it ended, and closing the connection kills it. The host ends with its owner, and its
children with it.
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
from dataclasses import dataclass
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


@dataclass
class _Child:
    """A forked process and the connection that owns it."""

    pid: int
    connection: Connection
    pidfd: int


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


def count_threads() -> int:
    """Return the number of threads of this process: forking is safe with one."""
    return len(os.listdir("/proc/self/task"))


class _Host:
    """Serves requests until its owner is gone.

    Parameters
    ----------
    address : str
        Path of the Unix socket to listen on.
    """

    def __init__(self, address: str) -> None:
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(address)
        self._listener.listen(64)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ, self._owner_gone)
        self._children: dict[int, _Child] = {}

    def serve(self) -> None:
        """Serve for ever."""
        while True:
            for key, _ in self._selector.select():
                # an earlier event of the same round may have closed it
                if self._selector.get_map().get(key.fd) is key:
                    key.data(key.fileobj)

    def _owner_gone(self, stream: Any) -> None:
        if not os.read(sys.stdin.fileno(), 1):
            for child in list(self._children.values()):
                self._kill(child, signal.SIGKILL)
            os._exit(0)

    def _accept(self, listener: Any) -> None:
        connection = Connection(listener.accept()[0].detach())
        self._selector.register(connection, selectors.EVENT_READ, self._request)

    def _request(self, connection: Connection) -> None:
        """Take the first message of a connection and fork for it."""
        self._selector.unregister(connection)
        try:
            request = connection.recv()
            if (threads := count_threads()) != 1:
                connection.send({"refused": f"{threads} threads"})
                raise EOFError
        except (OSError, EOFError):
            connection.close()
            return
        host = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_child(connection, request, host)
        child = _Child(pid, connection, os.pidfd_open(pid))
        self._children[pid] = child
        self._selector.register(connection, selectors.EVENT_READ, lambda _: self._hear(child))
        self._selector.register(child.pidfd, selectors.EVENT_READ, lambda _: self._reap(child))

    def _hear(self, child: _Child) -> None:
        """Pass on a signal, or kill a child whose connection was closed."""
        try:
            number = child.connection.recv()["signal"]
        except (OSError, EOFError):
            number = signal.SIGKILL
            self._selector.unregister(child.connection)
            child.connection.close()
        self._kill(child, number)

    def _kill(self, child: _Child, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, number)

    def _reap(self, child: _Child) -> None:
        """Say how a child ended."""
        _, status = os.waitpid(child.pid, 0)
        self._selector.unregister(child.pidfd)
        os.close(child.pidfd)
        del self._children[child.pid]
        with contextlib.suppress(OSError):  # it is closed if nobody waits for it any more
            self._selector.unregister(child.connection)
            child.connection.send({"exit": os.waitstatus_to_exitcode(status)})
        child.connection.close()

    def _become_child(self, connection: Connection, request: dict[str, Any], host: int) -> NoReturn:
        """Turn into the process that was asked for; never returns."""
        status = 1
        try:
            os.setsid()
            die_with_parent(host)
            self._forget()
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
            os.environ.clear()
            os.environ.update(request["environment"])
            os.chdir(request["folder"])
            status = _run_request(connection, request)
        finally:
            os._exit(status)

    def _forget(self) -> None:
        """Close all that belongs to the host or to other children."""
        self._selector.close()
        self._listener.close()
        for child in self._children.values():
            child.connection.close()
            os.close(child.pidfd)
        quiet = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(quiet, number)


def _run_request(connection: Connection, request: dict[str, Any]) -> int:
    """Do in the child what was asked: serve as a kernel, or call one function."""
    ready = {"ready": os.getpid()}
    if "arguments" in request:
        launch.start(request["arguments"], lambda: connection.send(ready))
        return 0
    connection.send(ready)
    launch.reset_leaks()
    try:
        launch.call(request["call"], request["values"])
    except BaseException as error:
        connection.send({"error": f"{type(error).__name__}: {error}"})
        return 1
    connection.send({"done": True})
    return 0


def main(address: str, modules: list[str]) -> None:
    """Listen, warm up, then serve: requests that come meanwhile wait."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    host = _Host(address)
    warm_up((*KERNEL_MODULES, *modules))
    host.serve()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
