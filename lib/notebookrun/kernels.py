"""Kernels of the engine: started afresh, or forked from a parent that has already imported the heavy packages."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

WARM, COLD = "notebookrun-warm", "local-provisioner"


class KernelDiedError(RuntimeError):
    """The kernel's process ended before its notebook did."""


class EngineKernelManager(AsyncKernelManager):
    """A kernel manager that needs no kernel specification installed anywhere."""

    provisioner_name = COLD

    @property
    def kernel_spec(self) -> KernelSpec:
        """Return how the engine starts kernels."""
        return KernelSpec(
            argv=[sys.executable, "-P", "-m", "notebookrun.launch", "-f", "{connection_file}"],
            display_name="Python 3",
            language="python",
            metadata={"kernel_provisioner": {"provisioner_name": self.provisioner_name}},
        )


def kernel_manager(is_warm: bool, folder: Path) -> Any:
    """Return a manager for one new kernel whose sockets lie in a folder."""
    manager = EngineKernelManager()
    manager.provisioner_name = COLD
    manager.connection_file = str(folder / "k.json")
    if sys.platform != "win32":
        manager.transport, manager.ip = "ipc", str(folder / "k")
    return manager


@contextlib.contextmanager
def socket_folder() -> Iterator[Path]:
    """Make a private folder for one kernel's sockets; its path is short, since socket names are limited."""
    base = tempfile.gettempdir()
    with tempfile.TemporaryDirectory(
        prefix="nbr-", dir="/tmp" if len(base) > 40 and os.path.isdir("/tmp") else base
    ) as folder:
        yield Path(folder)
