"""A drawing as PNG: opaque, and with a table of its colors where there are few enough."""

from __future__ import annotations

import io
import zlib

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

_MOST_COLORS = 256


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
    image = _smallest(np.asarray(canvas.buffer_rgba()))
    image.save(buffer, "png", dpi=(dpi, dpi), pnginfo=facts, compress_type=zlib.Z_RLE)
    return buffer.getvalue()


def _smallest(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return the same opaque pixels in one byte each where they have few enough colors, else in three."""
    image = Image.fromarray(pixels).convert("RGB")
    counted = image.getcolors(_MOST_COLORS)
    if counted is None:
        return image
    colors = sorted(color for _, color in counted)
    place = np.zeros(1 << 24, dtype=np.uint8)
    for number, (red, green, blue) in enumerate(colors):
        place[red | green << 8 | blue << 16] = number
    packed = np.ascontiguousarray(pixels).view("<u4")[..., 0] & 0xFFFFFF
    indexed = Image.fromarray(place[packed])
    indexed.putpalette([part for color in colors for part in color])
    return indexed
