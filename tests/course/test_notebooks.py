"""Every lesson runs from top to bottom in both editions: open for the student, right for the teacher."""

from __future__ import annotations

import ast
import builtins
import json
import re
import warnings
from pathlib import Path

import pytest

from course import display as shown_by
from course.exercise import list_exercises
from course.lesson import Lesson
from fhrmm.study import repository_root
from notebookrun.course import EDITIONS, make_edition

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

ROOT = repository_root()
LESSONS = sorted((ROOT / "notebooks" / "teaching").glob("T*.ipynb"))
NAMES = {path.stem for path in LESSONS}
NUMBERS = [f"T{number:02d}" for number in range(1, 14)]
STUDENT, _ = EDITIONS

every_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def run(notebook: dict, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the code cells one after the other in this process; return what was displayed."""
    displayed: list[str] = []

    def collect(what: object, **_: object) -> None:
        displayed.append(what["text/html"] if isinstance(what, dict) else what.data)

    monkeypatch.setattr(shown_by, "display", collect)
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    return "\n".join(displayed)


def verdicts(html: str) -> list[str]:
    return re.findall(r'class="verdict (\w+)"', html)


def test_all_thirteen_are_there():
    assert [path.stem.split("_")[0] for path in LESSONS] == NUMBERS
    assert all(key.startswith(number) for number in NUMBERS for key in list_exercises(number))


@every_lesson
def test_runs_with_open_answers_first_and_solutions_after_them(path, monkeypatch):
    html = run(read(path), monkeypatch)
    n_exercises = len(list_exercises(path.stem.split("_")[0]))
    assert verdicts(html) == ["open", "right"] * n_exercises
    figures = re.findall(r"<figure.*?</figure>", html, flags=re.DOTALL)
    assert figures
    for figure in figures:
        assert "Synthetic data" in figure
        assert len(re.search(r'alt="([^"]*)"', figure).group(1)) > 25
        assert re.search(r"<strong>Figure \d+\.</strong> \S", figure)
    assert html.count("<table") == html.count("<caption")


def undefined_names(notebook: dict) -> list[str]:
    """Return names that a cell uses and no cell up to it defines."""
    known, missing = set(dir(builtins)), []
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        nodes = list(ast.walk(ast.parse("".join(cell["source"]))))
        known |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        known |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        imports = [alias for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names]
        known |= {(alias.asname or alias.name).split(".")[0] for alias in imports}
        missing += [node.id for node in nodes if isinstance(node, ast.Name) and node.id not in known]
    return missing


@every_lesson
@pytest.mark.parametrize("edition", EDITIONS, ids=lambda edition: edition.name)
def test_no_cell_needs_one_that_the_edition_leaves_out(path, edition):
    assert undefined_names(make_edition(read(path), edition)) == []


def test_a_name_of_a_solution_would_be_missed():
    cells = [("solution", "secret = 1"), ("", "print(secret)")]
    made = {"cells": [{"cell_type": "code", "metadata": {"tags": [tag]}, "source": [text]} for tag, text in cells]}
    assert undefined_names(make_edition(made, STUDENT)) == ["secret"]


@every_lesson
def test_no_solution_reaches_the_student(path):
    """Neither a cell, nor a name that only a solution assigns, nor what the teacher is told."""
    notebook = read(path)
    told = [cell for cell in notebook["cells"] if {"solution", "instructor"} & set(cell["metadata"].get("tags", []))]
    student = json.dumps(make_edition(notebook, STUDENT))
    assert told
    assert [cell["id"] for cell in told if cell["id"] in student] == []
    assert "For the teacher" not in student


@every_lesson
def test_says_what_can_be_learned_and_what_is_needed(path):
    text = "\n".join("".join(cell["source"]) for cell in read(path)["cells"] if cell["cell_type"] == "markdown")
    for part in ("**Abstract.**", "**After this lesson you can**", "**You need**", "**Time**", "## What to take along"):
        assert part in text, part
    for part in ("**Next.**", "**References.**"):
        assert part in text, part


@every_lesson
def test_master_folds_its_solutions_away(path):
    solutions = [cell for cell in read(path)["cells"] if "solution" in cell["metadata"].get("tags", [])]
    assert all(cell["metadata"]["jupyter"] == {"source_hidden": True} for cell in solutions)


@pytest.mark.slow
@every_lesson
def test_every_position_of_every_slider_can_be_drawn(path, monkeypatch):
    """The pages show a few; somebody will move each slider from there to all its other values."""
    asked: list[tuple] = []
    monkeypatch.setattr(Lesson, "explore", lambda self, draw, controls, show: asked.append((draw, controls, show)))
    html = run(make_edition(read(path), STUDENT), monkeypatch)
    assert verdicts(html) == ["open"] * len(list_exercises(path.stem.split("_")[0]))
    for draw, controls, show in asked:
        assert all(settings[name] in values for settings in show for name, values in controls.items())
        moved = [settings | {name: value} for settings in show for name in controls for value in controls[name]]
        for settings in {tuple(sorted(each.items())): each for each in moved}.values():
            view = draw(**settings)
            assert view.caption
            assert view.drawing.alt


@pytest.mark.slow
def test_pages_of_both_editions_are_built(built_course):
    whole = built_course / "instructor"
    for edition, built in (("student", {"T02_kaplan_meier", "T08_confounding_by_indication"}), ("instructor", NAMES)):
        folder = built_course / edition
        assert {page.stem for page in (folder / "lessons").glob("*.html")} == built
        assert {page.stem for page in (folder / "notebooks").glob("*.ipynb")} == built
        index = (folder / "index.html").read_text(encoding="utf-8")
        targets = re.findall(r'href="([^"#]+)"', index)
        assert [target for target in targets if not (whole / target).exists()] == []
        for page in (folder / "lessons").glob("*.html"):
            text = page.read_text(encoding="utf-8")
            local = [t for t in re.findall(r'href="([^"#]+)"', text) if not t.startswith("http")]
            assert [t for t in local if not (whole / "lessons" / t).exists()] == [], page.name
            assert len(text) < 3_000_000
            assert 'class="messages"' not in text, f"{page.name}: a warning was shown"
            assert set(verdicts(text)) == {"open" if edition == "student" else "right"}, page.name
