"""The walls between the houses, and the sizes of what is inside them, read from the source."""

from __future__ import annotations

import ast
import graphlib
import importlib
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from numpydoc.validate import validate

from fhrmm.study import repository_root

ROOT = repository_root()
HOUSES = {
    "fhrmm": ROOT / "lib",
    "intake": ROOT / "lib",
    "timetoevent": ROOT / "lib",
    "notebookrun": ROOT / "lib",
    "course": ROOT / "notebooks" / "teaching",
    "generator": ROOT / "data",
}
# Lines of Python a house may have, docstrings and blank lines included: what is added is paid for by what goes.
HOUSE_LINES = {
    "fhrmm": 14444, "intake": 7042, "timetoevent": 7497, "notebookrun": 5271, "course": 3597, "generator": 2599,
}  # fmt: skip
# What each house may import of the others; the runner, `run_all.py`, may enter all.
MAY_ENTER = {
    "fhrmm": {"timetoevent"},
    "intake": {f"fhrmm.{room}" for room in ("errors", "folders", "schema", "study", "store", "staging", "drugs")},
    "timetoevent": set(),
    "notebookrun": set(),
    "course": {"fhrmm", "timetoevent", "generator"},
    "generator": {"fhrmm", "timetoevent", "intake"},
}

# A module of the study imports modules of its own layer or lower, never in a circle.
LAYERS = {
    "errors": 0, "estimate_table": 0, "folders": 0, "rounding": 0, "study": 0, "schema": 0, "store": 0,
    "threevalued": 0, "wording": 0,
    "drugs": 1, "staging": 1,
    "cohort": 2, "response": 2, "endpoints": 2,
    "estimates": 3, "plan_check": 3,
    "formats": 4, "disclosure": 4, "pool": 4, "tables": 4, "figures": 4,
    "cover": 5, "freeze": 5, "local_report": 5, "report": 5,
    "manuscript": 6, "pooling": 7,
}  # fmt: skip

# package -> the modules that may import it; everywhere else in lib/ it is a leak
ONLY_IMPORTERS = {
    "matplotlib": {"fhrmm.figures", "course.figures", "notebookrun.forkhost"},
    "seaborn": {"fhrmm.figures"},
    "IPython": {"fhrmm.report", "course.display", "course.controls", "notebookrun.engineapp"},
    "papermill": {"notebookrun"},
    "nbconvert": {"notebookrun"},
    "nbclient": {"notebookrun"},
    "jupyter_client": {"notebookrun"},
    "distributed": {"notebookrun"},
    "dask": {"notebookrun"},
    "docx": {"fhrmm.manuscript"},
    "PIL": {"fhrmm.figures", "fhrmm.manuscript"},
    "cryptography": {"fhrmm.pool"},
    "lifelines": {"timetoevent.lifelines_engine", "fhrmm.estimates.second_opinion", "course"},
}

# imported under their own name, installed by a direct dependency that cannot do without
COMES_WITH = {
    "IPython": "ipykernel",
    "nbclient": "nbconvert",
    "pygments": "nbconvert",
    "traitlets": "nbconvert",
    "jupyter_core": "jupyter-client",
    "markupsafe": "jinja2",
    "PIL": "matplotlib",
}

# What writes files: only the store does so for work/ and reports/; the generator and the templates write data/.
WRITERS = {"write_text", "write_bytes", "to_csv", "to_parquet", "to_excel", "to_json", "savefig", "mkdir", "unlink"}
MAY_WRITE = {
    "fhrmm.store", "fhrmm.pool.files", "fhrmm.disclosure.release", "fhrmm.local_report", "generator",
    "intake.templates", "intake.init_center", "intake.readers.redcap_api",
}  # fmt: skip

# A hop is a private function that only passes on; a name for a formula is worth one, so some may be.
HOP_LINES = 4
HOPS = 40
# The public parts of the standard library that begin with an underscore.
DOCUMENTED_DESPITE_UNDERSCORE = {"_asdict", "_exit", "_replace"}
# Public, though only tests call them by name beside their own file: each is a rule or a part that is proven alone.
TESTED_ALONE = {
    "cumulative_hazard_at", "drug_classes", "list_exercises", "make_edition", "match_patients", "parse_value",
    "read_rounds", "write_out_times", "begin_release", "check_release", "finish_release", "remember_release",
    "search_text",
}  # fmt: skip
MODULE_LINES = 350
# Where houses meet that must not know each other, there is one file alone.
LONG_MODULES = {"run_all": 380}
WORD = re.compile(r"\w+")
FUNCTION_LINES = 40
# One iteration each of two nested searches: cut in two, either half needs most of the state of the other.
LONG_FUNCTIONS = {"fit_frailty_cox"}
DOCUMENTED_FROM_PARAMETERS = 8


@dataclass(frozen=True)
class Module:
    """One source file: dotted name, path, syntax tree."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def house(self) -> str:
        return self.name.split(".")[0]

    @property
    def room(self) -> str:
        """The module of the house it belongs to, be it a file or a folder."""
        return self.name.split(".")[1] if "." in self.name else ""


@cache
def modules() -> tuple[Module, ...]:
    paths = [path for house, base in HOUSES.items() for path in sorted((base / house).rglob("*.py"))]
    return tuple(
        Module(dotted(path), path, ast.parse(path.read_text(encoding="utf-8")))
        for path in [*paths, ROOT / "run_all.py"]
    )


def dotted(path: Path) -> str:
    base = next((base for house, base in HOUSES.items() if path.is_relative_to(base / house)), ROOT)
    return ".".join(path.relative_to(base).with_suffix("").parts).removesuffix(".__init__")


@cache
def imported(module: Module) -> frozenset[str]:
    """Return everything a module imports, at any depth, except for type checking alone."""
    names: set[str] = set()
    for node in walk_executed(module.tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def walk_executed(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from walk_executed(node)


def enters(names: Collection[str], package: str) -> bool:
    return any(name == package or name.startswith(package + ".") for name in names)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def public_face(module: Module) -> list[ast.FunctionDef | ast.ClassDef]:
    """Return the public functions and classes at the top of a module."""
    definitions = [node for node in module.tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return [node for node in definitions if not node.name.startswith("_")]


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function without its docstring."""
    first, lines = function.body[0], function.end_lineno - function.lineno + 1
    documented = ast.get_docstring(function) is not None
    return lines - (first.end_lineno - first.lineno + 1 if documented else 0)


@pytest.mark.parametrize("house", HOUSES)
def test_a_house_enters_only_those_it_may(house):
    others = set(HOUSES) - {house}
    found = [
        f"{module.name} imports {name}"
        for module in modules()
        if module.house == house
        for name in imported(module)
        if name.split(".")[0] in others and not any(enters({name}, allowed) for allowed in MAY_ENTER[house])
    ]
    assert found == []


@pytest.mark.parametrize("house", HOUSES)
def test_a_house_stays_small(house):
    n_lines = sum(len(m.path.read_text(encoding="utf-8").splitlines()) for m in modules() if m.house == house)
    assert n_lines <= HOUSE_LINES[house], "delete, or hand over to a kept library; packing lines is no saving"


@pytest.mark.parametrize("house", HOUSES)
def test_files_of_a_house_have_names_of_their_own(house):
    names = Counter(m.path.name for m in modules() if m.house == house and not m.path.name.startswith("__"))
    assert [name for name, n_files in names.items() if n_files > 1] == []


def test_few_functions_exist_to_be_short():
    hops = [
        f"{module.name}:{function.lineno} {function.name}"
        for module in modules()
        for function in functions(module.tree)
        if is_private(function.name) and body_lines(function) <= HOP_LINES and not function.decorator_list
        if mentions(module)[function.name] <= 1
    ]
    assert len(hops) <= HOPS, hops


@cache
def mentions(module: Module) -> Counter[str]:
    """Count how often each name stands in a module where it is not defined or imported."""
    nodes = list(ast.walk(module.tree))
    names = [node.id for node in nodes if isinstance(node, ast.Name)]
    return Counter([*names, *(node.attr for node in nodes if isinstance(node, ast.Attribute))])


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def test_public_names_have_a_caller_outside_their_file():
    elsewhere = [*ROOT.glob("*.py"), *ROOT.glob("benchmarks/*.py"), *ROOT.glob("notebooks/**/*.ipynb")]
    elsewhere += [ROOT / "pyproject.toml"]
    elsewhere += [path for house, base in HOUSES.items() for path in (base / house).rglob("*.toml")]
    written = Counter(WORD.findall("".join(path.read_text(encoding="utf-8") for path in elsewhere)))
    inside = sum((Counter(set(words(module))) for module in modules()), Counter())
    alone = {
        node.name: module.name
        for module in modules()
        for node in public_face(module)
        if not written[node.name] and inside[node.name] <= 1
        if node.name not in names_in_signatures(module) and not is_run(module)
    }
    assert {name: alone[name] for name in alone.keys() - TESTED_ALONE} == {}, "make it private, or delete it"
    assert alone.keys() >= TESTED_ALONE, "an exception that nothing needs hides the next one"


def names_in_signatures(module: Module) -> Iterator[str]:
    """Name the types that a reader meets in the signatures and attributes of a module's public face."""
    for node in public_face(module):
        for part in ast.walk(node):
            if isinstance(part, ast.FunctionDef) and part.returns is not None:
                yield from WORD.findall(ast.unparse(part.returns))
            elif isinstance(part, ast.AnnAssign | ast.arg) and part.annotation is not None:
                yield from WORD.findall(ast.unparse(part.annotation))


def is_run(module: Module) -> bool:
    """Tell whether a module is a program: `python -m` enters it from outside."""
    return module.path.name == "__main__.py" or "__main__" in module.path.read_text(encoding="utf-8")


def words(module: Module) -> Iterator[str]:
    """Name what a module defines or uses; re-exports of a package's face are no use."""
    is_face = module.path.name == "__init__.py"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.ImportFrom) and not is_face:
            yield from (alias.name for alias in node.names)


def test_no_private_part_of_another_package_is_used_and_nothing_of_it_replaced():
    own = {name for module in modules() for name in defined(module)} | DOCUMENTED_DESPITE_UNDERSCORE
    found = []
    for module in modules():
        foreign = foreign_names(module)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] not in HOUSES:
                parts = [*node.module.split("."), *(alias.name for alias in node.names)]
                found += [f"{module.name}:{node.lineno} {part}" for part in parts if is_private(part)]
            elif isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in own:
                found.append(f"{module.name}:{node.lineno} {node.attr}")
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and root_name(node) in foreign:
                found.append(f"{module.name}:{node.lineno} {ast.unparse(node)} is assigned to")
    assert found == []


def defined(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield from [node.attr] if root_name(node) in ("self", "cls") else []


def foreign_names(module: Module) -> set[str]:
    """Return the names under which a module knows other packages' modules, classes and functions."""
    names = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module.split(".")[0] not in HOUSES:
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def root_name(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def test_every_module_of_the_study_has_a_layer():
    rooms = {module.room for module in modules() if module.house == "fhrmm" and module.room}
    assert rooms - set(LAYERS) == set(), "give the new module a place in LAYERS"


def test_modules_import_their_own_layer_or_lower():
    found = []
    for module in modules():
        if module.house != "fhrmm" or module.room not in LAYERS:
            continue
        for name in imported(module):
            house, room, *_ = [*name.split("."), ""]
            if house == "fhrmm" and LAYERS.get(room, 0) > LAYERS[module.room]:
                found.append(f"{module.name} imports {name} from a higher layer")
    assert found == []


def test_rooms_of_the_study_form_no_circle():
    needs: dict[str, set[str]] = {}
    for module in modules():
        if module.house == "fhrmm" and module.room:
            rooms = {name.split(".")[1] for name in imported(module) if name.startswith("fhrmm.")}
            needs.setdefault(module.room, set()).update(rooms - {module.room})
    assert set(graphlib.TopologicalSorter(needs).static_order()) >= set(needs)


@pytest.mark.parametrize("package", ONLY_IMPORTERS)
def test_package_is_imported_only_where_it_belongs(package):
    importers = [module.name for module in modules() if enters(imported(module), package)]
    assert [name for name in importers if not any(enters({name}, room) for room in ONLY_IMPORTERS[package])] == []


def test_everything_imported_is_a_direct_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    groups = [project["dependencies"], extras["cluster"], extras["redcap"]]
    direct = {canonical(requirement.split("==")[0]) for group in groups for requirement in group}
    provided_by = metadata.packages_distributions()
    undeclared = set()
    for module in modules():
        for package in {name.split(".")[0] for name in imported(module)} - sys.stdlib_module_names - set(HOUSES):
            providers = {canonical(name) for name in provided_by.get(package, [package])}
            if not providers & direct and COMES_WITH.get(package) not in direct:
                undeclared.add(f"{module.name} imports {package}")
    assert undeclared == set()


def canonical(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def test_only_the_store_writes_files():
    found = []
    for module in modules():
        if module.house in ("notebookrun", "run_all"):
            continue
        if any(enters({module.name}, room) for room in MAY_WRITE):
            continue
        found += [f"{module.name}:{call.lineno} {what}" for call, what in writing_calls(module.tree)]
    assert found == []


def writing_calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Find calls that write to a path: a frame's `to_csv()` without target and a buffer are none."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Attribute) and call.func.attr in WRITERS and not to_memory(call):
            yield call, call.func.attr
        elif isinstance(call.func, ast.Name) and call.func.id == "open" and opens_for_writing(call):
            yield call, "open"


def to_memory(call: ast.Call) -> bool:
    target = next(iter(call.args), None)
    if target is None:
        return call.func.attr.startswith("to_")
    return isinstance(target, ast.Name) and target.id in {"buffer", "memory"}


def opens_for_writing(call: ast.Call) -> bool:
    modes = [*call.args[1:2], *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    return any(isinstance(mode, ast.Constant) and set(str(mode.value)) & set("wax+") for mode in modes)


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_module_is_readable_in_one_sitting(module):
    n_lines = len(module.path.read_text(encoding="utf-8").splitlines())
    most = LONG_MODULES.get(module.name, MODULE_LINES)
    assert n_lines <= most, "make it a folder of the same name with the same face"
    assert ast.get_docstring(module.tree), "say in one line what the module is for"
    long = {
        f.name: body_lines(f)
        for f in functions(module.tree)
        if body_lines(f) > FUNCTION_LINES and f.name not in LONG_FUNCTIONS
    }
    assert long == {}


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_every_signature_has_types(module):
    untyped = []
    for function in functions(module.tree):
        arguments = function.args
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        bare = [a.arg for a in named if a is not None and a.annotation is None and a.arg not in ("self", "cls")]
        if bare or function.returns is None:
            untyped.append(f"{function.name} line {function.lineno}: {bare or 'return'}")
    assert untyped == []


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_public_face_is_documented(module):
    found = []
    for node in public_face(module):
        docstring = ast.get_docstring(node) or ""
        needs_parameters = n_parameters(node) >= DOCUMENTED_FROM_PARAMETERS and is_offered(module, node.name)
        if not docstring:
            found.append(f"{node.name} has no docstring")
        elif needs_parameters and "Parameters\n---" not in docstring:
            found.append(f"{node.name} has {n_parameters(node)} parameters and explains none")
    assert found == []


def is_offered(module: Module, name: str) -> bool:
    """Say whether users meet a name: in a module of its own, or offered by the face of its folder."""
    face = module.path.with_name("__init__.py")
    if module.path == face or module.name.count(".") < 2:
        return True
    return name in {
        alias.name
        for node in ast.walk(ast.parse(face.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def n_parameters(node: ast.FunctionDef | ast.ClassDef) -> int:
    if isinstance(node, ast.ClassDef):
        return 0
    return len(node.args.posonlyargs) + len(node.args.args) + len(node.args.kwonlyargs)


def numpydoc_exclusions() -> set[str]:
    plan = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return set(plan["tool"]["numpydoc_validation"]["checks"]) - {"all"}


@pytest.mark.parametrize("module", [m for m in modules() if m.house in HOUSES], ids=lambda module: module.name)
def test_docstrings_follow_numpydoc(module):
    importlib.import_module(module.name)
    excluded = numpydoc_exclusions()
    found = [
        f"{node.name}: {code} {text}"
        for node in public_face(module)
        for code, text in validate(f"{module.name}.{node.name}")["errors"]
        if code not in excluded
    ]
    assert found == []
