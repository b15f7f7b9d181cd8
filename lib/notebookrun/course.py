"""A course: a folder of notebooks, each built in several editions, executed, and rendered as pages with an index."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notebookrun.editions import Edition, make_edition
from notebookrun.execute import Execution, execute_notebook
from notebookrun.files import describe_problem, remove_partial, write_json, write_page, write_whole
from notebookrun.glossary import read_glossary
from notebookrun.hostclient import ADDRESS_VARIABLE, CAN_FORK, KernelHost
from notebookrun.launch import KERNEL_ENVIRONMENT
from notebookrun.pagecontext import Link, PageContext
from notebookrun.places import Scrubber
from notebookrun.render import Notice, clean_notebook, render_page
from notebookrun.sources import cell_source

LESSON_SECONDS = 300.0


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


@dataclass(frozen=True)
class Built:
    """What became of one lesson in one edition; `error` is empty if it ran through."""

    edition: str
    lesson: str
    seconds: float
    error: str


def build_course(
    course: Course, editions: Sequence[Edition], *, only: Sequence[str] = (), jobs: int = 2, should_run: bool = True
) -> Iterator[Built]:
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
    Built
        One per lesson and edition, in order.
    """
    lessons = course.find_lessons()
    chosen = [path for path in lessons if not only or path.stem.startswith(tuple(only))]
    work = [(course, edition, path) for edition in editions for path in chosen]
    for _, edition, path in work:
        write_json(course.out / edition.name / "notebooks" / path.name, make_edition(_read(path), edition))
    if not should_run:
        return
    for edition in editions:
        write_whole(course.out / edition.name / "index.html", _render_index(course, edition, lessons))
    with _warm_kernels(course), ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(_build_lesson, *zip(*work, strict=True))
    remove_partial(course.out)


@contextmanager
def _warm_kernels(course: Course) -> Iterator[None]:
    """Keep a parent to fork kernels from, where that is possible."""
    if not CAN_FORK:
        yield
        return
    host = KernelHost(course.preload, course.root)
    os.environ[ADDRESS_VARIABLE] = host.address
    try:
        yield
    finally:
        del os.environ[ADDRESS_VARIABLE]
        host.close()


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _build_lesson(course: Course, edition: Edition, path: Path) -> Built:
    """Execute one lesson and write its page; a failure is on the page and in the result."""
    begun = time.monotonic()
    content = make_edition(_read(path), edition)
    environment = {**os.environ, **KERNEL_ENVIRONMENT}
    execution = Execution(CAN_FORK, environment, course.root, begun + LESSON_SECONDS)
    execute_notebook(content, {}, execution)
    scrub = Scrubber({course.root: "", Path.home(): "~", Path(sys.prefix): "python"})
    error = scrub(execution.error)
    notice = Notice("This lesson did not run through", (error,)) if error else None
    page = render_page(clean_notebook(execution.notebook, scrub), _context(course, edition, path), notice)
    try:
        write_page(course.out / edition.name / "lessons" / f"{path.stem}.html", page)
    except OSError as problem:
        error = error or f"its page could not be written: {describe_problem(problem)}"
    return Built(edition.name, path.stem, time.monotonic() - begun, error)


def _context(course: Course, edition: Edition, path: Path) -> PageContext:
    lessons = course.find_lessons()
    links = [Link(_title(lesson), f"{lesson.stem}.html", lesson == path) for lesson in lessons]
    place = lessons.index(path)
    return PageContext(
        site=course.title,
        title=_title(path),
        scope=edition.name,
        scope_label="Edition",
        banner=course.banner,
        notebooks=tuple(links),
        scopes=(Link(edition.name, f"{path.stem}.html", True),),
        previous=links[place - 1] if place else None,
        following=links[place + 1] if place + 1 < len(links) else None,
        pages={lesson.stem: f"{lesson.stem}.html" for lesson in lessons},
        glossary=read_glossary(course.glossary) if course.glossary else (),
        is_code_open=True,
    )


def _title(path: Path) -> str:
    """Return the title of a lesson: the heading of its first cell."""
    return cell_source(_read(path)["cells"][0]).splitlines()[0].lstrip("# ")


def _subtitle(path: Path) -> str:
    lines = cell_source(_read(path)["cells"][0]).splitlines()[1:]
    return next((line.strip("* ") for line in lines if line.strip()), "")


def _render_index(course: Course, edition: Edition, lessons: Sequence[Path]) -> str:
    """Return the front page of an edition: what the course is, and its lessons."""
    rows = [
        f"| [{_title(path)}](lessons/{path.stem}.html) | {_subtitle(path)} | [notebook](notebooks/{path.name}) |"
        for path in lessons
    ]
    table = "\n".join(["| Lesson | What it is about | Open in JupyterLab |", "|---|---|---|", *rows])
    source = f"# {course.title}\n\n{course.introduction}\n\n## Lessons\n\n{table}\n"
    cell = {"cell_type": "markdown", "source": source, "metadata": {}}
    context = PageContext(
        site=course.title,
        title="Lessons",
        scope=edition.name,
        scope_label="Edition",
        home="index.html",
        banner=course.banner,
        notebooks=tuple(Link(_title(path), f"lessons/{path.stem}.html") for path in lessons),
        scopes=(Link(edition.name, "index.html", True),),
    )
    return render_page({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, context)
