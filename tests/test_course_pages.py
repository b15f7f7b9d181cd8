"""Pages of the course in a real browser: accessible, asking nobody for anything, fitting a narrow screen."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest

LESSONS = ("T02", "T08")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
AXE = """
const done = arguments[arguments.length - 1];
const names = found => found.violations.map(one => one.id);
axe.run(document, {runOnly: %s}).then(found => done(names(found)), error => done([String(error)]));
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pages(built_course: Path) -> list[Path]:
    """Two lessons and the list of them, in both editions."""
    found = sorted(page for name in (*LESSONS, "index") for page in built_course.rglob(f"{name}*.html"))
    assert len(found) == 2 * (len(LESSONS) + 1)
    return found


@pytest.mark.parametrize("width", [1280, 480])
def test_accessible_at_any_width(browser, pages, width):
    browser.set_window_size(width, 1400)
    axe = resources.files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    found = {}
    for page in pages:
        browser.get(page.as_uri())
        browser.execute_script(axe)
        found[page.name] = browser.execute_async_script(AXE % json.dumps(RULES))
        if browser.execute_script("return document.documentElement.scrollWidth > window.innerWidth + 1"):
            found[page.name].append("scrolls sideways")
    assert {name: problems for name, problems in found.items() if problems} == {}


def test_asks_no_other_machine(browser, pages):
    browser.get_log("performance")
    for page in pages:
        browser.get(page.as_uri())
    asked = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    addresses = [one["params"]["request"]["url"] for one in asked if one["method"] == "Network.requestWillBeSent"]
    assert [address for address in addresses if not address.startswith(("file:", "data:", "blob:"))] == []


def test_hint_opens_by_keyboard(browser, pages):
    (page,) = [page for page in pages if page.parts[-3] == "student" and page.name.startswith("T02")]
    browser.get(page.as_uri())
    hint = browser.find_element("css selector", "div.verdict.open summary")
    browser.execute_script("arguments[0].focus()", hint)
    hint.send_keys("\ue007")
    assert browser.execute_script("return document.querySelector('div.verdict.open details').open")
