"""A figure as bytes, the same for the same figure, and the mark of synthetic data."""

from __future__ import annotations

import io

import matplotlib
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

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


def save_figure(figure: Figure, kind: str, *, dpi: int = PRINT_DPI, caption: str = "") -> bytes:
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
    with matplotlib.rc_context(dict(STYLE)):
        _lay_out(figure)
        metadata = _METADATA[kind] | ({_CAPTION_FIELD[kind]: caption} if caption else {})
        figure.savefig(buffer, format=kind, dpi=dpi, metadata=metadata)
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
