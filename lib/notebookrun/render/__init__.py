"""Executed notebooks as self-contained HTML pages, and as notebooks for reading."""

from notebookrun.render.outputs import clean_notebook
from notebookrun.render.page import Notice, render_page
from notebookrun.render.readable import readable_notebook

__all__ = ["Notice", "clean_notebook", "readable_notebook", "render_page"]
