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


def run_report(folder: Path) -> int:
    """Run the whole compendium for two scopes into a folder, its output kept beside; return its exit status."""
    command = [sys.executable, "run_all.py", "--out", str(folder / "reports"), "--work", str(folder / "work")]
    scopes = ["--center", "ALL", "--center", SMALLEST_CENTER, "-p", "figure_formats", "pdf,tiff"]
    with (folder / "output").open("w", encoding="utf-8") as output:
        process = subprocess.Popen([*command, *scopes], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
        try:
            return process.wait(REPORT_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.terminate()
            return process.wait()


@pytest.fixture(scope="session")
def built_report(tmp_path_factory: pytest.TempPathFactory) -> BuiltReport:
    """Build one report for the whole test session, whichever worker asks first.

    With ``REPORT_TO_TEST=FOLDER`` the tests look at the report in ``FOLDER/reports`` instead.
    """
    if given := os.environ.get("REPORT_TO_TEST"):
        return BuiltReport(Path(given) / "reports", Path(given) / "work", 0, "")
    if not (ROOT / "run_all.py").is_file() or not any((ROOT / "notebooks").glob("*.ipynb")):
        pytest.skip("there is no runner or no notebook yet")
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "built_report"
    with FileLock(str(folder) + ".lock"):
        if not (folder / "status").is_file():
            folder.mkdir(exist_ok=True)
            (folder / "status").write_text(str(run_report(folder)), encoding="utf-8")
    return BuiltReport(
        folder / "reports",
        folder / "work",
        int((folder / "status").read_text(encoding="utf-8")),
        (folder / "output").read_text(encoding="utf-8"),
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put slow modules first: begun last, one of them would keep a single worker busy at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
