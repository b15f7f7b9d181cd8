"""From nodes to tasks: what each would run with, what it stands for in the cache, and what its page shows around it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from notebookrun.cache import Entry, Memory, reasons_to_run
from notebookrun.codeuse import CodeIndex, installed_packages
from notebookrun.files import describe_problem, digest
from notebookrun.glossary import Term, read_glossary
from notebookrun.graph import Graph, Node, NodeId
from notebookrun.pagecontext import Link, PageContext, ParameterRow
from notebookrun.parameters import Value
from notebookrun.places import Places
from notebookrun.project import Project
from notebookrun.sources import Notebook
from notebookrun.task import Task


@dataclass
class Planner:
    """What a call of the runner asks for, checked, and everything about a node before it runs.

    Attributes
    ----------
    project : Project
        The study.
    notebooks : sequence of Notebook
        Its notebooks, in order.
    graph : Graph
        All nodes of the dataset.
    places : Places
        Folders of the run.
    values : mapping
        Parameters given by the user.
    options : Namespace
        As the command line says.
    """

    project: Project
    notebooks: Sequence[Notebook]
    graph: Graph
    places: Places
    values: Mapping[str, Value]
    options: argparse.Namespace

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What the study says about the dataset."""
        return dict(self.project.facts(self.places.data))

    @cached_property
    def selected(self) -> set[NodeId]:
        """The nodes to be run."""
        return self.graph.select(self.options.center, self.options.notebook)

    @cached_property
    def shown_scopes(self) -> list[str]:
        """The scopes of this run and those that have pages already, in the order of the dataset."""
        chosen = {node.scope for node in self.selected}
        return [s for s in self.graph.scopes if s in chosen or any((self.places.reports / s).glob("*.html"))]

    @cached_property
    def memory(self) -> Memory:
        """What is remembered of former runs."""
        return Memory(self.places)

    @cached_property
    def packages(self) -> dict[str, str]:
        """Installed versions."""
        return installed_packages()

    @cached_property
    def _code(self) -> dict[str, dict[str, str]]:
        """Digest of every piece of code that each notebook can reach, by its name."""
        index = CodeIndex(self.project.packages)
        works = {node.work.name: node.work for node in self.graph.nodes.values()}
        return {n: {"notebook code": w.code_digest(), **index.used_by(w.code())} for n, w in works.items()}

    @cached_property
    def _inputs_of(self) -> dict[str, list[str]]:
        return {}

    @cached_property
    def _glossary(self) -> tuple[Term, ...]:
        return read_glossary(self.project.glossary) if self.project.glossary else ()

    @cached_property
    def _page_code(self) -> str:
        """Digest of what makes pages: the modules that lead to them, and their templates."""
        return digest(CodeIndex({"notebookrun": Path(__file__).parent}).closure(["notebookrun.render"]))

    def scope_inputs(self, scope: str) -> list[str]:
        """Return the names of the dataset's files that a scope depends on."""
        if scope not in self._inputs_of:
            files = self.project.input_files(self.places.data, scope)
            self._inputs_of[scope] = sorted(name for f in files if (name := self.places.name(f)))
        return self._inputs_of[scope]

    def forget_inputs(self) -> None:
        """Look at the dataset anew."""
        self._inputs_of.clear()

    def input_names(self, node: Node, then: Entry | None) -> list[str]:
        """Return the names of all files that a node depends on, with those it was seen to read last time."""
        patterns = [p for p in node.reads if p.split("/")[0] != "data"]
        named = (self.values[name] for name in self.project.file_parameters if name in self.values)
        given = (self.places.name(self.places.root / str(value)) for value in named)
        names = {*self.places.find(patterns), *self.project.shared_files, *filter(None, given)}
        if any(p.split("/")[0] == "data" for p in node.reads):
            names |= set(self.scope_inputs(node.id.scope))
        if then is not None:
            names |= {name for name in then.inputs if name.startswith("repository/")}
        return sorted(names)

    def entry(self, node: Node, then: Entry | None) -> Entry:
        """Return what a node stands for at present; a step shows no page."""
        page = self.page(node)
        return Entry(
            code=self._code[node.id.name],
            parameters={k: v for k, v in self.injected(node).items() if self._place_of(k) in ("", "scope")},
            packages=self.packages,
            inputs=self.memory.digests(self.input_names(node, then)),
            page=digest([self._page_code, node.work.text_digest(), page]) if page else "",
        )

    def compare(self, node: Node) -> tuple[list[str], Entry | None, Entry | None]:
        """Return why a node must be executed, and what it stands for now and then; an unreadable file is a reason."""
        then = self.memory.load(node.id)
        try:
            now = self.entry(node, then)
            return reasons_to_run(now, then, self.memory), now, then
        except OSError as error:
            return [describe_problem(error)], None, then

    def _place_of(self, parameter: str) -> str:
        """Return which folder of the run a parameter is, or ``scope``; empty for any other."""
        return self.project.place_parameters.get(parameter, "")

    def injected(self, node: Node) -> dict[str, Value]:
        """Return all values that papermill injects; a folder is relative to the root if it lies there."""
        root = self.places.root
        values: dict[str, Any] = {**self.values, "notebooks": [need.name for need in self.graph.waits[node.id]]}
        for name, what in self.project.place_parameters.items():
            folder = root if what == "scope" else self.places.folder(what)
            shown = folder.relative_to(root).as_posix() if folder.is_relative_to(root) else str(folder)
            values[name] = node.id.scope if what == "scope" else shown
        return {name: value for name, value in values.items() if name in node.work.parameters}

    def task(self, node: Node, should_execute: bool = True) -> Task:
        """Return the task of a node."""
        return Task(
            node.id,
            self.places,
            self.injected(node),
            node.work.content,
            node.reads,
            node.writes,
            page=self.page(node),
            should_execute=should_execute,
            time_limit=self.options.time_limit,
            place_parameters=dict(self.project.place_parameters),
        )

    def page(self, node: Node) -> PageContext | None:
        """Return what the page of a notebook shows around its cells; None for a step, which has no page."""
        work, scope = node.work, node.id.scope
        if work.is_step:
            return None
        here = [n for n in self.notebooks if NodeId(scope, n.name) in self.graph.nodes]
        pages = {n.name: self._address(n.name, scope) for n in self.notebooks}
        scopes = [(s, f"../{s}/{work.name}.html" if NodeId(s, work.name) in self.graph.nodes else "../index.html")
                  for s in self.shown_scopes]  # fmt: skip
        return PageContext(
            site=self.project.title,
            title=work.title,
            scope=scope,
            banner=str(self.facts.get("banner", "")),
            citation=tuple(self.facts.get("citation", ())),
            notebooks=tuple(Link(n.title, pages[n.name], n is work) for n in here),
            scopes=tuple(Link(other, href, other == scope) for other, href in scopes),
            parameters=self._parameter_rows(node),
            pages=pages,
            glossary=self._glossary,
            notebook=f"notebooks/{work.name}.ipynb",
        )

    def _address(self, notebook: str, scope: str) -> str:
        """Return where a page of this scope finds a notebook: beside it, in the scope that has it, or on the index."""
        if NodeId(scope, notebook) in self.graph.nodes:
            return f"{notebook}.html"
        elsewhere = next((node.scope for node in self.graph.nodes if node.name == notebook), None)
        return f"../{elsewhere}/{notebook}.html" if elsewhere else "../index.html"

    def shown_values(self, node: Node) -> dict[str, Value]:
        """Return the value of each parameter of a notebook, defaults included, without the folders of the run."""
        injected, shown = self.injected(node), {}
        for name, parameter in node.work.parameters.items():
            value, place = injected.get(name, parameter.default), self._place_of(name)
            if place == "data" and Path(str(value)).is_absolute():
                value = Path(str(value)).name
            if place not in ("work", "reports"):
                shown[name] = value
        return shown

    def _parameter_rows(self, node: Node) -> tuple[ParameterRow, ...]:
        rows = []
        for name, value in self.shown_values(node).items():
            parameter = node.work.parameters[name]
            is_changed = name in self.values and value != parameter.default
            rows.append(ParameterRow(name, "as planned" if value is None else str(value), is_changed, parameter.help))
        return tuple(rows)
