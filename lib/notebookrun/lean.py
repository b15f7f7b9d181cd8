"""Imported before nbformat: loads jsonschema without its grammar of addresses, which takes longer than all the rest.

nbformat brings jsonschema. What the grammar would check, the form of international addresses, occurs in no notebook.
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


import_jsonschema()
