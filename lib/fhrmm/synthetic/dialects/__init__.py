"""The dialects of the synthetic centers: canonical tables as raw exports."""

from fhrmm.synthetic.dialects.styles import STYLES, Style
from fhrmm.synthetic.dialects.text import write_text
from fhrmm.synthetic.dialects.writers import describe_center, write_center

__all__ = ["STYLES", "Style", "describe_center", "write_center", "write_text"]
