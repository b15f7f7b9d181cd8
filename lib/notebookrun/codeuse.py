"""Which definitions of the own packages a notebook uses, directly or not, found without importing anything.

A change in a function concerns only those who can reach it. Whatever cannot be followed by name (a module handed around
as a value, a star import, a decorated definition that registers itself) counts as used whenever its module is imported.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from notebookrun.codememory import CodeMemory

BODY = "<module>"
STAR = "*"
_HARMLESS = frozenset(
    {"dataclass", "property", "staticmethod", "classmethod", "cache", "lru_cache", "contextmanager", "wraps"}
)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

Unit = tuple[str, str]
Bound = tuple[str, str | None]


@dataclass
class Module:
    """Definitions of one module.

    Attributes
    ----------
    name : str
        Dotted name.
    digests : dict of str to str
        Digest of the source of each definition; all other statements together are ``<module>``.
    uses : dict of str to set
        What each definition refers to: (module, definition), where the definition ``*`` means the whole module.
    exports : dict of str to (str, str or None)
        Names that the module imports: module and definition, or None for the module itself.
    """

    name: str
    digests: dict[str, str] = field(default_factory=dict)
    uses: dict[str, set[Unit]] = field(default_factory=dict)
    exports: dict[str, Bound] = field(default_factory=dict)

    def to_plain(self) -> list[Any]:
        """Return plain data, for the memory."""
        uses = {name: sorted(map(list, units)) for name, units in self.uses.items()}
        return [self.digests, uses, self.exports]

    @classmethod
    def from_plain(cls, name: str, plain: list[Any]) -> Module:
        """Make a module from plain data."""
        digests, uses, exports = plain
        units = {key: {(unit[0], unit[1]) for unit in found} for key, found in uses.items()}
        return cls(name, digests, units, {key: (bound[0], bound[1]) for key, bound in exports.items()})


class CodeIndex:
    """The own packages' definitions, read on demand.

    Parameters
    ----------
    packages : mapping of str to Path
        Import name and folder of each own package.
    memory : CodeMemory, optional
        What was found in former runs.
    plain_decorators : collection of str
        Names of own decorators that register nothing.
    """

    def __init__(
        self,
        packages: Mapping[str, Path],
        memory: CodeMemory | None = None,
        plain_decorators: Collection[str] = (),
    ) -> None:
        self._packages = dict(packages)
        self._memory = memory
        self._plain_decorators = _HARMLESS.union(plain_decorators)
        self._modules: dict[str, Module | None] = {}
        self._data: dict[str, dict[str, str]] = {}

    def used_by(self, sources: Iterable[str]) -> dict[str, str]:
        """Return the digest of every definition that code can reach.

        Parameters
        ----------
        sources : iterable of str
            Code of a notebook's cells; lines of magics are ignored.

        Returns
        -------
        dict of str to str
            ``package.module:definition`` to digest, and ``package/file`` for the packages' data files.
        """
        text = "\n".join(_without_magics(source) for source in sources)
        return self.closure(self._read_uses(ast.parse(text).body, _Names("", False)))

    def closure(self, start: Iterable[Unit]) -> dict[str, str]:
        """Return the digest of everything reachable from the given units."""
        found: dict[str, str] = {}
        waiting, seen = list(start), set()
        while waiting:
            unit = waiting.pop()
            if unit in seen:
                continue
            seen.add(unit)
            module = self.module(unit[0])
            if module is None:
                continue
            waiting += self._follow(module, unit[1], found)
        for package in {name.split(".")[0].split(":")[0] for name in found}:
            found |= self._data_files(package)
        return dict(sorted(found.items()))

    def _follow(self, module: Module, wanted: str, found: dict[str, str]) -> list[Unit]:
        """Note one unit's digest and return what it leads to."""
        parents = module.name.split(".")
        onward: list[Unit] = [(".".join(parents[:i]), BODY) for i in range(1, len(parents))]
        onward.append((module.name, BODY))
        names = list(module.digests) if wanted == STAR else [wanted]
        for name in names:
            if name in module.digests:
                found[f"{module.name}:{name}"] = module.digests[name]
                onward += module.uses[name]
            elif name in module.exports:
                source, definition = module.exports[name]
                onward.append((source, definition or STAR))
            elif self.module(f"{module.name}.{name}"):
                onward.append((f"{module.name}.{name}", BODY))
            else:
                onward += [(unit[0], STAR) for local, unit in module.exports.items() if local.startswith(STAR)]
        return onward

    def module(self, name: str) -> Module | None:
        """Return a module of the own packages, or None if it is not one of them."""
        if name not in self._modules:
            path = self._path(name)
            self._modules[name] = None
            if path is not None:
                self._modules[name] = self._recall(name, path)
        return self._modules[name]

    def _recall(self, name: str, path: Path) -> Module:
        """Return a module as remembered, or read it."""
        if self._memory is None:
            return self._parse(name, path)
        plain = self._memory.get(path)
        if plain is None:
            module = self._parse(name, path)
            self._memory.put(path, module.to_plain())
            return module
        return Module.from_plain(name, plain)

    def _path(self, name: str) -> Path | None:
        package, *rest = name.split(".")
        if package not in self._packages:
            return None
        base = self._packages[package].joinpath(*rest)
        candidates = [base / "__init__.py", base.with_suffix(".py")] if rest else [base / "__init__.py"]
        return next((path for path in candidates if path.is_file()), None)

    def _parse(self, name: str, path: Path) -> Module:
        text = path.read_text(encoding="utf-8")
        module = Module(name)
        names = _Names(name, path.name == "__init__.py")
        tree = ast.parse(text)
        lines = text.splitlines()
        body: list[ast.stmt] = []
        taken: set[int] = set()
        for statement in tree.body:
            if isinstance(statement, _DEFINITIONS) and self._is_plain(statement):
                first = min([statement.lineno, *(d.lineno for d in statement.decorator_list)])
                span = range(_with_comment(lines, first), (statement.end_lineno or first) + 1)
                taken |= set(span)
                module.digests[statement.name] = _digest("\n".join(lines[i - 1] for i in span))
            else:
                body.append(statement)
        module.digests[BODY] = _digest("\n".join(x for i, x in enumerate(lines, 1) if i not in taken and x.strip()))
        own: dict[str, Bound] = {n: (name, n) for n in module.digests} | dict.fromkeys(_assigned(body), (name, BODY))
        module.exports = names.imports(tree.body, self._is_module)
        for statement in tree.body:
            key = statement.name if statement not in body else BODY  # type: ignore[attr-defined]
            found = self._read_uses([statement], names, {**module.exports, **own})
            module.uses.setdefault(key, set()).update(found)
        module.uses.setdefault(BODY, set())
        return module

    def _is_plain(self, statement: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
        """Say whether a definition has no decorator that may register it somewhere."""
        return all(_decorator_name(d) in self._plain_decorators for d in statement.decorator_list)

    def _is_module(self, name: str) -> bool:
        return self._path(name) is not None

    def _read_uses(
        self, statements: list[ast.stmt], names: _Names, known: Mapping[str, Bound] | None = None
    ) -> set[Unit]:
        """Return the own units that statements refer to."""
        nodes = list(ast.walk(ast.Module(statements, [])))
        bound = {**(known or {}), **names.imports(nodes, self._is_module)}
        uses: set[Unit] = {(unit[0], BODY) for unit in bound.values() if known is None}
        uses |= {(unit[0], STAR) for name, unit in bound.items() if name.startswith(STAR)}
        heads: set[int] = set()
        for node in nodes:
            if isinstance(node, ast.Attribute) and id(node) not in heads:
                uses |= self._attribute(node, bound, heads)
            elif isinstance(node, ast.Name) and id(node) not in heads and node.id in bound:
                module, unit = bound[node.id]
                uses.add((module, unit or STAR))
        return uses

    def _attribute(self, node: ast.Attribute, bound: Mapping[str, Bound], heads: set[int]) -> set[Unit]:
        """Follow ``module.sub.name`` as far as modules go."""
        chain: list[ast.Attribute] = []
        head: ast.expr = node
        while isinstance(head, ast.Attribute):
            chain.append(head)
            head = head.value
        if not isinstance(head, ast.Name) or head.id not in bound:
            return set()
        heads |= {id(part) for part in chain} | {id(head)}
        module, unit = bound[head.id]
        if unit is not None:
            return {(module, unit)}
        for part in reversed(chain):
            if self._path(f"{module}.{part.attr}") is None:
                return {(module, part.attr), (module, BODY)}
            module = f"{module}.{part.attr}"
        return {(module, STAR)}

    def _data_files(self, package: str) -> dict[str, str]:
        """Return the digests of a package's files that are not Python."""
        if package not in self._data:
            folder = self._packages[package]
            files = [p for p in folder.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc")]
            self._data[package] = {
                f"{package}/{p.relative_to(folder).as_posix()}": hashlib.sha256(p.read_bytes()).hexdigest()
                for p in sorted(files)
            }
        return self._data[package]


@dataclass(frozen=True)
class _Names:
    """Resolves import statements as seen from one module."""

    module: str
    is_package: bool

    def imports(self, nodes: Iterable[ast.AST], is_module: Callable[[str], bool]) -> dict[str, Bound]:
        """Return local name to unit for every import among the nodes."""
        found: dict[str, Bound] = {}
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    target = alias.name if alias.asname else alias.name.split(".")[0]
                    found[alias.asname or target] = (target, None)
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node)
                for alias in node.names:
                    local = f"{STAR}{base}" if alias.name == STAR else alias.asname or alias.name
                    whole = f"{base}.{alias.name}"
                    found[local] = (whole, None) if is_module(whole) else (base, alias.name)
        return found

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.module.split(".")
        drop = node.level - 1 if self.is_package else node.level
        return ".".join(parts[: len(parts) - drop] + ([node.module] if node.module else []))


def _decorator_name(node: ast.expr) -> str:
    target = node.func if isinstance(node, ast.Call) else node
    return target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")


def _assigned(statements: Iterable[ast.stmt]) -> set[str]:
    """Return the names that statements bind, registered definitions included."""
    nodes = [node for statement in statements for node in ast.walk(statement)]
    names = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return names | {s.name for s in statements if isinstance(s, _DEFINITIONS)}


def _with_comment(lines: list[str], first: int) -> int:
    """Return the line where the comment directly above a definition starts."""
    while first > 1 and lines[first - 2].startswith("#"):
        first -= 1
    return first


def _without_magics(source: str) -> str:
    kept = ["pass" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines()]
    return "" if source.startswith("%%") else "\n".join(kept)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
