"""The cover: what it links to is there."""

from __future__ import annotations

from pathlib import Path

import yaml

from fhrmm.cover import EDITIONS, describe_dataset, read_cover
from notebookrun.course import EDITIONS as BUILT


def test_manuscripts_and_course_are_linked_where_they_were_made(tmp_path: Path) -> None:

    def links() -> list[str]:
        return [link["href"] for link in read_cover(tmp_path, ["ALL", "C01"], "", months=None)["links"]]

    assert links() == ["manifest.json"]
    made = ["C01/manuscript/methods.docx", "teaching/student/index.html"]
    for name in made:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    assert links() == ["manifest.json", *made]


def test_pages_say_how_to_cite_the_compendium_and_the_study(tmp_path: Path) -> None:
    """Both from the one file that says it; a new version or name there is one on every page."""
    file = Path(__file__).parents[2] / "CITATION.cff"
    own, study = describe_dataset(tmp_path, file)["citation"]
    known = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert known["title"] in own
    assert f"Version {known['version']}." in own
    assert known["references"][0]["doi"] in study
    assert "et al. An Italian" in study
    assert "2025;104(9):4749-4757" in study


def test_editions_are_those_of_the_course() -> None:
    assert [edition.name for edition in BUILT] == list(EDITIONS)
