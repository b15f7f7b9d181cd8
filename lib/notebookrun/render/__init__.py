"""Executed notebooks as self-contained HTML pages."""

from notebookrun.render.outputs import clean_notebook
from notebookrun.render.page import Notice, blocked_page, render_page

__all__ = ["Notice", "blocked_page", "clean_notebook", "render_page"]
