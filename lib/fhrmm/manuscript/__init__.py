"""What a journal asks for, made from what a scope has published: tables, figures, methods, reporting checklists."""

from fhrmm.manuscript.write import write_manuscript

__all__ = ["write_manuscript"]
