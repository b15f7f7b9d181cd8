"""Reporting checklists: each item answered somewhere in the report, left to the authors, or not applicable."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files

import pandas as pd
from pydantic import model_validator

from fhrmm.study import Frozen
from fhrmm.tables import Cells
from fhrmm.wording import POOLED

CHECKLISTS = ("strobe", "record", "remark", "esmo_grow")
_NOTEBOOK = re.compile(r"(?P<notebook>\d\d_\w+)/(?P<heading>.+)")
_DECISION = re.compile(r"D\d\d")


class Item(Frozen):
    """One item: number, what is asked, and exactly one of three answers."""

    number: str
    section: str
    item: str
    where: tuple[str, ...] = ()
    authors: str = ""
    not_applicable: str = ""

    @model_validator(mode="after")
    def _has_one_answer(self) -> Item:
        if sum(map(bool, (self.where, self.authors, self.not_applicable))) != 1:
            raise ValueError(f"item {self.number}: expected exactly one of where, authors, not_applicable")
        return self


class Checklist(Frozen):
    """A reporting guideline."""

    name: str
    title: str
    reference: str
    note: str = ""
    items: tuple[Item, ...]


def load_checklist(name: str) -> Checklist:
    """Return one of the checklists by the name of its file.

    Examples
    --------
    >>> len(load_checklist("remark").items)
    20
    """
    return Checklist.model_validate(
        tomllib.loads(files("fhrmm.manuscript").joinpath(f"{name}.toml").read_text("utf-8"))
    )


def tabulate_checklist(checklist: Checklist, scope: str, pages: frozenset[str]) -> Cells:
    """Lay out a checklist.

    Parameters
    ----------
    checklist : Checklist
        The guideline.
    scope : str
        Whose pages answer.
    pages : frozenset of str
        ``<scope>/<notebook>`` of every page of the report: a notebook that this scope has not is looked for among
        those of all centers pooled.

    Returns
    -------
    Cells
        One row per item, grouped by section.
    """
    rows = [[item.number, item.item, _answer(item, scope, pages)] for item in checklist.items]
    text = pd.DataFrame(rows, columns=["Item", "Asked for", "Where answered"]).astype(object)
    return Cells(text, tuple(item.section for item in checklist.items))


def _answer(item: Item, scope: str, pages: frozenset[str]) -> str:
    if item.not_applicable:
        return f"Not applicable, {item.not_applicable}."
    if item.authors:
        return f"For the authors: {item.authors}."
    return "; ".join(_place(where, scope, pages) for where in item.where) + "."


def _place(where: str, scope: str, pages: frozenset[str]) -> str:
    if _DECISION.fullmatch(where):
        return f"docs/decisions.md, {where}"
    match = _NOTEBOOK.fullmatch(where)
    if match is None:
        return where
    owner = next((each for each in (scope, POOLED) if f"{each}/{match['notebook']}" in pages), "")
    page = f"{owner}/{match['notebook']}.html" if owner else f"{match['notebook']} (not in this report)"
    return f'{page}, section "{match["heading"]}"'
