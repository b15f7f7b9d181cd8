"""Imported once by the parent of worker processes: loads what they need, checks a notebook and renders a page."""

from __future__ import annotations

from notebookrun import worker

# isort: split
import nbformat

from notebookrun.pagecontext import PageContext
from notebookrun.render import render_page

_SAMPLE = {
    "cells": [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# A\n\n$x$\n\n| a |\n|---|\n| 1 |\n"},
        {
            "cell_type": "code",
            "id": "b",
            "metadata": {},
            "source": "x = 1",
            "outputs": [{"output_type": "stream", "name": "stdout", "text": "1"}],
            "execution_count": 1,
        },
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}

run_task = worker.run_task
nbformat.validate(nbformat.from_dict(_SAMPLE))
render_page(_SAMPLE, PageContext("Report", "A", "ALL"))
