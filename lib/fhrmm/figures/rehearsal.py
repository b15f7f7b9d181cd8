"""Imported by the parent of warm kernels alone: draws one figure, so that no notebook is the first to do so.

What matplotlib and this package look up once per process (fonts, letters, writers of files) is then there in every
kernel forked from that parent. A figure has the same bytes with and without; warm and cold kernels are compared in the
tests of the engine.
"""

from __future__ import annotations

import string

import pandas as pd
from matplotlib.font_manager import FontProperties

from fhrmm.figures.kaplan_meier import plot_kaplan_meier
from fhrmm.figures.letters import LETTERS
from fhrmm.figures.output import PRINT_DPI, save_figure
from fhrmm.figures.style import STYLE
from fhrmm.study import load_study

_STYLES, _WEIGHTS = ("normal", "italic"), ("normal", "bold")
_LETTERS = string.digits + string.ascii_letters + string.punctuation + " \u2013\u2212\u00b7\u2265\u2264"


def rehearse() -> None:
    """Load the usual letters, and draw two curves in every format."""
    for style in _STYLES:
        for weight in _WEIGHTS:
            font = FontProperties(family=str(STYLE["font.family"]), style=style, weight=weight)
            LETTERS.get_text_width_height_descent(_LETTERS, font, False)
    times = [0.0, 6.0, 12.0, 18.0, 24.0]
    heights = [1.0, 0.8, 0.6, 0.5, 0.4]
    curve = pd.DataFrame({"time": times, "survival": heights, "ci_lower": heights, "ci_upper": heights})
    curve = curve.assign(n_at_risk=20.0, n_censored=1.0)
    counts = pd.DataFrame({"at": times, "n_at_risk": 20, "n_censored": 1, "n_events": 1})
    risk = pd.concat([counts.assign(group=level) for level in ("yes", "no")])
    figure = plot_kaplan_meier(
        {"yes": curve, "no": curve}, risk, load_study(), endpoint="PFS", variable="extramedullary_disease"
    )
    for kind in ("svg", "png", "pdf"):
        save_figure(figure, kind, dpi=PRINT_DPI)


rehearse()
