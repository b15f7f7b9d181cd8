"""A toy study: two centers, three notebooks, one step, a library of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ENGINE = Path(__file__).resolve().parents[2] / "lib"
RUNNER = '''
"""The toy study's runner."""
import sys
from pathlib import Path

from notebookrun.cli import main
from notebookrun.project import Project
from notebookrun.sources import make_step

ROOT = Path(__file__).parent


class DataError(Exception):
    for_reader = True


def list_scopes(data):
    if not data.is_dir():
        raise DataError(f"no dataset folder {data.name!r}")
    return ["ALL", *sorted(p.name for p in data.iterdir() if p.is_dir())]


def input_files(data, scope):
    folders = [data / scope] if scope != "ALL" else [p for p in data.iterdir() if p.is_dir()]
    return sorted(f for folder in folders for f in folder.iterdir())


def content(reports, scopes, facts):
    return {"question": "Does it run?", "figure_labels": ["patients"], "figures": {s: ["3"] for s in scopes}}


PROJECT = Project(
    title="Toy study",
    root=ROOT,
    notebooks=ROOT / "notebooks",
    packages={"toylib": ROOT / "lib" / "toylib"},
    list_scopes=list_scopes,
    input_files=input_files,
    steps=(
        make_step(
            "estimates",
            "toylib.join:combine",
            ("reports_dir", "center", "notebooks"),
            ("reports/{scope}/tables/estimates/*.csv",),
            ("reports/{scope}/tables/estimates.csv",),
        ),
    ),
    content=content,
    facts=lambda data: {"synthetic": True, "banner": "Synthetic data"},
    preload=("IPython.display",),
    shared_files=("repository/plan.toml",),
)

if __name__ == "__main__":
    sys.exit(main(PROJECT))
'''

LIBRARY = {
    "__init__.py": '"""Toy library."""\n',
    "store.py": '''"""Files."""
import csv
from pathlib import Path


class StudyError(Exception):
    """Meant for the reader."""

    def _render_traceback_(self):
        return ["Not possible with this input:", f"StudyError: {self}"]


def read_rows(folder):
    """Read every CSV file of a folder."""
    rows = []
    for path in sorted(Path(folder).rglob("*.csv")):
        with path.open(newline="") as stream:
            rows += list(csv.DictReader(stream))
    return rows


def write_text(path, text):
    """Write a text file."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
''',
    "join.py": '''"""The step."""
from pathlib import Path


def combine(reports, scope, notebooks):
    """Join the tables of a scope."""
    folder = Path(reports) / scope / "tables"
    parts = [p.read_text().splitlines()[1:] for n in notebooks if (p := folder / "estimates" / f"{n}.csv").exists()]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "estimates.csv").write_text("\\n".join(["scope,value", *sum(parts, [])]) + "\\n")
''',
    "figures.py": '''"""Figures: pictures without a plotting library, which would take most of a toy run's time."""
import struct
import zlib

from IPython.display import Image


def plot_ages(ages):
    """Draw ages as a row of gray squares."""
    pixels = bytes([0, *(2 * age for age in ages)])
    return Image(make_png(len(ages), pixels))


def make_png(width, pixels):
    """Write a picture one pixel high."""
    head = struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(pixels)), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(p)) + k + p + struct.pack(">I", zlib.crc32(k + p)) for k, p in parts]
    return b"\\x89PNG\\r\\n\\x1a\\n" + b"".join(chunks)


def plot_nothing():
    """Not used by anybody."""
''',
}

PARAMETERS = """center: str = "ALL"  # center id, or ALL for all of them
data_dir: str = "data"  # dataset folder
work_dir: str = "work"  # intermediates
reports_dir: str = "reports"  # report folder
study_file: str = "plan.toml"  # the plan
"""


def cell(kind: str, source: str, *tags: str, number: list[int] = [0]) -> dict[str, Any]:  # noqa: B006
    """Return one cell with an id of its own."""
    number[0] += 1
    metadata = {"tags": list(tags)} if tags else {}
    base = {"cell_type": kind, "id": f"c{number[0]}", "metadata": metadata, "source": source}
    return base | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def notebook(*cells: dict[str, Any], **declared: Any) -> dict[str, Any]:
    """Return a notebook as JSON; ids are counted within it."""
    numbered = [{**c, "id": f"cell-{i}"} for i, c in enumerate(cells)]
    return {"cells": numbered, "metadata": {"notebookrun": declared}, "nbformat": 4, "nbformat_minor": 5}


def toy_notebooks() -> dict[str, dict[str, Any]]:
    """Return the three notebooks of the toy study."""
    intro = notebook(
        cell("markdown", "# Reading the data\n\nWhat came in, and $x^2$."),
        cell("code", PARAMETERS + "limit: int = None  # oldest age kept; 10 to 99\n", "parameters"),
        cell("code", "from pathlib import Path\n\nfrom toylib import store\n\nPath(study_file).read_text()"),
        cell(
            "code",
            "folder = Path(data_dir) / ('' if center == 'ALL' else center)\nrows = store.read_rows(folder)\n"
            "ages = [int(r['age']) for r in rows if limit is None or int(r['age']) <= limit]",
        ),
        cell("markdown", "## What was kept\n\nText."),
        cell(
            "code",
            "store.write_text(Path(work_dir) / center / 'clean.csv', '\\n'.join(['age', *map(str, ages)]))\nlen(ages)",
        ),
        reads=["data"],
        writes=["work/{scope}/clean.csv"],
    )
    summary = notebook(
        cell("markdown", "# Summary\n\n## Ages"),
        cell("code", PARAMETERS, "parameters"),
        cell(
            "code",
            "from pathlib import Path\n\nfrom toylib import figures, store\n\n"
            "table = (Path(work_dir) / center / 'clean.csv').read_text().split()[1:]\nsorted(table)",
        ),
        cell(
            "code",
            "figure = figures.plot_ages([int(age) for age in table])\n"
            "target = Path(reports_dir) / center / 'figures' / '01_summary_ages.png'\n"
            "target.parent.mkdir(parents=True, exist_ok=True)\ntarget.write_bytes(figure.data)\nfigure",
        ),
        cell(
            "code",
            "text = f'scope,value\\n{center},{len(table)}\\n'\n"
            "store.write_text(Path(reports_dir) / center / 'tables/estimates/01_summary.csv', text)",
        ),
        reads=["work/{scope}/clean.csv"],
        writes=["reports/{scope}/tables/estimates/01_summary.csv", "reports/{scope}/figures/01_summary_*"],
    )
    compare = notebook(
        cell("markdown", "# Comparing centers"),
        cell("code", PARAMETERS, "parameters"),
        cell(
            "code",
            "from pathlib import Path\n\nfrom toylib import store\n\n"
            "found = sorted(Path(reports_dir).glob('*/tables/estimates/01_*.csv'))\n"
            "total = sum(int(line.split(',')[1]) for p in found for line in p.read_text().splitlines()[1:])\n"
            "store.write_text(Path(reports_dir) / center / 'tables/estimates/02_compare.csv', "
            "f'scope,value\\n{center},{total}\\n')\ntotal",
        ),
        reads=["reports/*/tables/estimates/*.csv"],
        writes=["reports/{scope}/tables/estimates/02_compare.csv"],
        scopes="ALL",
    )
    return {"00_intro": intro, "01_summary": summary, "02_compare": compare}


class Toy:
    """A toy study in a folder, run by its own runner in a process of its own."""

    def __init__(self, root: Path, is_new: bool = True) -> None:
        self.root = root
        if not is_new:
            return
        files = {f"lib/toylib/{name}": text for name, text in LIBRARY.items()}
        files |= {f"notebooks/{name}.ipynb": json.dumps(content) for name, content in toy_notebooks().items()}
        files |= {"run_all.py": RUNNER, "plan.toml": "window = 12\n"}
        files |= {"data/C01/a.csv": "id,age\n1,40\n2,50\n", "data/C02/a.csv": "id,age\n1,60\n"}
        for name, text in files.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        """Write one file of the study."""
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text, encoding="utf-8")

    def read(self, name: str) -> str:
        """Read one file of the study."""
        return (self.root / name).read_text(encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Change one file of the study."""
        text = self.read(name)
        assert old in text, old
        self.write(name, text.replace(old, new))

    def write_notebook(self, name: str, content: dict[str, Any]) -> None:
        """Write one notebook."""
        self.write(f"notebooks/{name}.ipynb", json.dumps(content))

    @property
    def environment(self) -> dict[str, str]:
        """The runner's environment: it finds the toy library, and this repository's engine before an installed one."""
        return {**os.environ, "PYTHONPATH": os.pathsep.join([str(self.root / "lib"), str(ENGINE)])}

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of the runner."""
        return [sys.executable, str(self.root / "run_all.py"), *arguments]

    def run(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run the study."""
        command = self.command(*arguments)
        return subprocess.run(
            command, cwd=self.root, env=self.environment, capture_output=True, text=True, timeout=timeout, check=False
        )

    def nodes(self) -> dict[str, Any]:
        """Return the nodes of the manifest."""
        return dict(json.loads(self.read("reports/manifest.json"))["nodes"])

    def actions(self) -> dict[str, str]:
        """Return what the last run did with each node."""
        return {name: row["action"] for name, row in self.nodes().items()}

    def outputs(self, *folders: str) -> dict[str, bytes]:
        """Return the bytes of all shown files but those that hold times."""
        timed = {"manifest.json", "run_times.js", ".run.lock", "digests.json"}
        paths = [p for folder in folders or ("reports",) for p in sorted((self.root / folder).rglob("*"))]
        return {
            p.relative_to(self.root).as_posix(): p.read_bytes() for p in paths if p.is_file() and p.name not in timed
        }

    def processes(self) -> list[str]:
        """Return the command lines of processes that work in the study's folder."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (entry / "cwd").resolve().is_relative_to(self.root):
                    found.append((entry / "cmdline").read_text())
        return found


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    """A fresh toy study."""
    return Toy(tmp_path / "study")


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy study that has been run once; copied, never changed."""
    study = Toy(tmp_path_factory.mktemp("finished") / "study")
    done = study.run("--jobs", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    return study.root


@pytest.fixture
def ran(finished_study: Path, tmp_path: Path) -> Toy:
    """A toy study that has been run once, in a folder of its own."""
    shutil.copytree(finished_study, tmp_path / "study")
    return Toy(tmp_path / "study", is_new=False)


@pytest.fixture
def make_notebook() -> Callable[..., dict[str, Any]]:
    """Make a notebook from (kind, source, tags...) tuples and its declaration."""

    def make(*cells: tuple[str, ...], **declared: Any) -> dict[str, Any]:
        return notebook(*(cell(*parts) for parts in cells), **declared)

    return make
