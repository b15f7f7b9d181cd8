"""The kernel of the engine: ipykernel's, without a history.

Imported where a kernel is about to start, and in the parent of warm kernels before it forks.
"""

from __future__ import annotations

import logging

from ipykernel.kernelapp import IPKernelApp
from traitlets.config import Config

_SETTINGS = {"HistoryManager": {"enabled": False}, "IPKernelApp": {"log_level": logging.CRITICAL}}


def make_app(arguments: list[str]) -> IPKernelApp:
    """Return an initialized kernel whose sockets are bound."""
    app = IPKernelApp.instance(config=Config(_SETTINGS))
    app.initialize(arguments)
    return app
