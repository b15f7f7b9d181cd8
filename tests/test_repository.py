"""What must never be committed: machine paths, registry hosts, patient data, large files, loose ends."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from fhrmm.study import repository_root

ROOT = repository_root()
LARGEST_KIB = 600

BINARY = {
    ".xlsx", ".ods", ".parquet", ".sav", ".zsav", ".dta", ".sas7bdat", ".xpt", ".png", ".ico", ".woff2", ".pdf", ".gz",
}  # fmt: skip
TABLES = BINARY - {".png", ".ico", ".woff2", ".pdf"} | {".csv", ".tsv", ".tab", ".xls"}
HOMES_OF_TABLES = ("data/synthetic/", "data/templates/", "tests/", "benchmarks/")
SINGLE_TABLES = {"lib/timetoevent/agreement.csv", "data/generator/performance.csv", "data/dictionary.csv"}

# an example of what is removed from output: the file names of a kernel
PLACEHOLDER = r"(?!ipykernel_)"
MACHINE_PATH = re.compile(rf"(?<![\w.}}>)\]*])/(?:work|farm|root|home|tmp|Users|opt)/{PLACEHOLDER}[\w.-]+")
REGISTRY = re.compile(
    r"index[-]url|extra[-]index|find[-]links|registry *= *\"?http|pypi[.]org|files[.]pythonhosted", re.I
)
LOOSE_END = re.compile(r"\b(?:TODO|FIXME|XXX)\b")
BRITISH = re.compile(r"\b\w*(?:centre|colour|behaviour|randomis|leukaem|tumour|haematolog)\w*", re.I)
# journals, packages and raw headers keep their own spelling
BRITISH_IS_RIGHT = re.compile(r"Haematologica|J Haematol|haematol\.20|Lancet Haematol|synonym", re.I)
SPELLING_IS_THEIRS = ("data/synthetic/", "data/templates/", "tests/oracle/", "lib/intake/synonyms.toml")


@cache
def tracked() -> tuple[str, ...]:
    """Files of the commit with those about to be added: nothing that git ignores."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listing.returncode:
        pytest.skip("not a git checkout")
    return tuple(name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file())


def text_files() -> list[str]:
    """Every text but this one, which has to spell out what it looks for."""
    return [name for name in tracked() if Path(name).suffix not in BINARY and name != "tests/test_repository.py"]


def findings(pattern: re.Pattern[str], names: list[str]) -> list[str]:
    found = []
    for name in names:
        text = (ROOT / name).read_bytes().decode("utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            found += [f"{name}:{number}: {match.group()}" for match in pattern.finditer(line)]
    return found


def test_no_path_of_a_machine():
    assert findings(MACHINE_PATH, text_files()) == []


def test_no_registry_address():
    assert findings(REGISTRY, text_files()) == []


def test_no_loose_ends():
    assert findings(LOOSE_END, [name for name in text_files() if not name.startswith("data/")]) == []


def test_american_spelling():
    names = [name for name in text_files() if not name.startswith(SPELLING_IS_THEIRS)]
    assert [line for line in findings(BRITISH, names) if not BRITISH_IS_RIGHT.search(line)] == []


def test_no_large_file():
    sizes = {name: (ROOT / name).stat().st_size // 1024 for name in tracked()}
    assert {name: size for name, size in sizes.items() if size > LARGEST_KIB} == {}


def test_tables_only_where_nobody_is_real():
    elsewhere = [
        name
        for name in tracked()
        if Path(name).suffix in TABLES and name not in SINGLE_TABLES and not name.startswith(HOMES_OF_TABLES)
    ]
    assert elsewhere == [], "center exports never enter the repository"


def test_results_are_not_committed():
    assert [name for name in tracked() if name.startswith(("work/", "reports/", ".venv/"))] == []


def test_a_center_folder_is_ignored():
    """A dataset that somebody puts beside the synthetic one is not picked up by `git add`."""
    checked = subprocess.run(
        ["git", "check-ignore", "data/raw/C01/patients.csv", "data/synthetic/C01/patients.csv", "data/dictionary.csv"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if checked.returncode > 1:
        pytest.skip("not a git checkout")
    assert checked.stdout.splitlines() == ["data/raw/C01/patients.csv"]


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (MACHINE_PATH, "see " + "/".join(["", "home", "jane", "file"])),
        (REGISTRY, "--index" + "-url=somewhere"),
        (LOOSE_END, "# TODO later"),
        (BRITISH, "a multicentre study"),
    ],
)
def test_each_pattern_finds_its_fault(pattern, line):
    assert pattern.search(line)


@pytest.mark.parametrize("parts", [("reports", "{}", "x"), ("..", "{}", "C03", "cohort.parquet"), ("{}", "C03", "x")])
def test_relative_folders_are_no_machine_paths(parts):
    assert not MACHINE_PATH.search("/".join(parts).format("work"))


def test_nothing_stray_at_the_top() -> None:
    expected = {
        ".ci", ".gitattributes", ".github", ".gitignore", ".pre-commit-config.yaml",
        "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "benchmarks",
        "build_course.py", "data", "docs", "environment.yml", "lib", "notebooks", "pyproject.toml",
        "requirements.lock", "run_all.py", "SECURITY.md", "study.toml", "tests",
    }  # fmt: skip
    assert {name.partition("/")[0] for name in tracked()} == expected
