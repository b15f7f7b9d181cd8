"""Kernels of the engine: started afresh, or forked from a parent that has already imported the heavy packages.

`WarmProvisioner` is registered as a Jupyter kernel provisioner of the name ``notebookrun-warm``, so that papermill and
nbclient drive a forked kernel as they drive any other. ``python -m notebookrun.install_kernel`` makes it a kernel of
that name for ``papermill --kernel notebookrun-warm`` and JupyterLab.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from notebookrun.hostclient import ADDRESS_VARIABLE, CAN_FORK, KernelHost, NoHostError, ask
from notebookrun.launch import KERNEL_ENVIRONMENT
from notebookrun.scratch import scratch_folder

NAME = "notebookrun-warm"
USUAL_MODULES = ("numpy", "pandas", "matplotlib.pyplot")


class KernelDiedError(RuntimeError):
    """The kernel's process ended before its notebook did."""


class ForkedProcess:
    """A kernel forked by a host, with the face of `subprocess.Popen` that a provisioner needs.

    Parameters
    ----------
    address : str
        Socket of the host.
    request : dict
        Arguments, folder and environment of the kernel.
    """

    stdin = stdout = stderr = None

    def __init__(self, address: str, request: dict[str, Any]) -> None:
        self._connection, answer = ask(address, request)
        if "ready" not in answer:
            self._connection.close()
            raise KernelDiedError(_describe_exit(answer.get("exit")))
        self.pid = int(answer["ready"])
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return how the kernel ended, or None as long as it lives."""
        return self._listen(0.0)

    def wait(self, seconds: float = 5.0) -> int | None:
        """Wait for the end."""
        return self._listen(seconds)

    def _listen(self, seconds: float) -> int | None:
        if self.returncode is None:
            answer: dict[str, Any] = {}
            with contextlib.suppress(OSError, EOFError):
                if not self._connection.poll(seconds):
                    return None
                answer = self._connection.recv()
            self.returncode = int(answer.get("exit", -signal.SIGKILL))
            self._connection.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Have the host send a signal to the kernel."""
        if self.returncode is None:
            with contextlib.suppress(OSError):
                self._connection.send({"signal": int(number)})

    def kill(self) -> None:
        """End the kernel at once."""
        self.send_signal(signal.SIGKILL)
        self.wait()

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self.send_signal(signal.SIGTERM)


class WarmProvisioner(LocalProvisioner):
    """Forks kernels from a warm parent where that is possible, and starts them afresh elsewhere."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start one kernel."""
        address = host_address() if getattr(self.parent, "is_warm", True) else None
        if address is not None:
            with contextlib.suppress(NoHostError):
                return self._fork(address, cmd, kwargs)
        return await super().launch_kernel(cmd, **kwargs)

    def _fork(self, address: str, cmd: list[str], kwargs: dict[str, Any]) -> Any:
        environment = {str(k): str(v) for k, v in kwargs.get("env", os.environ).items()} | KERNEL_ENVIRONMENT
        folder = str(kwargs.get("cwd") or os.getcwd())
        request = {"arguments": cmd[cmd.index("-f") :], "folder": folder, "environment": environment}
        self.process = ForkedProcess(address, request)  # type: ignore[assignment]
        self.pid, self.cwd = self.process.pid, folder
        return self.connection_info

    async def poll(self) -> int | None:
        """Say whether the kernel lives, and let its manager know how it ended."""
        status = await super().poll()
        if status is not None and self.parent is not None and self.process is not None:
            self.parent.exit_status = status
        return status

    async def wait(self) -> int | None:
        """Wait for the end of the kernel, in smaller steps than usual."""
        while self.process is not None and await self.poll() is None:
            await asyncio.sleep(0.005)
        return await super().wait()

    async def kill(self, restart: bool = False) -> None:
        """End the kernel at once."""
        if isinstance(self.process, ForkedProcess):
            self.process.kill()
        else:
            await super().kill(restart)


_own_host: list[KernelHost] = []


def host_address() -> str | None:
    """Return the socket of the host to fork from: the run's own, else one for this process; None where none can be."""
    if not CAN_FORK:
        return None
    given = os.environ.get(ADDRESS_VARIABLE)
    if given:
        return given
    if not _own_host:
        modules = os.environ.get("NOTEBOOKRUN_PRELOAD", "").split(",")
        host = KernelHost([m for m in modules if m] or USUAL_MODULES, Path.cwd())
        atexit.register(host.close)
        _own_host.append(host)
    return _own_host[0].address


class EngineKernelManager(AsyncKernelManager):
    """A kernel manager that needs no kernel specification installed anywhere."""

    is_warm = False
    exit_status: int | None = None

    @property
    def kernel_spec(self) -> KernelSpec:
        """Return how the engine starts kernels."""
        return KernelSpec(**kernel_specification())


def kernel_specification() -> dict[str, Any]:
    """Return the specification of a kernel of this engine."""
    return {
        "argv": [sys.executable, "-P", "-m", "notebookrun.launch", "-f", "{connection_file}"],
        "display_name": "Python 3 (warm)",
        "language": "python",
        "metadata": {"kernel_provisioner": {"provisioner_name": NAME}},
    }


def kernel_manager(is_warm: bool, folder: Path) -> Any:
    """Return a manager for one new kernel whose sockets lie in a folder."""
    manager = EngineKernelManager()
    manager.is_warm = is_warm
    manager.connection_file = str(folder / "k.json")
    if sys.platform != "win32":
        manager.transport, manager.ip = "ipc", str(folder / "k")
    return manager


@contextlib.contextmanager
def socket_folder() -> Iterator[Path]:
    """Make a private folder for one kernel's sockets."""
    with scratch_folder() as folder:
        yield Path(folder)


def _describe_exit(status: int | None) -> str:
    """Say how a process ended."""
    if status is None or status >= 0:
        return "the kernel ended by itself" if status is not None else "the kernel was killed (signal 9)"
    name = signal.Signals(-status).name if -status in {s.value for s in signal.Signals} else "unknown"
    hint = "; the machine may have run out of memory" if status == -signal.SIGKILL else ""
    return f"the kernel was killed by signal {-status} ({name}){hint}"


def describe_death(manager: Any) -> str:
    """Say how a manager's kernel died."""
    return _describe_exit(getattr(manager, "exit_status", None))
