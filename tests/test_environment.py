"""The three ways to an environment name the same packages in the same versions, and the lock names no index."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib import metadata

import pytest
import yaml

from fhrmm.study import repository_root

ROOT = repository_root()

# conda-forge splits some packages or spells them its own way
CONDA_NAMES = {
    "jupyter_client": "jupyter-client",
    "matplotlib-base": "matplotlib",
    "seaborn-base": "seaborn",
    "dask-core": "dask",
}
ONLY_PIP = {"axe-core-python", "firthmodels"}


def direct_dependencies() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return dict(requirement.split("==") for group in groups for requirement in group)


def lock_text() -> str:
    return (ROOT / "requirements.lock").read_text(encoding="utf-8")


def locked() -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", lock_text(), flags=re.MULTILINE))


def conda_dependencies() -> tuple[dict[str, str], list[str]]:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    named = [line for line in environment["dependencies"] if isinstance(line, str)]
    (pip,) = [line["pip"] for line in environment["dependencies"] if isinstance(line, dict)]
    versions = dict(line.split("=") for line in named if "=" in line)
    return {CONDA_NAMES.get(name, name): version for name, version in versions.items()}, pip


def test_every_direct_dependency_is_pinned_exactly():
    for name, version in direct_dependencies().items():
        assert re.fullmatch(r"[0-9.]+", version), f"{name}: {version!r} is not one exact version"


def test_lock_holds_the_direct_dependencies():
    lock = locked()
    assert {name: lock.get(name) for name in direct_dependencies()} == direct_dependencies()


def test_conda_route_holds_the_direct_dependencies():
    conda, pip = conda_dependencies()
    python = conda.pop("python")
    pinned = dict(line.split("==") for line in pip if "==" in line)
    assert set(pinned) == ONLY_PIP
    assert conda | pinned == direct_dependencies()
    assert "-e ." in pip
    assert tuple(map(int, python.split("."))) >= (3, 11)


def test_lock_is_hashed_and_names_no_place():
    entry = re.compile(r"[a-z0-9-]+==[A-Za-z0-9.]+( ; [^\\]+)? \\")
    digest = re.compile(r" {4}--hash=sha256:[0-9a-f]{64}( \\)?")
    odd = [line for line in lock_text().splitlines() if not (entry.fullmatch(line) or digest.fullmatch(line))]
    assert odd == [], "only names, versions, markers and hashes belong into the lock"
    assert "+" not in lock_text(), "a local version was resolved from a folder of wheels"


@pytest.mark.skipif(sys.prefix != str(ROOT / ".venv"), reason="another environment than the locked one")
def test_environment_is_the_locked_one():
    lock = locked()
    found = {name: metadata.version(name) for name in direct_dependencies()}
    assert found == {name: lock[name] for name in direct_dependencies()}
