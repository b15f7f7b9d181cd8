"""What page, cover, figure and manuscript call the same thing; imports nothing, so that the runner starts at once."""

POOLED = "ALL"
SIMULATED = "simulated"  # the population of an estimate about samples that were drawn, not about patients
METHODS_FILE = "methods.docx"
SYNTHETIC_MARK = "synthetic data"
SYNTHETIC_WARNING = "SYNTHETIC DATA: generated, not patients; never to be read as clinical evidence"


def counted(written: int | str, noun: str) -> str:
    """Return a number, as it is written, with what it counts: singular for one.

    Examples
    --------
    >>> counted(1, "event"), counted("no", "event"), counted("1,234", "patient")
    ('1 event', 'no events', '1,234 patients')
    """
    return f"{written} {noun}{'' if str(written) == '1' else 's'}"
