"""Kernels of the engine: started afresh, or forked from a parent that has already imported the heavy packages.

`WarmProvisioner` is registered as a Jupyter kernel provisioner of the name ``notebookrun-warm``, so that papermill and
nbclient drive a forked kernel as they drive any other.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_client.utils import run_sync

from notebookrun.hostclient import ADDRESS_VARIABLE, CAN_FORK, ForkedProcess, NoHostError
from notebookrun.scratch import scratch_folder

NAME = "notebookrun-warm"


class WarmProvisioner(LocalProvisioner):
    """Forks kernels from a warm parent where that is possible, and starts them afresh elsewhere."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start one kernel."""
        address = kwargs.get("env", os.environ).get(ADDRESS_VARIABLE)
        if address and CAN_FORK:
            with contextlib.suppress(NoHostError):
                return self._fork(address, cmd, kwargs)
        return await super().launch_kernel(cmd, **kwargs)

    def _fork(self, address: str, cmd: list[str], kwargs: dict[str, Any]) -> Any:
        environment = {str(name): str(value) for name, value in kwargs.get("env", os.environ).items()}
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


class _EngineClient(AsyncKernelClient):
    """A client that is ready once both channels have answered, without a pause to see whether more comes."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait for the kernel."""
        until = time.monotonic() + (timeout or 60.0)
        while not await self._hears():
            if time.monotonic() > until or not await self.parent.is_alive():
                raise RuntimeError("the kernel does not answer")

    async def _hears(self) -> bool:
        """Ask for the kernel's information; True once both the reply and its public echo have come."""
        request = self.kernel_info()
        try:
            await self.get_shell_msg(timeout=1)
            while True:
                message = await self.get_iopub_msg(timeout=0.2)
                is_idle = message["content"].get("execution_state") == "idle"
                if is_idle and message["parent_header"].get("msg_id") == request:
                    return True
        except Empty:
            return False


class EngineKernelManager(AsyncKernelManager):
    """A kernel manager that needs no kernel specification installed anywhere.

    Attributes
    ----------
    environment, folder : dict, str
        Where the kernel runs.
    exit_status : int or None
        How it ended.
    connected : KernelClient or None
        Who talks to it.
    """

    environment: dict[str, str] | None = None
    folder = "."
    exit_status: int | None = None
    connected: Any = None

    @property
    def kernel_spec(self) -> KernelSpec:
        """Return how the engine starts kernels."""
        argv = [sys.executable, "-P", "-m", "notebookrun.launch", "-f", "{connection_file}"]
        provisioner = {"kernel_provisioner": {"provisioner_name": NAME}}
        return KernelSpec(argv=argv, display_name="Python 3 (warm)", language="python", metadata=provisioner)

    async def start_kernel(self, **options: Any) -> None:
        """Start the kernel in its folder and environment."""
        await super().start_kernel(**{**options, "env": self.environment, "cwd": self.folder})

    def client(self, **options: Any) -> Any:
        """Return a client, and remember it."""
        self.connected = super().client(**options)
        return self.connected

    def describe_death(self) -> str:
        """Say how the kernel ended."""
        status = self.exit_status
        if status is None or status >= 0:
            return "the kernel ended by itself" if status is not None else "the kernel was killed (signal 9)"
        name = signal.Signals(-status).name if -status in {s.value for s in signal.Signals} else "unknown"
        hint = "; the machine may have run out of memory" if status == -signal.SIGKILL else ""
        return f"the kernel was killed by signal {-status} ({name}){hint}"


@contextlib.contextmanager
def kernel_for(folder: Path, environment: dict[str, str]) -> Iterator[EngineKernelManager]:
    """Give a manager for one new kernel, whose sockets lie in a private folder; the kernel is ended afterwards."""
    with scratch_folder() as sockets:
        manager = EngineKernelManager(connection_file=str(Path(sockets) / "k.json"), client_factory=_EngineClient)
        manager.folder, manager.environment = str(folder), environment
        if sys.platform != "win32":
            manager.transport, manager.ip = "ipc", str(Path(sockets) / "k")
        try:
            yield manager
        finally:
            if manager.connected is not None:
                manager.connected.stop_channels()
            run_sync(manager.shutdown_kernel)(now=True)
