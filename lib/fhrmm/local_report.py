"""Whom a local report is for, and whether it names a patient; quick to import, so that the runner starts at once."""

from __future__ import annotations

import hashlib
from pathlib import Path

_LOCAL = (
    "This report has full numbers, for those whose patients these are: the folder is not for sharing. "
    "What may be shared is made by run_all.py --release."
)
_SEARCHED = ".searched"


def warn_of_identifiers(reports: Path, work: Path) -> list[str]:
    """Return whom a local report is for, and a warning if it holds identifiers of patients of its work folder.

    Files that are as they were when they were last read are not read again.
    """
    files = sorted(path for path in (*reports.glob("*/**/*"), *work.glob("*/patients.parquet")) if path.is_file())
    seen = [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
    state, memory = hashlib.sha256("\n".join(seen).encode()).hexdigest(), work / _SEARCHED
    before, _, said = memory.read_text(encoding="utf-8").partition("\n") if memory.is_file() else ("", "", "")
    if before != state:
        from fhrmm.disclosure.release import find_identifiers  # the search needs pandas, the memory of it does not

        said = ", ".join(f"{name} ({kind})" for name, kind in find_identifiers(reports, work))
        if work.is_dir():
            memory.write_text(f"{state}\n{said}", encoding="utf-8")
    return [_LOCAL, f"WARNING: this report identifies patients: {said}."] if said else [_LOCAL]
