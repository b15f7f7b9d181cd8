"""Text cells as HTML: headings that can be linked to, math as MathML made here, no outside help in the browser."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Any

from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

_TAG = re.compile(r"<[^>]+>")


@dataclass
class Heading:
    """One entry of the table of contents."""

    level: int
    text: str
    anchor: str


@dataclass
class Contents:
    """Headings met so far, with an anchor that no other heading has."""

    headings: list[Heading] = field(default_factory=list)

    def add(self, level: int, text: str) -> str:
        """Register a heading and return its anchor."""
        plain = html.unescape(_TAG.sub("", text)).strip()
        slug = re.sub(r"[^a-z0-9]+", "-", plain.casefold()).strip("-") or "section"
        taken = {heading.anchor for heading in self.headings}
        anchor = next(a for a in (slug, *(f"{slug}-{i}" for i in range(2, 10_000))) if a not in taken)
        self.headings.append(Heading(level, plain, anchor))
        return anchor


class PageRenderer(IPythonRenderer):
    """Renders one text cell; registers its headings."""

    def __init__(self, contents: Contents, attachments: dict[str, Any] | None = None) -> None:
        super().__init__(escape=False, attachments=attachments, exclude_anchor_links=True)
        self.contents = contents

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        """Return a heading with an anchor."""
        return f'<h{level} id="{self.contents.add(level, text)}">{text}</h{level}>\n'

    def table(self, text: str) -> str:
        """Return a table in a container of its own that scrolls on narrow screens."""
        return f'<div class="table-scroll" tabindex="0" role="region" aria-label="Table"><table>{text}</table></div>\n'

    def inline_math(self, body: str) -> str:
        """Return math within a line as MathML."""
        return to_mathml(body, display="inline")

    def block_math(self, body: str) -> str:
        """Return displayed math as MathML."""
        return to_mathml(body, display="block")

    def latex_environment(self, name: str, body: str) -> str:
        """Return a LaTeX environment as MathML."""
        return to_mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", display="block")


def to_mathml(body: str, display: str) -> str:
    """Return LaTeX math as MathML; math that cannot be converted is shown as written.

    Examples
    --------
    >>> to_mathml("x", "inline").startswith("<math")
    True
    """
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
    return MarkdownWithMath(renderer=PageRenderer(contents, attachments)).render(source)
