"""Imported before nbformat: spares what it would load or check needlessly.

nbformat brings jsonschema. What its grammar of addresses would check, the form of international addresses, occurs in no
notebook, and takes longer to load than all the rest. Each output is checked when it arrives, by the slower of two
validators, and again with its whole notebook: the second is enough.
"""

from __future__ import annotations

import importlib
import sys

_GRAMMAR = "rfc3987_syntax"


def import_jsonschema() -> None:
    """Import jsonschema as if the grammar were not installed; whoever wants it later still finds it."""
    if "jsonschema" in sys.modules or _GRAMMAR in sys.modules:
        return
    sys.modules[_GRAMMAR] = None  # type: ignore[assignment]
    try:
        importlib.import_module("jsonschema")
    finally:
        del sys.modules[_GRAMMAR]


def skip_first_check() -> None:
    """Leave out the check of a single output; the whole notebook is checked when it is done."""
    from nbformat.v4 import nbbase

    nbbase.validate = lambda *_, **__: None


import_jsonschema()
skip_first_check()
