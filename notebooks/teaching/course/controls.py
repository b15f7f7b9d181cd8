"""Sliders that redraw a figure where a kernel answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import ipywidgets

Choices = Mapping[str, Sequence[object]]


def make_controls(draw: Callable[..., str], controls: Choices, *, first: Mapping[str, object]) -> ipywidgets.VBox:
    """Return one slider per setting above a figure that follows them.

    Parameters
    ----------
    draw : callable
        Makes HTML from the named settings.
    controls : mapping of str to sequence
        The values each setting may take, in order.
    first : mapping of str to object
        Where the sliders start.

    Examples
    --------
    >>> box = make_controls(lambda n: f"n is {n}", {"n": [10, 20]}, first={"n": 10})
    >>> box.children[0].value = 20
    >>> box.children[-1].value
    'n is 20'
    """
    sliders = {
        name: ipywidgets.SelectionSlider(
            options=list(values),
            value=first[name],
            description=name.replace("_", " "),
            continuous_update=False,
            style={"description_width": "initial"},
            layout={"width": "28rem"},
        )
        for name, values in controls.items()
    }
    picture = ipywidgets.HTML(draw(**first))

    def follow(change: object) -> None:
        picture.value = draw(**{name: slider.value for name, slider in sliders.items()})

    for slider in sliders.values():
        slider.observe(follow, names="value")
    return ipywidgets.VBox([*sliders.values(), picture])
