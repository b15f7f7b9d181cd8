"""Builds the course: ``python build_course.py`` makes the student and the instructor edition below reports/teaching."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from notebookrun.course import EDITIONS, Course, build_course
from notebookrun.files import describe_problem
from notebookrun.progress import say_any_letter

ROOT = Path(__file__).resolve().parent
INTRODUCTION = """\
Thirteen lessons on the statistics of a small retrospective cohort with survival endpoints. Each shows a common mistake
on simulated patients whose truth is known, then the right way, and asks questions that check their own answers.

Read the pages as they are. To do the exercises, and to move the sliders, open the folder `notebooks` beside this page
in JupyterLab, started from the environment of the repository (`.venv/bin/jupyter lab`, after `make env`).
"""
COURSE = Course(
    title="Survival with small cohorts",
    banner="Invented patients. Never to be read as clinical evidence.",
    root=ROOT,
    notebooks=ROOT / "notebooks" / "teaching",
    out=ROOT / "reports" / "teaching",
    introduction=INTRODUCTION,
    preload=("numpy", "pandas", "scipy.stats", "matplotlib.pyplot", "ipywidgets", "IPython.display", "course"),
    glossary=ROOT / "docs" / "glossary.md",
)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the command line as options."""
    parser = argparse.ArgumentParser(prog="build_course", description=__doc__)
    names = [edition.name for edition in EDITIONS]
    parser.add_argument("--edition", action="append", choices=names, help="one edition alone; repeatable")
    parser.add_argument("--lesson", action="append", default=[], metavar="T02", help="one lesson alone; repeatable")
    parser.add_argument("--out", type=Path, default=COURSE.out, metavar="FOLDER", help="where the editions go")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="lessons executed at the same time")
    parser.add_argument("--notebooks-only", action="store_true", help="write the notebooks, execute nothing")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the course; return 0 if every lesson ran through."""
    say_any_letter()
    options = parse(arguments)
    course = Course(**{**vars(COURSE), "out": options.out.resolve()})
    unknown = [name for name in options.lesson if not any(p.stem.startswith(name) for p in course.find_lessons())]
    if unknown:
        known = ", ".join(path.stem.split("_")[0] for path in course.find_lessons())
        print(f"build_course: no lesson {', '.join(unknown)}; known are {known}", file=sys.stderr)
        return 2
    editions = [edition for edition in EDITIONS if not options.edition or edition.name in options.edition]
    failed = 0
    should_run = not options.notebooks_only
    for built in build_course(course, editions, only=options.lesson, jobs=options.jobs, should_run=should_run):
        state, lesson = f"failed: {built.reason}" if built.reason else "ok", built.node.name.rpartition("/")[2]
        print(f"{built.node.scope:10s} {lesson:40s} {built.seconds.get('total', 0.0):5.1f} s  {state}", flush=True)
        failed += bool(built.reason)
    for edition in editions:
        shown = course.out / edition.name / ("index.html" if should_run else "notebooks")
        print(f"The {edition.name} edition: {shown}")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as error:
        sys.exit(f"build_course: {describe_problem(error)}; the lessons reported before are there")
