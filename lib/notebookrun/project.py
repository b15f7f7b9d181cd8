"""What the engine must be told about a study: the only thing that a study's own runner has to provide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from notebookrun.sources import Notebook


@dataclass(frozen=True)
class Project:
    """A study, seen from the engine.

    Attributes
    ----------
    title : str
        Title of the report.
    root : Path
        Repository root; relative paths start here.
    notebooks : Path
        Folder of the numbered notebooks, or one notebook.
    packages : dict of str to Path
        Own packages whose code the notebooks use, by import name.
    list_scopes : callable
        ``list_scopes(data) -> list of str``: the scopes of a dataset, the pooled one first; raises an exception with
        attribute ``for_reader`` if there is no usable dataset. An error of a notebook whose text is for pages has a
        method ``_render_traceback_``, as IPython calls it, whose first line is `notebookrun.launch.READER_MARK`.
    input_files : callable
        ``input_files(data, scope) -> list of Path``: the dataset's files that a scope depends on.
    steps : tuple of Notebook
        Python calls that belong to each scope; see `notebookrun.sources.make_step`.
    content : callable
        ``content(reports, scopes, facts) -> dict``: what the cover shows, knowing what `facts` says; see
        `notebookrun.index.write_index`. The key ``figures`` maps each scope to the cells of its row.
    facts : callable
        ``facts(data) -> dict``: what the manifest says about the dataset, such as ``{"synthetic": True}``; the key
        ``banner`` is the standing warning of every page, ``paragraphs`` what the cover says of it, ``citation`` how to
        cite it.
    check : callable
        ``check(values) -> list of str``: what is wrong with parameters that are right one by one, before anything runs.
    data, work, reports : str
        Default folders, relative to the root.
    preload : tuple of str
        Modules that the parent of forked kernels imports beforehand.
    shared_files : tuple of str
        Names of files (``repository/...``) that every notebook depends on.
    file_parameters : tuple of str
        Parameters that name a file of the repository or the dataset, on which every notebook depends, too.
    glossary : Path or None
        Markdown file of terms that pages explain; see `notebookrun.glossary.read_glossary`.
    place_parameters : dict of str to str
        Parameters that the runner sets: name to ``scope``, ``data``, ``work`` or ``reports``.
    """

    title: str
    root: Path
    notebooks: Path
    packages: Mapping[str, Path]
    list_scopes: Callable[[Path], list[str]]
    input_files: Callable[[Path, str], list[Path]]
    steps: tuple[Notebook, ...] = ()
    content: Callable[[Path, Sequence[str], Mapping[str, Any]], dict[str, Any]] = lambda reports, scopes, facts: {}
    facts: Callable[[Path], dict[str, Any]] = lambda data: {}
    check: Callable[[Mapping[str, Any]], list[str]] = lambda values: []
    data: str = "data"
    work: str = "work"
    reports: str = "reports"
    preload: tuple[str, ...] = ()
    shared_files: tuple[str, ...] = ()
    file_parameters: tuple[str, ...] = ()
    glossary: Path | None = None
    place_parameters: Mapping[str, str] = field(
        default_factory=lambda: {"center": "scope", "data_dir": "data", "work_dir": "work", "reports_dir": "reports"}
    )
