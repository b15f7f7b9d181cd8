"""A figure as bytes, the same for the same figure, and the mark of synthetic data."""

from __future__ import annotations

import io
import zlib

import matplotlib
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from fhrmm.figures.recording import Recording, Repeated
from fhrmm.figures.style import MUTED, STYLE
from fhrmm.wording import SYNTHETIC_MARK

PRINT_DPI = 300
_MARK = "synthetic-mark"
_POSITION_DECIMALS = 6
# None keeps date and library version out of the file: same figure, same bytes.
_METADATA = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_CAPTION_FIELD = {"svg": "Description", "png": "Description", "pdf": "Subject"}


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
    if kind not in _METADATA:
        raise ValueError(f"figure format {kind!r}; known are {', '.join(_METADATA)}")
    buffer = io.BytesIO()
    metadata = _METADATA[kind] | ({_CAPTION_FIELD[kind]: caption} if caption else {})
    encoding = {"pil_kwargs": {"compress_type": zlib.Z_RLE}} if kind == "png" else {}
    with matplotlib.rc_context(dict(STYLE)):
        Repeated(_record(figure)).savefig(buffer, format=kind, dpi=dpi, metadata=metadata, **encoding)
    return buffer.getvalue()


def _record(figure: Figure) -> Recording:
    """Draw a figure unless that was done since it last changed."""
    known: Recording | None = getattr(figure, "fhrmm_recording", None)
    if known is None or figure.stale:
        _settle(figure)
        known = figure.fhrmm_recording = Recording(figure)  # type: ignore[attr-defined]
    return known


def _settle(figure: Figure) -> None:
    """Lay the figure out once, and round where its axes are.

    Otherwise each format measures every text again, and may arrange it differently.
    The layout is solved in floating point and may differ in its last digits between processes; the names of clip
    paths in an SVG are made from those digits. Rounded, every process and every file format has the same layout.
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
