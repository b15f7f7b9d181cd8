"""What every kernel of the engine does before its first cell, whether started afresh or forked.

Run as ``python -P -m notebookrun.launch -f CONNECTION_FILE``. Files opened are noted for the check of declared reads
and writes, and what a pre-imported parent would leak is reset.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from notebookrun.processes import die_with_parent

TRACE_VARIABLE = "NOTEBOOKRUN_TRACE"
READER_MARK = "Not possible with this input:"  # first line of what an error shows that is meant for the reader
KERNEL_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "SOURCE_DATE_EPOCH": "0",
    "TZ": "UTC",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    # Arrow's allocator would start a thread when pandas is imported, and a process with threads cannot be forked safely
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_IGNORED = (".py", ".pyc", ".so", ".pyd", ".ttf", ".afm")


def trace_files(target: str) -> None:
    """Note every file opened from now on in the file `target`: a letter (R, W, M, D), a tab, the absolute path.

    W is written, M is the name a written file got by renaming, D is deleted.
    """
    log = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    seen: set[tuple[str, str]] = set()

    def note(kind: str, path: Any) -> None:
        """Write one line, once."""
        text = _path_text(path)
        if text is None or text.endswith(_IGNORED) or (kind in "RW" and (kind, text) in seen):
            return
        seen.add((kind, text))
        try:
            os.write(log, f"{kind}\t{text}\n".encode(errors="surrogateescape"))
        except OSError as error:
            # no OSError: whoever is opening a file may take that for a fault of the file, and look for another one
            raise RuntimeError(f"the files that are opened cannot be noted: {error.strerror}") from None

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            flags = arguments[2] if isinstance(arguments[2], int) else 0
            note("W" if flags & _WRITING else "R", arguments[0])
        elif event == "os.rename":
            note("D", arguments[0])
            note("M", arguments[1])
        elif event == "os.remove":
            note("D", arguments[0])

    sys.addaudithook(hook)


def _path_text(path: Any) -> str | None:
    """Return an absolute path, or None for what is not a path (a file descriptor)."""
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if not isinstance(path, str) or "\n" in path or path.startswith(("/dev/", "/proc/")):
        return None
    return os.path.abspath(path)


def reset_leaks() -> None:
    """Reset what modules imported before the fork guess or share: display widths, random states."""
    loaded = sys.modules
    if "pandas" in loaded:
        loaded["pandas"].set_option("display.max_columns", 20)
    if "numpy.random" in loaded:
        loaded["numpy.random"].seed()
    if "random" in loaded:
        loaded["random"].seed()
    if "matplotlib_inline" in loaded:  # it joins the running shell when it is imported
        for name in [name for name in loaded if name.split(".")[0] == "matplotlib_inline"]:
            del loaded[name]


def start(arguments: list[str], ready: Callable[[], None] = lambda: None) -> None:
    """Start a kernel in this process and serve until it is shut down; `ready` is called once its sockets are bound."""
    reset_leaks()
    from notebookrun.engineapp import make_app  # which takes longer than all the rest

    app = make_app(arguments)
    target = os.environ.pop(TRACE_VARIABLE, "")
    if target:
        trace_files(target)
    ready()
    app.start()


if __name__ == "__main__":
    die_with_parent()
    start(sys.argv[1:])
