"""The cover: what it links to is there."""

from __future__ import annotations

from pathlib import Path

from fhrmm.cover import EDITIONS, list_files
from notebookrun.course import EDITIONS as BUILT


def test_manuscripts_and_course_are_linked_where_they_were_made(tmp_path: Path) -> None:
    assert [link["href"] for link in list_files(tmp_path, ["ALL", "C01"])] == ["manifest.json"]
    made = ["C01/manuscript/methods.docx", "teaching/student/index.html"]
    for name in made:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    assert [link["href"] for link in list_files(tmp_path, ["ALL", "C01"])] == ["manifest.json", *made]


def test_editions_are_those_of_the_course() -> None:
    assert [edition.name for edition in BUILT] == list(EDITIONS)
