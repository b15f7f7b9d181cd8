"""Executed notebooks as self-contained HTML pages."""

from notebookrun.render.page import Notice, blocked_page, render_page

__all__ = ["Notice", "blocked_page", "render_page"]
