"""Editions made from cell tags, and a small course built from them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from notebookrun.course import EDITIONS, Course, Edition, build_course, make_edition

STUDENT, INSTRUCTOR = EDITIONS


def cell(kind: str, source: str, *tags: str) -> dict:
    made = {
        "cell_type": kind,
        "id": f"c{abs(hash(source)) % 10**8}",
        "metadata": {"tags": list(tags)},
        "source": source,
    }
    return made if kind == "markdown" else made | {"execution_count": None, "outputs": []}


NOTEBOOK = {
    "cells": [
        cell("markdown", "# L1 First lesson\n\n*What it is about.*\n\nGo on with [the next](L2_second.ipynb)."),
        cell("code", "print('always')"),
        cell("markdown", "### Exercise 1", "question"),
        cell("code", "print('open')", "exercise"),
        cell("code", "print('solved')", "solution"),
        cell("code", "print('folded')", "fold"),
        cell("markdown", "Notes for teaching", "instructor"),
    ],
    "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


@pytest.fixture
def course(tmp_path: Path) -> Course:
    folder = tmp_path / "lessons"
    folder.mkdir()
    (folder / "L1_first.ipynb").write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    broken = {**NOTEBOOK, "cells": [cell("markdown", "# L2 Second lesson"), cell("code", "1 / 0")]}
    (folder / "L2_second.ipynb").write_text(json.dumps(broken), encoding="utf-8")
    return Course("A course", "Invented.", tmp_path, folder, tmp_path / "out", "Read on.", ("numpy",))


def sources(notebook: dict) -> str:
    return "\n".join(one["source"] for one in notebook["cells"])


def test_student_gets_neither_solutions_nor_notes():
    shown = sources(make_edition(NOTEBOOK, STUDENT))
    assert "open" in shown
    assert "solved" not in shown
    assert "Notes" not in shown


def test_instructor_gets_solutions_in_place_of_open_answers():
    shown = sources(make_edition(NOTEBOOK, INSTRUCTOR))
    assert "open" not in shown
    assert "solved" in shown
    assert "Notes" in shown


def test_what_the_master_folds_away_is_open_in_an_edition():
    folded = {"cell_type": "code", "metadata": {"tags": ["solution"], "jupyter": {"source_hidden": True}}}
    (made,) = make_edition({"cells": [folded]}, INSTRUCTOR)["cells"]
    assert made["metadata"] == {"tags": ["solution"]}
    assert folded["metadata"]["jupyter"]


def test_master_is_not_changed_and_untagged_cells_stay():
    before = json.dumps(NOTEBOOK)
    made = make_edition(NOTEBOOK, Edition("none", ("question", "exercise", "solution", "instructor", "fold")))
    assert len(made["cells"]) == 2
    assert json.dumps(NOTEBOOK) == before


def test_notebooks_alone_without_running(course):
    assert list(build_course(course, EDITIONS, should_run=False)) == []
    written = sorted(str(path.relative_to(course.out)) for path in course.out.rglob("*") if path.is_file())
    assert written == [
        f"{edition}/notebooks/{name}.ipynb"
        for edition in ("instructor", "student")
        for name in ("L1_first", "L2_second")
    ]


def test_pages_index_and_a_failure_that_is_told(course):
    built = list(build_course(course, [STUDENT], jobs=1))
    assert [(one.node.name, one.state) for one in built] == [
        ("lessons/L1_first", "ok"),
        ("lessons/L2_second", "failed"),
    ]
    assert "ZeroDivisionError" in built[1].reason
    page = (course.out / "student" / "lessons" / "L1_first.html").read_text(encoding="utf-8")
    assert "solved" not in page
    assert 'href="L2_second.html"' in page
    assert page.count('<details class="code" open>') == 2
    assert page.count('<details class="code">') == 1, "a cell tagged fold stays closed"
    assert '<span class="menu-label">Edition</span> student' in page
    assert '<a class="site" href="../index.html">' in page
    assert "did not run through" in (course.out / "student" / "lessons" / "L2_second.html").read_text(encoding="utf-8")
    index = (course.out / "student" / "index.html").read_text(encoding="utf-8")
    assert "What it is about." in index
    assert 'href="lessons/L1_first.html"' in index
    assert '<a class="site" href="index.html">' in index
    assert 'href="../index.html"' not in index


@pytest.mark.slow
def test_page_that_cannot_be_written_fails_its_lesson_alone(course):
    (course.out / "student" / "lessons" / "L1_first.html" / "in the way").mkdir(parents=True)
    built = {one.node.name: one.reason for one in build_course(course, [STUDENT])}
    assert built["lessons/L1_first"] == "could not write a file: L1_first.html: Is a directory"
    assert "ZeroDivisionError" in built["lessons/L2_second"]
