"""Figures as journals take them: the TIFF and the PDF that the notebooks wrote beside each SVG."""

from __future__ import annotations

from dataclasses import dataclass

from fhrmm.manuscript.published import FORMATS, Published
from fhrmm.store import read_report_bytes
from fhrmm.wording import read_words

_MAIN = ("02_cohort_flow", "03_response_best_response", "04_pfs_os_pfs", "04_pfs_os_os", "05_multivariable_forest_pfs")


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure of the manuscript.

    Attributes
    ----------
    label, stem : str
        ``Figure 1`` or ``Figure S1``, and the name it has in the report.
    legend : str
        The caption it was published with.
    tiff, pdf : bytes
        The files.
    """

    label: str
    stem: str
    legend: str
    tiff: bytes
    pdf: bytes

    @property
    def file_name(self) -> str:
        """Name of the files without extension."""
        return f"{self.label.lower().replace(' ', '_')}_{self.stem[3:]}"


def make_pictures(published: Published) -> tuple[list[Picture], list[str]]:
    """Return the figures: those of the text, then all others as supplement; and which of the text are not there.

    Figures of single patients are not among them, whether released or not.
    """
    main = [(f"Figure {place}", stem) for place, stem in enumerate(_MAIN, start=1)]
    others = [stem for stem in published.figures if stem not in _MAIN]
    supplement = [(f"Figure S{place}", stem) for place, stem in enumerate(others, start=1)]
    absent = [f"{label} ({stem})" for label, stem in main if stem not in published.figures]
    found = [(label, stem) for label, stem in (*main, *supplement) if stem in published.figures]
    return [_picture(published, label, stem) for label, stem in found], absent


def _picture(published: Published, label: str, stem: str) -> Picture:
    svg, pdf, tiff = (read_report_bytes(published.run, "figures", f"{stem}.{kind}") for kind in ("svg", *FORMATS))
    legend, _ = read_words(svg)
    return Picture(label, stem, legend, tiff, pdf)
