"""A course: a folder of notebooks, each built in several editions, executed, and rendered as pages with an index."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notebookrun.files import remove_partial, write_json, write_whole
from notebookrun.glossary import read_glossary
from notebookrun.graph import NodeId
from notebookrun.local import LocalPool
from notebookrun.pagecontext import Link, PageContext
from notebookrun.places import Places
from notebookrun.render import render_page
from notebookrun.sources import cell_source
from notebookrun.task import Outcome, Task

LESSON_SECONDS = 300.0


@dataclass(frozen=True)
class Edition:
    """An edition of the lessons: its name, and which cells it leaves out, namely those with any of these tags."""

    name: str
    left_out: tuple[str, ...]


EDITIONS = (Edition("student", ("solution", "instructor")), Edition("instructor", ("exercise",)))


@dataclass(frozen=True)
class Course:
    """What is built from where to where.

    Attributes
    ----------
    title, banner : str
        Title of the course, and the standing warning of its pages.
    root, notebooks, out : Path
        Repository, folder of the lessons, folder of the editions.
    introduction : str
        Markdown above the list of lessons.
    preload : tuple of str
        Modules that the parent of forked kernels imports beforehand.
    glossary : Path or None
        Markdown file of terms that pages explain; see `notebookrun.glossary.read_glossary`.
    """

    title: str
    banner: str
    root: Path
    notebooks: Path
    out: Path
    introduction: str = ""
    preload: tuple[str, ...] = ()
    glossary: Path | None = None

    def find_lessons(self) -> list[Path]:
        """Return the lessons in order."""
        return sorted(self.notebooks.glob("[A-Z]*.ipynb"))


def make_edition(notebook: Mapping[str, Any], edition: Edition) -> dict[str, Any]:
    """Return a notebook without the cells that the edition leaves out; the given one is not changed.

    Cells whose source JupyterLab folds away in the master are open in an edition.

    Examples
    --------
    >>> cells = [{"cell_type": "code", "metadata": {"tags": [tag]}} for tag in ("exercise", "solution")]
    >>> [cell["metadata"]["tags"] for cell in make_edition({"cells": cells}, EDITIONS[0])["cells"]]
    [['exercise']]
    """
    made = copy.deepcopy(dict(notebook))
    left_out = set(edition.left_out)
    made["cells"] = [cell for cell in made["cells"] if not left_out & set(cell["metadata"].get("tags", []))]
    for cell in made["cells"]:
        cell["metadata"].pop("jupyter", None)
    return made


def build_course(
    course: Course, editions: Sequence[Edition], *, only: Sequence[str] = (), jobs: int = 2, should_run: bool = True
) -> Iterator[Outcome]:
    """Write each edition: its notebooks, and, executed, its pages and their index.

    Parameters
    ----------
    course : Course
        What to build.
    editions : sequence of Edition
        Which editions.
    only : sequence of str
        Beginnings of the names of lessons, such as ``T02``; all of them if empty.
    jobs : int
        Lessons executed at the same time.
    should_run : bool
        False writes the notebooks alone.

    Yields
    ------
    Outcome
        One per lesson and edition, as they end; the node's scope is the edition, its name that of the lesson's page.
    """
    masters = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in course.find_lessons()}
    chosen = [name for name in masters if not only or name.startswith(tuple(only))]
    heads = {name: cell_source(master["cells"][0]).splitlines() for name, master in masters.items()}
    titles = {name: lines[0].lstrip("# ") for name, lines in heads.items()}
    about = {name: next((line.strip("* ") for line in lines[1:] if line.strip()), "") for name, lines in heads.items()}
    work = course.root / "work"
    tasks = []
    for edition in editions:
        for name in chosen:
            content, page = make_edition(masters[name], edition), _context(course, edition, titles, name)
            write_json(course.out / edition.name / "notebooks" / f"{name}.ipynb", content)
            node = NodeId(edition.name, f"lessons/{name}")
            places = Places(course.root, work / "no data", work, course.out)
            tasks.append(Task(node, places, content=content, page=page, time_limit=LESSON_SECONDS))
        if should_run:
            index = _render_index(course, _context(course, edition, titles), about)
            write_whole(course.out / edition.name / "index.html", index)
    if should_run:
        yield from _run(tasks, LocalPool(jobs, course.preload, course.root))
        remove_partial(course.out)


def _run(tasks: Sequence[Task], pool: LocalPool) -> Iterator[Outcome]:
    """Yield what becomes of each task, as they end."""
    try:
        for task in tasks:
            pool.submit(task)
        waiting = {task.node for task in tasks}
        while waiting:
            for outcome in pool.wait(60.0):
                waiting.discard(outcome.node)
                yield outcome
    finally:
        pool.close()


def _context(course: Course, edition: Edition, titles: Mapping[str, str], lesson: str = "") -> PageContext:
    """Return what surrounds a lesson, or the front page of the edition."""
    folder = "" if lesson else "lessons/"
    return PageContext(
        site=course.title,
        title=titles.get(lesson, "Lessons"),
        scope=edition.name,
        scope_label="Edition",
        home="../index.html" if lesson else "index.html",
        banner=course.banner,
        notebooks=tuple(Link(title, f"{folder}{name}.html", name == lesson) for name, title in titles.items()),
        scopes=(Link(edition.name, f"{lesson or 'index'}.html", True),),
        pages={name: f"{name}.html" for name in titles},
        glossary=read_glossary(course.glossary) if lesson and course.glossary else (),
        is_code_open=True,
    )


def _render_index(course: Course, context: PageContext, about: Mapping[str, str]) -> str:
    """Return the front page of an edition: what the course is, and its lessons."""
    rows = [
        f"| [{link.text}]({link.href}) | {text} | [notebook](notebooks/{name}.ipynb) |"
        for link, (name, text) in zip(context.notebooks, about.items(), strict=True)
    ]
    table = "\n".join(["| Lesson | What it is about | Open in JupyterLab |", "|---|---|---|", *rows])
    source = f"# {course.title}\n\n{course.introduction}\n\n## Lessons\n\n{table}\n"
    cell = {"cell_type": "markdown", "source": source, "metadata": {}}
    return render_page({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, context)
