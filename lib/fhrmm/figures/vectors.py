"""A recorded drawing as SVG, its letters written once each."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from matplotlib.backends.backend_svg import RendererSVG

from fhrmm.figures.letters import LETTERS
from fhrmm.figures.recording import POINTS_PER_INCH, Recording


class _Svg(RendererSVG):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._text2path = LETTERS


def write_svg(recording: Recording, metadata: Mapping[str, str | None]) -> bytes:
    """Return a recording as SVG.

    Parameters
    ----------
    recording : Recording
        What to draw.
    metadata : mapping
        As matplotlib takes it: None leaves a field out.
    """
    written = io.StringIO()
    renderer = _Svg(*recording.get_canvas_width_height(), written, metadata=dict(metadata))
    recording.repeat(renderer, POINTS_PER_INCH)
    renderer.finalize()
    return written.getvalue().encode()
