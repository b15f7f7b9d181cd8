"""The cover: what it links to is there."""

from __future__ import annotations

from pathlib import Path

from fhrmm.cover import EDITIONS, METHODS, list_files
from fhrmm.manuscript import write_manuscript
from notebookrun.editions import EDITIONS as BUILT


def test_manuscripts_and_course_are_linked_where_they_were_made(tmp_path: Path) -> None:
    assert [link["href"] for link in list_files(tmp_path, ["ALL", "C01"])] == ["manifest.json"]
    made = ["C01/manuscript/methods.docx", "teaching/student/index.html"]
    for name in made:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    assert [link["href"] for link in list_files(tmp_path, ["ALL", "C01"])] == ["manifest.json", *made]


def test_names_of_what_other_commands_make_are_theirs() -> None:
    assert [edition.name for edition in BUILT] == list(EDITIONS)
    assert METHODS in Path(str(write_manuscript.__code__.co_filename)).read_text(encoding="utf-8")
