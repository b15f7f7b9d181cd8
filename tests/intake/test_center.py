"""`center.toml`: what is valid, and that everything that is not is said at once."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from fhrmm.errors import StudyError
from fhrmm.store import list_centers
from fhrmm.study import repository_root
from intake.center import Center, load_center

PATIENTS = '[[files]]\npath = "p.csv"\ntable = "patients"\n'


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "C01").mkdir()
    return tmp_path / "C01"


def write(folder: Path, text: str) -> Path:
    (folder / "center.toml").write_text(text, encoding="utf-8")
    return folder


def test_file_takes_the_dialect_of_its_center_unless_it_has_its_own(folder):
    text = 'decimal = ","\nmissing = ["ND"]\n' + PATIENTS + PATIENTS.replace("p.csv", "q.csv") + 'decimal = "."\n'
    files = load_center(write(folder, text)).files
    assert [file.decimal for file in files] == [",", "."]
    assert files[0].missing == ("ND",)


def test_every_problem_is_said_at_once(folder):
    text = """
id = "C01"
encoding = "latin-99"
shade = "red"
decimal = ";"
[[files]]
path = "../other/p.csv"
table = "patient"
[[files]]
path = "p.csv"
table = "patients"
separator = ";;"
header_rows = 0
[files.columns]
"Albumina" = "albumin"
[files.values.sexx]
"1" = "male"
[files.values.sex]
"1" = "man"
[files.units]
albumin_g_dl = "mg/L"
[files.uln]
ldh_uln_u_l = -1
"""
    with pytest.raises(StudyError) as caught:
        load_center(write(folder, text))
    message = str(caught.value)
    for part in (
        "latin-99", "shade", "decimal", "inside the center folder", "files.0.table", "separator", "header_rows",
        "'albumin' is no column of patients; nearest: 'albumin_g_dl'",
        "'sexx' is no column of patients; nearest: 'sex'",
        "unit 'mg/L' is not known", "-1.0 is not a positive limit",
    ):  # fmt: skip
        assert part in message, part
    assert "Value error" not in message


def test_misspelt_names_come_with_the_nearest_one(folder):
    text = 'decimale = ","\ndate_order = "dym"\n[[files]]\npath = "p.csv"\ntabel = "patients"\n'
    with pytest.raises(StudyError) as caught:
        load_center(write(folder, text))
    assert str(caught.value).split("\n") == [
        "C01/center.toml: 4 problem(s)",
        "- date_order: Input should be 'dmy', 'mdy' or 'ymd' (found 'dym')",
        "- files.0.table: has to be given",
        "- files.0.tabel: no such name; nearest: 'table'",
        "- decimale: no such name; nearest: 'decimal'",
    ]


def test_description_that_cannot_be_opened(folder, monkeypatch):
    write(folder, PATIENTS)

    def refuse(*_args, **_options):
        raise PermissionError

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(StudyError, match="refuses to open"):
        load_center(folder)


def test_canonical_value_must_be_a_level(folder):
    with pytest.raises(StudyError, match=r"'man' is none of female\|male"):
        load_center(write(folder, PATIENTS + '[files.values.sex]\n"1" = "man"\n'))
    assert load_center(write(folder, PATIENTS + '[files.values.sex]\n"boh" = ""\n')).files[0].values


@pytest.mark.parametrize("path", ["/etc/passwd", "..\\\\p.csv", "a/../../p.csv", "C:/p.csv"])
def test_paths_stay_inside_the_folder(folder, path):
    with pytest.raises(StudyError, match="inside the center folder"):
        load_center(write(folder, PATIENTS.replace("p.csv", path)))


def test_broken_toml_and_other_id_are_errors(folder):
    with pytest.raises(StudyError, match="not readable as TOML"):
        load_center(write(folder, "id = "))
    with pytest.raises(StudyError, match="not the folder's name"):
        load_center(write(folder, 'id = "C02"\n' + PATIENTS))
    with pytest.raises(StudyError, match="files"):
        load_center(write(folder, 'id = "C01"\n'))


def test_canonical_names_need_no_description(folder):
    for name in ("patients.csv", "assessments.tsv", "notes.txt"):
        (folder / name).write_text("patient_id\n", encoding="utf-8")
    assert [(file.path, file.table) for file in load_center(folder).files] == [
        ("patients.csv", "patients"),
        ("assessments.tsv", "assessments"),
    ]


def test_folder_without_anything_known_is_an_error_that_helps(folder):
    (folder / "casi.csv").write_text("ID\n", encoding="utf-8")
    with pytest.raises(StudyError, match=r"casi\.csv.*--init-center"):
        load_center(folder)
    (folder / "patients.csv").write_text("patient_id\n", encoding="utf-8")
    (folder / "patients.tsv").write_text("patient_id\n", encoding="utf-8")
    with pytest.raises(StudyError, match=r"patients\.csv and patients\.tsv"):
        load_center(folder)


def test_embedded_centers_are_valid():
    data = repository_root() / "data" / "synthetic"
    assert all(load_center(data / center).files for center in list_centers(data))


def test_shapes_on_the_page_for_data_managers_are_valid():
    page = (repository_root() / "docs" / "data_managers.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    assert len(blocks) == 4
    for block in blocks:
        whole = block if block.startswith("[[files]]") else f'[[files]]\npath = "p.csv"\ntable = "patients"\n{block}'
        Center.model_validate(tomllib.loads(whole))
