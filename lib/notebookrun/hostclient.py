"""The parent of warm kernels as seen from outside: started, kept alive, asked for a kernel.

Nothing of Jupyter is imported here, so that a run can start the parent before anything else.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

from notebookrun.launch import KERNEL_ENVIRONMENT
from notebookrun.scratch import remove_abandoned, scratch_folder

ADDRESS_VARIABLE = "NOTEBOOKRUN_KERNEL_HOST"
CONNECT_SECONDS = 30.0  # how long a parent that is just being started is waited for
START_SECONDS = 60.0  # how long a parent may be silent before a kernel is started afresh instead
CAN_FORK = hasattr(os, "fork") and hasattr(os, "pidfd_open")


class NoHostError(RuntimeError):
    """There is nobody to fork from; kernels have to be started afresh."""


class KernelHost:
    """Starts the parent of warm kernels and keeps it for as long as this object is open.

    Parameters
    ----------
    modules : sequence of str
        What to import beforehand.
    folder : Path
        Working folder of the host.
    """

    def __init__(self, modules: Sequence[str], folder: Path) -> None:
        self._files = scratch_folder()
        self.address = str(Path(self._files.name) / "host")
        self._command = [sys.executable, "-P", "-m", "notebookrun.forkhost", self.address, *modules]
        self._folder = folder
        self._starts = 0
        self._start()

    def _start(self) -> None:
        environment = {**os.environ, **KERNEL_ENVIRONMENT}
        self._starts += 1
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, cwd=self._folder, env=environment, start_new_session=True
        )

    def tend(self) -> None:
        """Start the host again if it has died; after the third time give up, and kernels are started afresh."""
        if self._process.poll() is None or not os.path.isdir(self._files.name):
            return
        self._process.stdin.close()  # type: ignore[union-attr]
        if self._starts >= 3:
            self._files.cleanup()
            return
        Path(self.address).unlink(missing_ok=True)
        self._start()

    @property
    def pid(self) -> int:
        """Process id of the host."""
        return self._process.pid

    def close(self) -> None:
        """End the host and all kernels forked from it, and clear away what killed processes left."""
        with contextlib.suppress(OSError):
            self._process.kill()
        with contextlib.suppress(OSError):
            self._process.stdin.close()  # type: ignore[union-attr]
        self._process.wait()
        self._files.cleanup()
        remove_abandoned()


def ask(address: str, request: dict[str, Any]) -> tuple[Connection, dict[str, Any]]:
    """Ask a host for a kernel; return the connection to it, and its first answer. One just being started is waited for.

    Raises
    ------
    NoHostError
        If the host cannot be reached, ends or is silent before it forks, or cannot fork.
    """
    until = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            connection = Client(address)
            break
        except OSError as error:
            if time.monotonic() > until or not os.path.isdir(os.path.dirname(address)):
                raise NoHostError(str(error)) from None
            time.sleep(0.02)
    answer = {"refused": "the parent of warm kernels does not answer"}
    with contextlib.suppress(OSError, EOFError):
        connection.send(request)
        if connection.poll(START_SECONDS):
            answer = connection.recv()
    if "refused" in answer:
        connection.close()
        raise NoHostError(answer["refused"])
    return connection, answer
