"""What page, cover, figure and manuscript call the same thing; imports nothing, so that the runner starts at once."""

POOLED = "ALL"
SIMULATED = "simulated"  # the population of an estimate about samples that were drawn, not about patients
METHODS_FILE = "methods.docx"
SYNTHETIC_MARK = "synthetic data"
SYNTHETIC_WARNING = "SYNTHETIC DATA: generated, not patients; never to be read as clinical evidence"
