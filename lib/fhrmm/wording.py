"""What page, cover, figure and manuscript call the same thing; quick to import, so that the runner starts at once."""

from xml.etree import ElementTree

POOLED = "ALL"
POOL = "POOL"  # all centers by sums alone, without patients
SIMULATED = "simulated"  # the population of an estimate about samples that were drawn, not about patients
METHODS_FILE = "methods.docx"
RELEASE_MARK = "RELEASE.txt"  # lies in a report folder in which counts are rounded
SYNTHETIC_MARK = "synthetic data"
SYNTHETIC_WARNING = "SYNTHETIC DATA: generated, not patients; never to be read as clinical evidence"
_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"


def counted(written: int | str, noun: str) -> str:
    """Return a number, as it is written, with what it counts: singular for one.

    Examples
    --------
    >>> counted(1, "event"), counted("no", "event"), counted("1,234", "patient")
    ('1 event', 'no events', '1,234 patients')
    """
    return f"{written} {noun}{'' if str(written) == '1' else 's'}"


def read_words(svg: bytes) -> tuple[str, str]:
    """Return caption and text alternative of a figure saved as SVG; empty if it has none.

    Examples
    --------
    >>> read_words(b'<svg xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Survival</dc:title></svg>')
    ('Survival', '')
    """
    root = ElementTree.fromstring(svg)
    title, description = (root.findtext(f".//{_DUBLIN_CORE}{name}", "") for name in ("title", "description"))
    return title, description
