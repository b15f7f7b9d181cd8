"""No result is typed into prose: every number a reader could take for a finding is generated from the estimates."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from fhrmm.study import repository_root

ROOT = repository_root()
ALLOWED_FILE = Path(__file__).with_name("prose_allowed.txt")
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.ipynb"))
PAGES = [path for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md") if path.is_file()]

RESULT = re.compile(
    r"""
      \b\d+[.,]\d+\b                                        # a decimal
    | \b\d+(?:\.\d+)?\s?(?:%|percent\b)                     # a percentage
    | \b[nN]\s?=\s?\d+                                      # a denominator
    | \b[pP]\s?[=<>]\s?\.?\d+                               # a p-value
    | \b(?:HR|OR|RR|hazard\sratio|odds\sratio)\s?(?:of\s|=\s?|:\s?|was\s)?\d+   # an estimate
    | \b\d+\s?(?:of|/)\s?\d+\s(?:patients|events|deaths)    # a proportion
    | \b\d+\s(?:patients|events|deaths|responders)\b        # a count
    """,
    re.VERBOSE,
)
NOT_PROSE = re.compile(
    r"```.*?```|`[^`]*`|\$\$.*?\$\$|\]\([^)]*\)|https?://\S+|doi:\S+|\*\*References\.\*\*.*", re.DOTALL
)


def allowed_phrases() -> list[str]:
    lines = ALLOWED_FILE.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def prose(path: Path) -> str:
    """Return the text of a notebook or page without code, formulas, links and references."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    else:
        texts = [path.read_text(encoding="utf-8")]
    return "\n\n".join(NOT_PROSE.sub(" ", text) for text in texts)


def typed_results(text: str, allowed: list[str]) -> list[str]:
    for phrase in allowed:
        text = text.replace(phrase, " ")
    return [text[max(0, m.start() - 30) : m.end() + 20].replace("\n", " ") for m in RESULT.finditer(text)]


@pytest.mark.parametrize("path", [*NOTEBOOKS, *PAGES], ids=lambda path: path.stem)
def test_no_typed_results(path):
    assert typed_results(prose(path), allowed_phrases()) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "The median was 7.5 months.",
        "About 61% responded.",
        "In this cohort (n = 62) few died.",
        "It was clear, p<0.05.",
        "The HR was 2 for the worse group.",
        "There were 25 events.",
        "38 of 62 patients responded.",
        "61 percent",
    ],
)
def test_typed_results_are_found(sentence):
    assert typed_results(sentence, [])


@pytest.mark.parametrize(
    "sentence",
    [
        "See section 4.",
        "The window is in the plan.",
        "Kaplan EL. 1958;53:457-481.",
        "ISS III against I or II",
        "T1 to T12",
    ],
)
def test_plain_sentences_pass(sentence):
    assert typed_results(sentence, []) == []


def test_every_exemption_is_still_used():
    everything = "\n".join(prose(path) for path in [*NOTEBOOKS, *PAGES])
    assert [phrase for phrase in allowed_phrases() if phrase not in everything] == []
