"""Text cells as HTML: headings that can be linked to, math as MathML made here, no outside help in the browser."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote

from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

_TAG = re.compile(r"<[^>]+>")
_HEADER_CELL = re.compile(r"<th\b[^>]*>(.*?)</th>", re.DOTALL)
_NOTEBOOK_LINK = re.compile(r"(?P<name>[\w-]+)\.ipynb(?P<anchor>#.*)?")


class _Heading(NamedTuple):
    """One entry of the table of contents."""

    level: int
    text: str
    anchor: str


@dataclass
class Contents:
    """Headings and tables met so far, and where the pages of other notebooks are."""

    headings: list[_Heading] = field(default_factory=list)
    pages: Mapping[str, str] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)

    def add(self, level: int, text: str) -> str:
        """Register a heading and return its anchor."""
        plain = html.unescape(_TAG.sub("", text)).strip()
        slug = re.sub(r"[^a-z0-9]+", "-", plain.casefold()).strip("-") or "section"
        taken = {heading.anchor for heading in self.headings}
        numbered = (f"{slug}-{number}" for number in itertools.count(2))
        anchor = next(one for one in itertools.chain([slug], numbered) if one not in taken)
        self.headings.append(_Heading(level, plain, anchor))
        return anchor

    def name_table(self, text: str) -> str:
        """Return what to call a table without caption, from its header: a screen reader lists tables by name."""
        cells = [html.unescape(_TAG.sub("", cell)).strip() for cell in _HEADER_CELL.findall(text)]
        name = "Table: " + ", ".join(cell for cell in cells if cell)
        self.tables.append(name)
        same = self.tables.count(name)
        return name if same == 1 else f"{name} ({same})"


class _PageRenderer(IPythonRenderer):
    """Renders one text cell; registers its headings."""

    def __init__(self, contents: Contents, attachments: dict[str, Any] | None = None) -> None:
        super().__init__(escape=False, attachments=attachments, exclude_anchor_links=True)
        self.contents = contents

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        """Return a heading with an anchor."""
        return f'<h{level} id="{self.contents.add(level, text)}">{text}</h{level}>\n'

    def table(self, text: str) -> str:
        """Return a table in a container of its own that scrolls on narrow screens."""
        name = html.escape(self.contents.name_table(text), quote=True)
        return f'<div class="table-scroll" tabindex="0" role="region" aria-label="{name}"><table>{text}</table></div>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """Return a link; one to another notebook leads to its page."""
        match = _NOTEBOOK_LINK.fullmatch(url)
        if match and match["name"] in self.contents.pages:
            url = quote(self.contents.pages[match["name"]]) + (match["anchor"] or "")
        return super().link(text, url, title)

    def inline_math(self, body: str) -> str:
        """Return math within a line as MathML."""
        return _to_mathml(body, display="inline")

    def block_math(self, body: str) -> str:
        """Return displayed math as MathML."""
        return _to_mathml(body, display="block")

    def latex_environment(self, name: str, body: str) -> str:
        """Return a LaTeX environment as MathML."""
        return _to_mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", display="block")


def _to_mathml(body: str, display: str) -> str:
    """Return LaTeX math as MathML; math that cannot be converted is shown as written."""
    try:
        return convert(body.strip(), display=display)
    except Exception:  # a foreign parser on a reader's text: what it cannot read is shown as it is
        return f"<code>{html.escape(body)}</code>"


def render_markdown(source: str, contents: Contents, attachments: dict[str, Any] | None = None) -> str:
    """Return a text cell as HTML.

    Examples
    --------
    >>> contents = Contents()
    >>> render_markdown("## Two words", contents)
    '<h2 id="two-words">Two words</h2>\\n'
    """
    return MarkdownWithMath(renderer=_PageRenderer(contents, attachments)).render(source)
