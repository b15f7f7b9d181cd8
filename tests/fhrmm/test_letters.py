"""Remembered letters stand where matplotlib puts them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath, text_to_path

from fhrmm import figures
from fhrmm.figures.letters import LETTERS
from fhrmm.figures.style import draw_empty

TEXTS = [
    "AVTo \u22652, 12.5% (95% CI 3\u20137)",
    "a",
    "-",
    "_",
    "'",
    "x y\u22123",
    "gjpq|",
    "ffi",
    "  two  spaces ",
    "\u6f22 a",
]
FONTS = [
    FontProperties(family="DejaVu Sans", size=9, style=style, weight=weight)
    for style in ("normal", "italic")
    for weight in ("normal", "bold")
]


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("font", FONTS, ids=lambda font: f"{font.get_style()} {font.get_weight()}")
def test_letters_stand_where_matplotlib_puts_them(text: str, font: FontProperties) -> None:
    file = text_to_path._get_font(font)
    expected, outlines, _ = text_to_path.get_glyphs_with_font(file, text)
    for _ in range(2):  # the second time from memory
        placed, found, boxes = LETTERS.get_glyphs_with_font(file, text)
        assert (placed, set(found), boxes) == (expected, set(outlines), [])
    for name, (vertices, codes) in found.items():
        assert np.array_equal(vertices, outlines[name][0])
        assert np.array_equal(codes, outlines[name][1])


def test_only_letters_not_yet_written_are_given_again() -> None:
    file = text_to_path._get_font(FONTS[0])
    _, known, _ = LETTERS.get_glyphs_with_font(file, "abc")
    _, new, _ = LETTERS.get_glyphs_with_font(file, "bcd", known, True)
    assert list(new) == ["DejaVuSans-64"]
    assert len(known) == 3


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("font", FONTS, ids=lambda font: f"{font.get_style()} {font.get_weight()}")
def test_a_text_is_as_large_as_matplotlib_says(text: str, font: FontProperties) -> None:
    expected = text_to_path.get_text_width_height_descent(text, font, False)
    assert LETTERS.get_text_width_height_descent(text, font, False) == pytest.approx(expected, abs=1e-12)
    assert LETTERS.get_text_width_height_descent("", font, False) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_as_one_path_is_the_path_of_matplotlib(text: str) -> None:
    expected, path = TextPath((0, 0), text, size=9, prop=FONTS[0]), LETTERS.outline(text, FONTS[0])
    assert np.array_equal(path.codes, expected.codes)
    assert np.allclose(path.vertices, expected.vertices, atol=1e-12)


def test_nothing_to_see_is_an_empty_path() -> None:
    assert len(LETTERS.outline("  ", FONTS[0]).vertices) == 0


def test_dollars_are_dollars_in_every_format() -> None:
    figure = draw_empty("from $5 to $10")
    assert b"<!-- from $5 to $10 -->" in figures.save_figure(figure, "svg")
    for kind in ("png", "pdf"):
        assert figures.save_figure(figure, kind)
