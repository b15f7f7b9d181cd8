"""Terms are read from a document, marked once in each section, and explained on hover and focus without any network."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from notebookrun.glossary import Term, TermMarker, read_glossary
from notebookrun.pagecontext import PageContext
from notebookrun.render import render_page

SOURCE = """# Glossary

Not an entry.

## Ratio of widths (ROW, widths)
How much wider one thing
is than <another>.
Reference: Someone. 1999.

## R-ROW
A revised one.
Reference: Someone else. 2001.
"""
ROW = Term("Ratio of widths", "How much wider.", "Someone. 1999.", ("ROW", "widths"))
REVISED = Term("R-ROW", "A revised one.", "")


def words_marked(content: str, *terms: Term) -> list[str]:
    marked = TermMarker(terms or (ROW, REVISED)).mark(content)
    return [part.partition(">")[2].partition("</span>")[0] for part in marked.split('<span class="term"')[1:]]


def test_entries_are_read_with_forms_and_reference(tmp_path: Path) -> None:
    (tmp_path / "g.md").write_text(SOURCE, encoding="utf-8")
    first, second = read_glossary(tmp_path / "g.md")
    text = "How much wider one thing is than <another>."
    assert first == Term("Ratio of widths", text, "Someone. 1999.", ("ROW", "widths"))
    assert (second.name, second.forms, second.anchor) == ("R-ROW", (), "term-r-row")
    assert read_glossary(tmp_path / "absent.md") == ()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<p>The ROW and the ROW</p>", ["ROW"]),
        ("<p>Ratio of\nwidths</p>", ["Ratio of\nwidths"]),
        ("<p>ROWs and rows</p>", ["ROWs"]),
        ("<p>Widths differ</p>", ["Widths"]),
        ("<p>The R-ROW is not the ROW</p>", ["R-ROW", "ROW"]),
        ("<p>PROW, ROW-like, ROWING</p>", []),
        ("<h2>ROW</h2><p>ROW</p><h2>Next</h2><p>ROW</p>", ["ROW", "ROW"]),
        ("<p><code>ROW</code> <a href='#'>ROW</a> <strong>ROW</strong></p>", ["ROW"]),
        ("<table><tr><td><p>ROW</p></td></tr></table>", []),
        ("<div>ROW</div><figure><p>ROW</p></figure><aside><p>ROW</p></aside>", []),
        ("<p><img alt='ROW'><br>ROW</p>", ["ROW"]),
        ("<ul><li>one<li>ROW</ul>ROW", ["ROW"]),
        ("<p>a < b ROW</p>", ["ROW"]),
    ],
)
def test_prose_is_marked_once_in_each_section_and_nothing_else(content: str, expected: list[str]) -> None:
    assert words_marked(content) == expected
    marked = TermMarker([ROW, REVISED]).mark(content)
    without = marked
    for name in ("term-ratio-of-widths", "term-r-row"):
        without = without.replace(f'<span class="term" role="button" tabindex="0" aria-describedby="{name}">', "")
    assert without.replace("</span>", "") == content, "only marks were added"


def page(*sources: str, glossary: tuple[Term, ...] = (ROW, REVISED)) -> str:
    cells: list[dict[str, Any]] = [{"cell_type": "markdown", "id": "a", "source": s, "metadata": {}} for s in sources]
    said = {"output_type": "display_data", "data": {"text/html": "<p>An R-ROW.</p>"}, "metadata": {}}
    cells.append(
        {"cell_type": "code", "id": "b", "source": "1", "metadata": {}, "outputs": [said], "execution_count": 1}
    )
    executed = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    context = PageContext(site="Study", title="Widths", scope="ALL", glossary=glossary)
    return render_page(executed, context)


def test_page_lists_the_terms_it_uses_and_no_other() -> None:
    shown = page("# Widths\n\n## One\n\nThe ROW.")
    assert shown.count('class="term"') == 2
    assert '<span id="term-ratio-of-widths">How much wider.</span>' in shown
    assert "<dt>Ratio of widths (ROW, widths)</dt>\n<dd>How much wider. <cite>Someone. 1999.</cite></dd>" in shown
    assert "<dt>R-ROW</dt>" in shown
    alone = page("# Widths", glossary=(ROW,))
    assert 'class="term"' not in alone
    assert "Terms on this page" not in alone


STATE = "const tip = document.querySelector('.tip'); return tip.hidden ? '' : tip.textContent"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = """
    const done = arguments[1], options = {runOnly: arguments[0], resultTypes: ['violations']};
    axe.run(document, options).then(found => done(found.violations.map(one => one.id)), error => done([String(error)]));
"""


def reach(browser: Any, wanted: Any) -> None:
    """Press the tabulator until an element has the focus."""
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    for _ in range(30):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        if browser.switch_to.active_element == wanted:
            return
    pytest.fail("not reached by keyboard")


@pytest.mark.slow
def test_explanations_show_on_hover_and_focus_and_go_away(browser, tmp_path: Path) -> None:
    """WCAG 2.2, 1.4.13: dismissible, hoverable, persistent; and assistive technology knows the explanation."""
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    (tmp_path / "page.html").write_text(page("# Widths\n\n## One\n\nThe ROW."), encoding="utf-8")
    browser.get((tmp_path / "page.html").as_uri())
    browser.set_window_size(480, 700)
    shows = lambda: browser.execute_script(STATE)  # noqa: E731
    first, second = browser.find_elements(By.CSS_SELECTOR, ".term")
    tip = browser.find_element(By.CSS_SELECTOR, ".tip")

    assert shows() == ""
    ActionChains(browser).move_to_element(first).pause(0.6).perform()
    assert shows() == "How much wider."
    ActionChains(browser).move_to_element(tip).pause(0.6).perform()
    assert shows() == "How much wider.", "the pointer may rest on the explanation"
    ActionChains(browser).send_keys(Keys.ESCAPE).perform()
    assert shows() == ""
    title = browser.find_element(By.TAG_NAME, "h1")
    ActionChains(browser).move_to_element(second).pause(0.1).move_to_element(title).pause(0.6).perform()
    assert shows() == "", "it goes when the pointer has gone"

    reach(browser, first)
    assert shows() == "How much wider."
    ActionChains(browser).pause(0.6).perform()
    assert shows() == "How much wider.", "it stays as long as the focus does"
    box = browser.execute_script("return document.querySelector('.tip').getBoundingClientRect().toJSON()")
    assert box["left"] >= 0
    assert box["right"] <= 480
    browser.execute_script(resources.files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    assert browser.execute_async_script(AXE, RULES) == []
    reach(browser, second)
    assert shows() == "A revised one."

    tree = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    described = {
        node["name"]["value"]: node.get("description", {}).get("value")
        for node in tree
        if node.get("role", {}).get("value") == "button" and not node.get("ignored")
    }
    assert described["ROW"] == "How much wider."
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        printed = "return [...document.querySelectorAll('.tip, details.terms')].filter(e => e.getClientRects().length)"
        assert browser.execute_script(printed) == []
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
