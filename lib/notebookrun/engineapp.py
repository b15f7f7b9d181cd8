"""The kernel of the engine: ipykernel's, without a history, and with a mark on errors that are meant for the reader.

Imported where a kernel is about to start, and in the parent of warm kernels before it forks.
"""

from __future__ import annotations

import logging
from typing import Any

from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.ultratb import AutoFormattedTB
from traitlets import Type
from traitlets.config import Config

from notebookrun.launch import READER_MARK

_SETTINGS = {"HistoryManager": {"enabled": False}, "IPKernelApp": {"log_level": logging.CRITICAL}}


class _ReaderTraceback(AutoFormattedTB):
    """Shows of an error meant for the reader a mark alone, so that a page shows its message and nothing else."""

    def structured_traceback(self, etype: Any, evalue: Any = None, *rest: Any, **options: Any) -> list[str]:
        """Return the lines of a traceback."""
        if getattr(evalue, "for_reader", False):
            return [READER_MARK]
        return list(super().structured_traceback(etype, evalue, *rest, **options))


class _EngineShell(ZMQInteractiveShell):
    """A shell with the tracebacks of this engine."""

    def init_traceback_handlers(self, custom_exceptions: Any) -> None:
        """Take them in place of the usual ones."""
        super().init_traceback_handlers(custom_exceptions)
        self.InteractiveTB = _ReaderTraceback(mode=self.xmode, theme_name=self.colors, tb_offset=1)


class _EngineKernel(IPythonKernel):
    """A kernel with that shell."""

    shell_class = Type(_EngineShell)


def make_app(arguments: list[str]) -> IPKernelApp:
    """Return an initialized kernel whose sockets are bound."""
    app = IPKernelApp.instance(kernel_class=_EngineKernel, config=Config(_SETTINGS))
    app.initialize(arguments)
    return app
