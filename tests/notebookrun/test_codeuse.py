"""Which code a notebook can reach, down to the definition."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from notebookrun.codememory import CodeMemory
from notebookrun.codeuse import CodeIndex

FILES = {
    "__init__.py": '"""Package."""\n',
    "base.py": """import math

LIMIT = 3


def root(x):
    return math.sqrt(x) + LIMIT


def unused(x):
    return x
""",
    "figures.py": """from pkg import base
from pkg.style import paint


def plot_one():
    return paint(base.root(1))


def plot_two():
    return 2
""",
    "style.py": """def paint(x):
    return x


def wash(x):
    return x
""",
    "rules.py": """from pkg.registry import rule


@rule
def r1():
    return helper()


def helper():
    return 1


def idle():
    return 2
""",
    "registry.py": """FOUND = []


def rule(f):
    FOUND.append(f)
    return f
""",
    "shapes.py": """from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    def area(self):
        return side()


def side():
    return 1


@dataclass
class Other:
    x: int
""",
    "sub/__init__.py": "from pkg.sub.deep import reach\n",
    "sub/deep.py": """from .. import base


def reach():
    return base.unused(1)


def other():
    return 1
""",
    "sub/side.py": """from . import deep


def go():
    return deep.other()
""",
    "relay.py": "from pkg.style import *\n",
    "words.toml": "a = 1\n",
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / "pkg" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pkg" / name).write_text(text)
    return tmp_path / "pkg"


@pytest.fixture
def used(package: Path) -> Callable[[str], set[str]]:
    def names(code: str) -> set[str]:
        return {name for name in CodeIndex({"pkg": package}).used_by([code]) if "<module>" not in name}

    return names


def test_function_brings_what_it_calls_and_nothing_else(used: Callable[[str], set[str]]) -> None:
    expected = {"pkg.figures:plot_one", "pkg.base:root", "pkg.style:paint", "pkg/words.toml"}
    assert used("from pkg import figures\nfigures.plot_one()") == expected
    assert used("import pkg.figures\npkg.figures.plot_one()") == expected
    assert used("import pkg.figures as f\nf.plot_one()") == expected
    assert used("from pkg.figures import plot_one as p\np()") == expected


def test_import_alone_brings_the_module_body_only(used: Callable[[str], set[str]]) -> None:
    assert used("from pkg import figures") == {"pkg/words.toml"}


def test_module_as_a_value_brings_all_of_it(used: Callable[[str], set[str]]) -> None:
    assert {"pkg.style:paint", "pkg.style:wash"} <= used("from pkg import style\nprint(style)")
    assert {"pkg.style:paint", "pkg.style:wash"} <= used("from pkg import style\ngetattr(style, 'wash')(1)")


def test_star_import_brings_all_of_it(used: Callable[[str], set[str]]) -> None:
    assert {"pkg.style:paint", "pkg.style:wash"} <= used("from pkg.style import *\nwash(1)")
    assert {"pkg.style:paint", "pkg.style:wash"} <= used("from pkg import relay\nrelay.wash(1)")


def test_registered_definition_counts_when_its_module_is_imported(used: Callable[[str], set[str]]) -> None:
    found = used("from pkg import rules, registry\nregistry.FOUND")
    assert "pkg.rules:helper" in found
    assert "pkg.registry:rule" in found
    assert "pkg.rules:idle" not in found


def test_class_brings_what_its_methods_use(used: Callable[[str], set[str]]) -> None:
    found = used("from pkg.shapes import Shape\nShape().area()")
    assert {"pkg.shapes:Shape", "pkg.shapes:side"} <= found
    assert "pkg.shapes:Other" not in found


def test_packages_relative_imports_and_reexports(used: Callable[[str], set[str]]) -> None:
    assert {"pkg.sub.deep:reach", "pkg.base:unused"} <= used("from pkg import sub\nsub.reach()")
    assert {"pkg.sub.deep:reach", "pkg.base:unused"} <= used("from pkg.sub import reach\nreach()")
    found = used("from pkg.sub import side\nside.go()")
    assert {"pkg.sub.side:go", "pkg.sub.deep:other"} <= found
    assert "pkg.sub.deep:reach" not in found


def test_code_without_own_packages_and_magics(used: Callable[[str], set[str]]) -> None:
    assert used("%matplotlib inline\nimport math\n!ls\nmath.pi") == set()
    assert used("%%bash\nls") == set()


@pytest.mark.parametrize(
    ("name", "old", "new", "changes"),
    [
        ("figures.py", "def plot_two", "# comment\ndef plot_two", False),
        ("figures.py", "    return paint", "    # comment\n    return paint", True),
        ("base.py", "    return x", "    return x + 1", False),
        ("base.py", "LIMIT = 3", "LIMIT = 4", True),
        ("style.py", "def wash(x)", "def wash(x, y)", False),
        ("shapes.py", "return 1", "return 2", False),
        ("words.toml", "a = 1", "a = 2", True),
        ("__init__.py", "Package", "Packages", True),
    ],
)
def test_digest_changes_only_with_what_is_reached(package: Path, name: str, old: str, new: str, changes: bool) -> None:
    code = ["from pkg import figures\nfigures.plot_one()"]
    before = CodeIndex({"pkg": package}).used_by(code)
    text = (package / name).read_text()
    assert old in text
    (package / name).write_text(text.replace(old, new))
    assert (CodeIndex({"pkg": package}).used_by(code) != before) is changes


FRAMED = """from pkg.style import paint


def framed(f):
    return lambda: paint(f())


@framed
def one():
    return 1


@framed
def two():
    return 2
"""


@pytest.mark.parametrize(("plain", "is_shared"), [((), True), (("framed",), False)])
def test_decorator_that_registers_nothing_leaves_its_definitions_apart(
    package: Path, tmp_path: Path, plain: tuple[str, ...], is_shared: bool
) -> None:
    (package / "frames.py").write_text(FRAMED)
    code = ["from pkg import frames\nframes.one()"]
    memory = CodeMemory(tmp_path / "code.json", {"pkg": package}, plain)
    before = CodeIndex({"pkg": package}, memory, plain).used_by(code)
    assert {"pkg.frames:framed", "pkg.style:paint"} <= set(before)
    memory.save()
    assert CodeMemory(tmp_path / "code.json", {"pkg": package}, ("other",)).get(package / "frames.py") is None
    (package / "frames.py").write_text(FRAMED.replace("return 2", "return 3"))
    after_other = CodeIndex({"pkg": package}, None, plain).used_by(code)
    assert (after_other != before) is is_shared
    (package / "frames.py").write_text(FRAMED.replace("return 1", "return 4"))
    assert CodeIndex({"pkg": package}, None, plain).used_by(code) != before


def test_memory_gives_the_same_and_forgets_what_changed(package: Path, tmp_path: Path) -> None:
    packages, code = {"pkg": package}, ["from pkg import figures, sub\nfigures.plot_one()\nsub.reach()"]
    first = CodeMemory(tmp_path / "code.json", packages)
    fresh = CodeIndex(packages, first).used_by(code)
    first.save()
    kept = CodeMemory(tmp_path / "code.json", packages)
    assert kept.get(package / "figures.py") is not None
    assert CodeIndex(packages, kept).used_by(code) == fresh == CodeIndex(packages).used_by(code)
    (package / "style.py").write_text("def paint(x):\n    return [x]\n")
    assert kept.get(package / "style.py") is None
    assert CodeIndex(packages, kept).used_by(code) != fresh
    (package / "new.py").write_text("")
    assert CodeMemory(tmp_path / "code.json", packages).get(package / "figures.py") is None
    (tmp_path / "code.json").write_text("[")
    assert CodeIndex(packages, CodeMemory(tmp_path / "code.json", packages)).used_by(code)
