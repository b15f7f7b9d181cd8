"""Files between machines that share no folder: sent by content to a place that both reach, and fetched by digest.

The place is any URL that fsspec opens (``s3://bucket/run``, ``sftp://host/path``, ``file:///mnt/share``). A file lies
there once, under its SHA-256: sending it again costs nothing, and a half-sent file is never taken for a whole one.
"""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from notebookrun.errors import MisuseError
from notebookrun.files import digest_file, digest_names, in_place_of
from notebookrun.places import Places
from notebookrun.task import FAILED, Outcome, Task


class Exchange:
    """A place for files by content.

    Parameters
    ----------
    url : str
        Any URL that fsspec opens.

    Raises
    ------
    MisuseError
        If it opens none such, lacks the driver, or cannot keep a file there.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            import fsspec

            self._files, self._root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise MisuseError([f"--exchange {url}: {error}"]) from None

    def check(self) -> None:
        """Write an empty file there, before a run relies on the place."""
        try:
            self._files.makedirs(self._root, exist_ok=True)
            self._files.pipe_file(f"{self._root.rstrip('/')}/check", b"")
        except Exception as error:  # whatever the driver of the place raises
            raise MisuseError([f"--exchange {self.url}: {describe_any(error)}"]) from None

    def _name(self, digest: str) -> str:
        return f"{self._root.rstrip('/')}/{digest[:2]}/{digest}"

    def send(self, path: Path, digest: str) -> None:
        """Send one file unless it is there already."""
        target = self._name(digest)
        if self._files.exists(target):
            return
        self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
        partial = f"{target}.{os.getpid()}.part"
        self._files.put_file(str(path), partial)
        self._files.mv(partial, target)

    def fetch(self, digest: str, path: Path) -> None:
        """Fetch one file, and check that it is the one that was sent.

        Raises
        ------
        OSError
            If it is not there or its content is not what its name says.
        """
        with in_place_of(path) as partial:
            self._files.get_file(self._name(digest), str(partial))
            if digest_file(partial) != digest:
                raise OSError(errno.EIO, f"{path.name} arrived damaged")


def send_inputs(exchange: Exchange, task: Task) -> Task:
    """Send what a task reads, and return the task as another machine can run it."""
    wanted = {name: digest for name, digest in task.digests.items() if digest}
    for name, digest in wanted.items():
        if not name.startswith("repository/"):
            exchange.send(task.places.absolute(name), digest)
    if not task.should_execute and task.executed_path.is_file():
        wanted[task.executed_name] = digest_file(task.executed_path)
        exchange.send(task.executed_path, wanted[task.executed_name])
    return replace(task, exchange=exchange.url, digests=wanted)


def run_staged(task: Task, scratch: Path, root: Path, run: Any) -> Outcome:
    """Run a task in a folder of its own: fetch what it reads, run it, send what it wrote.

    Parameters
    ----------
    task : Task
        As made by `send_inputs`.
    scratch : Path
        An empty folder.
    root : Path
        The repository on this machine.
    run : callable
        Runs a task whose files lie here.

    Returns
    -------
    Outcome
        With the digests under which its files can be fetched.
    """
    places = Places(root, scratch / "data", scratch / "work", scratch / "reports")
    repository = [name for name in task.digests if name.startswith("repository/")]
    here = digest_names(places, repository)
    strange = next((name for name in repository if here.get(name) != task.digests[name]), None)
    if strange:
        return Outcome(task.node, FAILED, f"the worker has another version of {strange.partition('/')[2]}")
    for folder in (places.data, places.work, places.reports):
        folder.mkdir(parents=True)
    try:
        exchange = Exchange(task.exchange)
        for name in task.digests.keys() - set(repository):
            exchange.fetch(str(task.digests[name]), places.absolute(name))
    except Exception as error:  # whatever the driver of the place raises
        return Outcome(task.node, FAILED, f"its inputs could not be fetched: {describe_any(error)}")
    folders = {name: str(places.folder(place)) for name, place in task.place_parameters.items() if place != "scope"}
    values = {name: folders.get(name, value) for name, value in task.parameters.items()}
    outcome: Outcome = run(replace(task, places=places, parameters=values))
    sent = dict(outcome.outputs) | digest_names(places, [task.executed_name])
    try:
        for name, digest in sent.items():
            exchange.send(places.absolute(name), digest)
    except Exception as error:  # as above
        return Outcome(task.node, FAILED, f"its results could not be sent: {describe_any(error)}")
    return replace(outcome, outputs=sent)


def describe_any(error: Exception) -> str:
    """Say what went wrong at a place of exchange, whose driver may raise anything, without its folders and users."""
    if isinstance(error, FileNotFoundError):
        return "a file is not there"
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def fetch_outputs(exchange: Exchange, task: Task, outcome: Outcome) -> Outcome:
    """Fetch what a task wrote on another machine; the kept execution is no output."""
    for name, digest in outcome.outputs.items():
        exchange.fetch(digest, task.places.absolute(name))
    return replace(outcome, outputs={n: d for n, d in outcome.outputs.items() if n != task.executed_name})
