"""How a figure is written into a page: embedded, with caption, text alternative and the mark of synthetic data."""

from __future__ import annotations

import base64
from html import escape

from fhrmm.wording import SYNTHETIC_MARK


def figure_html(svg: bytes, caption: str, alt: str, *, is_synthetic: bool, shape: str = "", anchor: str = "") -> str:
    """Return a figure as HTML that needs no other file.

    The caption is HTML, in which text has been escaped; `alt` is plain. A ``tall`` `shape` may take more of a printed
    page than a ``wide`` one. The `anchor` is its identifier on the page. All of them may be empty.

    Examples
    --------
    >>> figure_html(b"<svg/>", "Survival.", "A falling curve", is_synthetic=False, shape="wide")[:32]
    '<figure class="fhrmm wide"><img '
    """
    source = "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")
    css = f"fhrmm {shape}".rstrip()
    named = f' id="{anchor}"' if anchor else ""
    mark = f'<span class="mark">{SYNTHETIC_MARK.capitalize()}</span> ' if is_synthetic else ""
    image = f'<img src="{source}" alt="{escape(alt)}">'
    return f'<figure class="{css}"{named}>{image}<figcaption>{mark}{caption}</figcaption></figure>'
