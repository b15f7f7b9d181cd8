"""A drawing as PNG: opaque, and with a table of its colors unless they are far too many."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

_MOST_COLORS = 256
# So many of the most frequent colors, those of areas and lines, stay as they are. Red, green and blue of the others, at
# the edges of letters and lines, are rounded to multiples of the first step that makes the table long enough. All
# steps divide 255, so white stays white; nobody sees seven levels of 255 at an edge.
_EXACT = 64
_STEPS = (1, 3, 5, 15)


def write_png(figure: Figure, dpi: int, caption: str = "") -> bytes:
    """Return a figure as PNG.

    Parameters
    ----------
    figure : Figure
        On an opaque background.
    dpi : int
        Pixels per inch; stands in the file.
    caption : str
        Kept in the file as its description.
    """
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    facts = PngInfo()
    if caption:
        facts.add_text("Description", caption)
    buffer = io.BytesIO()
    # run lengths are found faster than longer repetitions, and suit areas of one color
    options = {"compress_type": zlib.Z_RLE, "compress_level": 1}
    _smallest(np.asarray(canvas.buffer_rgba())).save(buffer, "png", dpi=(dpi, dpi), pnginfo=facts, **options)
    return buffer.getvalue()


def _smallest(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return the same opaque pixels in one byte each if a table can hold their colors, else in three."""
    packed = np.ascontiguousarray(pixels).view("<u4").ravel()
    # most of a figure is areas of one color: only where the color changes is looked at
    begins = np.append(0, np.flatnonzero(packed[1:] != packed[:-1]) + 1)
    lengths = np.diff(begins, append=packed.size)
    places, found = pd.factorize(packed[begins])
    colors = found.view(np.uint8).reshape(-1, 4)[:, :3].astype(int)
    frequent = np.argsort(-np.bincount(places, weights=lengths), kind="stable")[:_EXACT]
    for step in _STEPS:
        rounded = (colors + step // 2) // step * step
        rounded[frequent] = colors[frequent]
        table, entries = np.unique(rounded, axis=0, return_inverse=True)
        if len(table) <= _MOST_COLORS:
            break
    else:
        return Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
    indexed = np.repeat(entries.astype(np.uint8)[places], lengths)
    image = Image.fromarray(indexed.reshape(pixels.shape[:2]))
    image.putpalette(table.astype(np.uint8).tobytes())
    return image
