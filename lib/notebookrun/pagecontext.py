"""What surrounds the cells of a page: navigation, banner, parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from notebookrun.glossary import Term


class Link(NamedTuple):
    """A link of the navigation, relative to the page, and whether it leads to the page itself."""

    text: str
    href: str
    is_current: bool = False


class ParameterRow(NamedTuple):
    """A row of the block *Parameters of this run*."""

    name: str
    value: str
    is_changed: bool
    help: str = ""


@dataclass(frozen=True)
class PageContext:
    """What a page shows around the cells.

    Attributes
    ----------
    site, title, scope : str
        Title of the report, of the notebook, and the scope.
    banner : str
        Standing warning, such as that the data are synthetic; empty for none.
    citation : tuple of str
        How to cite what the page comes from, at its foot.
    notebooks, scopes : tuple of Link
        The notebooks of the scope, in reading order; the same notebook in the other scopes.
    parameters : tuple of ParameterRow
        Parameters of the run.
    pages : mapping
        Where the page of each notebook is, by the notebook's name: text that links to ``NAME.ipynb`` leads there.
    glossary : tuple of Term
        Terms that are explained where they are met.
    home : str
        Where the front page is, relative to the page.
    scope_label : str
        What a scope is called.
    is_code_open : bool
        Whether code is shown at once, as part of the text; cells tagged ``fold`` stay folded.
    notebook : str
        Where the executed notebook is, relative to the page; empty if none is offered.
    """

    site: str
    title: str
    scope: str
    banner: str = ""
    citation: tuple[str, ...] = ()
    notebooks: tuple[Link, ...] = ()
    scopes: tuple[Link, ...] = ()
    parameters: tuple[ParameterRow, ...] = ()
    pages: Mapping[str, str] = field(default_factory=dict)
    glossary: tuple[Term, ...] = ()
    home: str = "../index.html"
    scope_label: str = "Scope"
    is_code_open: bool = False
    notebook: str = ""

    @property
    def neighbors(self) -> tuple[Link | None, Link | None]:
        """The pages before and after this one, in reading order."""
        around = (None, *self.notebooks, None)
        here = next((place for place, link in enumerate(around) if link and link.is_current), 0)
        return (around[here - 1], around[here + 1]) if here else (None, None)
