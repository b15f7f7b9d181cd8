"""Outputs of cells as they may be shown: no absolute paths, no addresses, tables that scroll, errors in words."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection
from typing import Any

Scrub = Callable[[str], str]
INJECTED_TAG = "injected-parameters"

# Anchored at the start of a word: without it a long unbroken word, such as an embedded image, costs its square.
_CELL_FILE = re.compile(r"(?:File )?(?<!\S)\S{0,300}?ipykernel_\d+[/\\]\d+\.py")
_ADDRESS = re.compile(r"\bat 0x[0-9A-Fa-f]{6,}")
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_SCOPED_STYLE = re.compile(r"<style scoped>.*?</style>\s*", re.DOTALL)
_TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL | re.IGNORECASE)
_CAPTION = re.compile(r"<caption\b[^>]*>(.*?)</caption>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^>]+>")


def clean_text(text: str, scrub: Scrub) -> str:
    """Return text without machine-specific folders, terminal colors and memory addresses.

    Examples
    --------
    >>> clean_text("<Thing at 0x7f32aabbcc>", str)
    '<Thing at 0x...>'
    """
    plain = scrub(_ANSI.sub("", text))
    if "ipykernel_" in plain:  # searched for at once: in a picture of a megabyte the pattern would look at every start
        plain = _CELL_FILE.sub("the cell", plain)
    return _ADDRESS.sub("at 0x...", plain)


def clean_notebook(notebook: Any, scrub: Scrub, folders: Collection[str] = ()) -> Any:
    """Return a copy of an executed notebook without times, machine names, paths and run-specific metadata.

    Parameters that are folders are left out of those that papermill has set.
    """
    shown = _copy_of(notebook)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    shown["metadata"] = {"kernelspec": kernel, "language_info": {"name": "python"}}
    own = [cell for cell in shown["cells"] if "papermill-error-cell-tag" not in cell["metadata"].get("tags", [])]
    shown["cells"] = [_clean_cell(cell, scrub, folders) for cell in own]
    return shown


def _copy_of(part: Any) -> Any:
    """Return plain data that can be changed; a plain walk, many times faster than `copy.deepcopy`."""
    if isinstance(part, dict):
        return {name: _copy_of(value) for name, value in part.items()}
    return [_copy_of(value) for value in part] if isinstance(part, list) else part


def _clean_cell(cell: Any, scrub: Scrub, folders: Collection[str]) -> Any:
    tags = cell["metadata"].get("tags", [])
    cell["metadata"] = {"tags": tags} if tags else {}
    if INJECTED_TAG in tags:
        lines = [line for line in cell["source"].splitlines() if line.partition(" = ")[0] not in folders]
        cell["id"], cell["source"] = INJECTED_TAG, scrub("\n".join(lines))  # papermill's id is one of chance
    for output in cell.get("outputs", []):
        _clean_output(output, scrub)
    return cell


def _clean_output(output: Any, scrub: Scrub) -> None:
    """Scrub one output in place: the notebook is already a copy."""
    if "text" in output:
        output["text"] = clean_text(output["text"], scrub)
    for kind, content in output.get("data", {}).items():
        if isinstance(content, str) and kind.startswith("text/"):
            output["data"][kind] = clean_text(content, scrub)
    if output["output_type"] == "error":
        output["evalue"] = clean_text(output["evalue"], scrub)
        output["traceback"] = [clean_text(line, scrub) for line in output["traceback"]]


def wrap_tables(content: str) -> str:
    """Put each outermost table of an HTML output into a container that scrolls by itself.

    Examples
    --------
    >>> wrap_tables("<table><caption>Ages</caption></table>")[:70]
    '<div class="table-scroll" tabindex="0" role="region" aria-label="Ages"'
    """
    plain = _SCOPED_STYLE.sub("", content)
    if "table-scroll" in plain:
        return plain
    return _TABLE.sub(_wrap_table, plain)


def _wrap_table(match: re.Match[str]) -> str:
    caption = _CAPTION.search(match[0])
    label = html.unescape(_TAG.sub("", caption[1])).strip() if caption else ""
    quoted = html.escape(label or "Table", quote=True)
    return f'<div class="table-scroll" tabindex="0" role="region" aria-label="{quoted}">{match[0]}</div>'
