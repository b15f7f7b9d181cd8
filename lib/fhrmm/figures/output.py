"""A figure as bytes, the same for the same figure, and the mark of synthetic data."""

from __future__ import annotations

import io

import matplotlib
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from fhrmm.figures.pixels import write_png
from fhrmm.figures.recording import Recording, Repeated
from fhrmm.figures.style import MUTED, STYLE
from fhrmm.figures.vectors import write_svg
from fhrmm.wording import SYNTHETIC_MARK

PRINT_DPI = 300
_MARK = "synthetic-mark"
# None keeps date and library version out of the file: same figure, same bytes.
_METADATA = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_CAPTION_FIELD = {"svg": "Description", "pdf": "Subject"}
_KINDS = ("svg", "png", "pdf")


def save_figure(figure: Figure, kind: str, *, dpi: int = 150, caption: str = "") -> bytes:
    """Return a figure as a file.

    Parameters
    ----------
    figure : Figure
        The figure.
    kind : {"svg", "png", "pdf"}
        File format.
    dpi : int
        Resolution of PNG.
    caption : str
        Kept inside the file, so that a figure that travels alone still says what it shows.

    Returns
    -------
    bytes
        Without date: the same figure gives the same bytes.

    Raises
    ------
    ValueError
        If the format is unknown.
    """
    if kind not in _KINDS:
        raise ValueError(f"figure format {kind!r}; known are {', '.join(_KINDS)}")
    buffer = io.BytesIO()
    with matplotlib.rc_context(dict(STYLE)):
        recording = _record(figure)
        metadata = _METADATA.get(kind, {}) | ({_CAPTION_FIELD[kind]: caption} if caption and kind != "png" else {})
        if kind == "svg":
            return write_svg(recording, metadata)
        # many journals refuse the fonts of matplotlib in a PDF; all take outlines, which are also painted faster
        drawing = Repeated(recording)
        if kind == "png":
            return write_png(drawing, dpi, caption)
        drawing.savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue()


def _record(figure: Figure) -> Recording:
    """Draw a figure unless that was done since it last changed."""
    known: Recording | None = getattr(figure, "fhrmm_recording", None)
    if known is None or figure.stale:
        known = figure.fhrmm_recording = Recording(figure)  # type: ignore[attr-defined]
    return known


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
