"""Texts as outlines of letters: each letter is loaded from its font once per process, not once per occurrence."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font, Kerning, LoadFlags
from matplotlib.path import Path
from matplotlib.textpath import TextToPath
from numpy.typing import NDArray


class _Letter(NamedTuple):
    """A letter at the size of outlines: what its text is written from, and how it is measured."""

    name: str
    index: int
    advance: float
    outline: tuple[NDArray[np.float64], NDArray[np.uint8]]
    width: float
    bottom: float
    top: float


class Letters(TextToPath):
    """Places the letters of a text where matplotlib places them, from what is remembered of each letter.

    matplotlib asks the font for every letter of every text again, which takes longer than all else in writing a
    figure. Texts with a letter that their font does not have are left to matplotlib.
    """

    def get_glyphs_with_font(
        self, font: FT2Font, s: str, glyph_map: dict[str, Any] | None = None, return_new_glyphs_only: bool = False
    ) -> tuple[list[tuple[str, float, float, float]], dict[str, Any], list[Any]]:
        """Return each letter's name and place, the outlines by name, and no boxes, as the method it stands for."""
        letters = [_letter(font, character) for character in s]
        if any(letter.index == 0 for letter in letters):
            return super().get_glyphs_with_font(font, s, glyph_map, return_new_glyphs_only)  # type: ignore[no-any-return]
        known = {} if glyph_map is None else glyph_map
        new = {letter.name: letter.outline for letter in letters if letter.name not in known}
        x, placed = 0.0, []
        for letter, kerning in zip(letters, _kernings(font, letters), strict=True):
            x += kerning
            placed.append((letter.name, x, 0.0, 1.0))
            x += letter.advance
        if return_new_glyphs_only:
            return placed, new, []
        known.update(new)
        return placed, known, []

    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: bool | str
    ) -> tuple[float, float, float]:
        """Return the size of a text in points."""
        font = self._get_font(prop)
        letters = [_letter(font, character) for character in s]
        if not letters or any(letter.index == 0 for letter in letters):
            return super().get_text_width_height_descent(s, prop, ismath)  # type: ignore[no-any-return]
        scale = prop.get_size_in_points() / self.FONT_SCALE
        bottom, top = min(letter.bottom for letter in letters), max(letter.top for letter in letters)
        width = sum(letter.width for letter in letters) + sum(_kernings(font, letters))
        return width * scale, (top - bottom) * scale, -bottom * scale

    def outline(self, text: str, prop: FontProperties) -> Path:
        """Return a text as one path in points, its first letter at the origin."""
        placed, outlines, _ = self.get_glyphs_with_font(self._get_font(prop), text)
        scale = prop.get_size_in_points() / self.FONT_SCALE
        seen = [(outlines[name], x) for name, x, _, _ in placed if len(outlines[name][1])]
        if not seen:
            return Path(np.empty((0, 2)))
        vertices = np.concatenate([vertices + np.array([x, 0.0]) for (vertices, _), x in seen])
        return Path(vertices * scale, np.concatenate([codes for (_, codes), _ in seen]))


def _kernings(font: FT2Font, letters: Sequence[_Letter]) -> list[float]:
    """Return by how much each letter moves towards the one before."""
    pairs = itertools.pairwise(letters)
    return [0.0, *(_kerning(font, left.index, right.index) for left, right in pairs)][: len(letters)]


# The font given here has its usual size for outlines, which whoever asked for it has just set.
@functools.lru_cache(maxsize=4096)
def _letter(font: FT2Font, character: str) -> _Letter:
    name, index = LETTERS._get_char_id(font, ord(character)), font.get_char_index(ord(character))
    font.set_text(character, 0.0, flags=LoadFlags.NO_HINTING)
    width, height = font.get_width_height()
    bottom = -font.get_descent()
    advance = font.load_glyph(index, flags=LoadFlags.NO_HINTING).linearHoriAdvance / 65536
    return _Letter(name, index, advance, font.get_path(), width / 64, bottom / 64, (bottom + height) / 64)


@functools.lru_cache(maxsize=16384)
def _kerning(font: FT2Font, left: int, right: int) -> float:
    return float(font.get_kerning(left, right, Kerning.DEFAULT)) / 64


LETTERS = Letters()
