"""The kernel of the engine: ipykernel's, for one caller who asks one thing at a time and attaches no debugger.

Imported where a kernel is about to start, and in the parent of warm kernels before it forks.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ipykernel import ipkernel, kernelapp
from ipykernel.iostream import IOPubThread, OutStream
from ipykernel.zmqshell import ZMQInteractiveShell
from traitlets.config import Config
from traitlets.config.loader import DeferredConfigString

from notebookrun.launch import READER_MARK

_SETTINGS = {
    "HistoryManager": {"enabled": False},
    "IPKernelApp": {"log_level": logging.CRITICAL, "outstream_class": f"{__name__}.Stream"},
}
_ASSIGNMENT = re.compile(r"--(\w+)\.(\w+)=(.*)", re.DOTALL)


class EngineShell(ZMQInteractiveShell):
    """A shell that marks errors meant for the reader, so that a page shows their message alone."""

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        marked = [READER_MARK] if getattr(evalue, "for_reader", False) else stb
        super()._showtraceback(etype, evalue, marked)


class Publisher(IOPubThread):
    """Sends what a kernel says from where it is said, one message at a time, instead of passing it to a thread."""

    def start(self) -> None:
        """Start no thread."""
        self._turn, self._owner = threading.RLock(), os.getpid()

    def schedule(self, f: Callable[[], None]) -> None:
        """Call a function that sends, after what processes forked by the notebook have said meanwhile."""
        if os.getpid() != self._owner:
            f()  # in such a process: it sends through a pipe
            return
        with self._turn:
            if self._pipe_flag:
                self._pipe_in.flush()
            f()


class Stream(OutStream):
    """Sends what is written at the end of a cell, and in long cells as it comes, without a timer in another thread."""

    _sent = 0.0

    def _schedule_flush(self) -> None:
        if time.monotonic() - self._sent > self.flush_interval:
            self._flush()

    def _flush(self) -> None:
        self._sent = time.monotonic()
        super()._flush()


class EngineApp(kernelapp.IPKernelApp):
    """Starts no thread that would pass on requests or answers."""

    def parse_command_line(self, argv: Any = None) -> None:
        """Take ``-f FILE --Class.setting=value``; a parser is made only for others, which takes longer."""
        given = list(argv or ())
        words = [_ASSIGNMENT.fullmatch(word) for word in given[2:]]
        if given[:1] != ["-f"] or not all(words):
            super().parse_command_line(argv)
        else:
            self.connection_file, self.extra_args = given[1], []
            for owner, name, value in (word.groups() for word in words if word):
                self.config[owner][name] = DeferredConfigString(value)
        self.update_config(Config(_SETTINGS))

    def init_control(self, context: Any) -> None:
        """Make the sockets of requests."""
        super().init_control(context)
        self.shell_channel_thread = None

    def init_iopub(self, context: Any) -> None:
        """Make the socket of answers."""
        kernelapp.IOPubThread = Publisher
        super().init_iopub(context)


class _System:
    """The module `sys` without its list of modules.

    The kernel lists the files of all modules for its debugger. In a forked process, looking at thousands of modules
    copies the memory they lie in, which takes a fifth of its start.
    """

    modules: Mapping[str, Any] = MappingProxyType({})

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)


ipkernel.IPythonKernel.shell_class = EngineShell
ipkernel.sys = _System()
