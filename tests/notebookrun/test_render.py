"""Pages: self-contained, equal bytes, readable errors, math without help from outside."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest

from notebookrun.index import write_index
from notebookrun.launch import READER_MARK
from notebookrun.pagecontext import Link, PageContext, ParameterRow
from notebookrun.render import Notice, clean_notebook, readable_notebook, render_page

REMOTE = re.compile(r"""<(?:script|link|iframe|img)\b[^>]*\b(?:src|href)=["']?https?:""", re.IGNORECASE)
PNG = base64.b64encode(b"\x89PNG").decode()
TABLE = "<table><caption>Ages</caption><tr><td>1</td></tr></table>"
CONTEXT = PageContext(
    site="Study <1>",
    title="Summary",
    scope="C01",
    banner="Synthetic data",
    notebooks=(Link("Intro", "00_intro.html"), Link("Summary", "01_summary.html", True)),
    scopes=(Link("ALL", "../ALL/01_summary.html"), Link("C01", "../C01/01_summary.html", True)),
    parameters=(ParameterRow("window", "18", True, "months"),),
)


def page_of(*cells: dict[str, Any], context: PageContext = CONTEXT, notice: Notice | None = None) -> str:
    """Render cells."""
    executed = {"cells": list(cells), "metadata": {"papermill": {"start": "now"}}, "nbformat": 4, "nbformat_minor": 5}
    return render_page(clean_notebook(executed, lambda text: text.replace("/srv/repo/", "")), context, notice)


def text(source: str, *tags: str) -> dict[str, Any]:
    """Return a text cell."""
    return {"cell_type": "markdown", "id": "a", "source": source, "metadata": {"tags": list(tags)}}


def code(source: str, *outputs: dict[str, Any], tags: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a code cell."""
    shown = {"tags": list(tags), "papermill": {"duration": 1.0}}
    return {
        "cell_type": "code",
        "id": "b",
        "source": source,
        "metadata": shown,
        "outputs": list(outputs),
        "execution_count": 1,
    }


def data(**kinds: str) -> dict[str, Any]:
    """Return an output of several kinds."""
    return {
        "output_type": "display_data",
        "data": {k.replace("_", "/", 1): v for k, v in kinds.items()},
        "metadata": {},
    }


def error(name: str, message: str, *lines: str) -> dict[str, Any]:
    """Return an error output."""
    return {"output_type": "error", "ename": name, "evalue": message, "traceback": list(lines)}


@pytest.mark.parametrize(
    ("cells", "n_marked"),
    [
        ([text("## Checks"), code("assert True"), code("x = 1")], 1),
        ([text("## Checks"), code("x", data(text_plain="1"))], 0),
        ([text("## Checks\n\nEvery number is held against its source."), code("assert True")], 0),
        ([text("## Checks"), text("## Summary"), code("assert True")], 1),
        ([text("## References")], 0),
        ([text("# Title\n\n## Checks"), code("assert True")], 0),
    ],
)
def test_a_heading_with_nothing_but_code_below_is_not_printed(cells: list[dict[str, Any]], n_marked: int) -> None:
    """Code does not show on paper, and would leave the heading alone there."""
    page = page_of(*cells)
    assert page.count('<section class="text tag-code-only">') == n_marked


class Balance(HTMLParser):
    """Checks that elements are closed in order."""

    void = frozenset({"meta", "img", "br", "link", "hr", "input", "col"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag


def check_html(page: str) -> None:
    """Check structure, unique ids, and that nothing is asked of another machine."""
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    assert len(parser.ids) == len(set(parser.ids))
    assert not REMOTE.search(page)


def test_page_has_landmarks_contents_and_navigation() -> None:
    page = page_of(text("# Summary\n\n## One\n\n## One\n\n### Two"), code("x = 1"))
    check_html(page)
    for part in (
        'lang="en"',
        '<main id="main"',
        'class="skip"',
        'href="#one-2"',
        'aria-current="page"',
        "Study &lt;1&gt;",
    ):
        assert part in page
    assert page.count("<h1") == 1
    assert '<details class="code"><summary>Code</summary>' in page
    assert 'rel="prev" href="00_intro.html"' in page
    assert 'rel="next"' not in page
    assert '<code>window</code></th><td>18 <span class="changed">' in page


def test_title_is_added_where_the_notebook_has_none() -> None:
    assert "<h1>Summary</h1>" in page_of(text("Only text"))


def test_outputs_of_every_kind() -> None:
    page = page_of(
        code("t", data(text_html="<div><style scoped>a</style>" + TABLE + "</div>")),
        code("f", data(text_html='<figure><img alt="rises" src="data:,"><figcaption>F</figcaption></figure>')),
        code("p", data(image_png=PNG, text_plain="<Figure>")),
        code("m", data(text_markdown="**bold**", text_plain="x")),
        code("s", {"output_type": "stream", "name": "stdout", "text": "a <b>"}),
        code("w", {"output_type": "stream", "name": "stderr", "text": "careful"}),
    )  # fmt: skip
    check_html(page)
    assert 'role="region" aria-label="Ages"' in page
    assert "style scoped" not in page
    assert 'alt="rises"' in page
    assert f"data:image/png;base64,{PNG}" in page
    assert "<strong>bold</strong>" in page
    assert "a &lt;b&gt;" in page
    assert "<summary>Messages</summary>" in page


def test_tags_hide_what_they_should() -> None:
    cells = [
        code("secret_code = 1", tags=("hide-input",)),
        code("window = 1", tags=("parameters",)),
    ]
    page = page_of(*cells)
    assert "secret_code" not in page
    assert "window = 1" not in page


def test_code_is_folded_or_part_of_the_text() -> None:
    cells = [code("a = 1"), code("b = 2", tags=("fold",)), code("c = 3", tags=("hide-input",))]
    closed, opened = '<details class="code"><summary>', '<details class="code" open><summary>'
    page = page_of(*cells)
    assert (page.count(closed), page.count(opened)) == (2, 0)
    page = page_of(*cells, context=replace(CONTEXT, is_code_open=True))
    assert (page.count(closed), page.count(opened)) == (1, 1), "a cell tagged fold stays folded"
    assert page.index(opened) < page.index(closed)


def test_page_leads_home_and_calls_its_scope_by_its_name() -> None:
    page = page_of()
    assert '<a class="site" href="../index.html">' in page
    assert '<span class="menu-label">Scope</span> C01' in page
    assert "· scope C01" in page
    page = page_of(context=replace(CONTEXT, home="index.html", scope_label="Edition", scope="student"))
    assert '<a class="site" href="index.html">' in page
    assert '<span class="menu-label">Edition</span> student' in page
    assert "· edition student" in page
    assert "scope" not in page[page.index("<footer") : page.index("</footer>")]


def test_text_of_an_error_that_is_not_for_the_reader_is_not_on_the_page() -> None:
    """It may quote a patient: the page says the kind of error, at the cell."""
    page = page_of(code("x", error("ValueError", "bad <age> of P-017", "ValueError: bad <age> of P-017")))
    check_html(page)
    assert "ValueError: what it says may quote data, and stays in the work folder." in page
    assert "P-017" not in page


def test_error_for_the_reader_is_its_message() -> None:
    page = page_of(code("x", error("StudyError", "column age is empty", READER_MARK)))
    assert "column age is empty" in page
    assert "StudyError" not in page
    assert page.count(READER_MARK.removesuffix(":")) == 1, "the title of the notice"


def test_machine_and_moment_leave_no_trace() -> None:
    plain = data(text_plain="<obj at 0x7f0011223344> in /tmp/ipykernel_123/456.py:3")
    other = data(text_plain="<obj at 0x7f99aabbccdd> in /tmp/ipykernel_77/456.py:3")
    assert page_of(code("x", plain)) == page_of(code("x", other))


def test_math_needs_no_script() -> None:
    page = page_of(
        text("Inline $\\hat S(t)$ and\n\n$$\\prod_{i} \\left(1 - \\frac{d_i}{n_i}\\right)$$\n\nbroken $\\frac{$")
    )
    check_html(page)
    assert page.count("<math") >= 2
    assert "MathJax" not in page


def test_page_of_a_notebook_that_was_not_run_says_why_below_its_title() -> None:
    page = page_of(notice=Notice("This notebook was not run", "because <x> failed"))
    check_html(page)
    assert page.index("<h1>Summary</h1>") < page.index("because &lt;x&gt; failed")


@pytest.mark.parametrize("state", ["ok", "failed", "blocked", "stale", "interrupted", "absent"])
def test_index_shows_each_state_in_words(state: str, tmp_path: Path) -> None:
    (tmp_path / "ALL").mkdir()
    (tmp_path / "ALL" / "00_a.html").touch()
    content = {"title": "T <x>", "figure_labels": ["n"], "headline": [{"label": "ORR", "value": "61%"}]}
    row = {"state": state, "reason": ""}
    write_index(tmp_path, ["ALL"], {"00_a": "A"}, {"ALL/00_a": row}, content | {"figures": {"ALL": ["62"]}})
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    check_html(page.replace('src="run_times.js"', ""))
    assert f'class="state {state}"' in page
    assert "T &lt;x&gt;" in page
    assert "<td>62</td>" in page
    matrix = page[page.index("Pages of each scope") :]
    assert ('href="ALL/00_a.html"' in matrix) is (state not in ("absent", "interrupted"))


def test_large_pictures_are_cleaned_in_linear_time() -> None:
    picture = f'<img alt="x" src="data:image/png;base64,{"A" * 3_000_000}">'
    page = page_of(code("x", data(text_html=picture)))
    assert picture in page


def test_key_findings_come_first_and_once_and_what_the_page_is_about_is_folded():
    finding = data(text_html="<p>Half of the patients responded.</p>")
    about = {**text("Method."), "metadata": {"tags": ["about"]}}
    page = page_of(text("# Title"), about, text("First result."), code("show()", finding, tags=("key-findings",)))
    assert page.count("Half of the patients responded.") == 1
    places = [page.index(words) for words in ("Half of the", '<details class="about">', "Method.", "First result.")]
    assert places == sorted(places)
    assert "Key findings" not in page_of(text("# Title"), code("show()", finding))


SVG = "<svg/>"
FIGURE = f'<img src="data:image/svg+xml;base64,{base64.b64encode(SVG.encode()).decode()}" alt="A &amp; B">'


def as_notebook(
    *cells: dict[str, Any], context: PageContext = CONTEXT, folders: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return a notebook for reading, and check that it is one."""
    executed = {"cells": list(cells), "metadata": {"papermill": {"start": "now"}}, "nbformat": 4, "nbformat_minor": 5}
    made = readable_notebook(clean_notebook(executed, lambda text: text.replace("/srv/repo/", ""), folders), context)
    notebook = nbformat.reads(made, as_version=4)
    nbformat.validate(notebook)
    return dict(notebook)


def test_a_figure_of_a_notebook_is_svg_and_png_and_its_caption_stands_below() -> None:
    shown = f'<figure>{FIGURE}<figcaption>Ages. <a href="figures/a.svg">SVG</a></figcaption></figure>'
    (cell,) = as_notebook(code("show()", data(text_html=shown, image_png=PNG, text_plain="figure")))["cells"]
    picture, caption = cell["outputs"]
    assert dict(picture["data"]) == {"image/svg+xml": SVG, "image/png": PNG, "text/plain": "A & B"}
    assert 'Ages. <a href="../figures/a.svg">' in caption["data"]["text/html"]
    assert "data:image" not in caption["data"]["text/html"]


def test_cells_of_a_table_are_aligned_without_a_style_sheet() -> None:
    cells = '<th scope="row">n</th><td class="numeric pair">1</td><td>b</td>'
    group = '<tr class="group"><th scope="rowgroup">G</th></tr><tr class="indented"><th scope="row">m</th></tr>'
    table = f"<table><caption>A</caption><tr>{cells}</tr>{group}</table>"
    (cell,) = as_notebook(code("show()", data(text_html=table)))["cells"]
    shown = cell["outputs"][0]["data"]["text/html"]
    assert '<td align="left" style="text-align: left">n' in shown
    assert '<th scope="rowgroup" align="left" style="text-align: left">G' in shown
    assert '<td align="left" style="text-align: left">&emsp;m' in shown, "what stands below a heading is seen to"
    assert '<td class="numeric pair" align="right" style="text-align: right">1' in shown
    assert '<caption align="left" style="text-align: left">' in shown


def test_a_notebook_for_reading_tells_nothing_of_machine_and_moment() -> None:
    source = "# Parameters\nwork_dir = '/srv/work'\nplan = '/srv/repo/plan.toml'"
    injected = code(source, tags=("injected-parameters",)) | {"id": "chance"}
    hidden = {"application/x": "more", "text/plain": "shown"}
    output = {"output_type": "display_data", "metadata": {}, "data": hidden}
    made = as_notebook(text("# T"), injected, code("x", output, tags=("hide-input",)), folders=("work_dir",))
    assert set(made["metadata"]) == {"kernelspec", "language_info"}
    assert made["metadata"]["language_info"] == {"name": "python"}
    assert made["cells"][1]["source"] == "# Parameters\nplan = 'plan.toml'"
    assert made["cells"][1]["id"] == "injected-parameters"
    assert made["cells"][2]["metadata"] == {"tags": ["hide-input"], "jupyter": {"source_hidden": True}}
    assert dict(made["cells"][2]["outputs"][0]["data"]) == {"text/plain": "shown"}


def test_links_between_notebooks_lead_to_notebooks() -> None:
    pages = {"00_a": "00_a.html", "06_b": "../ALL/06_b.html", "07_c": "../index.html"}
    source = "[a](00_a.ipynb) [b](06_b.ipynb#x) [c](07_c.ipynb) [d](https://example.org)"
    (cell,) = as_notebook(text(source), context=replace(CONTEXT, pages=pages))["cells"]
    assert cell["source"] == (
        "[a](00_a.ipynb) [b](../../ALL/notebooks/06_b.ipynb#x) [c](../../index.html) [d](https://example.org)"
    )


def test_checks_that_held_are_counted():
    held = "assert one == 1\nfor x in y:\n    assert x, 'words'"
    assert "2 of 2 passed" in page_of(text("# Title"), code(held))
    assert "passed" not in page_of(text("# Title"), code("x = 'assert '"))
