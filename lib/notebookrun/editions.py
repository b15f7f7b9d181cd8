"""Editions of one notebook, told apart by the tags of its cells: what a student gets, and what a teacher gets."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Edition:
    """Which cells an edition leaves out.

    Attributes
    ----------
    name : str
        Of the folder and the page.
    left_out : tuple of str
        Tags: a cell with any of them is not part of the edition.
    """

    name: str
    left_out: tuple[str, ...]


EDITIONS = (Edition("student", ("solution", "instructor")), Edition("instructor", ("exercise",)))


def make_edition(notebook: Mapping[str, Any], edition: Edition) -> dict[str, Any]:
    """Return a notebook without the cells that the edition leaves out; the given one is not changed.

    Cells whose source JupyterLab folds away in the master are open in an edition.

    Examples
    --------
    >>> cells = [{"cell_type": "code", "metadata": {"tags": [tag]}} for tag in ("exercise", "solution")]
    >>> [cell["metadata"]["tags"] for cell in make_edition({"cells": cells}, EDITIONS[0])["cells"]]
    [['exercise']]
    """
    made = copy.deepcopy(dict(notebook))
    left_out = set(edition.left_out)
    made["cells"] = [cell for cell in made["cells"] if not left_out & set(cell["metadata"].get("tags", []))]
    for cell in made["cells"]:
        cell["metadata"].pop("jupyter", None)
    return made
