"""A lesson in JupyterLab itself: it runs, says that answers are open, and its slider redraws the figure."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from fhrmm.study import repository_root
from notebookrun.course import EDITIONS, make_edition

ROOT = repository_root()
LESSON = "T02_kaplan_meier.ipynb"
CAPTION = "const c = document.querySelector('.widget-vbox figcaption'); return c ? c.innerText : ''"

pytestmark = pytest.mark.slow


def wait_for(condition: Callable[[], object], what: str, seen: Callable[[], str] = str, tries: int = 600) -> None:
    for _ in range(tries):
        if condition():
            return
        time.sleep(0.5)
    pytest.fail(f"waited in vain for {what}\n{seen()}")


def answers(address: str) -> bool:
    try:
        with urlopen(f"{address}/api", timeout=5):
            return True
    except (URLError, OSError):
        return False


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the student edition of one lesson from a home of its own; give the address."""
    home = tmp_path_factory.mktemp("lab")
    notebook = json.loads((ROOT / "notebooks" / "teaching" / LESSON).read_text(encoding="utf-8"))
    (home / LESSON).write_text(json.dumps(make_edition(notebook, EDITIONS[0])), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folders = {name: str(home / ".jupyter") for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    own = {"HOME": str(home), "PYTHONPATH": str(ROOT / "lib"), "JUPYTER_RUNTIME_DIR": str(home / ".runtime")}
    settings = home / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    # every cell stays in the page; by default JupyterLab leaves out those that are scrolled away
    (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}', encoding="utf-8")
    own["JUPYTERLAB_SETTINGS_DIR"] = str(home / "settings")
    options = [
        "--no-browser",
        "--allow-root",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
    ]
    with (home / "lab.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options, f"--ServerApp.root_dir={home}"],
            env={**os.environ, **folders, **own}, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: answers(address), "the server")
        yield address
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture
def tab(browser) -> Iterator[object]:
    """Give the browser, and leave JupyterLab afterwards: without its server it would keep a core busy."""
    yield browser
    browser.get("about:blank")


def test_slider_redraws_the_figure(tab, lab):
    browser = tab

    def count(selector: str) -> int:
        return browser.execute_script(f"return document.querySelectorAll({selector!r}).length")

    def page() -> str:
        return browser.execute_script("return document.body.innerText")

    browser.set_window_size(1200, 1600)
    browser.get(f"{lab}/lab/tree/{LESSON}")
    wait_for(lambda: count(".jp-Notebook .jp-Cell") > 10, "the notebook")
    wait_for(lambda: "Idle" in page(), "the kernel", page)
    menu = "//div[contains(@class,'lm-MenuBar-itemLabel')][text()='Run']"
    browser.find_element("xpath", menu).click()
    wait_for(lambda: count(".lm-Menu-itemLabel") > 3, "the menu")
    (run_all,) = [e for e in browser.find_elements("css selector", ".lm-Menu-itemLabel") if e.text == "Run All Cells"]
    run_all.click()
    wait_for(lambda: "dropout 5% a month" in browser.execute_script(CAPTION), "the figure under the sliders", page)
    handle = browser.find_element("css selector", ".widget-slider .noUi-handle")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'}); arguments[0].focus()", handle)
    handle.send_keys("\ue014")  # arrow to the right
    wait_for(lambda: "dropout 10% a month" in browser.execute_script(CAPTION), "another figure", page)
    wait_for(lambda: count(".verdict.open") == 4, "four open answers", page)
