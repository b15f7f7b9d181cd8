"""Executed notebooks as self-contained HTML pages."""

from notebookrun.render.outputs import clean_notebook
from notebookrun.render.page import Notice, render_page

__all__ = ["Notice", "clean_notebook", "render_page"]
