"""The rendered report in a real browser: self-contained, readable, navigable, and silent about patients."""

from __future__ import annotations

import base64
import getpass
import json
import re
import socket
from functools import cache
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

import pytest

from fhrmm.study import repository_root

ROOT = repository_root()
SMALLEST_CENTER = "C10"
LARGEST_PAGE_BYTES = 3_000_000
SHORTEST_ALT = 25
NARROW, WIDE = 480, 1280

pytestmark = pytest.mark.slow


def expected_pages() -> list[str]:
    """Every page of the built report: the index, and each notebook for the scopes it declares."""
    pages = ["index.html"]
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        declared = json.loads(path.read_text(encoding="utf-8"))["metadata"].get("notebookrun", {})
        scopes = ["ALL"] if declared.get("scopes") == "ALL" else ["ALL", SMALLEST_CENTER]
        pages += [f"{scope}/{path.stem}.html" for scope in scopes]
    return pages


every_page = pytest.mark.parametrize("name", expected_pages())
every_notebook_page = pytest.mark.parametrize("name", expected_pages()[1:])


# rules of WCAG 2.0 to 2.1, levels A and AA; what 2.2 adds on targets is measured below
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
SMALLEST_TARGET = 24


class Links(HTMLParser):
    """Collects what a page points to and what in it can be pointed to."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.anchors |= {value for key in ("id", "name") if (value := named.get(key))}
        self.targets += [value for key in ("href", "src") if (value := named.get(key))]


@cache
def links_of(path: Path) -> Links:
    parser = Links()
    parser.feed(path.read_text(encoding="utf-8"))
    return parser


def visit(browser, path, width=WIDE):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    for log in ("performance", "browser"):
        browser.get_log(log)  # reading empties it
    browser.get(path.as_uri())
    return browser


def requested(browser) -> list[str]:
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]


def test_a_request_would_be_noticed(browser, tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<!DOCTYPE html><title>x</title><img src="http://localhost:9/picture.png">', encoding="utf-8")
    visit(browser, page)
    assert "http://localhost:9/picture.png" in requested(browser)


def test_the_run_is_good_and_complete(built_report):
    assert built_report.status == 0, built_report.output[-3000:]
    found = {str(path.relative_to(built_report.reports)) for path in built_report.pages}
    assert set(expected_pages()) - found == set()


@every_page
def test_nothing_is_fetched(built_report, browser, name):
    visit(browser, built_report.reports / name)
    assert [url for url in requested(browser) if not url.startswith(("file:", "data:", "blob:"))] == []
    assert [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


@every_page
def test_page_is_light(built_report, name):
    assert (built_report.reports / name).stat().st_size < LARGEST_PAGE_BYTES


@every_page
def test_nothing_is_wider_than_a_telephone(built_report, browser, name):
    visit(browser, built_report.reports / name, NARROW)
    width = browser.execute_script("return document.documentElement.scrollWidth")
    sticking_out = browser.execute_script(
        "return [...document.querySelectorAll('main *')]"
        ".filter(e => e.getBoundingClientRect().right > window.innerWidth + 1 && !e.closest('.table-scroll, pre, svg'))"
        ".slice(0, 5).map(e => e.outerHTML.slice(0, 120))"
    )
    assert (width <= NARROW, sticking_out) == (True, [])


@every_page
def test_pictures_say_what_they_show(built_report, browser, name):
    visit(browser, built_report.reports / name)
    texts = browser.execute_script(
        "const named = e => e.getAttribute('alt') || e.getAttribute('aria-label');"
        "const said = e => named(e) || e.querySelector('title')?.textContent;"
        "return [...document.querySelectorAll('img, figure svg')].filter(e => e.ariaHidden !== 'true')"
        ".map(e => said(e) || '')"
    )
    assert [text for text in texts if len(text) < SHORTEST_ALT] == []


@every_notebook_page
def test_figures_have_captions(built_report, browser, name):
    visit(browser, built_report.reports / name)
    bare = browser.execute_script(
        "const caption = e => e.querySelector('figcaption')?.textContent.trim();"
        "return [...document.querySelectorAll('figure')].filter(e => !caption(e)).map(e => e.outerHTML.slice(0, 120))"
    )
    assert bare == []


@every_page
def test_tables_have_headers_and_results_have_captions(built_report, browser, name):
    visit(browser, built_report.reports / name)
    without_header, without_caption = browser.execute_script(
        "const start = e => e.outerHTML.slice(0, 160);"
        "return [[...document.querySelectorAll('table')].filter(e => !e.querySelector('th')).map(start),"
        "[...document.querySelectorAll('.output table')].filter(e => !e.caption?.textContent.trim()).map(start)]"
    )
    assert without_header == []
    assert without_caption == []


@every_notebook_page
def test_code_is_folded_and_unfolds_together(built_report, browser, name):
    visit(browser, built_report.reports / name)
    state = "return [...document.querySelectorAll('details.code')].map(e => e.open)"
    folded = browser.execute_script(state)
    assert folded, "the code is not removed"
    assert not any(folded)
    browser.execute_script("document.getElementById('fold').click()")
    assert all(browser.execute_script(state))


@every_notebook_page
def test_no_code_on_paper(built_report, browser, name):
    visit(browser, built_report.reports / name)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    shown = browser.execute_script(
        "return [...document.querySelectorAll('details.code')].filter(e => e.getClientRects().length).length"
    )
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert shown == 0
    paper = browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})
    assert base64.b64decode(paper["data"]).startswith(b"%PDF")


@every_page
def test_page_has_title_language_and_a_way_for_the_keyboard(built_report, browser, name):
    visit(browser, built_report.reports / name)
    language, title, n_titles, first = browser.execute_script(
        "return [document.documentElement.lang, document.title, document.querySelectorAll('h1').length,"
        "document.querySelector('a, button, input').getAttribute('href')]"
    )
    assert (language, n_titles, first) == ("en", 1, "#main")
    assert title.strip()


@every_page
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(built_report, browser, name, scheme):
    visit(browser, built_report.reports / name)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.execute_script(resources.files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    result = browser.execute_async_script(
        "const done = arguments[1]; axe.run({runOnly: arguments[0]}).then(done, e => done(String(e)))", AXE_RULES
    )
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    found = {rule["id"]: rule["nodes"][0]["html"][:120] for rule in result["violations"]}
    assert found == {}
    assert len(result["passes"]) > 10, "axe looked at something"


@every_page
def test_targets_are_large_enough(built_report, browser, name):
    """WCAG 2.2, 2.5.8: controls are at least 24 pixels in both directions; links within a line of text are exempt."""
    visit(browser, built_report.reports / name, NARROW)
    small = browser.execute_script(
        "return [...document.querySelectorAll('button, summary, input, select, nav a')].filter(e => {"
        "const box = e.getBoundingClientRect();"
        "return box.width > 0 && (box.width < arguments[0] || box.height < arguments[0]) })"
        ".slice(0, 5).map(e => e.outerHTML.slice(0, 120))",
        SMALLEST_TARGET,
    )
    assert small == []


@every_page
def test_synthetic_is_said(built_report, browser, name):
    visit(browser, built_report.reports / name)
    banner = browser.execute_script("return document.querySelector('.banner')?.innerText || ''")
    assert "synthetic" in banner.lower()


@every_page
def test_internal_links_resolve(built_report, name):
    page = built_report.reports / name
    broken = []
    for target in links_of(page).targets:
        if urlparse(target).scheme in {"http", "https", "data", "mailto", "blob"}:
            continue
        address, anchor = urldefrag(unquote(target))
        other = (page.parent / address).resolve() if address else page
        if not other.exists() or (anchor and other.suffix == ".html" and anchor not in links_of(other).anchors):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("suffix", [".html", ".csv", ".json", ".svg"])
def test_no_patient_and_no_machine_in_the_report(built_report, suffix):
    secrets = [re.escape(str(ROOT)), re.escape(str(built_report.reports.parent)), r"(?<![\w.])/(?:home|root|Users)/\w"]
    secrets += [rf"\b{re.escape(socket.gethostname())}\b"] if len(socket.gethostname()) > 4 else []
    secrets += [rf"/{re.escape(getpass.getuser())}/"]
    forbidden = re.compile("|".join([r"\bSYN-[A-Z0-9]*\d", *secrets]))
    found = {}
    for path in sorted(built_report.reports.rglob(f"*{suffix}")):
        hit = forbidden.search(path.read_text(encoding="utf-8"))
        if hit:
            found[str(path.relative_to(built_report.reports))] = hit.group()
    assert found == {}


def test_patient_level_files_are_only_in_work(built_report):
    assert [path.name for path in built_report.reports.rglob("*.parquet")] == []
    assert list(built_report.work.rglob("*.parquet")), "the intermediates are where the center finds them"
