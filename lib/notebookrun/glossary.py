"""A glossary as data: terms with their explanations, read from the study's own document."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_ENTRY = re.compile(r"^## (?P<heading>.+?)\n+(?P<body>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"(?P<name>[^()]+?)\s*(?:\((?P<forms>[^()]+)\))?$")
_PIECE = re.compile(r"(<!--.*?-->|</?[a-zA-Z][^>]*>)", re.DOTALL)
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[a-zA-Z][\w-]*)")
_PROSE = frozenset({"p", "li", "dd", "blockquote"})
_APART = frozenset({"a", "abbr", "aside", "button", "code", "dl", "dt", "figure", "h1", "h2", "h3", "h4", "h5", "h6"})
_APART |= {"math", "pre", "script", "style", "summary", "svg", "table"}
_VOID = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})


@dataclass(frozen=True)
class Term:
    """One entry of a glossary.

    Attributes
    ----------
    name : str
        As in the heading, without what stands in parentheses.
    text, reference : str
        The explanation, and where it comes from; plain text.
    forms : tuple of str
        Other forms under which it is met, such as an abbreviation.
    """

    name: str
    text: str
    reference: str = ""
    forms: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        """Identifier on a page."""
        return "term-" + re.sub(r"[^a-z0-9]+", "-", self.name.casefold()).strip("-")


def read_glossary(path: Path) -> tuple[Term, ...]:
    """Read a Markdown file of entries: a heading of level 2, a paragraph, a line ``Reference: ...``.

    A heading may carry other forms in parentheses, separated by commas. A file that is absent has no entries.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    tuple of Term
        In the order of the file.
    """
    terms = []
    for entry in _ENTRY.finditer(path.read_text(encoding="utf-8") if path.is_file() else ""):
        heading = _HEADING.match(entry["heading"].strip())
        text, _, reference = entry["body"].partition("\nReference:")
        if heading is not None:
            forms = tuple(form.strip() for form in (heading["forms"] or "").split(",") if form.strip())
            terms.append(Term(heading["name"], " ".join(text.split()), " ".join(reference.split()), forms))
    return tuple(terms)


class TermMarker:
    """Marks the first use of each term in each section of a page.

    Parameters
    ----------
    terms : sequence of Term
        The glossary.

    Attributes
    ----------
    used : dict of Term to None
        Terms met so far on the page.

    Examples
    --------
    >>> marker = TermMarker([Term("Hazard ratio", "A ratio.", "", ("HR",))])
    >>> marker.mark("<p>The HR, again the HR</p>")  # doctest: +ELLIPSIS
    '<p>The <span class="term" ... aria-describedby="term-hazard-ratio">HR</span>, again the HR</p>'
    """

    def __init__(self, terms: Sequence[Term]) -> None:
        self.used: dict[Term, None] = {}
        self._here: set[Term] = set()
        self._term_of, self._pattern = _forms_of(tuple(terms))

    def mark(self, content: str) -> str:
        """Return HTML with the terms of its prose marked; tables, figures, headings, links and code stay as they are.

        A heading of level 2 begins a section.
        """
        if self._pattern is None:
            return content
        shown: list[str] = []
        open_tags: list[str] = []
        for place, piece in enumerate(_PIECE.split(content)):
            if place % 2:  # text and tags take turns
                self._follow(piece, open_tags)
            elif piece.strip() and not _PROSE.isdisjoint(open_tags) and _APART.isdisjoint(open_tags):
                piece = self._pattern.sub(self._mark_form, piece)
            shown.append(piece)
        return "".join(shown)

    def _follow(self, piece: str, open_tags: list[str]) -> None:
        """Keep the list of open elements; an end tag closes what was left open inside it."""
        tag = _TAG.match(piece)
        if tag is None:
            return
        name = tag["name"].lower()
        if name == "h2":
            self._here.clear()
        if tag["end"]:
            if name in open_tags:
                del open_tags[len(open_tags) - 1 - open_tags[::-1].index(name) :]
        elif name not in _VOID and not piece.endswith("/>"):
            open_tags.append(name)

    def _mark_form(self, match: re.Match[str]) -> str:
        term = self._term_of.get(_key(match[0])) or self._term_of.get(_key(match[0].removesuffix("s")))
        if term is None or term in self._here:
            return match[0]
        self._here.add(term)
        self.used[term] = None
        name = html.escape(term.anchor, quote=True)
        return f'<span class="term" role="button" tabindex="0" aria-describedby="{name}">{match[0]}</span>'


# All pages of a report have the same glossary.
@lru_cache(maxsize=4)
def _forms_of(terms: tuple[Term, ...]) -> tuple[dict[str, Term], re.Pattern[str] | None]:
    """Return each term by its forms, and the pattern that finds any of them, the longest first."""
    by_form = {form: term for term in terms for form in (term.name, *term.forms)}
    longest_first = sorted(by_form, key=len, reverse=True)
    found = "|".join(map(_form_pattern, longest_first))
    pattern = re.compile(rf"(?<![\w-])(?:{found})(?![\w-])") if by_form else None
    return {_key(form): term for form, term in by_form.items()}, pattern


def _key(form: str) -> str:
    """An abbreviation is met as it is written, any other form also at the start of a sentence."""
    plain = " ".join(html.unescape(form).split())
    return plain if _is_exact(plain) else plain[:1].lower() + plain[1:]


def _is_exact(form: str) -> bool:
    return any(letter.isupper() for letter in form[1:]) and " " not in form


def _form_pattern(form: str) -> str:
    words = r"\s+".join(re.escape(html.escape(word, quote=False)) for word in form.split())
    if not _is_exact(form) and form[:1].isalpha():
        words = f"[{form[0].lower()}{form[0].upper()}]" + words[1:]
    return words + ("s?" if form[-1:].isalpha() else "")
