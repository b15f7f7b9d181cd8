"""Which code a notebook can reach, module by module."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

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
    "lazy.py": """'''Says:

    import pkg.figures  as an example
'''


def go():
    from pkg import (
        style,  # (why)
        shapes as forms,
    )
    import math; from pkg.registry \\
        import rule
""",
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
        return set(CodeIndex({"pkg": package}).used_by([code]))

    return names


ALWAYS = {"pkg", "pkg/words.toml"}


@pytest.mark.parametrize(
    "code",
    [
        "from pkg import figures\nfigures.plot_one()",
        "import pkg.figures\npkg.figures.plot_one()",
        "import math, pkg.figures as f\nf.plot_one()",
        "from pkg.figures import plot_one as p\np()",
        "if True:\n    from pkg.figures import *",
    ],
)
def test_module_brings_what_it_imports_and_nothing_else(used: Callable[[str], set[str]], code: str) -> None:
    assert used(code) == ALWAYS | {"pkg.figures", "pkg.base", "pkg.style"}


def test_package_alone_brings_its_own_file_and_data(used: Callable[[str], set[str]]) -> None:
    assert used("import pkg") == ALWAYS


def test_imports_of_every_form_are_followed(used: Callable[[str], set[str]]) -> None:
    assert used("from pkg import relay") == ALWAYS | {"pkg.relay", "pkg.style"}
    found = used("from pkg import lazy")
    assert {"pkg.style", "pkg.shapes", "pkg.registry"} <= found
    assert "pkg.figures" in found, "what only looks like an import counts as one"


def test_packages_relative_imports_and_reexports(used: Callable[[str], set[str]]) -> None:
    deep = ALWAYS | {"pkg.sub", "pkg.sub.deep", "pkg.base"}
    assert used("from pkg import sub\nsub.reach()") == deep
    assert used("from pkg.sub import reach\nreach()") == deep
    assert used("from pkg.sub import side\nside.go()") == deep | {"pkg.sub.side"}


def test_code_without_own_packages_and_magics(used: Callable[[str], set[str]]) -> None:
    assert used("%matplotlib inline\nimport math\n!ls\nmath.pi") == set()
    assert used("%%bash\nls") == set()


@pytest.mark.parametrize(
    ("name", "old", "new", "changes"),
    [
        ("figures.py", "def plot_two", "# comment\ndef plot_two", True),
        ("base.py", "LIMIT = 3", "LIMIT = 4", True),
        ("style.py", "def wash(x)", "def wash(x, y)", True),
        ("shapes.py", "return 1", "return 2", False),
        ("sub/deep.py", "return 1", "return 2", False),
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
