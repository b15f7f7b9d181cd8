"""What many tests share: programs from outside, a browser, and one real report built once for all workers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

from fhrmm.study import repository_root

os.environ.setdefault("MPLBACKEND", "agg")

# the same examples each time, and no clock in a verdict
settings.register_profile("compendium", derandomize=True, deadline=None)
settings.load_profile("compendium")

ROOT = repository_root()
SMALLEST_CENTER = "C10"
BOTH_EDITIONS = ("T02", "T08")  # lessons that are built for students, too
REPORT_TIMEOUT_SECONDS = 1800  # a watchdog: a run takes a minute or two
BROWSER_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
)


@dataclass(frozen=True)
class BuiltReport:
    """A finished run of `run_all.py` on the embedded dataset: all centers pooled and the smallest one."""

    reports: Path
    work: Path
    status: int
    output: str

    @property
    def pages(self) -> list[Path]:
        """Every HTML page of the report, in a fixed order."""
        return sorted(self.reports.rglob("*.html"))


def missing_tool(name: str) -> None:
    """Fail where everything is promised to be installed, skip visibly elsewhere."""
    message = f"{name} is not installed on this machine"
    if os.environ.get("CI") == "true":
        pytest.fail(message + ", and CI=true promises it", pytrace=False)
    pytest.skip(message)


@pytest.fixture(scope="session")
def require_tool() -> Callable[[str], str]:
    """Return a function that gives the path of a program, or skips (with CI=true: fails) the test."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            missing_tool(name)
        return str(path)

    return find


@pytest.fixture(scope="session")
def browser(require_tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """Give a headless Chromium driven by selenium, with its network log kept."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = require_tool("chromium")
    for flag in (*BROWSER_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(
        options=options, service=webdriver.ChromeService(executable_path=require_tool("chromedriver"))
    )
    yield driver
    driver.quit()


def run_long(command: list[str], folder: Path) -> int:
    """Run a program of the repository, its output kept in a folder; return its exit status."""
    with (folder / "output").open("w", encoding="utf-8") as output:
        process = subprocess.Popen([sys.executable, *command], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
        try:
            return process.wait(REPORT_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.terminate()
            return process.wait()


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, list[str]], Path]:
    """Return a function that runs a program once for all workers, whichever asks first.

    Its arguments hold {folder} where the new folder belongs, in which `output` and `status` tell how it went.
    """
    base = tmp_path_factory.getbasetemp()

    def build(name: str, command: list[str]) -> Path:
        folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / name
        with FileLock(str(folder) + ".lock"):
            if not (folder / "status").is_file():
                folder.mkdir(exist_ok=True)
                status = run_long([part.format(folder=folder) for part in command], folder)
                (folder / "status").write_text(str(status), encoding="utf-8")
        return folder

    return build


@pytest.fixture(scope="session")
def built_report(built_once: Callable[[str, list[str]], Path]) -> BuiltReport:
    """One report for the whole test session, of the pool and the smallest center.

    With ``REPORT_TO_TEST=FOLDER`` the tests look at the report in ``FOLDER/reports`` instead.
    """
    if given := os.environ.get("REPORT_TO_TEST"):
        return BuiltReport(Path(given) / "reports", Path(given) / "work", 0, "")
    places = ["--out", "{folder}/reports", "--work", "{folder}/work"]
    scopes = ["--center", "ALL", "--center", SMALLEST_CENTER]
    folder = built_once("built_report", ["run_all.py", *places, *scopes, "-p", "figure_formats", "pdf,tiff"])
    status, output = ((folder / name).read_text(encoding="utf-8") for name in ("status", "output"))
    return BuiltReport(folder / "reports", folder / "work", int(status), output)


@pytest.fixture(scope="session")
def built_course(built_once: Callable[[str, list[str]], Path]) -> Path:
    """The folder of the course: some lessons in both editions, the others as teachers have them.

    Those of students are executed cell by cell, without pages, where their sliders are tested.
    """
    names = [path.stem.split("_")[0] for path in sorted((ROOT / "notebooks" / "teaching").glob("T*.ipynb"))]
    both = [word for name in BOTH_EDITIONS for word in ("--lesson", name)]
    rest = [word for name in names if name not in BOTH_EDITIONS for word in ("--lesson", name)]
    first = built_once("built_course", ["build_course.py", "--out", "{folder}/course", *both])
    command = ["build_course.py", "--out", str(first / "course"), "--edition", "instructor", *rest]
    for folder in (first, built_once("rest_of_course", command)):
        assert (folder / "status").read_text(encoding="utf-8") == "0", (folder / "output").read_text(encoding="utf-8")
    return first / "course"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put slow modules first: begun last, one of them would keep a single worker busy at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
