"""The parent of warm kernels as seen from outside: started, kept alive, asked for a kernel.

Nothing of Jupyter is imported here, so that a run can start the parent before anything else.
"""

from __future__ import annotations

import contextlib
import os
import signal
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
        self.process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, cwd=self._folder, env=environment, start_new_session=True
        )

    def tend(self) -> None:
        """Start the host again if it has died; after the third time give up, and kernels are started afresh."""
        if self.process.poll() is None or not os.path.isdir(self._files.name):
            return
        self.process.stdin.close()  # type: ignore[union-attr]
        if self._starts >= 3:
            self._files.cleanup()
            return
        Path(self.address).unlink(missing_ok=True)
        self._start()

    def close(self) -> None:
        """End the host and all kernels forked from it, and clear away what killed processes left."""
        with contextlib.suppress(OSError):
            self.process.kill()
        with contextlib.suppress(OSError):
            self.process.stdin.close()  # type: ignore[union-attr]
        self.process.wait()
        self._files.cleanup()
        remove_abandoned()


def start_host(modules: Sequence[str] | None, folder: Path) -> KernelHost | None:
    """Start a parent of warm kernels; none where every kernel is to start afresh, or has to on some systems."""
    return KernelHost(modules, folder) if modules is not None and CAN_FORK else None


def fork_from(host: KernelHost | None) -> None:
    """Have kernels of this process, and of those it starts, forked from a host; without one they start afresh."""
    if host is not None:
        host.tend()
    os.environ.update({**KERNEL_ENVIRONMENT, ADDRESS_VARIABLE: host.address if host else ""})


class ForkedProcess:
    """A kernel forked by a host, with the face of `subprocess.Popen` that a provisioner needs.

    Parameters
    ----------
    address : str
        Socket of the host; one that is just being started is waited for.
    request : dict
        Arguments, folder and environment of the kernel.

    Raises
    ------
    NoHostError
        If the host cannot be reached, ends or is silent before it forks, or cannot fork.
    """

    stdin = stdout = stderr = None

    def __init__(self, address: str, request: dict[str, Any]) -> None:
        self._connection = _connect(address)
        answer: dict[str, Any] = {"refused": "the parent of warm kernels does not answer"}
        with contextlib.suppress(OSError, EOFError):
            self._connection.send(request)
            if self._connection.poll(START_SECONDS):
                answer = self._connection.recv()
        self.returncode: int | None = None
        self.pid = answer.get("ready")
        if not self.pid:
            self._end(answer)
        if "refused" in answer:
            raise NoHostError(answer["refused"])

    def poll(self) -> int | None:
        """Return how the kernel ended, or None as long as it lives."""
        return self.wait(0.0)

    def wait(self, seconds: float = 5.0) -> int | None:
        """Wait for the end."""
        if self.returncode is None:
            answer: dict[str, Any] = {}
            with contextlib.suppress(OSError, EOFError):
                if not self._connection.poll(seconds):
                    return None
                answer = self._connection.recv()
            self._end(answer)
        return self.returncode

    def _end(self, answer: dict[str, Any]) -> None:
        self._connection.close()
        self.returncode = int(answer.get("exit", -signal.SIGKILL))

    def send_signal(self, number: int) -> None:
        """Have the host send a signal to the kernel, and wait for the end of one that is killed."""
        if self.returncode is None:
            with contextlib.suppress(OSError):
                self._connection.send({"signal": int(number)})
        if number == signal.SIGKILL:
            self.wait()


def _connect(address: str) -> Connection:
    until = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            return Client(address)
        except OSError as error:
            if time.monotonic() > until or not os.path.isdir(os.path.dirname(address)):
                raise NoHostError(str(error)) from None
            time.sleep(0.02)
