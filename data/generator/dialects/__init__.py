"""The dialects of the synthetic centers: canonical tables as raw exports."""

from generator.dialects.styles import STYLES, Style
from generator.dialects.text import write_text
from generator.dialects.writers import describe_center, write_center

__all__ = ["STYLES", "Style", "describe_center", "write_center", "write_text"]
