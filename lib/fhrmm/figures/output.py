"""A figure as bytes, the same for the same figure, and the mark of synthetic data."""

from __future__ import annotations

import io
import re

import matplotlib
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image, TiffImagePlugin

from fhrmm.figures.style import MUTED, STYLE
from fhrmm.wording import SYNTHETIC_MARK

PRINT_DPI, SCREEN_DPI = 300, 96
_MARK = "synthetic-mark"
_POSITION_DECIMALS = 6
_TIFF_DESCRIPTION = 270
# None keeps date and library version out of the file: same figure, same bytes.
_METADATA: dict[str, dict[str, str | None]] = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
    "tiff": {},
}
# Names of the fields for the text alternative in each format; the caption is the title.
_ALT_FIELD = {"svg": "Description", "pdf": "Subject", "png": "Description"}


def save_figure(figure: Figure, kind: str, *, caption: str = "", alt: str = "", dpi: int = PRINT_DPI) -> bytes:
    """Return a figure as a file.

    Parameters
    ----------
    figure : Figure
        The figure.
    kind : {"svg", "pdf", "png", "tiff"}
        File format. Letters are outlines in an SVG and TrueType fonts in a PDF; a TIFF is opaque and compressed.
    caption, alt : str
        Kept inside the file, so that a figure that travels alone still says what it shows.
    dpi : int, default 300
        Resolution of pixels.

    Returns
    -------
    bytes
        Without date: the same figure gives the same bytes.

    Raises
    ------
    ValueError
        If the format is unknown.
    """
    if kind not in _METADATA:
        raise ValueError(f"figure format {kind!r}; known are {', '.join(_METADATA)}")
    buffer = io.BytesIO()
    written = "png" if kind == "tiff" else kind
    metadata = _METADATA[kind] | ({"Title": caption, _ALT_FIELD[written]: alt} if caption else {})
    with matplotlib.rc_context(dict(STYLE)):
        _lay_out(figure)
        figure.savefig(buffer, format=written, dpi=dpi, metadata=metadata)
    if kind == "tiff":
        return _to_tiff(buffer, caption)
    # space between the elements of an SVG says nothing, and a page may have twenty of them
    return re.sub(rb">\s+<", b"><", buffer.getvalue()) if kind == "svg" else buffer.getvalue()


def _to_tiff(png: io.BytesIO, caption: str) -> bytes:
    buffer, tags = io.BytesIO(), TiffImagePlugin.ImageFileDirectory_v2()
    tags[_TIFF_DESCRIPTION] = caption.encode("ascii", "replace").decode("ascii")
    with Image.open(png) as image:
        flat = image.convert("RGB")
    flat.save(buffer, format="TIFF", compression="tiff_lzw", dpi=(PRINT_DPI, PRINT_DPI), tiffinfo=tags)
    return buffer.getvalue()


def _lay_out(figure: Figure) -> None:
    """Solve the layout once, and round where the axes are.

    The solver may end differently in its last digits from process to process, and the names of clip paths in an SVG
    are made from those digits.
    """
    engine = figure.get_layout_engine()
    if not isinstance(engine, ConstrainedLayoutEngine):
        return
    engine.execute(figure)
    figure.set_layout_engine(None)
    for axes in figure.axes:
        axes.set_position([round(value, _POSITION_DECIMALS) for value in axes.get_position(original=True).bounds])


def mark_synthetic(figure: Figure) -> None:
    """Write the mark of synthetic data small along the right edge of a figure; a second call changes nothing."""
    if any(text.get_gid() == _MARK for text in figure.texts):
        return
    label = figure.text(
        0.998, 0.005, SYNTHETIC_MARK, ha="right", va="bottom", fontsize=7, color=MUTED, style="italic", gid=_MARK
    )
    label.set_in_layout(False)
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        height = figure.get_size_inches()[1]
        engine.set(rect=(0.0, 0.13 / height, 1.0, 1.0 - 0.13 / height))
