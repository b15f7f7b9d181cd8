"""Which modules of the own packages a notebook uses, and what is installed, found without importing anything.

A change in a module runs every notebook again whose imports lead to it. Imports are found by their form, which takes a
fiftieth of the time of a parser; what only looks like one names no module, and counts for nothing.
"""

from __future__ import annotations

import hashlib
import platform
import re
import site
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

_COMMENT = re.compile(r"#.*")
_IMPORT = re.compile(
    r"(?:^|;)[ \t]*(?:from[\s\\]+(?P<base>[\w.]+)[\s\\]+)?import\b(?P<names>\s*\([^)]*\)|(?:[^\n\\;]|\\\n)*)",
    re.MULTILINE,
)


class CodeIndex:
    """The own packages' modules, read on demand.

    Parameters
    ----------
    packages : mapping of str to Path
        Import name and folder of each own package.
    """

    def __init__(self, packages: Mapping[str, Path]) -> None:
        self._packages = dict(packages)
        self._modules: dict[str, tuple[str, list[str]] | None] = {}
        self._data: dict[str, dict[str, str]] = {}

    def used_by(self, sources: Iterable[str]) -> dict[str, str]:
        """Return the digest of every module that code can reach, by name, and of its packages' data files."""
        return self.closure(_imported("\n".join(sources)))

    def closure(self, start: Iterable[str]) -> dict[str, str]:
        """Return the digest of everything reachable from the named modules."""
        found: dict[str, str] = {}
        waiting = list(start)
        while waiting:
            name = waiting.pop()
            module = self._module(name)
            if module is not None and name not in found:
                found[name] = module[0]
                waiting += [*module[1], name.rpartition(".")[0]]
        for package in {name.split(".")[0] for name in found}:
            found |= self._data_files(package)
        return dict(sorted(found.items()))

    def _module(self, name: str) -> tuple[str, list[str]] | None:
        """Return the digest of a module and what it imports; None if it is not one of the own packages."""
        if name not in self._modules:
            self._modules[name] = None
            path = self._path(name)
            if path is not None:
                text = path.read_bytes()
                needs = list(_imported(text.decode(), name if path.stem == "__init__" else name.rpartition(".")[0]))
                self._modules[name] = hashlib.sha256(text).hexdigest()[:16], needs
        return self._modules[name]

    def _path(self, name: str) -> Path | None:
        package, *rest = name.split(".")
        if package not in self._packages:
            return None
        base = self._packages[package].joinpath(*rest)
        return next((path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()), None)

    def _data_files(self, package: str) -> dict[str, str]:
        """Return the digests of a package's files that are not Python."""
        if package not in self._data:
            folder = self._packages[package]
            files = sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc"))
            named = {f"{package}/{p.relative_to(folder).as_posix()}": p for p in files}
            self._data[package] = {name: hashlib.sha256(p.read_bytes()).hexdigest() for name, p in named.items()}
        return self._data[package]


def _imported(text: str, inside: str = "") -> Iterator[str]:
    """Yield the names that import statements bind or pass through; `inside` is the package that dots start from."""
    for match in _IMPORT.finditer(_COMMENT.sub("", text)):
        names, base = re.findall(r"[\w.]+", match["names"]), match["base"] or ""
        dots = len(base) - len(base.lstrip("."))
        if dots:
            parents = inside.split(".")[: inside.count(".") + 2 - dots]
            base = ".".join([*parents, *filter(None, [base[dots:]])])
        yield from [base, *(f"{base}.{name}" for name in names)] if base else names


def installed_packages() -> dict[str, str]:
    """Return name and version of every installed distribution, and of Python.

    Read from folder names: some two hundred metadata files need not be opened at every start.
    """
    folders = {Path(folder) for folder in [*site.getsitepackages(), *sys.path] if folder}
    found = {"python": platform.python_version()}
    for folder in sorted(folders):
        for entry in sorted(folder.glob("*.dist-info")):
            name, _, version = entry.name.removesuffix(".dist-info").rpartition("-")
            found.setdefault(name.lower().replace("_", "-"), version)
    return dict(sorted(found.items()))
