"""The rendered report in a real browser: self-contained, readable, navigable, and silent about patients."""

from __future__ import annotations

import base64
import getpass
import io
import json
import re
import socket
import time
from functools import cache
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

import pytest
from PIL import Image

from fhrmm.study import repository_root

ROOT = repository_root()
SMALLEST_CENTER = "C10"
LARGEST_PAGE_BYTES = 3_000_000
SHORTEST_ALT = 25
NARROW, WIDE = 480, 1280
FORMATS = ("svg", "pdf", "tiff")  # those that the report under test was asked for

pytestmark = pytest.mark.slow


def expected_pages() -> list[str]:
    """Every page of the built report: the index, and each notebook for the scopes it declares."""
    pages = ["index.html"]
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        declared = json.loads(path.read_text(encoding="utf-8"))["metadata"].get("notebookrun", {})
        scopes = {"ALL": ["ALL"], "each": ["ALL", SMALLEST_CENTER]}.get(declared.get("scopes", "each"), [])
        pages += [f"{scope}/{path.stem}.html" for scope in scopes]
    return pages


every_page = pytest.mark.parametrize("name", expected_pages())
every_notebook_page = pytest.mark.parametrize("name", expected_pages()[1:])


# rules of WCAG 2.0 to 2.1, levels A and AA; what 2.2 adds on targets is measured below
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


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


# What is asked of a page, each answer a list of offending elements (or what is there). One visit answers all of them.
QUESTIONS = {
    "unexplained_terms": """
        const text = e => document.getElementById(e.getAttribute('aria-describedby'))?.textContent || '';
        return all('.term').filter(e => text(e).length < 20).map(start)""",
    "short_alternatives": """
        const named = e => e.getAttribute('alt') || e.getAttribute('aria-label');
        const said = e => named(e) || e.querySelector('title')?.textContent || '';
        return all('img, figure svg').filter(e => e.ariaHidden !== 'true').map(said)""",
    "figures_without_caption":
        "return all('figure').filter(e => !e.querySelector('figcaption')?.textContent.trim()).map(start)",
    "tables_without_header": "return all('table').filter(e => !e.querySelector('th')).map(start)",
    "tables_without_caption": "return all('.output table').filter(e => !e.caption?.textContent.trim()).map(start)",
    "code_open": "return all('details.code').map(e => e.open)",
    "code_open_after_click": """
        document.getElementById('fold')?.click();
        const open = all('details.code').map(e => e.open);
        document.getElementById('fold')?.click();
        return open""",
    "banner": "return [...all('.banner').map(e => e.innerText)]",
    "head": """
        const first = document.querySelector('a, button, input')?.getAttribute('href');
        return [document.documentElement.lang, document.title, all('h1').length, first]""",
}  # fmt: skip
NARROW_QUESTIONS = {
    "width": "return document.documentElement.scrollWidth",
    "sticking_out": """
        const inside = e => e.parentElement.closest('.table-scroll, pre, svg, figure');
        const out = e => e.getBoundingClientRect().right > innerWidth + 1 && !inside(e);
        return all('main *').filter(out).slice(0, 5).map(start)""",
    "small_targets": """
        const size = e => e.getBoundingClientRect();
        const small = e => size(e).width > 0 && Math.min(size(e).width, size(e).height) < 24;
        return all('button, summary, input, select, nav a').filter(small).slice(0, 5).map(start)""",
}
COMMON = """
    const all = selector => [...document.querySelectorAll(selector)];
    const start = e => e.outerHTML.slice(0, 140);
"""
PRINTED_CODE = "return [...document.querySelectorAll('details.code')].filter(e => e.getClientRects().length).length"
AXE = """
    const done = arguments[1];
    const options = {runOnly: arguments[0], resultTypes: ['violations']};
    axe.run({exclude: [['figure svg *']]}, options).then(done, error => done(String(error)));
"""


@pytest.fixture(scope="module")
def look(built_report, browser):
    """Return a function that visits a page once and remembers everything the tests ask about it."""
    browser.set_script_timeout(300)
    seen: dict[str, dict] = {}

    def facts(name):
        if name not in seen:
            seen[name] = examine(browser, built_report.reports / name)
        return seen[name]

    return facts


def visit(browser, path):
    for log in ("performance", "browser"):
        browser.get_log(log)  # reading empties it
    resize(browser, WIDE)
    browser.get(path.as_uri())


def resize(browser, width):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def emulate(browser, media="", scheme="light"):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})


def examine(browser, path):
    assert path.is_file(), "the report has no such page"
    emulate(browser)
    visit(browser, path)
    facts = {"requested": requested(browser), "errors": console_errors(browser)}
    facts |= {name: browser.execute_script(COMMON + question) for name, question in QUESTIONS.items()}
    emulate(browser, media="print")
    facts["printed_code"] = browser.execute_script(PRINTED_CODE)
    facts["paper"] = browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})["data"][:12]
    emulate(browser)
    browser.execute_script(resources.files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    facts["light"] = violations(browser, AXE_RULES)
    emulate(browser, scheme="dark")
    facts["dark"] = violations(browser, ["cat.color"])
    emulate(browser)
    resize(browser, NARROW)
    return facts | {name: browser.execute_script(COMMON + question) for name, question in NARROW_QUESTIONS.items()}


def requested(browser) -> list[str]:
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]


def console_errors(browser) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def violations(browser, rules) -> dict[str, str]:
    result = browser.execute_async_script(AXE, rules)
    assert isinstance(result, dict), result
    return {rule["id"]: rule["nodes"][0]["html"][:140] for rule in result["violations"]}


def test_faults_would_be_noticed(browser, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        "<!DOCTYPE html><title>x</title><a href='#main'>a</a><figure><img src='http://localhost:9/picture.png'></figure>"
        "<div class='output'><table><tr><td style='color:#aaa'>pale words</td></tr></table></div>"
        "<details class='code' open><summary>c</summary></details><main><p style='width:2000px'>wide</p></main>",
        encoding="utf-8",
    )
    facts = examine(browser, page)
    assert "http://localhost:9/picture.png" in facts["requested"]
    assert facts["short_alternatives"] == [""]
    assert all(facts[f"{what}"] for what in ("figures_without_caption", "tables_without_header", "sticking_out"))
    assert all(facts[f"{what}"] for what in ("tables_without_caption", "printed_code", "small_targets"))
    assert facts["code_open"] == [True]
    assert {"image-alt", "html-has-lang"} <= set(facts["light"])
    assert "color-contrast" in facts["dark"]


def test_the_run_is_good_and_complete(built_report):
    assert built_report.status == 0, built_report.output[-3000:]
    found = {str(path.relative_to(built_report.reports)) for path in built_report.pages}
    assert set(expected_pages()) - found == set()


@every_page
def test_page_is_light(built_report, name):
    assert (built_report.reports / name).stat().st_size < LARGEST_PAGE_BYTES


@every_page
def test_nothing_is_fetched(look, name):
    assert [url for url in look(name)["requested"] if not url.startswith(("file:", "data:", "blob:"))] == []
    assert look(name)["errors"] == []


@every_page
def test_nothing_is_wider_than_a_telephone(look, name):
    assert look(name)["sticking_out"] == []
    assert look(name)["width"] <= NARROW


@every_page
def test_pictures_say_what_they_show(look, name):
    assert [text for text in look(name)["short_alternatives"] if len(text) < SHORTEST_ALT] == []


@every_notebook_page
def test_figures_have_captions(look, name):
    assert look(name)["figures_without_caption"] == []


@every_page
def test_tables_have_headers_and_results_have_captions(look, name):
    assert look(name)["tables_without_header"] == []
    assert look(name)["tables_without_caption"] == []


@every_notebook_page
def test_code_is_folded_and_unfolds_together(look, name):
    assert look(name)["code_open"], "the code is not removed"
    assert not any(look(name)["code_open"])
    assert all(look(name)["code_open_after_click"])


@every_notebook_page
def test_no_code_on_paper(look, name):
    assert look(name)["printed_code"] == 0
    assert base64.b64decode(look(name)["paper"]).startswith(b"%PDF")


@every_page
def test_page_has_title_language_and_a_way_for_the_keyboard(look, name):
    language, title, n_titles, first_target = look(name)["head"]
    assert (language, n_titles, first_target) == ("en", 1, "#main")
    assert title.strip()


@every_page
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(look, name, scheme):
    assert look(name)[scheme] == {}


def test_a_figure_lies_on_the_ground_of_a_dark_page(built_report, browser):
    """Its white is the color of the page, its ink is light."""
    emulate(browser, scheme="dark")
    visit(browser, built_report.reports / "ALL" / "04_pfs_os.html")
    image = browser.find_element("css selector", "figure img")
    with Image.open(io.BytesIO(image.screenshot_as_png)) as picture:
        colors = picture.convert("RGB").getcolors(maxcolors=picture.width * picture.height)
    emulate(browser)
    assert max(colors)[1] == (0x14, 0x19, 0x1F)
    assert any(min(color) > 200 for _, color in colors)


@every_page
def test_targets_are_large_enough(look, name):
    """WCAG 2.2, 2.5.8: controls are at least 24 pixels in both directions; links within a line of text are exempt."""
    assert look(name)["small_targets"] == []


@every_page
def test_synthetic_is_said(look, name):
    assert any("synthetic" in text.lower() for text in look(name)["banner"])


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


@every_notebook_page
def test_figures_offer_their_files(built_report, name):
    page = built_report.reports / name
    for links in figure_links(page.read_text(encoding="utf-8")):
        kinds = [link.rpartition(".")[2] for link in links]
        expected = [*FORMATS] if shows_patients(links[0]) else [*FORMATS, "csv"]
        assert kinds == expected or (kinds == [*FORMATS] and page.parent.name == SMALLEST_CENTER), links
        assert all((page.parent / link).stat().st_size for link in links)


def test_a_figure_is_offered_as_png_drawn_by_the_browser(built_report, browser, tmp_path):
    browser.execute_cdp_cmd("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    visit(browser, built_report.reports / "ALL" / "04_pfs_os.html")
    browser.execute_script(
        "[...document.querySelectorAll('.downloads a')].find(e => /^PNG/.test(e.textContent)).click()"
    )
    path = tmp_path / "04_pfs_os_pfs.png"
    deadline = time.monotonic() + 60
    while not path.is_file() and time.monotonic() < deadline:
        time.sleep(0.1)
    with Image.open(path) as picture:
        assert picture.size[0] == pytest.approx(300 * 160 / 25.4, abs=3), "160 mm at 300 dpi"
        assert [round(dots) for dots in picture.info["dpi"]] == [300, 300]
        assert len(picture.convert("RGB").getcolors(2**20)) > 50, "not an empty sheet"


def figure_links(page: str) -> list[list[str]]:
    """Return the addresses under each figure of a page."""
    found = re.findall(r'<span class="downloads">(.*?)</span>', page)
    return [re.findall(r'href="([^"]+)"', links) for links in found]


def shows_patients(link: str) -> bool:
    """Say whether a figure shows single patients: its rows stay in the center. In a tiny center others are empty."""
    return any(word in link for word in ("swimmer", "waterfall", "schoenfeld"))


@every_notebook_page
def test_terms_met_are_explained_on_the_page(look, built_report, name):
    assert look(name)["unexplained_terms"] == []
    text = (built_report.reports / name).read_text(encoding="utf-8")
    assert name.endswith("09_methods_checks.html") or 'class="term"' in text


def test_cover_shows_survival_curves_with_words(built_report):
    cover = (built_report.reports / "index.html").read_text(encoding="utf-8")
    picture = re.search(
        r'<figure class="thumbnail"><a href="ALL/04_pfs_os.html"><img src="[^"]+" alt="([^"]+)">', cover
    )
    assert picture is not None
    assert "Progression-free survival falls to" in picture[1]
    assert "Every patient and every center of this report is invented" in cover


@pytest.mark.parametrize("suffix", [".html", ".csv", ".json", ".svg", ".ipynb"])
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
