"""Notebooks as they lie in the repository: cells, parameters, and what they declare to read and write."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from notebookrun.errors import DeclarationError
from notebookrun.files import digest
from notebookrun.parameters import Parameter, read_parameters
from notebookrun.places import PLACES

NUMBERED = re.compile(r"^\d\d_\w+$")
_TITLE = re.compile(r"^#\s+(.+?)\s*#*$", re.MULTILINE)
_DECLARABLE = {"reads", "writes", "keeps", "scopes", "after"}


@dataclass(frozen=True)
class Notebook:
    """One notebook of the repository.

    Attributes
    ----------
    name : str
        File name without suffix, such as ``04_pfs_os``.
    path : Path
        Where it lies.
    content : dict
        The notebook as JSON, outputs included if somebody committed them.
    title : str
        First heading.
    parameters : dict of str to Parameter
        Of its parameters cell.
    reads, writes : tuple of str
        Declared file patterns with ``{scope}``; a trailing ``?`` marks what may be absent.
    keeps : tuple of str
        Those of `writes` that it goes on from: they are not deleted before it runs.
    scopes : str
        ``each``, or the one scope it runs in.
    is_step : bool
        Whether it was made by `make_step` and has no page.
    """

    name: str
    path: Path
    content: dict[str, Any] = field(repr=False, compare=False)
    title: str
    parameters: dict[str, Parameter]
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    scopes: str = "each"
    is_step: bool = False

    def code(self) -> list[str]:
        """Return the source of each code cell."""
        return [cell_source(cell) for cell in self.content["cells"] if cell["cell_type"] == "code"]

    def code_digest(self) -> str:
        """Return a digest of what an execution depends on: code cells and their tags, and the declaration."""
        code = [[cell_source(c), _cell_tags(c)] for c in self.content["cells"] if c["cell_type"] == "code"]
        return digest([code, self.reads, self.writes, self.scopes])

    def text_digest(self) -> str:
        """Return a digest of all that a page shows apart from outputs."""
        shown = [[c.get("id"), c["cell_type"], cell_source(c), _cell_tags(c)] for c in self.content["cells"]]
        return digest([shown, self.title])


def make_step(name: str, call: str, arguments: Sequence[str], reads: Sequence[str], writes: Sequence[str]) -> Notebook:
    """Return a Python call that belongs to each scope, such as joining the tables that its notebooks wrote.

    It runs as a notebook of one cell without a page. It takes what is there: it waits for the notebooks that write what
    it reads, and runs also if some of them failed.

    Parameters
    ----------
    name : str
        Name of the node.
    call : str
        ``package.module:function``.
    arguments : sequence of str
        Parameters that the runner sets; ``notebooks`` is the list of the notebooks whose files the step reads.
    reads, writes : sequence of str
        File patterns with ``{scope}``.
    """
    module, _, function = call.partition(":")
    source = f"from {module} import {function}\n\n{function}({', '.join(arguments)})"
    cell = {"cell_type": "code", "id": "call", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    content = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    parameters = {argument: Parameter(argument, "str", None) for argument in arguments}
    return Notebook(name, Path(name), content, name, parameters, tuple(reads), tuple(writes), is_step=True)


def cell_source(cell: dict[str, Any]) -> str:
    """Return the source of a cell as one string."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _cell_tags(cell: dict[str, Any]) -> list[str]:
    """Return the tags of a cell, sorted."""
    return sorted(cell.get("metadata", {}).get("tags", []))


def _read_notebook(path: Path) -> Notebook:
    """Read one notebook file and its declarations.

    Raises
    ------
    DeclarationError
        If it is not a notebook, has no or several parameters cells, or declares something that is not understood.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DeclarationError([f"{path.name}: not readable as a notebook ({error})"]) from None
    if not isinstance(content, dict) or content.get("nbformat") != 4 or "cells" not in content:
        raise DeclarationError([f"{path.name}: not a notebook of format 4"])
    cells = content["cells"]
    tagged = [cell_source(c) for c in cells if c["cell_type"] == "code" and "parameters" in _cell_tags(c)]
    if len(tagged) > 1:
        raise DeclarationError([f"{path.name}: {len(tagged)} cells are tagged `parameters`; expected one"])
    declared = content.get("metadata", {}).get("notebookrun", {})
    problems = _declaration_problems(path.stem, declared)
    papermill = content.get("metadata", {}).get("papermill") or {}
    if papermill.get("output_path") or any("injected-parameters" in _cell_tags(cell) for cell in cells):
        advice = f"notebooks are read from {path.parent.name}/, results of papermill belong elsewhere: move it away"
        problems = [f"{path.name} is an executed copy of {papermill.get('input_path', 'a notebook')}; {advice}"]
    if problems:
        raise DeclarationError(problems)
    text = (cell_source(cell) for cell in cells if cell["cell_type"] == "markdown")
    headings = (match[1] for source in text if (match := _TITLE.search(source)))
    return Notebook(
        name=path.stem,
        path=path,
        content=content,
        title=next(headings, path.stem),
        parameters=read_parameters(tagged[0], path.stem) if tagged else {},
        reads=tuple(declared.get("reads", ())),
        writes=tuple(declared.get("writes", ())),
        keeps=tuple(declared.get("keeps", ())),
        scopes=declared.get("scopes", "each"),
    )


def _declaration_problems(name: str, declared: dict[str, Any]) -> list[str]:
    problems = [f"{name}: metadata.notebookrun has no key {key!r}" for key in sorted(set(declared) - _DECLARABLE)]
    for key in ("reads", "writes"):
        for pattern in declared.get(key, ()):
            place = pattern.rstrip("?").split("/")[0]
            allowed = PLACES if key == "reads" else ("work", "reports")
            if place not in allowed or ".." in pattern.split("/"):
                problems.append(f"{name}: {key} {pattern!r}, expected a path below {', '.join(allowed)}")
    return problems


def read_notebooks(folder: Path) -> list[Notebook]:
    """Read every numbered notebook (``NN_name.ipynb``) of a folder, in order; or the one notebook that is named.

    Raises
    ------
    DeclarationError
        With the problems of all notebooks at once.
    """
    found, problems = [], []
    for path in [folder] if folder.is_file() else sorted(folder.glob("*.ipynb")):
        if not NUMBERED.match(path.stem):
            continue
        try:
            found.append(_read_notebook(path))
        except DeclarationError as error:
            problems += error.problems
    for one, other in itertools.combinations(found, 2):
        if one.writes and one.writes == other.writes:
            problems.append(f"{one.path.name} and {other.path.name} write the same files: move the copy away")
    if problems:
        raise DeclarationError(problems)
    if not found:
        raise DeclarationError([f"no notebook NN_name.ipynb in {folder.name}/"])
    return found
