"""A figure drawn once and repeated in every file format: placing its texts costs more than writing them."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.backend_bases import FigureCanvasBase, GraphicsContextBase, RendererBase
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Bbox, Transform, TransformedPath

from fhrmm.figures.letters import LETTERS

POINTS_PER_INCH = 72.0
_POSITION_DECIMALS = 6
# Which arguments of a drawing method place things on the page, so that they grow with the resolution.
_PLACING = {
    "draw_path": (1,),
    "draw_markers": (1, 3),
    "draw_path_collection": (0, 4),
    "draw_quad_mesh": (0, 5),
}


class Recording(RendererBase):
    """Renderer that notes what a figure draws, in points.

    Images are not noted: they would have to be resampled for each resolution, and no figure of the study has one.

    Parameters
    ----------
    figure : Figure
        Drawn at once; later changes of it do not show.
    """

    def __init__(self, figure: Figure) -> None:
        super().__init__()
        self.size: tuple[float, float] = tuple(figure.get_size_inches())
        self._notes: list[tuple[str, GraphicsContextBase | None, list[Any], dict[str, Any]]] = []
        dpi, canvas = figure.dpi, figure.canvas
        figure.dpi = POINTS_PER_INCH
        figure.set_canvas(_Measuring(figure, self))
        with _texts_laid_out_once():
            _lay_out(figure)
            figure.draw(self)
        figure.set_canvas(canvas)
        figure.dpi = dpi
        figure.stale = False

    def repeat(self, renderer: RendererBase, dpi: float, *, as_outlines: bool = False) -> None:
        """Draw with another renderer what was noted, texts as text or as outlines of their letters."""
        scale = dpi / POINTS_PER_INCH
        for name, noted, arguments, named in self._notes:
            if noted is None:
                getattr(renderer, name)(*arguments, **named)
                continue
            context = renderer.new_gc()
            context.copy_properties(noted)
            _scale_clip(context, scale)
            if name == "draw_text":
                self._repeat_text(renderer, context, scale, arguments, named, as_outlines)
            else:
                getattr(renderer, name)(context, *_scaled(name, arguments, scale), **named)
            context.restore()

    def _repeat_text(
        self,
        renderer: RendererBase,
        context: GraphicsContextBase,
        scale: float,
        arguments: list[Any],
        named: dict[str, Any],
        as_outlines: bool,
    ) -> None:
        x, y, text, font, angle, *others = arguments
        upwards = self.size[1] * POINTS_PER_INCH - y
        if as_outlines:
            context.set_linewidth(0.0)
            place = Affine2D().scale(scale).rotate_deg(angle).translate(x * scale, upwards * scale)
            renderer.draw_path(context, _outline(text, font.copy()), place, context.get_rgb())
        else:
            height = y if renderer.flipy() else upwards
            renderer.draw_text(context, x * scale, height * scale, text, font, angle, *others, **named)

    def get_canvas_width_height(self) -> tuple[float, float]:
        """Return the size in points."""
        return self.size[0] * POINTS_PER_INCH, self.size[1] * POINTS_PER_INCH

    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: bool | str
    ) -> tuple[float, float, float]:
        """Return the size of a text without hinting: the same at every resolution."""
        return _measure(s, prop.copy(), ismath)

    def open_group(self, s: str, gid: str | None = None) -> None:
        """Note the start of a group."""
        self._notes.append(("open_group", None, [s], {"gid": gid}))

    def close_group(self, s: str) -> None:
        """Note the end of a group."""
        self._notes.append(("close_group", None, [s], {}))

    def draw_path(self, gc: GraphicsContextBase, *arguments: Any, **named: Any) -> None:
        """Note a path."""
        self._note("draw_path", gc, arguments, named)

    def draw_markers(self, gc: GraphicsContextBase, *arguments: Any, **named: Any) -> None:
        """Note a marker along a path."""
        self._note("draw_markers", gc, arguments, named)

    def draw_path_collection(self, gc: GraphicsContextBase, *arguments: Any, **named: Any) -> None:
        """Note a collection of paths."""
        self._note("draw_path_collection", gc, arguments, named)

    def draw_quad_mesh(self, gc: GraphicsContextBase, *arguments: Any, **named: Any) -> None:
        """Note a mesh."""
        self._note("draw_quad_mesh", gc, arguments, named)

    def draw_text(self, gc: GraphicsContextBase, *arguments: Any, **named: Any) -> None:
        """Note a text."""
        self._note("draw_text", gc, arguments, named)

    def _note(self, name: str, gc: GraphicsContextBase, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        context = GraphicsContextBase()
        context.copy_properties(gc)
        _freeze_clip(context)
        frozen = [item.frozen() if isinstance(item, Transform) else item for item in arguments]
        self._notes.append((name, context, frozen, named))


class Repeated(Figure):
    """A figure that repeats a recording with its texts as outlines, whatever it is saved as."""

    def __init__(self, recording: Recording) -> None:
        super().__init__(figsize=recording.size)
        self._recording = recording

    def draw(self, renderer: RendererBase) -> None:
        """Repeat the recording."""
        self._recording.repeat(renderer, self.dpi, as_outlines=True)


class _Measuring(FigureCanvasBase):
    """A canvas whose renderer only measures, so that the layout needs no pixels and sizes texts as they are drawn."""

    def __init__(self, figure: Figure, renderer: RendererBase) -> None:
        super().__init__(figure)
        self._renderer = renderer

    def get_renderer(self) -> RendererBase:
        """Return the renderer that measures."""
        return self._renderer


def _lay_out(figure: Figure) -> None:
    """Lay the figure out once, and round where its axes are.

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


@contextlib.contextmanager
def _texts_laid_out_once() -> Iterator[None]:
    """Remember how the lines of each text stand to each other: matplotlib asks six times for each tick label."""
    known: dict[tuple[Text, str, float], Any] = {}
    lay_out = Text._get_layout

    def remembered(text: Text, renderer: RendererBase) -> Any:
        key = (text, text.get_text(), text.get_rotation())
        if key not in known:
            known[key] = lay_out(text, renderer)
        return known[key]

    Text._get_layout = remembered
    try:
        yield
    finally:
        Text._get_layout = lay_out


# The same words stand in many figures of a notebook: ticks, counts, names of levels.
@functools.lru_cache(maxsize=4096)
def _measure(text: str, font: FontProperties, is_math: bool | str) -> tuple[float, float, float]:
    return LETTERS.get_text_width_height_descent(text, font, is_math)


@functools.lru_cache(maxsize=4096)
def _outline(text: str, font: FontProperties) -> Path:
    return LETTERS.outline(text, font)


def _scaled(name: str, arguments: list[Any], scale: float) -> list[Any]:
    if scale == 1:
        return arguments
    larger, places = Affine2D().scale(scale), _PLACING[name]
    return [item + larger if place in places else item for place, item in enumerate(arguments)]


def _freeze_clip(context: GraphicsContextBase) -> None:
    """Keep where a context clips: its boxes and paths would follow the figure when its resolution changes."""
    box, (path, transform) = context.get_clip_rectangle(), context.get_clip_path()
    if box is not None:
        context.set_clip_rectangle(Bbox(np.array(box.get_points())))
    if path is not None:
        context.set_clip_path(TransformedPath(Path(path.vertices, path.codes), transform.frozen()))


def _scale_clip(context: GraphicsContextBase, scale: float) -> None:
    if scale == 1:
        return
    box, (path, transform) = context.get_clip_rectangle(), context.get_clip_path()
    if box is not None:
        context.set_clip_rectangle(Bbox(box.get_points() * scale))
    if path is not None:
        context.set_clip_path(TransformedPath(path, transform + Affine2D().scale(scale)))
