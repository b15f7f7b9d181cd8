"""Parameters: read, limited, checked, all problems at once."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from notebookrun.errors import DeclarationError, MisuseError
from notebookrun.matrix import read_matrix
from notebookrun.parameters import (
    check_values,
    describe_range,
    merge_parameters,
    parse_value,
    read_parameters,
    read_yaml,
)

CELL = """center: str = "ALL"  # center id, or ALL for pooled
window: int = None  # months, None keeps the plan; 6 to 36
share: float = 0.5  # a share; 0 to 1
show: str = "local"  # who looks at it; one of local|release
strict: bool = False
low: int = 2  # lower end; at least 1
high: int = 4  # upper end; at least low
"""


@pytest.fixture
def known():
    return read_parameters(CELL, "01_a")


def test_cell_is_read_with_types_defaults_help_and_limits(known) -> None:
    assert list(known) == ["center", "window", "share", "show", "strict", "low", "high"]
    assert known["window"].default is None
    assert known["window"].help == "months, None keeps the plan"
    assert (known["window"].least, known["window"].most) == ("6", "36")
    assert known["show"].choices == ("local", "release")
    assert known["strict"].kind == "bool"
    assert known["high"].least == "low"
    assert describe_range(known["show"]) == "one of local, release"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("x = 1", "expected `name: type"),
        ("x: list = []", "type 'list'"),
        ("x: float | None = None", "type 'float | None'"),
        ("x: int = 3 + len('a')", "literal"),
        ("x: int = 'a'", "not of type int"),
        ("x: int = 50  # help; 6 to 36", "out of range"),
        ("x: str = 'c'  # help; one of a|b", "not one of a, b"),
        ("x: bool = 1", "not of type bool"),
        ("import os", "expected `name: type"),
    ],
)
def test_cell_that_breaks_the_rules_is_refused(line: str, words: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        read_parameters(line, "01_a")
    assert words in str(caught.value)
    assert "01_a, line 1" in str(caught.value)


def test_all_bad_lines_are_named_at_once() -> None:
    with pytest.raises(DeclarationError) as caught:
        read_parameters("x = 1\ny: int = 'a'\nz: int = 1")
    assert len(caught.value.problems) == 2


def test_same_name_must_mean_the_same_in_all_notebooks() -> None:
    first = read_parameters("x: int = 1  # help; 1 to 3", "01_a")
    assert merge_parameters([first, read_parameters("x: int = 1  # other words; 1 to 3", "02_b")])["x"].notebooks == (
        "01_a",
        "02_b",
    )
    with pytest.raises(DeclarationError, match="declared differently in 01_a and 02_b"):
        merge_parameters([first, read_parameters("x: int = 2  # help; 1 to 3", "02_b")])


@pytest.mark.parametrize(
    ("name", "word", "value"),
    [
        ("window", "18", 18),
        ("window", "None", None),
        ("share", "0.25", 0.25),
        ("share", "1", 1.0),
        ("strict", "yes", True),
        ("strict", "False", False),
        ("show", "release", "release"),
    ],
)
def test_words_become_values(known, name: str, word: str, value: object) -> None:
    assert parse_value(known[name], word) == value


@pytest.mark.parametrize(
    ("name", "word"), [("window", "18.5"), ("window", "x"), ("strict", "maybe"), ("share", "half"), ("low", "None")]
)
def test_words_of_the_wrong_type_are_refused(known, name: str, word: str) -> None:
    with pytest.raises(ValueError, match="not of type"):
        parse_value(known[name], word)


def test_every_problem_is_reported(known) -> None:
    typed = {"windw": 12, "show": 5, "share": 2.0}
    words = [("window", "5"), ("window", "7"), ("center", "C01"), ("low", "9")]
    values, problems = check_values(known, typed, words, {"center": "--center"})
    assert values == {"window": 7, "low": 9}
    assert len(problems) == 6
    text = "\n".join(problems)
    for part in ("did you mean 'window'", "5 is not of type str", "2.0 is out of range", "5 is out of range"):
        assert part in text
    assert "set by --center" in text
    assert "high is 4 but must be at least low, which is 9" in text


@pytest.mark.parametrize("word", ["nan", "inf", "-1e9"])
def test_no_number_escapes_its_range(known, word: str) -> None:
    _, problems = check_values(known, {}, [("share", word)])
    assert ["out of range" in problem for problem in problems] == [True]


def test_contradiction_between_file_and_command_line(known) -> None:
    values, problems = check_values(known, {"window": 12}, [("window", "18")])
    assert values == {"window": 12}
    assert problems == ["parameter 'window' is given twice, as 12 and as 18"]
    assert check_values(known, {"window": 12}, [("window", "12")]) == ({"window": 12}, [])


def test_whole_number_is_taken_where_a_float_is_expected(known) -> None:
    assert check_values(known, {"share": 1})[1] == []
    assert check_values(known, {"strict": 1})[1] == ["strict: 1 is not of type bool"]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{f'*{a}, ' * 9}]\n" for a, b in pairwise("abcdefghi")
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "aliases (`*name`) and deep nesting are not taken"),
        (f"limit: {'9' * 70_000}", "expected at most 64 kB"),
        (f"limit: {'[' * 20_000}", "deep nesting"),
        (f"limit: {'9' * 5_000}", "not readable as YAML (ValueError)"),
        ("limit: 2023-99-99", "not readable as YAML (ValueError)"),
        ("- 1", "expected `name: value` lines"),
        ("a: b: c", "not readable as YAML (ScannerError)"),
    ],
)
def test_file_of_parameters_that_is_none_or_stands_for_gigabytes_is_one_sentence(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(MisuseError) as caught:
        read_yaml("-f", tmp_path / "p.yaml")
    (problem,) = caught.value.problems
    assert problem.startswith("-f p.yaml: ")
    assert said in problem
    assert len(problem) < 120


def test_long_values_are_cut_off_in_messages(known) -> None:
    _, problems = check_values(known, {"show": "x" * 10_000, "y" * 10_000: 1})
    assert max(map(len, problems)) < 300


def test_matrix_is_counted_before_it_is_made(tmp_path: Path, known) -> None:
    (tmp_path / "grid.yaml").write_text("\n".join(f"{name}: {list(range(100))}" for name in "abcdefghijkl"))
    assert read_matrix(tmp_path / "grid.yaml", known, {}, {}) == (
        {},
        [f"--matrix: {100**12} combinations, expected at most 200"],
    )
    (tmp_path / "grid.yaml").write_text("center: [a b, a-b]\n")
    assert read_matrix(tmp_path / "grid.yaml", known, {}, {})[1] == [
        "--matrix: two sets would have the folder 'center-a-b'"
    ]
